/**
 * How to add one node of each op to a draft with operands and attributes that are valid; one row per op of
 * the table.
 */
import {
  constant,
  constantOf,
  type Dim,
  mul,
  product,
  type Shape,
  sub,
} from "../../../compiler/dims/index.ts";
import type { Value } from "../../../compiler/ir/graph.ts";
import { type DType, dtypes, widthOf } from "../../../runtime/dtype.ts";
import { type Draft, HIGHEST_RANK, sameShape } from "./draft.ts";
import { ALL, BITS, FLOATS, INTEGERS, NUMBERS } from "./dtypes.ts";
import { indexRecipes } from "./index-recipes.ts";
import { addScan } from "./scan-recipe.ts";
import { addConv, addWindowArgMax, addWindowReduce } from "./window-recipes.ts";

/** Adds a node, and whatever it needs, to the draft. `op` is the op's name. */
export type Recipe = (draft: Draft, op: string) => void;

const unary =
  (dtypes: readonly DType[]): Recipe =>
  (draft, op) => {
    draft.node(op, [draft.some(dtypes)]);
  };

const binary =
  (dtypes: readonly DType[]): Recipe =>
  (draft, op) => {
    const a = draft.some(dtypes);
    const b = draft.beside(a.type.dtype, a.type.shape);
    draft.node(op, draft.coin() ? [b, a] : [a, b]);
  };

const reduce: Recipe = (draft, op) => {
  const x = draft.some(NUMBERS);
  const axes = axesOf(x).filter(() => draft.coin());
  draft.node(op, [x], { axes: draft.coin() ? axes.reverse() : axes, keepDims: draft.coin() });
};

const argReduce: Recipe = (draft, op) => {
  const x = draft.some(NUMBERS, 1);
  draft.node(op, [x], { axis: draft.one(axesOf(x)) });
};

const floatFunctions =
  `exp expm1 log log1p sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf floor
  ceil round`.split(/\s+/);

/** In the order of the op table, simple ops first: shrinking goes to the front. */
export const recipes: ReadonlyMap<string, Recipe> = new Map<string, Recipe>([
  ...["neg", "abs", "sign"].map((op) => [op, unary(NUMBERS)] as const),
  ...floatFunctions.map((op) => [op, unary(FLOATS)] as const),
  ["not", unary(BITS)],
  ...["add", "sub", "mul", "div", "mod", "max", "min"].map((op) => [op, binary(NUMBERS)] as const),
  ...["pow", "atan2"].map((op) => [op, binary(FLOATS)] as const),
  ...["and", "or", "xor"].map((op) => [op, binary(BITS)] as const),
  ...["shiftLeft", "shiftRight"].map((op) => [op, binary(INTEGERS)] as const),
  ...["eq", "ne"].map((op) => [op, binary(ALL)] as const),
  ...["lt", "le", "gt", "ge"].map((op) => [op, binary(NUMBERS)] as const),
  ["select", addSelect],
  ["cast", (draft, op) => draft.node(op, [draft.some(ALL)], { dtype: draft.one(ALL) })],
  ["bitCast", addBitCast],
  ["constant", addConstant],
  ["broadcast", addBroadcast],
  ["reshape", addReshape],
  ["transpose", addTranspose],
  ...["reduceSum", "reduceProd", "reduceMax", "reduceMin"].map((op) => [op, reduce] as const),
  ...["argMax", "argMin"].map((op) => [op, argReduce] as const),
  ...["cumsum", "cumprod"].map((op) => [op, addCumulative] as const),
  ["dotGeneral", addDotGeneral],
  ["conv", addConv],
  ["windowReduce", addWindowReduce],
  ["windowArgMax", addWindowArgMax],
  ["slice", addSlice],
  ["reverse", addReverse],
  ["concat", addConcat],
  ["pad", addPad],
  ["gather", addGather],
  ...indexRecipes,
  ["topK", addTopK],
  ["lu", addLu],
  ["iota", addIota],
  ["dimension", addDimension],
  ["scan", addScan],
]);

export function axesOf(x: Value): number[] {
  return x.type.shape.map((_, axis) => axis);
}

function addSelect(draft: Draft, op: string): void {
  const a = draft.some(ALL);
  const b = draft.into(a.type.dtype, a.type.shape);
  const condition = draft.into("bool", a.type.shape);
  draft.node(op, draft.coin() ? [condition, b, a] : [condition, a, b]);
}

function addBitCast(draft: Draft, op: string): void {
  const x = draft.some(ALL);
  const alike = ALL.filter((dtype) => widthOf(dtype) === widthOf(x.type.dtype));
  draft.node(op, [x], { dtype: draft.one(alike) });
}

function addConstant(draft: Draft): void {
  const sizes = draft.shape().map(draft.sizeOf);
  draft.values.push(draft.tensor(draft.one(ALL), sizes));
}

function addBroadcast(draft: Draft, op: string): void {
  const x = draft.some(ALL, 0, HIGHEST_RANK - 1);
  const before = draft.choose(x.type.shape.length + 1);
  const shape = x.type.shape.map((d) => (d === constant(1) ? draft.one(draft.dims) : d));
  const axes = axesOf(x).map((axis) => (axis < before ? axis : axis + 1));
  draft.node(op, [x], {
    shape: [...shape.slice(0, before), draft.one(draft.dims), ...shape.slice(before)],
    axes,
  });
}

function addReshape(draft: Draft, op: string): void {
  const x = draft.some(ALL);
  draft.node(op, [x], { shape: draft.one(reshapesOf(draft, x.type.shape)) });
}

function reshapesOf(draft: Draft, shape: Shape): readonly Shape[] {
  const one = constant(1);
  const found: Shape[] = [[product(shape)], [...shape, one].slice(-HIGHEST_RANK)];
  if (shape.length === HIGHEST_RANK) found.pop();
  if (shape.length >= 2) found.push([mul(shape[0]!, shape[1]!), ...shape.slice(2)]);
  const whole = constantOf(product(shape));
  if (whole !== undefined && whole % 2 === 0) found.push([constant(2), constant(whole / 2)]);
  if (whole === undefined && !draft.closed) found.push([draft.builder.unknown("reshape")]);
  return found;
}

function addTranspose(draft: Draft, op: string): void {
  const x = draft.some(ALL);
  const left = axesOf(x);
  const permutation = axesOf(x).map(() => left.splice(draft.choose(left.length), 1)[0]!);
  draft.node(op, [x], { permutation });
}

function addCumulative(draft: Draft, op: string): void {
  const x = draft.some(NUMBERS, 1);
  draft.node(op, [x], { axis: draft.one(axesOf(x)), reverse: draft.coin(), exclusive: draft.coin() });
}

/**
 * Every axis of a is batch, contracted or free; b is made to fit, its axes in another order, with at most one
 * of its own.
 */
function addDotGeneral(draft: Draft, op: string): void {
  const a = draft.some(NUMBERS);
  const roles = axesOf(a).map(() => draft.one(["contract", "free", "batch"]));
  const [batch, contract] = ["batch", "contract"].map((role) =>
    axesOf(a).filter((axis) => roles[axis] === role),
  );
  const own = a.type.shape.length < HIGHEST_RANK && draft.coin() ? [draft.one(draft.dims)] : [];
  const dims = [...[...contract!, ...batch!].map((axis) => a.type.shape[axis]!), ...own];
  const turn = draft.choose(dims.length || 1);
  const b = draft.exact(
    a.type.dtype,
    dims.map((_, i) => dims[(i + turn) % dims.length]!),
  );
  const place = (i: number) => (i - turn + dims.length) % dims.length;
  draft.node(op, [a, b], {
    batch: [batch!, batch!.map((_, i) => place(i + contract!.length))],
    contract: [contract!, contract!.map((_, i) => place(i))],
  });
}

function addSlice(draft: Draft, op: string): void {
  const x = draft.some(ALL, 1);
  const axis = draft.one(axesOf(x));
  const d = x.type.shape[axis]!;
  const n = draft.sizeOf(d);
  const start = draft.choose(n);
  const stride = draft.between(1, 3);
  const most = Math.floor((n - 1 - start) / stride) + 1;
  const symbolic: Dim = stride === 1 ? sub(d, start) : constant(most);
  const size = draft.coin() ? symbolic : constant(draft.between(1, most));
  draft.node(op, [x], { axis, start: constant(start), size, stride: constant(stride) });
}

function addReverse(draft: Draft, op: string): void {
  const x = draft.some(ALL);
  draft.node(op, [x], { axes: axesOf(x).filter(() => draft.coin()) });
}

function addConcat(draft: Draft, op: string): void {
  const first = draft.some(ALL, 1);
  const { dtype, shape } = first.type;
  const axis = draft.one(axesOf(first));
  const without = (dims: Shape) => dims.filter((_, i) => i !== axis);
  const others = Array.from({ length: draft.choose(3) }, () =>
    draft.pick(
      ({ type }) =>
        type.dtype === dtype &&
        type.shape.length === shape.length &&
        sameShape(without(type.shape), without(shape)),
      () => draft.source(dtype, shape.with(axis, draft.one(draft.dims))),
    ),
  );
  draft.node(op, [first, ...others], { axis });
}

function addPad(draft: Draft, op: string): void {
  const x = draft.some(ALL);
  const amounts = () => x.type.shape.map(() => constant(draft.choose(3)));
  const { dtype } = x.type;
  const value = Number(dtypes[dtype].lowest) === 0 ? draft.choose(2) : draft.one([0, 1, -2]);
  draft.node(op, [x], { low: amounts(), high: amounts(), value });
}

/** Indices are in range by construction: a constant, or any integers modulo the extent. */
function addGather(draft: Draft, op: string): void {
  const x = draft.some(ALL, 1);
  const axis = draft.one(axesOf(x));
  const extent = draft.sizeOf(x.type.shape[axis]!);
  const any = draft.some(["int32"], 0, HIGHEST_RANK + 1 - x.type.shape.length);
  const limit = draft.builder.constant({ dtype: "int32", shape: [], data: Int32Array.of(extent) });
  const indices = draft.node("mod", [any, limit])[0]!;
  draft.node(op, [x, indices], { axis });
}

function addIota(draft: Draft, op: string): void {
  const shape = draft.shape(1);
  draft.node(op, [], { dtype: draft.one(NUMBERS), shape, axis: draft.choose(shape.length) });
}

function addTopK(draft: Draft, op: string): void {
  const x = draft.some(NUMBERS, 1);
  const axis = draft.one(axesOf(x));
  const d = x.type.shape[axis]!;
  const k = draft.coin() ? d : constant(draft.between(1, Math.min(draft.sizeOf(d), 3)));
  draft.node(op, [x], { axis, k, largest: draft.coin() });
}

function addLu(draft: Draft, op: string): void {
  const [n] = draft.shape(1);
  const batch = draft.coin() ? [draft.one(draft.dims)] : [];
  draft.node(op, [draft.exact(draft.one(FLOATS), [...batch, n!, n!])]);
}

function addDimension(draft: Draft, op: string): void {
  draft.node(op, [], { dtype: draft.one(["int32", "uint8", "int8"]), value: draft.one(draft.dims) });
}
