/**
 * Pad in all modes. Constants are padded by the core op; what repeats or mirrors elements is a gather along
 * each axis, whose indices are counted out. Negative pads cut off.
 */
import { add, constant, type Dim, max, min, sub } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { float, ints, required, word } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

type Pair = readonly [low: Dim, high: Dim];
type Mode = (ops: Ops, places: Value, length: Value) => Value;

const modes = ["constant", "reflect", "edge", "wrap"] as const;
const zero = constant(0);

/** Places 0 .. length - 1 for places that may lie outside. */
const placed: Readonly<Record<string, Mode>> = {
  edge: (ops, i, n) => ops.min(ops.max(i, 0), ops.sub(n, 1)),
  wrap: (ops, i, n) => ops.mod(i, n),
  /** There and back without repeating the ends: the distance to the far end in a round of 2 (n - 1). */
  reflect: (ops, i, n) => {
    const far = ops.sub(n, 1);
    return ops.sub(far, ops.abs(ops.sub(far, ops.mod(i, ops.mul(far, 2)))));
  },
};

function repeated(ops: Ops, x: Value, axis: number, [low, high]: Pair, mode: Mode): Value {
  const length = ops.shape(x)[axis]!;
  const places = ops.sub(ops.iota("int32", [add(length, low, high)]), ops.builder.dimension(low, "int32"));
  return ops.gather(x, mode(ops, places, ops.builder.dimension(length, "int32")), axis);
}

/** Cuts what negative pads take away. */
function cropped(ops: Ops, x: Value, pairs: readonly Pair[]): Value {
  return pairs.reduce((cut, [low, high], axis) => {
    const [before, after] = [min(low, 0), min(high, 0)];
    if (before === zero && after === zero) return cut;
    return ops.slice(cut, axis, sub(0, before), add(ops.shape(cut)[axis]!, before, after));
  }, x);
}

function filled(c: NodeContext, x: Value, pairs: readonly Pair[], fill: Value | number): Value {
  const { ops } = c;
  if (pairs.every(([low, high]) => low === zero && high === zero)) return x;
  if (typeof fill === "number") return ops.pad(x, pairs, fill);
  // The value comes with the data: zeros first, then the value where no element is.
  const ones = ops.broadcast(ops.constant(1, "bool"), ops.shape(x), []);
  return ops.select(ops.pad(ones, pairs, 0), ops.pad(x, pairs, 0), fill);
}

function pairsOf(c: NodeContext, pads: readonly Dim[], axes: readonly number[] | undefined): readonly Pair[] {
  const x = c.value(0);
  const on = axes?.map((axis) => c.ops.axis(x, axis)) ?? x.type.shape.map((_, axis) => axis);
  if (pads.length !== 2 * on.length)
    c.wrong(`${pads.length} pads for ${on.length} axes`, "give two for each axis");
  return x.type.shape.map((_, axis) => {
    const i = on.indexOf(axis);
    return i < 0 ? [zero, zero] : [pads[i]!, pads[i + on.length]!];
  });
}

function pad(c: NodeContext, mode: string, pairs: readonly Pair[], fill: Value | number): Value {
  const { ops } = c;
  const x = cropped(ops, c.value(0), pairs);
  const grown = pairs.map(([low, high]): Pair => [max(low, 0), max(high, 0)]);
  const byPlace = placed[mode];
  if (!byPlace) return filled(c, x, grown, fill);
  return grown.reduce(
    (y, pair, axis) => (pair.every((d) => d === zero) ? y : repeated(ops, y, axis, pair, byPlace)),
    x,
  );
}

const numbers = (list: readonly number[]): readonly Dim[] => list.map((n) => constant(n));

/** A number where it is known, so that it becomes part of the code. */
function fillOf(c: NodeContext): Value | number {
  if (!c.has(2)) return 0;
  const known = c.known(2);
  const n = known && Number(known.data[0]);
  return n !== undefined && known!.data.length === 1 && isPlain(known!.dtype) ? n : scalar(c);
}

/** Dtypes whose array holds the numbers themselves. */
const isPlain = (dtype: string) => /^(float32|float64|u?int(8|16|32|64)|bool)$/.test(dtype);

function scalar(c: NodeContext): Value {
  const value = c.value(2);
  return c.ops.rank(value) === 0 ? value : c.ops.reshape(value, []);
}

function fromInputs(c: NodeContext, mode: string): Value {
  return pad(c, mode, pairsOf(c, c.dims(1), c.has(3) ? c.ints(3) : undefined), fillOf(c));
}

const mode = word(modes.slice(0, 3), "constant");

export const padding: readonly Operator[] = [
  operator(
    "Pad",
    since(1, { paddings: required(ints()), mode, value: float(0) }, (c, a) =>
      pad(c, a.mode, pairsOf(c, numbers(a.paddings), undefined), a.value),
    ),
    since(2, { pads: required(ints()), mode, value: float(0) }, (c, a) =>
      pad(c, a.mode, pairsOf(c, numbers(a.pads), undefined), a.value),
    ),
    since(11, { mode }, (c, a) => fromInputs(c, a.mode)),
    since(19, { mode: word(modes, "constant") }, (c, a) => fromInputs(c, a.mode)),
  ),
];
