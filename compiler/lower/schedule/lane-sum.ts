/**
 * A reduction in lanes: where a sum (product, maximum, minimum) runs along memory and no axis of the output
 * does, four partial results stand side by side and are combined at the end.
 *
 *     let acc = 0                       let acc = 0
 *     for r < 10                        for r.l < 4 vector: let acc.l[r.l] = 0
 *       set acc = acc + x[r]     =>     for r < 2
 *     store y = acc                       for r.l < 4 vector: set acc.l[r.l] = acc.l[r.l] + x[4r + r.l]
 *                                       for r.r < 2: set acc = acc + x[8 + r.r]
 *                                       set acc = acc + ((acc.l[0] + acc.l[1]) + (acc.l[2] + acc.l[3]))
 *                                       store y = acc
 *
 * It is the one schedule that changes the order of a sum, so it is for targets whose numerics are float32,
 * where it also loses less: the error grows with a quarter of the terms. It takes nests with one accumulator
 * that starts from the identity of what combines it; the order is stated in the IR, and all who run it agree.
 */
import { add, constant, constantOf, type Dim, mul, symbol } from "../../dims/index.ts";
import { strideOf } from "../../ir/affine.ts";
import type { BinaryFn, Expr, For, Register, Stmt } from "../../ir/loop.ts";
import { substituteAxis, visitExpr } from "../../ir/loop-rewrite.ts";
import { exprHasLanes } from "./lanes.ts";
import { vectorise } from "./mode.ts";

/** Fewer terms than this are not worth combining. */
const fewest = 16;

type Set = Stmt & { readonly kind: "set" };
type Binary = Expr & { readonly kind: "binary" };

/**
 * The body of a nest with its reduction in `width` parts, a multiple of the lanes, or undefined where it is
 * not of that form.
 */
export function sumInLanes(
  [first, chain, ...rest]: readonly Stmt[],
  lanes: number,
  width = lanes,
): readonly Stmt[] | undefined {
  if (first?.kind !== "let" || chain?.kind !== "for" || first.register.shape.length > 0) return undefined;
  if (rest.some((s) => s.kind !== "store" && s.kind !== "let")) return undefined;
  const inner = innermost(chain);
  const [update, ...others] = inner?.body ?? [];
  if (!inner || update?.kind !== "set" || others.length > 0 || update.register !== first.register)
    return undefined;
  const term = termOf(update);
  if (!term || !startsFrom(first.value, term.fn) || !runsAlongMemory(term.value, inner)) return undefined;
  if (constantOf(inner.extent)! < fewest * (width / lanes)) return undefined;
  const parts: Register = { ...first.register, name: `${first.register.name}.l`, shape: [width] };
  return [
    first,
    inLanes(parts, inner.axis, lanes, (lane) => ({
      kind: "let",
      register: parts,
      index: [lane],
      value: first.value,
    })),
    ...replaceInnermost(chain, cut(inner, update, term, parts, lanes)),
    { ...update, value: { ...term.whole, a: whole(update), b: combined(parts, term.whole) } },
    ...rest,
  ];
}

/** The loop at the end of a chain of reduction loops, each the only statement of the one around it. */
function innermost(loop: For): For | undefined {
  if (loop.parallel || loop.step !== 1 || loop.mode !== "serial") return undefined;
  const [only, ...rest] = loop.body;
  if (only?.kind !== "for") return loop;
  return rest.length > 0 ? undefined : innermost(only);
}

function replaceInnermost(loop: For, by: readonly Stmt[]): readonly Stmt[] {
  const [only] = loop.body;
  return only?.kind === "for" ? [{ ...loop, body: replaceInnermost(only, by) }] : by;
}

interface Term {
  readonly whole: Binary;
  readonly fn: BinaryFn;
  readonly value: Expr;
}

const identities = new Map<BinaryFn, number>([
  ["add", 0],
  ["mul", 1],
  ["max", Number.NEGATIVE_INFINITY],
  ["min", Number.POSITIVE_INFINITY],
]);

function termOf({ register, value }: Set): Term | undefined {
  if (value.kind !== "binary" || !identities.has(value.fn) || register.dtype !== "float32") return undefined;
  if (value.a.kind !== "register" || value.a.register !== register) return undefined;
  let again = false;
  visitExpr(value.b, (e) => {
    if (e.kind === "register" && e.register === register) again = true;
  });
  return again ? undefined : { whole: value, fn: value.fn, value: value.b };
}

const startsFrom = (value: Expr, fn: BinaryFn) =>
  value.kind === "constant" && Object.is(value.value, identities.get(fn));

/** Every load moves by one along the axis or stays, and one moves. */
function runsAlongMemory(value: Expr, { axis, extent }: For): boolean {
  if ((constantOf(extent) ?? 0) < fewest) return false;
  const strides: (number | undefined)[] = [];
  let lanes = true;
  visitExpr(value, (e) => {
    lanes = lanes && exprHasLanes(e, axis);
    if (e.kind === "load") strides.push(strideOf(e.index, axis));
  });
  return lanes && strides.includes(1) && strides.every((stride) => stride === 0 || stride === 1);
}

function cut(
  loop: For,
  update: Set,
  { whole, value }: Term,
  parts: Register,
  lanes: number,
): readonly Stmt[] {
  const [width] = parts.shape as readonly [number];
  const extent = constantOf(loop.extent)!;
  const turns = Math.floor(extent / width);
  const step = inLanes(parts, loop.axis, lanes, (lane) => {
    const a: Expr = { kind: "register", register: parts, index: [lane] };
    const set: Stmt = { kind: "set", register: parts, index: [lane], value: { ...whole, a, b: value } };
    return substituteAxis([set], loop.axis, add(mul(width, symbol(loop.axis)), lane))[0]!;
  });
  const rest = extent - turns * width;
  const blocks: For = { ...loop, extent: constant(turns), body: [step] };
  if (rest === 0) return [blocks];
  const axis = `${loop.axis}.r`;
  const body = substituteAxis([update], loop.axis, add(turns * width, symbol(axis)));
  return [blocks, { ...loop, axis, extent: constant(rest), mode: "unroll", body }];
}

/** The loop over the parts is named after the axis that is summed: a kernel has that once. */
function inLanes({ shape }: Register, along: string, lanes: number, statement: (part: Dim) => Stmt): For {
  const axis = `${along}.l`;
  const loop: For = {
    kind: "for",
    axis,
    extent: constant(shape[0]!),
    step: 1,
    mode: "serial",
    parallel: true,
    body: [statement(symbol(axis))],
  };
  return vectorise(loop, lanes);
}

const whole = ({ register, index }: Set): Expr => ({ kind: "register", register, index });

/** Pairs first, so that two can be added at a time. */
function combined(parts: Register, like: Binary): Expr {
  let level = Array.from({ length: parts.shape[0]! }, (_, i): Expr => {
    return { kind: "register", register: parts, index: [constant(i)] };
  });
  while (level.length > 1)
    level = level.flatMap((a, i) => (i % 2 === 0 ? [{ ...like, a, b: level[i + 1]! }] : []));
  return level[0]!;
}
