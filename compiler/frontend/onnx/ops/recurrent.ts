/**
 * RNN, GRU and LSTM: one scan per direction over the time axis. The input's part of every gate is computed
 * for all steps at once, so that a step multiplies by the recurrent weights only. `sequence_lens` masks: past
 * a sequence's end its state stays and its output is 0.
 */
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { flag, float, floats, int, texts, word } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";
import { type Activation, activationsOf } from "./gate-activations.ts";

/** One step's operands: gates x W^T + bias [B, G*H] of this step, and the states before it [B, H]. */
interface CellStep {
  readonly ops: Ops;
  readonly input: Value;
  readonly states: readonly Value[];
  /** h R^T [B, count*H] for gates `from .. from + count`. */
  readonly recurrent: (h: Value, from: number, count: number) => Value;
  /** Rb [G*H], where the cell adds it itself. */
  readonly recurrentBias: Value | undefined;
  /** P [3*H]. */
  readonly peepholes: Value | undefined;
  readonly hidden: number;
  readonly clip: (ops: Ops, x: Value) => Value;
  readonly activations: readonly Activation[];
}

export interface Cell {
  readonly gates: number;
  /** Cell states beside the hidden one. */
  readonly states: 1 | 2;
  readonly defaults: readonly string[];
  /** Whether Rb can be added with Wb, outside of the loop. */
  readonly fusesBias: boolean;
  readonly step: (step: CellStep) => readonly Value[];
}

/** One direction's weights as products with them. */
export interface Products {
  /** x W^T [T, B, G*H], for all steps at once. */
  readonly input: Value;
  /** What a step multiplies by. */
  readonly held: readonly Value[];
  /** h R^T [B, count*H] for gates `from .. from + count` of `hidden` columns each. */
  recurrent(
    ops: Ops,
    h: Value,
    held: readonly Value[],
    gates: { from: number; count: number; hidden: number },
  ): Value;
}

export interface RecurrentValues {
  readonly activations: readonly string[] | undefined;
  readonly activation_alpha: readonly number[] | undefined;
  readonly activation_beta: readonly number[] | undefined;
  readonly clip: number | undefined;
  readonly direction: "forward" | "reverse" | "bidirectional";
  readonly hidden_size: number | undefined;
  readonly layout?: number;
}

/** Columns `from * hidden ..` of [B, G*H] or of a vector, `count` gates wide. */
function gate({ ops, hidden }: CellStep, x: Value, from: number, count = 1): Value {
  return ops.slice(x, -1, from * hidden, count * hidden);
}

/** W [D, G*H, I] and R [D, G*H, H]. */
function floatProducts(c: NodeContext, x: Value, d: number): Products {
  const { ops } = c;
  return {
    input: ops.dotGeneral(x, directionOf(ops, c.value(1), d), { contract: [2, 1] }),
    held: [directionOf(ops, c.value(2), d)],
    recurrent(inner, h, [recurrence], { from, count, hidden }) {
      const rows = inner.slice(recurrence!, 0, from * hidden, count * hidden);
      return inner.dotGeneral(h, rows, { contract: [1, 1] });
    },
  };
}

/** h' = f(x W^T + h R^T + b) */
function rnnStep(step: CellStep): readonly Value[] {
  const { ops, input, states, activations, clip } = step;
  const sum = ops.add(input, step.recurrent(states[0]!, 0, 1));
  return [activations[0]!(ops, clip(ops, sum))];
}

/** Gates z, r, h (Cho et al. 2014); `linear_before_reset` is the variant of cuDNN. */
const gruStep =
  (linearBeforeReset: boolean) =>
  (step: CellStep): readonly Value[] => {
    const { ops, input, activations, clip, recurrentBias } = step;
    const h = step.states[0]!;
    const [f, g] = activations;
    const bias = (x: Value, from: number, count: number) =>
      recurrentBias ? ops.add(x, gate(step, recurrentBias, from, count)) : x;
    const both = ops.add(gate(step, input, 0, 2), bias(step.recurrent(h, 0, 2), 0, 2));
    const opened = f!(ops, clip(ops, both));
    const [z, r] = [gate(step, opened, 0), gate(step, opened, 1)];
    const past = linearBeforeReset
      ? ops.mul(r, bias(step.recurrent(h, 2, 1), 2, 1))
      : bias(step.recurrent(ops.mul(r, h), 2, 1), 2, 1);
    const candidate = g!(ops, clip(ops, ops.add(gate(step, input, 2), past)));
    return [ops.add(ops.mul(ops.sub(1, z), candidate), ops.mul(z, h))];
  };

/** Gates i, o, f, c (Hochreiter & Schmidhuber 1997), with peepholes i, o, f where given. */
const lstmStep =
  (inputForget: boolean) =>
  (step: CellStep): readonly Value[] => {
    const { ops, input, activations, clip, peepholes } = step;
    const [h, c] = [step.states[0]!, step.states[1]!];
    const [f, g, last] = activations;
    const sums = ops.add(input, step.recurrent(h, 0, 4));
    const seen = (x: Value, which: number, state: Value) =>
      peepholes ? ops.add(x, ops.mul(gate(step, peepholes, which), state)) : x;
    const i = f!(ops, clip(ops, seen(gate(step, sums, 0), 0, c)));
    const kept = inputForget ? ops.sub(1, i) : f!(ops, clip(ops, seen(gate(step, sums, 2), 2, c)));
    const candidate = g!(ops, clip(ops, gate(step, sums, 3)));
    const next = ops.add(ops.mul(kept, c), ops.mul(i, candidate));
    const o = f!(ops, clip(ops, seen(gate(step, sums, 1), 1, next)));
    return [ops.mul(o, last!(ops, next)), next];
  };

const rnn: Cell = { gates: 1, states: 1, defaults: ["Tanh"], fusesBias: true, step: rnnStep };
const gru = (linearBeforeReset: boolean): Cell => ({
  gates: 3,
  states: 1,
  defaults: ["Sigmoid", "Tanh"],
  fusesBias: false,
  step: gruStep(linearBeforeReset),
});
export const lstm = (inputForget: boolean): Cell => ({
  gates: 4,
  states: 2,
  defaults: ["Sigmoid", "Tanh", "Tanh"],
  fusesBias: true,
  step: lstmStep(inputForget),
});

/** What all directions share. */
interface Layer {
  readonly c: NodeContext;
  readonly cell: Cell;
  readonly values: RecurrentValues;
  /** [T, B, I] */
  readonly x: Value;
  readonly hidden: number;
  readonly batchFirst: boolean;
  readonly products: (x: Value, d: number) => Products;
}

/** `products` says how one direction's weights are multiplied by. */
export function recurrentLayer(
  c: NodeContext,
  cell: Cell,
  values: RecurrentValues,
  products: Layer["products"] = (x, d) => floatProducts(c, x, d),
): readonly Value[] {
  const { ops } = c;
  const batchFirst = values.layout === 1;
  const x = batchFirst ? ops.transpose(c.value(0), [1, 0, 2]) : c.value(0);
  const hidden = values.hidden_size ?? Number(ops.shape(c.value(2))[2]);
  if (!Number.isSafeInteger(hidden)) c.open("hidden_size is open", "give the attribute hidden_size");
  const layer: Layer = { c, cell, values, x, hidden, batchFirst, products };
  const both = values.direction === "bidirectional";
  const directions = Array.from({ length: both ? 2 : 1 }, (_, d) =>
    runDirection(layer, d, both ? d === 1 : values.direction === "reverse"),
  );
  const beside = (list: readonly Value[], axis: number) =>
    list.length === 1 ? list[0]! : ops.concat(list, axis);
  const outputs = beside(
    directions.map((direction) => ops.expandDims(direction.outputs, 1)),
    1,
  );
  const finals = Array.from({ length: cell.states }, (_, i) =>
    beside(
      directions.map(({ states }) => ops.expandDims(states[i]!, 0)),
      0,
    ),
  );
  if (!batchFirst) return [outputs, ...finals];
  return [ops.transpose(outputs, [2, 0, 1, 3]), ...finals.map((state) => ops.transpose(state, [1, 0, 2]))];
}

interface Direction {
  /** [T, B, H] */
  readonly outputs: Value;
  /** [B, H] each. */
  readonly states: readonly Value[];
}

function runDirection(layer: Layer, d: number, reverse: boolean): Direction {
  const { c, cell, x, hidden, values } = layer;
  const { ops } = c;
  const of = (i: number) => directionOf(ops, c.value(i), d);
  const bias = c.has(3) ? biasesOf(ops, of(3), cell, hidden) : undefined;
  const products = layer.products(x, d);
  const inputs = bias ? ops.add(products.input, bias.input) : products.input;
  const lengths = c.optional(4);
  const peepholes = cell.states === 2 && c.has(7) ? of(7) : undefined;
  const extras = { recurrentBias: bias?.recurrent, peepholes, lengths };
  const names = Object.keys(extras) as (keyof typeof extras)[];
  const given = names.filter((name) => extras[name] !== undefined);
  const activations = activationsOf(c, cell.defaults, values, d);
  const clip = (inner: Ops, sum: Value) =>
    values.clip === undefined ? sum : inner.clip(sum, -values.clip, values.clip);
  const sequences = lengths ? [inputs, ops.iota("int32", [ops.shape(x)[0]!])] : [inputs];
  const options = {
    states: Array.from({ length: cell.states }, (_, i) => initialState(layer, i, d)),
    sequences,
    invariants: [...given.map((name) => extras[name]!), ...products.held],
    reverse,
  };
  const { states, outputs } = ops.scan(options, (inner, before, [input, time], invariants) => {
    const read = (name: keyof typeof extras) => invariants[given.indexOf(name)];
    const next = cell.step({
      ops: inner,
      input: input!,
      states: before,
      recurrent: (h, from, count) =>
        products.recurrent(inner, h, invariants.slice(given.length), { from, count, hidden }),
      recurrentBias: read("recurrentBias"),
      peepholes: read("peepholes"),
      hidden,
      clip,
      activations,
    });
    const ends = read("lengths");
    if (!ends) return { states: next, outputs: [next[0]!] };
    const alive = inner.expandDims(inner.lt(time!, ends), 1);
    const kept = next.map((state, i) => inner.select(alive, state, before[i]!));
    return { states: kept, outputs: [inner.select(alive, next[0]!, 0)] };
  });
  return { outputs: outputs[0]!, states };
}

/** What belongs to direction `d` of [directions, ...]. */
export function directionOf(ops: Ops, x: Value, d: number): Value {
  return ops.reshape(ops.slice(x, 0, d, 1), ops.shape(x).slice(1));
}

/** B [2*G*H] holds Wb and Rb; the sum of both where the cell does not part them. */
function biasesOf(
  ops: Ops,
  both: Value,
  { gates, fusesBias }: Cell,
  hidden: number,
): { readonly input: Value; readonly recurrent: Value | undefined } {
  const [input, recurrentBias] = [0, 1].map((i) => ops.slice(both, 0, i * gates * hidden, gates * hidden));
  if (fusesBias) return { input: ops.add(input!, recurrentBias!), recurrent: undefined };
  return { input: input!, recurrent: recurrentBias };
}

/** [B, H]; zeros where none is given. */
function initialState({ c, x, hidden, batchFirst }: Layer, i: number, d: number): Value {
  const { ops } = c;
  const given = c.optional(5 + i);
  const batch = ops.shape(x)[1]!;
  if (!given) return ops.fill(0, [batch, hidden], x);
  const perDirection = batchFirst ? ops.transpose(given, [1, 0, 2]) : given;
  return directionOf(ops, perDirection, d);
}

export const recurrentAttributes = {
  activations: texts(),
  activation_alpha: floats(),
  activation_beta: floats(),
  clip: float(),
  direction: word(["forward", "reverse", "bidirectional"], "forward"),
  hidden_size: int(),
};
const layout = int(0);
const output_sequence = int(0);

export const recurrentLayers: readonly Operator[] = [
  operator(
    "RNN",
    since(1, { ...recurrentAttributes, output_sequence }, (c, a) => recurrentLayer(c, rnn, a)),
    since(7, recurrentAttributes, (c, a) => recurrentLayer(c, rnn, a)),
    since(14, { ...recurrentAttributes, layout }, (c, a) => recurrentLayer(c, rnn, a)),
  ),
  operator(
    "GRU",
    since(1, { ...recurrentAttributes, output_sequence }, (c, a) => recurrentLayer(c, gru(false), a)),
    since(3, { ...recurrentAttributes, output_sequence, linear_before_reset: flag(false) }, (c, a) =>
      recurrentLayer(c, gru(a.linear_before_reset), a),
    ),
    since(7, { ...recurrentAttributes, linear_before_reset: flag(false) }, (c, a) =>
      recurrentLayer(c, gru(a.linear_before_reset), a),
    ),
    since(14, { ...recurrentAttributes, layout, linear_before_reset: flag(false) }, (c, a) =>
      recurrentLayer(c, gru(a.linear_before_reset), a),
    ),
  ),
  operator(
    "LSTM",
    since(1, { ...recurrentAttributes, output_sequence, input_forget: flag(false) }, (c, a) =>
      recurrentLayer(c, lstm(a.input_forget), a),
    ),
    since(7, { ...recurrentAttributes, input_forget: flag(false) }, (c, a) =>
      recurrentLayer(c, lstm(a.input_forget), a),
    ),
    since(14, { ...recurrentAttributes, layout, input_forget: flag(false) }, (c, a) =>
      recurrentLayer(c, lstm(a.input_forget), a),
    ),
  ),
];
