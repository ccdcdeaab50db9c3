/** What is said of named dims beside the sample: it is part of the question, and errors name it. */
import { compile, conv2d, input, model } from "shapecast";
import { expect, test } from "vitest";
import { CompileError } from "../../compiler/diagnostics/index.ts";

const x = input({ batchShape: ["b", "h", "w", 3], name: "x" });
const net = model({ inputs: x, outputs: conv2d({ filters: 2, kernelSize: 1 }).apply(x) });
const sample = [1, 96, 64, 3];

function refusal(...constraints: readonly string[]): CompileError {
  try {
    compile(net, { sample, constraints });
  } catch (error) {
    if (error instanceof CompileError) return error;
    throw error;
  }
  throw new Error("accepted");
}

test("a constraint that holds changes nothing but the header", () => {
  const text = (constraints: readonly string[]) => compile(net, { sample, constraints }).code.split("\n");
  const [plain, constrained] = [text([]), text(["h % 32 == 0", "2*h == 3*w"])];
  const changed = constrained.filter((line) => !plain.includes(line));
  expect(changed).toEqual([
    " * options: sample x=[1, 96, 64, 3], constraint h % 32 == 0, constraint 2*h == 3*w",
  ]);
});

test.each([
  ["h % 64 == 0", "96 at axis 1, which is h, but constraints says h % 64 == 0", "nearest 64, 128"],
  ["2 <= b <= 64", "1 at axis 0, which is b, but constraints says 2 <= b <= 64", "nearest 2"],
  ["w == 2*h", "64 at axis 2, which is w, but constraints says w == 2*h", "say something else of w"],
])("a sample that breaks %s is refused with both", (constraint, message, fix) => {
  const { code, diagnostics } = refusal(constraint);
  expect(code).toBe("E2201");
  expect(diagnostics[0]!.message).toContain(message);
  expect(diagnostics[0]!.fix).toContain(fix);
});

test("constraints that no size satisfies are refused together", () => {
  const [diagnostic] = refusal("h % 32 == 0", "b >= 1", "h % 32 == 1").diagnostics;
  expect(diagnostic!.message).toBe("no sizes satisfy h % 32 == 0 and h % 32 == 1");
});

test("a constraint on a dim that no input has names the one that was meant", () => {
  expect(refusal("height % 2 == 0").message).toContain('no input has a dim "height"; did you mean "h"?');
});

test("a text that is no constraint is refused with a caret", () => {
  expect(refusal("h % == 0").message).toContain("\n  h % == 0\n      ^\n");
});
