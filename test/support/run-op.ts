/**
 * One op on concrete tensors: infers its result types from theirs, evaluates, and checks one against the
 * other.
 */
import { constant, type Dim } from "../../compiler/dims/index.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { Attributes } from "../../compiler/ir/graph.ts";
import type { Numerics } from "../../compiler/ir/target.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { fromNested, type Nested, type Tensor, tensor, toNested } from "../../runtime/tensor.ts";

export function dims(...sizes: readonly number[]): readonly Dim[] {
  return sizes.map((n) => constant(n));
}

export function pairs(...sizes: readonly (readonly [number, number])[]): readonly (readonly Dim[])[] {
  return sizes.map((pair) => dims(...pair));
}

/** Nested arrays are float32 (or bool); tensors are taken as they are. */
export type Given = Nested | Tensor;

export function ints(nested: Nested): Tensor {
  return fromNested(nested, "int32");
}

/** 1, 2, 3, ... in a shape. */
export function counted(...shape: readonly number[]): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Array.from({ length: count }, (_, i) => i + 1),
    shape,
  );
}

export function runOp(
  op: string,
  given: readonly Given[],
  attributes: Attributes = {},
  numerics?: Numerics,
): readonly Tensor[] {
  const g = new GraphBuilder("one");
  const tensors = given.map((x) => (typeof x === "object" && "data" in x ? x : fromNested(x)));
  const operands = tensors.map(({ dtype, shape }, i) => g.input(`x${i}`, { dtype, shape: dims(...shape) }));
  const results = g.node(op, operands, attributes);
  const graph = g.finish(results.map((value, i) => ({ name: `${i}`, value })));
  const outputs = evaluateGraph(graph, new Map(tensors.map((t, i) => [`x${i}`, t])), numerics);
  return [...outputs.values()];
}

/** The first result as nested arrays. */
export function resultOf(
  op: string,
  given: readonly Given[],
  attributes: Attributes = {},
  numerics?: Numerics,
): Nested {
  return toNested(runOp(op, given, attributes, numerics)[0]!);
}
