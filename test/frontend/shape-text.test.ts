/** Shapes as one text, in the grammar of `shapecast/dims` and jax.export. */
import { conv2d, dense, input, model, sequential } from "shapecast";
import { expect, test } from "vitest";
import { CompileError } from "../../compiler/diagnostics/index.ts";

const shapeOf = (options: Parameters<typeof input>[0]) => {
  const x = input({ name: "x", ...options });
  const net = model({ inputs: x, outputs: dense({ units: 1 }).apply(x) });
  return `[${net.graph().inputs[0]!.type.shape.join(", ")}]`;
};

function refusal(body: () => unknown): CompileError {
  try {
    body();
  } catch (error) {
    if (error instanceof CompileError) return error;
    throw error;
  }
  throw new Error("accepted");
}

test.each([
  [{ batchShape: "b, 2*h, w" }, "[b, 2*h, w]"],
  [{ shape: "h, 2*w, 3" }, "[batch, h, 2*w, 3]"],
  [{ shape: "batch, time, 40" }, "[batch, time, 40]"],
  [{ shape: "h floordiv 2, mod(w, 7)" }, undefined],
  [{ batchShape: "b, floordiv(h, 2), max(w, 3)" }, "[b, floor(h/2), max(w, 3)]"],
  [{ shape: "7" }, "[batch, 7]"],
  [{ batchShape: ["b", "2*h + 1", 4] }, "[b, 2*h + 1, 4]"],
])("input(%j) has the shape %s", (options, shape) => {
  if (shape !== undefined) expect(shapeOf(options)).toBe(shape);
  else expect(refusal(() => shapeOf(options)).code).toBe("E3001");
});

test("a layer takes its input's shape as one text", () => {
  const net = sequential([conv2d({ filters: 2, kernelSize: 1, inputShape: "h, w, 3" })]);
  expect(net.graph().outputs[0]!.value.type.shape.join(", ")).toBe("batch, h, w, 2");
});

test("a text that is no shape is refused with a caret, the layer and the line", () => {
  const error = refusal(() => input({ shape: "h, 2**w", name: "x" }));
  expect(error.code).toBe("E3001");
  expect(error.message).toContain('input.shape is "h, 2**w", but it must be sizes separated by commas');
  expect(error.message).toContain("\n  h, 2**w\n       ^\n");
  expect(error.message).toContain("shape-text.test.ts:");
});

test("a size of a list that is no size has the caret as well", () => {
  const error = refusal(() => shapeOf({ shape: ["time", "2*"] }));
  expect(error.message).toContain('the size "2*" at axis 2');
  expect(error.message).toContain("\n  2*\n    ^\n");
});
