import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { identifier, Scope } from "../../../codegen/source/index.ts";

const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 127 }), fc.integer({ min: 0, max: 0x10ffff })))
  .map((points) => String.fromCodePoint(...points));

const isBindable = (name: string) => {
  try {
    new Function(`"use strict"; const ${name} = 1; return ${name};`);
    return /^[A-Za-z]\w*$/.test(name);
  } catch {
    return false;
  }
};

describe("identifier", () => {
  test("keeps what it can and joins the rest in camel case", () => {
    expect(
      ["dense.kernel", "encoder/dense_1:0", "x", "lstm cell", "größe"].map((name) => identifier(name)),
    ).toEqual(["denseKernel", "encoderDense_10", "x", "lstmCell", "grE"]);
  });

  test("is never empty, a number, a reserved word or a global of the module", () => {
    expect(
      ["", "*/", "2d", "class", "await", "Math", "undefined", "__proto__", "形"].map((n) => identifier(n)),
    ).toEqual(["value", "value", "value2d", "class_", "await_", "Math_", "undefined_", "proto__", "value"]);
  });

  test("can be bound in strict code for any text", () => {
    fc.assert(
      fc.property(anyText, (text) => isBindable(identifier(text))),
      { numRuns: 200 },
    );
  });
});

describe("Scope", () => {
  test("numbers a name that is taken here or outside", () => {
    const outer = new Scope(["run"]);
    expect([outer.take("x"), outer.take("x"), outer.take("run"), outer.take("x2")]).toEqual([
      "x",
      "x2",
      "run2",
      "x2_2",
    ]);
    const inner = outer.inner();
    expect([inner.take("x"), inner.take("y")]).toEqual(["x3", "y"]);
    expect(outer.inner().take("y")).toBe("y");
  });

  test("never gives the same name twice", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "a2", "a_2", "a.2", "A", "class", "class_", "")), (texts) => {
        const scope = new Scope();
        const names = texts.flatMap((text) => [scope.take(text), scope.takeNumbered(identifier(text))]);
        return new Set(names).size === names.length;
      }),
      { numRuns: 300 },
    );
  });
});
