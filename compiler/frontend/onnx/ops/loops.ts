/**
 * Loop. One of a known number of turns is a scan, which stops where the condition says so. A number that the
 * run finds is one too, if something bounds it; where nothing does, the turns are counted. Short loops are
 * written out, so that their states may change their shape from turn to turn. What turns collect is as long
 * as there were turns: where data ends the loop, the first of all there could be.
 */
import type { Tensor } from "../../../../runtime/tensor.ts";
import { constant, constantOf, type Dim, max } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import { INT64 } from "../element-types.ts";
import type { OnnxGraph } from "../model.ts";
import { insideOf, type NodeContext } from "../operator.ts";
import { listOf } from "./constants.ts";

/** Loops of up to so many turns are written out. */
const SHORT = 8;
/** Turns that there is memory for, to collect something in each. */
const MOST_STACKED = 1 << 16;
/** Turns of a loop that counts them while it runs. */
const MOST_TURNS = 2 ** 31 - 1;

export function loop(c: NodeContext, body: OnnxGraph): readonly Value[] {
  const states = c.node.inputs.slice(2).map((_, i) => c.value(i + 2));
  const collects = body.outputs.length > states.length + 1;
  // How much is collected is a shape, which the elements of an input may decide.
  const start = c.has(1) ? startOf(c, collects) : true;
  const turns = start === false ? constant(0) : turnsOf(c);
  const condition = start === undefined ? c.value(1) : undefined;
  if (!turns) return collects ? unbounded(c) : counted(c, body, states, condition);
  const count = constantOf(turns);
  if (count === 0 && !collects) return states;
  if (count !== undefined && count > 0 && count <= SHORT)
    return writtenOut(c, body, states, Number(count), condition);
  return scanned(c, body, states, turns, condition);
}

function unbounded(c: NodeContext): never {
  return c.unsupported(
    "it collects something in each turn, and nothing bounds how many there are",
    `give the loop a largest number of turns, Min(n, k) of a constant k for one: at most ${MOST_STACKED}`,
  );
}

function startOf(c: NodeContext, collects: boolean): boolean | undefined {
  const known = c.known(1);
  if (known) return isTrue(known);
  const decided = collects ? c.decided(1)?.[0] : undefined;
  return decided && constantOf(decided) !== undefined ? constantOf(decided) !== 0 : undefined;
}

const isTrue = (condition: Tensor): boolean => Number(condition.data[0]) !== 0;

/**
 * A number, an expression of sizes, or a size that the run finds, if something bounds it. The elements of an
 * input are asked for last: a module that is made for them takes no others. Undefined where a run must count.
 */
function turnsOf(c: NodeContext): Dim | undefined {
  if (!c.has(0) || (knownTurns(c) ?? 0) > MOST_STACKED) return undefined;
  const { builder } = c.ops;
  const fixed = builder.fixedElementsOf(c.value(0))?.dims[0];
  const most = fixed ? undefined : builder.mostOf(c.value(0));
  if (most !== undefined && (constantOf(most) ?? 0) <= MOST_STACKED) return found(c, most);
  const decided = fixed ?? c.decided(0)?.[0];
  const count = decided && constantOf(decided);
  return count !== undefined && count > MOST_STACKED ? undefined : decided && max(decided, 0);
}

/** What the file says; exporters write the largest int64 where only a condition ends a loop. */
function knownTurns(c: NodeContext): number | undefined {
  const known = c.known(0);
  return known && Number(known.data[0]);
}

function found(c: NodeContext, most: Dim): Dim {
  const { ops } = c;
  const given = ops.reshape(c.value(0), []);
  const limit = ops.builder.dimension(most, given.type.dtype);
  const number = ops.cast(ops.clip(given, 0, limit), "int32");
  const name = c.node.outputs.find((output) => output !== "") ?? "loop";
  return ops.builder.measured(number, most, `${name}.turns`);
}

/** Turns one after the other, each with nodes of its own. */
function writtenOut(
  c: NodeContext,
  body: OnnxGraph,
  initial: readonly Value[],
  count: number,
  condition: Value | undefined,
): readonly Value[] {
  const { ops } = c;
  let states = initial;
  let alive = condition ?? ops.constant(1, "bool");
  const collected: (readonly Value[])[] = [];
  const undecided: Value[] = [];
  for (let turn = 0; turn < count; turn++) {
    const decided = c.knownValue(alive);
    if (decided && !isTrue(decided)) break;
    const number = ops.constant(listOf(INT64, [turn], []));
    const [next, ...results] = c.inline(body, [number, alive, ...states]);
    const made = results.slice(0, states.length);
    states = decided ? made : made.map((value, i) => kept(c, alive, value, states[i]!));
    if (!decided) undecided.push(ops.cast(ops.reshape(alive, []), "int32"));
    collected.push(results.slice(states.length));
    alive = decided ? next! : ops.and(ops.reshape(alive, []), ops.reshape(next!, []));
  }
  const stacked = collected[0]!.map((_, k) =>
    ops.concat(
      collected.map((turn) => ops.expandDims(turn[k]!, 0)),
      0,
    ),
  );
  if (stacked.length === 0 || undecided.length === 0) return [...states, ...stacked];
  const turns = undecided.reduce((a, b) => ops.add(a, b));
  const certain = collected.length - undecided.length;
  return [...states, ...firstOf(c, stacked, ops.add(turns, certain), constant(collected.length))];
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
  count: Dim,
  condition: Value | undefined,
): readonly Value[] {
  const { ops } = c;
  const around = c.captured(body);
  const first = condition ? ops.reshape(condition, []) : ops.constant(1, "bool");
  let endsByData = false;
  const step = ops.scan(
    { states: [first, ...states], sequences: [ops.iota(INT64, [count])], invariants: [...around.values()] },
    (inner, [alive, ...before], [number], given) => {
      const [next, ...results] = c.inline(body, [number!, alive!, ...before], insideOf(inner, around, given));
      const [made, collected] = [results.slice(0, states.length), results.slice(states.length)];
      endsByData = condition !== undefined || !isAlwaysTrue(inner, next!);
      if (!endsByData) return { states: [alive!, ...made], outputs: collected };
      const ran = collected.length > 0 ? [inner.constant(1, "int32")] : [];
      const goesOn = inner.reshape(next!, []);
      return { conditional: true, states: [goesOn, ...made], outputs: [...collected, ...ran] };
    },
  );
  const [outputs, after] = [step.outputs, step.states.slice(1)];
  if (!endsByData || outputs.length === 0) return [...after, ...outputs];
  return [...after, ...firstOf(c, outputs.slice(0, -1), ops.reduceSum(outputs.at(-1)!, 0), count)];
}

/**
 * Turns that are counted while they run, until the condition or the number of turns ends them. The scan is as
 * long as can be, over steps that hold nothing.
 */
function counted(
  c: NodeContext,
  body: OnnxGraph,
  states: readonly Value[],
  condition: Value | undefined,
): readonly Value[] {
  const { ops } = c;
  const around = c.captured(body);
  const isLimited = c.has(0) && (knownTurns(c) ?? 0) < MOST_TURNS;
  const limit = isLimited ? ops.cast(ops.reshape(c.value(0), []), INT64) : undefined;
  const isLeft = (inner: Ops, number: Value, end: Value | undefined, next: Value): Value => {
    const asked = inner.reshape(next, []);
    return end ? inner.and(asked, inner.lt(number, end)) : asked;
  };
  const zero = ops.constant(listOf(INT64, [0], []));
  const first = isLeft(ops, zero, limit, condition ?? ops.constant(1, "bool"));
  const endless = ops.broadcast(ops.constant(0, "bool"), [MOST_TURNS, 0], []);
  const invariants = [...around.values(), ...(limit ? [limit] : [])];
  const step = ops.scan(
    { states: [first, zero, ...states], sequences: [endless], invariants },
    (inner, [alive, number, ...before], _steps, given) => {
      const [next, ...made] = c.inline(body, [number!, alive!, ...before], insideOf(inner, around, given));
      const end = limit && given.at(-1);
      if (!end && condition === undefined && isAlwaysTrue(inner, next!))
        c.wrong("nothing ends it", "give it a number of turns, or a condition that becomes false");
      const following = inner.add(number!, 1);
      return {
        conditional: true,
        states: [isLeft(inner, following, end, next!), following, ...made],
        outputs: [],
      };
    },
  );
  return step.states.slice(2);
}

/** As much of what turns have collected as there were turns. */
function firstOf(c: NodeContext, stacked: readonly Value[], turns: Value, most: Dim): readonly Value[] {
  const names = c.node.outputs.slice(-stacked.length);
  const length = c.ops.builder.measured(turns, most, names.find((name) => name !== "") ?? "loop");
  return stacked.map((x) => c.ops.slice(x, 0, 0, length));
}

/** Whether the condition that a turn gives is true in each, or the one it was given. */
function isAlwaysTrue(inner: Ops, next: Value): boolean {
  const known = inner.builder.fixedElementsOf(next);
  return known?.dims[0]?.value === 1 || next.name.startsWith("state0");
}
