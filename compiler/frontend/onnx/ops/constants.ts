/** Tensors that a node makes from nothing: constants, sizes, ranges. */
import { type DType, dtypes } from "../../../../runtime/dtype.ts";
import { numberAt, storedNumbers } from "../../../../runtime/elements.ts";
import type { Tensor } from "../../../../runtime/tensor.ts";
import { ceilDiv, max, sub } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import { anything, elementType, float, floats, int, ints, tensor } from "../attributes.ts";
import { INT64 } from "../element-types.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";

interface ConstantAttributes {
  readonly value_float?: number | undefined;
  readonly value_floats?: readonly number[] | undefined;
  readonly value_int?: number | undefined;
  readonly value_ints?: readonly number[] | undefined;
}

/** The forms that are no tensor; those that are become one before any importer is asked. */
function constantNode(c: NodeContext, a: ConstantAttributes): Value {
  const { value_float, value_floats, value_int, value_ints } = a;
  if (value_float !== undefined) return c.ops.constant(listOf("float32", [value_float], []));
  if (value_floats) return c.ops.constant(listOf("float32", value_floats, [value_floats.length]));
  if (value_int !== undefined) return c.ops.constant(listOf(INT64, [value_int], []));
  if (value_ints) return c.ops.constant(listOf(INT64, value_ints, [value_ints.length]));
  return c.unsupported("it has no value of numbers", "export the model without constants of text");
}

export function listOf(dtype: DType, numbers: readonly number[], shape: readonly number[]): Tensor {
  return { dtype, shape, data: storedNumbers(dtype, numbers) };
}

function constantOfShape(c: NodeContext, value: Tensor | undefined): Value {
  const one = value ? { ...value, shape: [] } : listOf("float32", [0], []);
  return c.ops.broadcast(c.ops.constant(one), c.dims(0), []);
}

const numberOf = ({ dtype, data }: Tensor) => Number(numberAt(dtype, data, 0));

/** start, start + delta, ... below limit: integers as sizes; floats need numbers. */
function range(c: NodeContext, stash: DType): Value {
  const { ops } = c;
  const { dtype } = c.value(0).type;
  if (dtypes[dtype].kind === "float") {
    const [start, limit, delta] = [0, 1, 2].map((i) => numberOf(c.constant(i)));
    if (delta === 0) c.wrong("its step is 0", "give a step to count by");
    const count = Math.max(0, Math.ceil((limit! - start!) / delta!));
    // Numbers of fewer bits count in the other type: in their own, x + 1 may be x.
    const wide = dtype === "float16" || dtype === "bfloat16" ? stash : dtype;
    const [from, step] = [0, 2].map((i) => ops.cast(c.value(i), wide));
    return ops.cast(ops.add(ops.mul(ops.iota(wide, [count]), step!), from!), dtype);
  }
  const [start, limit] = [c.dims(0)[0], c.dims(1)[0]];
  const [step = 0] = c.ints(2);
  if (step === 0) c.wrong("its step is 0", "give a step to count by");
  const span = step > 0 ? sub(limit!, start!) : sub(start!, limit!);
  const count = max(ceilDiv(span, Math.abs(step)), 0);
  return ops.add(ops.mul(ops.iota(dtype, [count]), c.value(2)), c.value(0));
}

/** Operand 0's sizes from axis `start` up to `end`. */
function shapeNode(c: NodeContext, start = 0, end?: number): Value {
  const shape = c.ops.shape(c.value(0));
  return c.ops.builder.dimensions(shape.slice(start, end), INT64);
}

const sparse = { sparse_value: anything() };
const scalars = { value_float: float(), value_floats: floats(), value_int: int(), value_ints: ints() };
const strings = { value_string: anything(), value_strings: anything() };

export const constants: readonly Operator[] = [
  operator(
    "Constant",
    since(1, { value: tensor() }, (c) => constantNode(c, {})),
    since(11, { value: tensor(), ...sparse }, (c) => constantNode(c, {})),
    since(12, { value: tensor(), ...sparse, ...scalars, ...strings }, constantNode),
  ),
  operator(
    "ConstantOfShape",
    since(9, { value: tensor() }, (c, { value }) => constantOfShape(c, value && c.attribute(value))),
  ),
  operator(
    "Range",
    since(11, {}, (c) => range(c, "float32")),
    since(27, { stash_type: elementType("float32") }, (c, a) => range(c, a.stash_type)),
  ),
  operator(
    "Shape",
    since(1, {}, (c) => shapeNode(c)),
    since(15, { start: int(0), end: int() }, (c, { start, end }) => shapeNode(c, start, end)),
  ),
  operator(
    "Size",
    since(1, {}, (c) => {
      const x = c.value(0);
      return c.ops.builder.dimension(
        c.ops.count(
          x,
          x.type.shape.map((_, axis) => axis),
        ),
        INT64,
      );
    }),
  ),
];
