/** If, Loop and Scan: operators that hold graphs. */
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { graph, int, ints, required } from "../attributes.ts";
import type { OnnxGraph } from "../model.ts";
import { insideOf, type NodeContext, type Operator, operator, since } from "../operator.ts";
import { branch } from "./branches.ts";
import { loop } from "./loops.ts";

interface ScanAttributes {
  readonly body: OnnxGraph;
  readonly num_scan_inputs: number;
  readonly scan_input_axes: readonly number[];
  readonly scan_output_axes: readonly number[];
  readonly scan_input_directions: readonly number[];
  readonly scan_output_directions: readonly number[];
}

function scanOver(c: NodeContext, values: readonly Value[], a: ScanAttributes): readonly Value[] {
  const { ops } = c;
  const count = values.length - a.num_scan_inputs;
  const sequences = values.slice(count).map((x, i) => {
    const first = moved(ops, x, ops.axis(x, a.scan_input_axes[i] ?? 0), 0);
    return a.scan_input_directions[i] ? ops.reverse(first, 0) : first;
  });
  const around = c.captured(a.body);
  const step = ops.scan(
    { states: values.slice(0, count), sequences, invariants: [...around.values()] },
    (inner, states, steps, given) => {
      const inside = insideOf(inner, around, given);
      const made = c.inline(a.body, [...states, ...steps], inside);
      return { states: made.slice(0, count), outputs: made.slice(count) };
    },
  );
  const outputs = step.outputs.map((x, i) => {
    const turned = a.scan_output_directions[i] ? ops.reverse(x, 0) : x;
    return moved(ops, turned, 0, ops.axis(x, a.scan_output_axes[i] ?? 0));
  });
  return [...step.states, ...outputs];
}

/** Axis `from` becomes axis `to`; the others keep their order. */
function moved(ops: Ops, x: Value, from: number, to: number): Value {
  const others = x.type.shape.map((_, axis) => axis).filter((axis) => axis !== from);
  return ops.transpose(x, others.toSpliced(to, 0, from));
}

/** Until opset 9 every operand had a batch axis in front, and the first said how long each sequence is. */
function batchedScan(
  c: NodeContext,
  body: OnnxGraph,
  inputs: number,
  directions: readonly number[],
): readonly Value[] {
  if (c.has(0)) c.unsupported("it has sequences of several lengths", "export with opset 9 or newer");
  const { ops } = c;
  const values = c.node.inputs.slice(1).map((_, i) => c.value(i + 1));
  const batch = ops.shape(values[0]!)[0]!.value;
  if (typeof batch !== "number")
    return c.open("its batch is open", "give a sample, or export with opset 9 or newer");
  const none = { scan_input_axes: [], scan_output_axes: [], scan_output_directions: [] };
  const runs = Array.from({ length: batch }, (_, n) => {
    const one = values.map((x) => ops.reshape(ops.slice(x, 0, n, 1), ops.shape(x).slice(1)));
    return scanOver(c, one, { body, num_scan_inputs: inputs, scan_input_directions: directions, ...none });
  });
  return runs[0]!.map((_, k) =>
    ops.concat(
      runs.map((run) => ops.expandDims(run[k]!, 0)),
      0,
    ),
  );
}

const body = required(graph());
const num_scan_inputs = required(int());

export const control: readonly Operator[] = [
  operator(
    "If",
    since(1, { then_branch: required(graph()), else_branch: required(graph()) }, (c, a) =>
      branch(c, a.then_branch, a.else_branch),
    ),
  ),
  operator(
    "Loop",
    since(1, { body }, (c, a) => loop(c, a.body)),
  ),
  operator(
    "Scan",
    since(8, { body, num_scan_inputs, directions: ints([]) }, (c, a) =>
      batchedScan(c, a.body, a.num_scan_inputs, a.directions),
    ),
    since(
      9,
      {
        body,
        num_scan_inputs,
        scan_input_axes: ints([]),
        scan_output_axes: ints([]),
        scan_input_directions: ints([]),
        scan_output_directions: ints([]),
      },
      (c, a) => scanOver(c, c.values(), a),
    ),
  ),
];
