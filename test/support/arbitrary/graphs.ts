/**
 * Random well-formed graphs of core ops. A graph is grown from a list of steps, each an op and some numbers
 * that recipes read their decisions from; numbers are taken modulo what is possible, so any sub-list with any
 * smaller numbers is a graph too, and fast-check shrinks a failure to the few nodes that matter. Failing
 * graphs print as IR text.
 */
import fc from "fast-check";
import { constant, type Dim, evaluate, mul, symbol } from "../../../compiler/dims/index.ts";
import { GraphBuilder } from "../../../compiler/infer/builder.ts";
import type { BoundDim, Graph, Output, Source, Value } from "../../../compiler/ir/graph.ts";
import { printGraph } from "../../../compiler/ir/graph-print.ts";
import { binaryOps, compareOps } from "../../../compiler/ops/binary.ts";
import { unaryOps } from "../../../compiler/ops/unary.ts";
import type { DType } from "../../../runtime/dtype.ts";
import { Draft } from "./draft.ts";
import { recipes } from "./recipes.ts";

export interface GraphOptions {
  /** Ops to use; all of the table by default. */
  readonly ops?: readonly string[];
  /** Steps, each of which adds at least one node; 12 by default. */
  readonly maxSteps?: number;
}

/** A graph with open sizes, and sizes under which every one of its constraints holds. */
export interface SymbolicCase {
  readonly graph: Graph;
  readonly binding: ReadonlyMap<string, number>;
  /** Shapes of the inputs under the binding: a sample to bind with. */
  readonly sample: Readonly<Record<string, readonly number[]>>;
}

/** Many ops are alike; the others get three turns for one of theirs. */
const elementwise = new Set([...unaryOps, ...binaryOps, ...compareOps].map(({ name }) => name));

interface Choices {
  readonly steps: readonly { readonly op: string; readonly decisions: readonly number[] }[];
  readonly ending: readonly number[];
}

const sources: readonly Source[] = [
  { path: "" },
  { path: "dense" },
  { path: "encoder.block_1", at: { file: "src/model.ts", line: 12, column: 7 } },
  { path: 'odd "name"/é */ `x`' },
];

/** Graphs whose every size is a number, with 1 to `maxSteps` steps. */
export function graphArbitrary(options: GraphOptions = {}): fc.Arbitrary<Graph<BoundDim>> {
  return choicesArbitrary(options).map((choices) => {
    const dims = [2, 3, 1, 4, 5, 6].map((n) => constant(n));
    const graph = grow(choices, dims, [], (d) => Number(evaluate(d, new Map())));
    return printable(graph as Graph<BoundDim>, () => printGraph(graph));
  });
}

/**
 * Graphs over the symbols a, b and c. The first inputs have them as their sizes, so that a sample determines
 * them.
 */
export function symbolicGraphArbitrary(options: GraphOptions = {}): fc.Arbitrary<SymbolicCase> {
  const size = fc.integer({ min: 1, max: 6 });
  return fc
    .record({ choices: choicesArbitrary(options), sizes: fc.tuple(size, size, size) })
    .map((random) => {
      const binding = new Map([..."abc"].map((name, i) => [name, random.sizes[i]!]));
      const [a, b, c] = [symbol("a"), symbol("b"), mul(symbol("c"), 2)];
      const sizeOf = (d: Dim) => Number(evaluate(d, binding));
      const dims = [a, b, constant(2), c, constant(1), constant(3)];
      const graph = grow(random.choices, dims, [a, b, c], sizeOf);
      const sample = Object.fromEntries(graph.inputs.map((x) => [x.name, x.type.shape.map(sizeOf)]));
      const bound = [...binding].map(([name, n]) => `${name}=${n}`).join(" ");
      return printable({ graph, binding, sample }, () => `${printGraph(graph)}with ${bound}`);
    });
}

function choicesArbitrary({ ops = [...recipes.keys()], maxSteps = 12 }: GraphOptions): fc.Arbitrary<Choices> {
  const decisions = fc.array(fc.nat(60), { maxLength: 60, size: "max" });
  const often = ops.flatMap((op) => (elementwise.has(op) ? [op] : [op, op, op]));
  const step = fc.record({ op: fc.constantFrom(...often), decisions });
  const steps = fc.array(step, { minLength: 1, maxLength: maxSteps, size: "max" });
  // Without fast-check's bias to extremes: decisions are read modulo small numbers, and mostly-zero ones are
  // all alike.
  return fc.noBias(fc.record({ steps, ending: decisions }));
}

function grow(
  { steps, ending }: Choices,
  dims: readonly Dim[],
  anchors: readonly Dim[],
  sizeOf: (d: Dim) => number,
): Graph {
  const builder = new GraphBuilder("random");
  let choose = chooser([]);
  const settings = { builder, choose: (count: number) => choose(count), dims, closed: false };
  const draft = new Draft({ ...settings, sizeOf: (d) => sizeOf(builder.resolve([d])[0]!) });
  const dtypes: readonly DType[] = ["float32", "float32", "int32"];
  anchors.forEach((d, i) => {
    draft.input(dtypes[i]!, [d]);
  });
  for (const { op, decisions } of steps) {
    choose = chooser(decisions);
    builder.within(sources[choose(sources.length * 3)] ?? sources[0]!, () => recipes.get(op)!(draft, op));
  }
  choose = chooser(ending);
  return builder.finish(outputsOf(draft));
}

/** Decisions run out: then everything is as simple as can be. */
function chooser(decisions: readonly number[]): (count: number) => number {
  let next = 0;
  return (count) => (decisions[next++] ?? 0) % count;
}

/** The last value always, some others sometimes: so some results are dead, some outputs are inputs. */
function outputsOf(draft: Draft): readonly Output[] {
  const last = draft.values.at(-1)!;
  const others = draft.values.filter((value: Value) => value !== last && draft.choose(4) === 3);
  return [...others, last].map((value, i) => ({ name: `y${i}`, value }));
}

/** Lets fast-check print a counter-example as IR text, without the value looking different to anyone else. */
function printable<T extends object>(value: T, print: () => string): T {
  Object.defineProperty(value, fc.toStringMethod, { value: () => `\n${print()}\n`, enumerable: false });
  return value;
}
