import { compile, dense, sequential } from "shapecast";
import { expect, test } from "vitest";
import type { CompileError } from "../../compiler/diagnostics/index.ts";

const net = () => sequential([dense({ units: 4, activation: "relu" }), dense({ units: 2 })]);

test.each([
  ["a batch", { sample: { x: [2 ** 40, 3] } }],
  ["the max of an open dim", { sample: { x: [1, 3] }, dims: { batch: { min: 1, max: 2 ** 40 } } }],
])("%s that no memory could hold is refused, with the bytes", (_, options) => {
  try {
    compile(net(), options);
  } catch (error) {
    const { code, message } = (error as CompileError).diagnostics[0]!;
    expect(code).toBe("E2303");
    expect(message).toBe(
      `a run needs ${16 * 2 ** 40} bytes for intermediate values, and one array holds ${2 ** 33} at most`,
    );
    return;
  }
  throw new Error("it compiled");
});
