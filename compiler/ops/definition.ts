/**
 * What every op file uses to state its relation: a definition with precisely typed attributes, and the checks
 * of dtype, rank and axis that are not equations. A check names the op, the operand and both values, because
 * its message is what a user reads; the layer and the line are added by whoever runs the relation.
 */
import type { DType } from "../../runtime/dtype.ts";
import { dtypes } from "../../runtime/dtype.ts";
import { constantOf, type Dim } from "../dims/index.ts";
import type { Attributes, TensorType } from "../ir/graph.ts";
import type { Op, RelationContext } from "../ir/op.ts";

/**
 * An op as the table holds it. Attributes are checked against `op.attributes` by the verifier, which is what
 * makes it sound to forget their precise type here.
 */
export function defineOp<A extends Attributes>(op: Op<A>): Op {
  return op as Op;
}

/** Which dtypes an op takes, in the words of its error message. */
export type Accepts = "float" | "number" | "integer" | "bool" | "integer or bool" | "any";

const accepted: Readonly<Record<Accepts, readonly string[]>> = {
  float: ["float"],
  number: ["float", "integer"],
  integer: ["integer"],
  bool: ["bool"],
  "integer or bool": ["integer", "bool"],
  any: ["float", "integer", "bool"],
};

/** A type as a user writes it: `float32[2, batch]`. */
export function typeText(type: TensorType): string {
  return `${type.dtype}[${type.shape.join(", ")}]`;
}

/** @throws E2107 */
export function checkDType(
  context: RelationContext,
  op: string,
  operand: string,
  type: TensorType,
  accepts: Accepts,
): void {
  if (accepted[accepts].includes(dtypes[type.dtype].kind)) return;
  const wanted = Object.entries(dtypes).filter(
    ([, row]) => accepted[accepts].includes(row.kind) && !row.format && !row.packable,
  );
  context.fail("E2107", `${op} takes ${accepts} values, but ${operand} is ${type.dtype}`, {
    facts: [{ subject: operand, value: typeText(type) }],
    fix: `cast ${operand} to ${wanted.map(([name]) => name).join(", ")}`,
  });
}

/** @throws E2107 */
export function checkDTypeIs(
  context: RelationContext,
  op: string,
  operand: string,
  type: TensorType,
  dtype: DType,
): void {
  if (type.dtype === dtype) return;
  context.fail("E2107", `${op} needs ${operand} to be ${dtype}, but it is ${type.dtype}`, {
    facts: [{ subject: operand, value: typeText(type) }],
    fix: `cast ${operand} to ${dtype}`,
  });
}

/** @throws E2107 unless the operand holds numbers of elements, in 32 bits or 64. */
export function checkIndices(context: RelationContext, op: string, indices: TensorType): void {
  if (indices.dtype !== "int64") checkDTypeIs(context, op, "indices", indices, "int32");
}

/** @throws E2107 */
export function checkSameDType(
  context: RelationContext,
  op: string,
  names: readonly [string, string],
  a: TensorType,
  b: TensorType,
): void {
  if (a.dtype === b.dtype) return;
  context.fail(
    "E2107",
    `${op} needs one dtype, but ${names[0]} is ${a.dtype} and ${names[1]} is ${b.dtype}`,
    {
      facts: [
        { subject: names[0], value: typeText(a) },
        { subject: names[1], value: typeText(b) },
      ],
      fix: `cast ${names[0]} to ${b.dtype}, or ${names[1]} to ${a.dtype}`,
    },
  );
}

/** @throws E2111 unless the rank is between `least` and `most`. */
export function checkRank(
  context: RelationContext,
  op: string,
  operand: string,
  type: TensorType,
  least: number,
  most = least,
): void {
  const rank = type.shape.length;
  if (rank >= least && rank <= most) return;
  const wanted =
    most === least
      ? `${least}`
      : most === Number.POSITIVE_INFINITY
        ? `${least} or more`
        : `${least} to ${most}`;
  context.fail("E2111", `${op} needs ${operand} of rank ${wanted}, but it has rank ${rank}`, {
    facts: [{ subject: operand, value: typeText(type) }],
    fix: `reshape ${operand} to rank ${wanted}`,
  });
}

/** @throws E2111 unless every axis is one of the operand's, and none is named twice. */
export function checkAxes(
  context: RelationContext,
  op: string,
  operand: string,
  type: TensorType,
  axes: readonly number[],
): void {
  const rank = type.shape.length;
  const facts = () => [{ subject: operand, value: typeText(type) }];
  const outside = axes.find((axis) => !Number.isInteger(axis) || axis < 0 || axis >= rank);
  if (outside !== undefined)
    context.fail("E2111", `${op} names axis ${outside}, but ${operand} has rank ${rank}`, {
      facts: facts(),
      fix: rank === 0 ? `give ${operand} an axis` : `use an axis from 0 to ${rank - 1}`,
    });
  const twice = axes.find((axis, i) => axes.indexOf(axis) !== i);
  if (twice !== undefined)
    context.fail("E2111", `${op} names axis ${twice} of ${operand} twice`, {
      facts: facts(),
      fix: "name each axis once",
    });
}

/** @throws E2111 unless an attribute has one entry per axis. */
export function checkCount(
  context: RelationContext,
  op: string,
  attribute: string,
  found: number,
  expected: number,
): void {
  if (found === expected) return;
  context.fail("E2111", `${op} has ${found} ${attribute} for ${expected} axes`, {
    fix: `give ${expected} ${attribute}`,
  });
}

/** States a >= b, unless two numbers say so already: relations run for every node of large graphs. */
export function stateAtLeast(context: RelationContext, a: Dim, b: Dim, clause: () => string): void {
  const [left, right] = [constantOf(a), constantOf(b)];
  if (left === undefined || right === undefined || left < right) context.atLeast(a, b, clause());
}

/** A dim that has to be a number by now: references run on bound graphs only. */
export function numberOf(d: Dim): number {
  const n = constantOf(d);
  if (n === undefined) throw new Error(`internal: ${d} has no value yet`);
  return n;
}

export function numbersOf(dims: readonly Dim[]): readonly number[] {
  return dims.map(numberOf);
}
