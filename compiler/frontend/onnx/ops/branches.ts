/**
 * If. A condition that the file or the sizes decide leaves one branch, and so does one that the sample's
 * values decide where both branches cannot be built. Another is a choice between the results of both.
 * Branches that take long, or that may refuse an index, are bodies of loops of one turn or none, so that only
 * the one that is taken runs; small ones both run, which has no effect that could tell. Where they give other
 * sizes, the result has the size that the run finds, in memory for the larger.
 */
import { constantOf, type Dim, max, type Shape, sub, symbolsOf } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import type { OnnxGraph } from "../model.ts";
import { insideOf, type NodeContext } from "../operator.ts";

export function branch(c: NodeContext, then: OnnxGraph, otherwise: OnnxGraph): readonly Value[] {
  const decided = c.choice(0);
  if (decided) return c.inline(Number(decided.data[0]) !== 0 ? then : otherwise, []);
  const condition = c.ops.reshape(c.value(0), []);
  const runs = c.ops.builder.isNested || isData(c, condition);
  if (runs && [then, otherwise].some(isHeavy) && ![then, otherwise].some(measures))
    return onlyTaken(c, condition, [then, otherwise]);
  const [left, right] = [c.inline(then, []), c.inline(otherwise, [])];
  return left.map((a, i) => {
    const b = right[i]!;
    const sizes = commonShape(c, i, c.ops.shape(a), c.ops.shape(b), condition);
    return c.ops.select(condition, fitted(c.ops, a, sizes), fitted(c.ops, b, sizes));
  });
}

/** Whether a run decides it; else sizes do, as soon as they are known. A body cannot measure a size. */
const isData = ({ ops: { builder } }: NodeContext, condition: Value): boolean =>
  !builder.isNested && builder.inputsBehind(condition).length > 0;

/** Operators with sums, and those that read at indices from data. */
const heavy =
  /^(Conv|Deform|Gemm|MatMul|LSTM|GRU|RNN|Scan|Attention|Einsum|QLinear(Conv|MatMul)|Gather|Scatter)/;
/** Operators whose results have sizes from data, which the body of a loop cannot make. */
const measuring = /^(NonZero|Compress|Unique|NonMaxSuppression|Loop|If)$/;

const isHeavy = ({ nodes }: OnnxGraph): boolean => nodes.some(({ opType }) => heavy.test(opType));
const measures = ({ nodes }: OnnxGraph): boolean => nodes.some(({ opType }) => measuring.test(opType));

/** One size of the result: that of both branches, or what the run finds, which is at most `most`. */
interface Size {
  readonly most: Dim;
  readonly found: Dim;
}

/** What to say a size of: names that one shape has and the other has not, else all of them. */
function decidedBy(mine: Shape, theirs: Shape): string {
  const [own, its] = [mine, theirs].map((shape) => new Set(shape.flatMap((d) => [...symbolsOf(d)])));
  const all = [...new Set([...own!, ...its!])];
  const differing = all.filter((name) => !(own!.has(name) && its!.has(name)));
  const [name] = differing.length > 0 ? differing : all;
  if (name === undefined) return "give a sample whose sizes decide the condition";
  return `give ${name} a size that decides the condition, with dims (--dim ${name}=N) or a sample`;
}

/** Of results of the shapes `mine` and `theirs`: sizes that differ are measured. */
function commonShape(
  c: NodeContext,
  i: number,
  mine: Shape,
  theirs: Shape,
  condition: Value,
): readonly Size[] {
  const { ops } = c;
  const text = `its branches give [${mine.join(", ")}] and [${theirs.join(", ")}]`;
  const isEqual = mine.length === theirs.length && mine.every((d, axis) => d === theirs[axis]);
  const isFixed = [...mine, ...theirs].every((d) => constantOf(d) !== undefined);
  if (!isEqual && !(isFixed && mine.length === theirs.length && isData(c, condition)))
    c.open(`${text}, and nothing decides between them`, decidedBy(mine, theirs));
  return mine.map((d, axis): Size => {
    const other = theirs[axis]!;
    if (d === other) return { most: d, found: d };
    const [own, its] = [d, other].map((each) => ops.builder.dimension(each));
    const most = max(d, other);
    const size = ops.select(condition, own!, its!);
    return { most, found: ops.builder.measured(size, most, `${c.node.outputs[i] || "branch"}.${axis}`) };
  });
}

/** The first elements of x along each axis, with zeros behind them where it has too few. */
function fitted(ops: Ops, x: Value, sizes: readonly Size[]): Value {
  const shape = ops.shape(x);
  const rest = sizes.map(({ most }, axis) => [0, sub(most, shape[axis]!)] as const);
  const isWide = rest.every(([, more]) => constantOf(more) === 0);
  const padded = isWide ? x : ops.pad(x, rest);
  return sizes.reduce(
    (y, { most, found }, axis) => (found === most ? y : ops.slice(y, axis, 0, found)),
    padded,
  );
}

/** Each branch as a loop of one turn, or none where the condition says so. */
function onlyTaken(c: NodeContext, condition: Value, graphs: readonly OnnxGraph[]): readonly Value[] {
  const { ops } = c;
  const made = graphs.map((graph, k) => ifTrue(c, graph, k === 0 ? condition : ops.not(condition)));
  return made[0]!.map((x, i) => {
    const y = made[1]![i]!;
    const sizes = commonShape(c, i, ops.shape(x), ops.shape(y), condition);
    return ops.select(condition, fitted(ops, x, sizes), fitted(ops, y, sizes));
  });
}

/** The results of a graph, or zeros. */
function ifTrue(c: NodeContext, graph: OnnxGraph, condition: Value): readonly Value[] {
  const { ops } = c;
  const around = c.captured(graph);
  const once = ops.broadcast(ops.constant(0, "bool"), [1, 0], []);
  const { outputs } = ops.scan(
    { states: [condition], sequences: [once], invariants: [...around.values()] },
    (inner, states, _steps, given) => {
      const inside = insideOf(inner, around, given);
      return { conditional: true, states, outputs: c.inline(graph, [], inside) };
    },
  );
  return outputs.map((x) => ops.reshape(x, ops.shape(x).slice(1)));
}
