/** Runs models with the reference evaluation of the core ops, so that these tests need no later stage. */
import { expect } from "vitest";
import { CompileError, type Diagnostic } from "../../compiler/diagnostics/index.ts";
import { type Executor, provideExecutor } from "../../compiler/frontend/index.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { type Nested, type Tensor, toNested } from "../../runtime/tensor.ts";

export const reference: Executor =
  ({ graph }, weights) =>
  (inputs) =>
    evaluateGraph(graph, new Map([...weights, ...inputs]));

provideExecutor(reference);

/** What `body` is refused with. */
export function refusal(body: () => unknown): CompileError {
  try {
    body();
  } catch (error) {
    if (error instanceof CompileError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

export const codes = (body: () => unknown): readonly string[] =>
  refusal(body).diagnostics.map(({ code }) => code);

export const only = (body: () => unknown): Diagnostic => {
  const { diagnostics } = refusal(body);
  expect(diagnostics).toHaveLength(1);
  return diagnostics[0]!;
};

/** Compares to `digits` decimal digits. */
export function expectClose(actual: Tensor, expected: Nested, digits = 5): void {
  const flat = (nested: Nested): readonly number[] =>
    Array.isArray(nested) ? nested.flatMap(flat) : [Number(nested)];
  const shape = (nested: Nested): readonly number[] =>
    Array.isArray(nested) ? [nested.length, ...shape(nested[0])] : [];
  expect(actual.shape).toEqual(shape(expected));
  const values = flat(toNested(actual));
  flat(expected).forEach((want, i) => {
    expect(values[i]).toBeCloseTo(want, digits);
  });
}
