/**
 * A loop over time (axis 0 of every sequence): the body gets the states, one step of each sequence and the
 * invariants, and gives new states and the step's outputs, which are stacked (JAX's lax.scan, ONNX Scan).
 * `reverse` runs from the last step to the first; the output of a step is stacked at that step either way.
 * The number of steps is the sequences' length, so there is at least one sequence. A `conditional` one has a
 * bool for its first state and runs a step only while that is true (ONNX Loop): behind the end the states
 * stay, and what would have been stacked is 0.
 */
import { allocateNumbers, copyElements } from "../../runtime/elements.ts";
import { size, type Tensor } from "../../runtime/tensor.ts";
import { decide } from "../dims/index.ts";
import type { Graph, TensorType } from "../ir/graph.ts";
import type { RelationContext } from "../ir/op.ts";
import { checkRank, checkSameDType, defineOp, numbersOf } from "./definition.ts";

export type ScanAttributes = {
  readonly body: Graph;
  readonly states: number;
  readonly sequences: number;
  readonly reverse: boolean;
  readonly conditional: boolean;
};

export const scan = defineOp<ScanAttributes>({
  name: "scan",
  operands: ["operand..."],
  attributes: { body: "graph", states: "int", sequences: "int", reverse: "boolean", conditional: "boolean" },
  results: ({ body }) => body.outputs.length,
  relate: (context, types, attributes) => {
    const { body, states } = attributes;
    checkCounts(context, types, attributes);
    const sequences = types.slice(states, states + attributes.sequences);
    const steps = sequences[0]!.shape[0]!;
    sequences.forEach((sequence, i) => {
      if (i > 0)
        context.equal(steps, sequence.shape[0]!, `sequences 0 and ${i} of the scan are equally long`);
    });
    const inner = types.map((type, i) =>
      i < states || i >= states + sequences.length ? type : { ...type, shape: type.shape.slice(1) },
    );
    const outputs = context.infer(body, inner);
    outputs.slice(0, states).forEach((state, i) => {
      keepType(context, types[i]!, state, i);
    });
    const stacked = outputs.slice(states).map(({ dtype, shape }) => ({ dtype, shape: [steps, ...shape] }));
    return [...types.slice(0, states), ...stacked];
  },
  evaluate: (operands, attributes, _results, { run }) => runSteps(operands, attributes, run),
  lower: (_operands, { body }) => ({ kind: "scan", body }),
});

function checkCounts(
  context: RelationContext,
  types: readonly TensorType[],
  { body, states, sequences, conditional }: ScanAttributes,
): void {
  if (sequences < 1)
    context.fail("E2111", "scan has no sequence to run along", { fix: "give it at least one sequence" });
  if (types.length !== body.inputs.length || states + sequences > types.length)
    context.fail(
      "E2111",
      `scan has ${types.length} operands, but its body ${body.name} takes ${body.inputs.length}`,
      { fix: `give ${states} states, ${sequences} sequences and the body's other inputs` },
    );
  const [first] = types;
  if (conditional && (states < 1 || first?.dtype !== "bool" || first.shape.length !== 0))
    context.fail("E2111", "scan runs while its first state is true, but that is no bool of rank 0", {
      fix: "let the states begin with a bool of shape []",
    });
  if (body.outputs.length < states)
    context.fail("E2111", `scan has ${states} states, but its body gives ${body.outputs.length} outputs`, {
      fix: "let the body's outputs begin with the new states",
    });
  types.slice(states, states + sequences).forEach((type, i) => {
    checkRank(context, "scan", `sequence ${i}`, type, 1, Number.POSITIVE_INFINITY);
  });
}

function keepType(context: RelationContext, before: TensorType, after: TensorType, i: number): void {
  checkSameDType(context, "scan", [`state ${i}`, `the new state ${i}`], before, after);
  checkRank(context, "scan", `the new state ${i}`, after, before.shape.length);
  before.shape.forEach((d, axis) => {
    const next = after.shape[axis]!;
    if (d === next) return;
    if (decide("==", context.resolve(d), context.resolve(next)).kind === "never")
      context.fail(
        "E4001",
        `scan makes its state ${i} another size in every step: axis ${axis}, ${d} to ${next}`,
        {
          because: "the state of a loop keeps its size, for its memory is planned before the first step",
          fix: "give what a step adds as an output of the loop, which stacks them, or make room before",
        },
      );
    context.equal(d, next, `axis ${axis} of state ${i} keeps its size from step to step`);
  });
}

function runSteps(
  operands: readonly Tensor[],
  { body, states, sequences, reverse, conditional }: ScanAttributes,
  run: (body: Graph, inputs: readonly Tensor[]) => readonly Tensor[],
): readonly Tensor[] {
  const series = operands.slice(states, states + sequences);
  const invariants = operands.slice(states + sequences);
  const steps = series[0]!.shape[0]!;
  const stacked = body.outputs.slice(states).map(({ value: { type } }) => {
    const shape = [steps, ...numbersOf(type.shape)];
    return { dtype: type.dtype, shape, data: allocateNumbers(type.dtype, size(shape)) };
  });
  let current = operands.slice(0, states).map((state) => ({ ...state, data: state.data.slice() }));
  for (let i = 0; i < steps; i++) {
    if (conditional && !current[0]!.data[0]) break;
    const t = reverse ? steps - 1 - i : i;
    const outputs = run(body, [...current, ...series.map((x) => stepOf(x, t)), ...invariants]);
    current = outputs.slice(0, states).map((state) => ({ ...state, data: state.data.slice() }));
    stacked.forEach((all, k) => {
      const step = outputs[states + k]!;
      copyElements(all.data, step.data, t * step.data.length);
    });
  }
  return [...current, ...stacked];
}

function stepOf(x: Tensor, t: number): Tensor {
  const shape = x.shape.slice(1);
  const length = size(shape);
  return { dtype: x.dtype, shape, data: x.data.slice(t * length, (t + 1) * length) };
}
