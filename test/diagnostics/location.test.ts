import { describe, expect, test } from "vitest";
import { callSite, type SourceLocation } from "../../compiler/diagnostics/index.ts";
import { firstOutside as firstNotOwn, ownership } from "../../compiler/diagnostics/location.ts";

const HERE = "test/diagnostics/location.test.ts";
const INSTALLED = "/app/node_modules/shapecast/dist/compiler/diagnostics/location.js";

function firstOutside(stack: string, self: string): SourceLocation | undefined {
  return firstNotOwn(stack, ownership(self));
}

function line(): number {
  return Number(/location\.test\.ts:(\d+):\d+/.exec(new Error("here").stack?.split("\n")[2] ?? "")?.[1]);
}

function expectHere(at: SourceLocation | undefined, expected: number): void {
  expect(at?.file.endsWith(HERE)).toBe(true);
  expect(at?.line).toBe(expected);
}

describe("the call site", () => {
  test("is the line that called into the package", () => {
    expectHere(callSite(), line());
  });

  test("is the innermost user function when calls are nested", () => {
    const layer = () => callSite();
    const expected = line() - 1;
    expectHere([1].map(() => [layer()])[0]?.[0], expected);
  });

  test("is found below more frames than the engine records by default, and leaves its setting alone", () => {
    const before = Error.stackTraceLimit;
    const expected = line() + 3;
    Error.stackTraceLimit = 1;
    try {
      const at = callSite();
      expect(Error.stackTraceLimit).toBe(1);
      expectHere(at, expected);
    } finally {
      Error.stackTraceLimit = before;
    }
  });

  test("is undefined when the program replaced stacks by something else", () => {
    const before = Error.prepareStackTrace;
    Error.prepareStackTrace = (_, frames) => frames;
    try {
      expect(callSite()).toBeUndefined();
    } finally {
      Error.prepareStackTrace = before;
    }
  });
});

describe("reading a stack", () => {
  test("of V8 skips the package, native frames and the engine's own", () => {
    const stack = `Error: where
    at stackText (file:///app/node_modules/shapecast/dist/compiler/diagnostics/location.js:58:21)
    at new Dense (file:///app/node_modules/shapecast/dist/compiler/frontend/layers/dense.js:9:3)
    at Array.map (<anonymous>)
    at node:internal/modules/run_main:123:12
    at eval (eval at build (file:///app/x.js:1:1), <anonymous>:1:1)
    at Module.build [as make] (file:///app/my%20models/net%20(2).ts:12:7)
    at async run (file:///app/main.ts:1:1)`;
    expect(firstOutside(stack, INSTALLED)).toEqual({
      file: "/app/my models/net (2).ts",
      line: 12,
      column: 7,
    });
  });

  test.each([
    ["    at /home/a (b)/c.ts:3:4", "/home/a (b)/c.ts"],
    ["    at async /home/c.ts:3:4", "/home/c.ts"],
    ["    at async Promise.all (index 0)\n    at f (file:///C:/app/c.ts:3:4)", "C:/app/c.ts"],
    ["    at f (C:\\app\\c.ts:3:4)", "C:/app/c.ts"],
    ["    at f (https://app.example/c.ts?t=17#x:3:4)", "https://app.example/c.ts"],
    ["    at f (file:///broken%zz.ts:3:4)", "/broken%zz.ts"],
  ])("of V8 understands the frame %j", (frame, file) => {
    const stack = `Error: where\n    at callSite (file://${INSTALLED}:1:1)\n${frame}`;
    expect(firstOutside(stack, INSTALLED)).toEqual({ file, line: 3, column: 4 });
  });

  test("of Firefox takes the place after the first @", () => {
    const stack = `stackText@https://app.example/pkg/compiler/diagnostics/location.js:58:21
callSite@https://app.example/pkg/compiler/diagnostics/location.js:25:23
Dense/<@https://app.example/pkg/compiler/frontend/layers/dense.js:9:3
f@https://app.example/other.js line 5 > eval:1:1
build@https://app.example/src/user@2/net.ts?v=3:12:7
@https://app.example/main.ts:1:1
`;
    const self = "https://app.example/pkg/compiler/diagnostics/location.js";
    const file = "https://app.example/src/user@2/net.ts";
    expect(firstOutside(stack, self)).toEqual({ file, line: 12, column: 7 });
  });

  test("of Safari understands native frames and frames without a name", () => {
    const stack = `stackText@https://cdn.example/shapecast@0.1.0/dist/compiler/diagnostics/location.js:58:30
https://cdn.example/shapecast@0.1.0/dist/compiler/frontend/layers/dense.js:9:12
map@[native code]
https://cdn.example/user@2/net.js:12:7
module code@https://app.example/main.js:1:1`;
    const self = "https://cdn.example/shapecast@0.1.0/dist/compiler/diagnostics/location.js";
    const file = "https://cdn.example/user@2/net.js";
    expect(firstOutside(stack, self)).toEqual({ file, line: 12, column: 7 });
  });

  test("takes tests and examples beside the package's folders for the user's", () => {
    const stack =
      "callSite@file:///repo/compiler/diagnostics/location.ts:1:1\n@file:///repo/examples/mlp.ts:3:4";
    const at = firstOutside(stack, "/repo/compiler/diagnostics/location.ts");
    expect(at).toEqual({ file: "/repo/examples/mlp.ts", line: 3, column: 4 });
  });

  test("tells the user's file from a bundle that holds only the package", () => {
    const stack =
      "callSite@https://a/deps/shapecast.js:1:1\nf@https://a/deps/shapecast.js:9:9\n@https://a/net.ts:3:4";
    const at = firstOutside(stack, "https://a/deps/shapecast.js");
    expect(at).toEqual({ file: "https://a/net.ts", line: 3, column: 4 });
  });

  test.each([
    ["everything was bundled into one file", "c@https://a/app.js:1:1\nuser@https://a/app.js:9:9"],
    ["it does not begin inside the package", "user@https://a/net.ts:9:9\nc@https://a/app.js:1:1"],
    ["it has no frames", "Error: where"],
    ["it is empty", ""],
  ])("gives nothing when %s", (_, stack) => {
    expect(firstOutside(stack, "https://a/app.js")).toBeUndefined();
  });
});
