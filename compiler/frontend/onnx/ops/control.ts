/**
 * If, Loop and Scan. A condition that the file, the sizes or the sample decide leaves one branch. One that
 * only data decides is both branches and a choice between their results, which have no effects that could
 * tell; so they need one shape. A loop of a known number of turns is a scan; where something but the number
 * can end it, all turns run and those behind the end change nothing. Short loops are written out, so that
 * their states may change their shape from turn to turn.
 */
import type { Tensor } from "../../../../runtime/tensor.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { graph, int, ints, required } from "../attributes.ts";
import { INT64 } from "../element-types.ts";
import type { OnnxGraph } from "../model.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";
import { listOf } from "./constants.ts";

/** Loops of up to so many turns are written out. */
const SHORT = 8;
/** Turns that run although something else may end the loop earlier. */
const MOST_TURNS = 1 << 16;

function branch(c: NodeContext, then: OnnxGraph, otherwise: OnnxGraph): readonly Value[] {
  const decided = c.known(0);
  if (decided) return c.inline(Number(decided.data[0]) !== 0 ? then : otherwise, []);
  const condition = c.ops.reshape(c.value(0), []);
  const [left, right] = [c.inline(then, []), c.inline(otherwise, [])];
  return left.map((a, i) => {
    const b = right[i]!;
    const [mine, theirs] = [c.ops.shape(a), c.ops.shape(b)];
    if (mine.length !== theirs.length || mine.some((d, axis) => d !== theirs[axis]))
      c.open(
        `its branches give [${mine.join(", ")}] and [${theirs.join(", ")}], and nothing decides between them`,
        "give a sample whose sizes or elements decide the condition",
      );
    return c.ops.select(condition, a, b);
  });
}

interface Turns {
  readonly count: number;
  /** The condition before the first turn; undefined where it is true. */
  readonly condition: Value | undefined;
}

function loop(c: NodeContext, body: OnnxGraph): readonly Value[] {
  const states = c.node.inputs.slice(2).map((_, i) => c.value(i + 2));
  const collects = body.outputs.length > states.length + 1;
  // How much is collected is a shape, which data cannot decide.
  const start = !c.has(1) ? undefined : collects ? c.constant(1) : c.known(1);
  if (start && !isTrue(start)) return ended(c, body, states);
  const turns: Turns = { count: turnsOf(c), condition: c.has(1) && !start ? c.value(1) : undefined };
  if (turns.count <= SHORT) return writtenOut(c, body, states, turns);
  return scanned(c, body, states, turns);
}

const isTrue = (condition: Tensor): boolean => Number(condition.data[0]) !== 0;

function turnsOf(c: NodeContext): number {
  const count = c.has(0) ? Math.max(0, c.ints(0)[0] ?? 0) : Number.POSITIVE_INFINITY;
  if (count <= MOST_TURNS) return count;
  return c.unsupported(
    "nothing but its data ends it",
    `give the loop a largest number of turns, at most ${MOST_TURNS}`,
  );
}

/** A loop that never turns: its states, and nothing collected. */
function ended(c: NodeContext, body: OnnxGraph, states: readonly Value[]): readonly Value[] {
  if (body.outputs.length === states.length + 1) return states;
  return c.unsupported("it collects results, but never turns", "remove the loop");
}

function writtenOut(
  c: NodeContext,
  body: OnnxGraph,
  initial: readonly Value[],
  { count, condition }: Turns,
): readonly Value[] {
  const { ops } = c;
  let states = initial;
  let alive = condition ?? ops.constant(1, "bool");
  const collected: (readonly Value[])[] = [];
  for (let turn = 0; turn < count; turn++) {
    const decided = c.knownValue(alive);
    if (decided && !isTrue(decided)) break;
    const number = ops.constant(listOf(INT64, [turn], []));
    const [next, ...results] = c.inline(body, [number, alive, ...states]);
    const made = results.slice(0, states.length);
    states = decided ? made : made.map((value, i) => kept(c, alive, value, states[i]!));
    collected.push(collectible(c, decided !== undefined, results.slice(states.length)));
    alive = decided ? next! : ops.and(ops.reshape(alive, []), ops.reshape(next!, []));
  }
  if (collected.length === 0) return ended(c, body, states);
  const stacked = collected[0]!.map((_, k) =>
    ops.concat(
      collected.map((turn) => ops.expandDims(turn[k]!, 0)),
      0,
    ),
  );
  return [...states, ...stacked];
}

function collectible(c: NodeContext, decided: boolean, results: readonly Value[]): readonly Value[] {
  if (decided || results.length === 0) return results;
  return c.unsupported("how many results it collects depends on data", "let the number of turns be constant");
}

/** The new state, but the old one behind the end. */
function kept(c: NodeContext, alive: Value, now: Value, before: Value): Value {
  const [mine, theirs] = [c.ops.shape(now), c.ops.shape(before)];
  if (mine.length === theirs.length && mine.every((d, axis) => d === theirs[axis]))
    return c.ops.select(c.ops.reshape(alive, []), now, before);
  return c.unsupported("its state changes its shape, and data decides for how long", "keep the shape");
}

/** All turns as steps of a scan over their numbers. */
function scanned(
  c: NodeContext,
  body: OnnxGraph,
  states: readonly Value[],
  { count, condition }: Turns,
): readonly Value[] {
  const { ops } = c;
  const numbers = ops.iota(INT64, [count]);
  const around = c.captured(body);
  const first = condition ? ops.reshape(condition, []) : ops.constant(1, "bool");
  const step = ops.scan(
    { states: [first, ...states], sequences: [numbers], invariants: [...around.values()] },
    (inner, [alive, ...before], [number], given) => {
      const inside = { ops: inner, given: new Map([...around.keys()].map((name, i) => [name, given[i]!])) };
      const [next, ...results] = c.inline(body, [number!, alive!, ...before], inside);
      const made = results.slice(0, states.length);
      const now = made.map((value, i) => inner.select(alive!, value, before[i]!));
      const outputs = endless(inner, next!) && !condition ? results.slice(states.length) : [];
      if (outputs.length < results.length - states.length) collectible(c, false, results);
      return { states: [inner.and(alive!, inner.reshape(next!, [])), ...now], outputs };
    },
  );
  return [...step.states.slice(1), ...step.outputs];
}

/** Whether the condition that a turn gives is always true, or the one it was given. */
function endless(inner: Ops, next: Value): boolean {
  const known = inner.builder.fixedElementsOf(next);
  return known?.dims[0]?.value === 1 || next.name.startsWith("state0");
}

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
      const inside = { ops: inner, given: new Map([...around.keys()].map((name, i) => [name, given[i]!])) };
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
