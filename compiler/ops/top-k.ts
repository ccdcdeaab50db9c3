/**
 * The k largest (or smallest) elements along one axis in order, and their positions as int32 (torch.topk,
 * ONNX TopK, sorted). Of equal elements the one with the lower position comes first; NaN counts as larger
 * than every number, as in numpy.sort. With k the length of the axis this is a stable sort.
 *
 * The kernel keeps the best k so far in the result itself: a few of them in order, so that most elements are
 * compared with the last of them alone; many in a heap, which is sorted in the end (n log k).
 */
import type { Scalar } from "../../runtime/dtype.ts";
import { allocateNumbers, type Elements } from "../../runtime/elements.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { add, constant, constantOf, type Dim, sub } from "../dims/index.ts";
import type { Expr } from "../ir/loop.ts";
import type { Block, Destination, Operand } from "../ir/op.ts";
import { checkAxes, checkDType, defineOp, numberOf, stateAtLeast, typeText } from "./definition.ts";
import { not, outranks, test, whole } from "./expressions.ts";
import { Heap } from "./heap.ts";
import { nestOver } from "./nest.ts";
import { counting, stridesOf, walk } from "./odometer.ts";

export type TopKAttributes = { readonly axis: number; readonly k: Dim; readonly largest: boolean };

/** So many are kept in order by insertion. */
const FEW = 16;

export const topK = defineOp<TopKAttributes>({
  name: "topK",
  operands: ["x"],
  attributes: { axis: "int", k: "dim", largest: "boolean" },
  results: () => 2,
  relate: (context, [x], { axis, k }) => {
    checkDType(context, "topK", "x", x!, "number");
    checkAxes(context, "topK", "x", x!, [axis]);
    stateAtLeast(context, k, constant(0), () => "k of topK is at least 0");
    const [have, taken] = [context.resolve(x!.shape[axis]!), context.resolve(k)];
    if (Number(constantOf(have)) < Number(constantOf(taken)))
      context.fail("E2106", `topK takes ${taken} elements along axis ${axis}, but x has ${have}`, {
        facts: [{ subject: "x", value: typeText(x!) }],
        fix: `use a k of at most ${have}, or clamp it to the length of the axis`,
      });
    stateAtLeast(context, have, taken, () => `axis ${axis} of x has the ${k} elements that topK takes`);
    const shape = x!.shape.with(axis, k);
    return [
      { dtype: x!.dtype, shape },
      { dtype: "int32", shape },
    ];
  },
  evaluate: ([x], attributes) => sorted(x!, attributes),
  lower: ([x], attributes) => ({
    kind: "kernel",
    build: (block, [values, positions]) => {
      const few = Number(constantOf(attributes.k) ?? Number.POSITIVE_INFINITY) <= FEW;
      (few ? insertAll : heapAll)(block, x!, attributes, values!, positions!);
    },
  }),
});

function sorted(x: Tensor, { axis, k, largest }: TopKAttributes): readonly Tensor[] {
  const kept = numberOf(k);
  const outer = counting(x.shape.length).filter((i) => i !== axis);
  const shape = x.shape.with(axis, kept);
  const [from, to] = [stridesOf(x.shape, [axis])[0]!, stridesOf(shape, [axis])[0]!];
  const count = shape.reduce((a, b) => a * b, 1);
  const values = allocateNumbers(x.dtype, count);
  const elements: Elements = values;
  const positions = new Int32Array(count);
  const sizes = outer.map((i) => x.shape[i]!);
  walk(sizes, [stridesOf(x.shape, outer), stridesOf(shape, outer)], ([source, target]) => {
    const valueAt = (i: number) => x.data[source! + i * from]!;
    const order = counting(x.shape[axis]!).toSorted(
      (i, j) => compare(valueAt(i), valueAt(j)) * (largest ? -1 : 1) || i - j,
    );
    order.slice(0, kept).forEach((position, i) => {
      elements[target! + i * to] = valueAt(position);
      positions[target! + i * to] = position;
    });
  });
  return [
    { dtype: x.dtype, shape, data: values },
    { dtype: "int32", shape, data: positions },
  ];
}

/** NaN is the largest. */
function compare(a: Scalar, b: Scalar): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return Number(a > b) - Number(a < b);
}

function heapAll(
  block: Block,
  x: Operand,
  { axis, k, largest }: TopKAttributes,
  values: Destination,
  positions: Destination,
): void {
  const outer = x.shape.filter((_, i) => i !== axis);
  nestOver(block, outer, { parallel: true }, (index) => {
    const at = (d: Dim) => [...index.slice(0, axis), d, ...index.slice(axis)];
    const fill = () => {
      const heap = new Heap(block, { values, positions, at, count: k, largest });
      block.for("n", x.shape[axis]!, { parallel: false }, (n) =>
        heap.offer(n, block.let("value", x.at(at(n))), x.shape[axis]!),
      );
      heap.sort();
    };
    if (constantOf(k) === undefined) block.if(test("gt", whole(k), whole(constant(0))), fill);
    else fill();
  });
}

function insertAll(
  block: Block,
  x: Operand,
  { axis, k, largest }: TopKAttributes,
  values: Destination,
  positions: Destination,
): void {
  if (constantOf(k) === 0) return;
  const outer = x.shape.filter((_, i) => i !== axis);
  nestOver(block, outer, { parallel: true }, (index) => {
    const along = (d: Dim) => [...index.slice(0, axis), d, ...index.slice(axis)];
    const last = along(sub(k, 1));
    block.for("n", x.shape[axis]!, { parallel: false }, (n) => {
      const value = block.let("value", x.at(along(n)));
      // Of equals the earlier one is already in, and stays.
      const order = { dtype: x.dtype, nan: largest ? "first" : "last" } as const;
      const beats = (other: Expr) => outranks(largest ? "gt" : "lt", value, other, order);
      const filling = test("lt", whole(n), whole(k));
      // The first k come in whatever they are; until then the last place holds nothing to compare with.
      block.if(test("or", filling, beats(values.load(last))), () => {
        const place = block.local("place", "int32", whole(constant(0)));
        block.for("p", k, { parallel: false }, (p) => {
          const stays = test("and", test("lt", whole(p), whole(n)), not(beats(values.load(along(p)))));
          block.if(stays, () => place.set(whole(add(p, 1))));
        });
        block.for("q", sub(k, 1), { parallel: false }, (q) => {
          const [to, from] = [sub(sub(k, 1), q), sub(sub(k, 2), q)];
          block.if(test("lt", place.get(), whole(to)), () => {
            values.store(along(to), values.load(along(from)));
            positions.store(along(to), positions.load(along(from)));
          });
        });
        const at = along(block.index(place.get(), k, { mode: "clamp", what: "topK place" }));
        values.store(at, value);
        positions.store(at, whole(n));
      });
    });
  });
}
