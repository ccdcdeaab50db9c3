/**
 * Sizes that are computed with, as tensors: what an exporter writes for a reshape. Cases 49 and 50 of the
 * list that the engine must decide, the rules of single ops, and the law that following dims and then
 * substituting sizes is substituting sizes and then computing.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { constant, type Dim, dim, evaluate, type Shape, Store, symbol } from "../../compiler/dims/index.ts";
import { Ops } from "../../compiler/frontend/ops/composites.ts";
import { bind } from "../../compiler/infer/bind.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import { dimTensor } from "../../compiler/infer/dim-tensor.ts";
import { KnownValues } from "../../compiler/infer/known-values.ts";
import type { Value } from "../../compiler/ir/graph.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { dtypes, type Scalar } from "../../runtime/dtype.ts";
import { decode } from "../../runtime/elements.ts";
import { tensor } from "../../runtime/tensor.ts";
import { symbolicGraphArbitrary } from "../support/arbitrary/graphs.ts";

class Draft extends Ops {
  input(name: string, shape: string, dtype: "float32" | "int32" | "bool" = "float32"): Value {
    return this.builder.input(name, {
      dtype,
      shape: shape === "" ? [] : shape.split(",").map((d) => dim(d)),
    });
  }
  shapeOf = (x: Value) => this.builder.dimensions(this.shape(x));
  ints = (...list: number[]) => this.constant(tensor(list, [list.length], "int32"));
  int = (n: number) => this.constant(n, "int32");
  at = (list: Value, i: number) => this.gather(list, this.int(i));
  unsqueeze = (x: Value) => this.reshape(x, [1]);
  /** The elements, printed; undefined where they are not known. */
  known = (x: Value) => {
    const found = this.builder.elementsOf(x);
    return found?.dims
      .map((d, i) => (found.shifts?.[i] ? `${d} / ${2 ** found.shifts[i]}` : `${d}`))
      .join(", ");
  };
  /** The sizes that a tensor says, as a reshape takes them. */
  sizes = (x: Value): readonly Dim[] => this.builder.elementsOf(x)!.dims;
}

const draft = () => new Draft(new GraphBuilder("g"));
const text = (shape: Shape) => `[${shape.join(", ")}]`;

describe("49. shape arithmetic keeps exact dims and makes no symbol", () => {
  test("Shape, Gather, Mul, Unsqueeze, Concat, Reshape", () => {
    const g = draft();
    const x = g.input("x", "b, c, h, w");
    const shape = g.shapeOf(x);
    const area = g.mul(g.at(shape, 2), g.at(shape, 3));
    const target = g.concat([g.unsqueeze(g.at(shape, 0)), g.unsqueeze(g.at(shape, 1)), g.unsqueeze(area)], 0);
    expect(g.known(target)).toBe("b, c, h*w");
    expect(text(g.reshape(x, g.sizes(target)).type.shape)).toBe("[b, c, h*w]");
    expect(g.builder.store.residuals()).toEqual([]);
  });

  test("Where(Equal(shape, -1), ones, shape) of an Expand", () => {
    const g = draft();
    const x = g.input("x", "b, 1, w");
    const shape = g.concat([g.shapeOf(x), g.ints(-1)], 0);
    const ones = g.broadcast(g.int(1), [4], []);
    const target = g.select(g.eq(shape, g.int(-1)), ones, shape);
    expect(g.known(target)).toBe("b, 1, w, 1");
    const column = g.reshape(x, [...x.type.shape, constant(1)]);
    expect(text(g.broadcast(column, g.sizes(target), [0, 1, 2, 3]).type.shape)).toBe("[b, 1, w, 1]");
    expect(g.builder.store.residuals()).toEqual([]);
  });
});

describe("50. sizes made of sizes are exact", () => {
  test("Range(0, S)", () => {
    const g = draft();
    const x = g.input("x", "b, S");
    const [length] = g.sizes(g.unsqueeze(g.at(g.shapeOf(x), 1)));
    const positions = g.iota("int32", [length!]);
    expect(text(positions.type.shape)).toBe("[S]");
    expect(text(g.add(x, g.cast(positions, "float32")).type.shape)).toBe("[b, S]");
    expect(g.builder.store.residuals()).toEqual([]);
  });

  test("ConstantOfShape", () => {
    const g = draft();
    const x = g.input("x", "b, S");
    const [b, s] = [g.at(g.shapeOf(x), 0), g.at(g.shapeOf(x), 1)];
    const target = g.concat([g.unsqueeze(b), g.unsqueeze(g.add(s, g.int(1)))], 0);
    expect(text(g.broadcast(g.constant(0), g.sizes(target), []).type.shape)).toBe("[b, S + 1]");
  });

  test("Tile r, then reshape to [r, n]", () => {
    const g = draft();
    const x = g.input("x", "n");
    const r = g.input("times", "r");
    const [times, n] = g.sizes(g.concat([g.shapeOf(r), g.shapeOf(x)], 0));
    const tiled = g.reshape(g.broadcast(x, [times!, n!], [1]), [
      g.sizes(g.mul(g.shapeOf(r), g.shapeOf(x)))[0]!,
    ]);
    expect(text(tiled.type.shape)).toBe("[n*r]");
    expect(text(g.reshape(tiled, [times!, n!]).type.shape)).toBe("[r, n]");
    expect(g.builder.store.residuals()).toEqual([]);
  });
});

describe("elements that are sizes", () => {
  const g = draft();
  const x = g.input("x", "b, h, 6");
  const shape = g.shapeOf(x);

  test.each<readonly [name: string, value: Value, elements: string | undefined]>([
    ["a constant", g.ints(3, -1), "3, -1"],
    ["a slice", g.slice(shape, 0, 1, 2), "h, 6"],
    ["a reversal", g.reverse(shape, 0), "6, h, b"],
    ["a transposed row", g.transpose(g.reshape(shape, [1, 3]), [1, 0]), "b, h, 6"],
    ["padding", g.pad(shape, [[1, 2]], 7), "7, b, h, 6, 7, 7"],
    [
      "one element replaced",
      g.builder.node("scatterElements", [shape, g.ints(1), g.ints(-1)], { axis: 0, combine: "set" })[0]!,
      "b, -1, 6",
    ],
    ["a product", g.reduceProd(shape, 0), "6*b*h"],
    ["a sum along one axis", g.reduceSum(g.reshape(g.concat([shape, shape], 0), [2, 3]), 0), "2*b, 2*h, 12"],
    ["the largest", g.reduceMax(shape, 0), "max(b, h, 6)"],
    ["the smallest of numbers", g.reduceMin(g.ints(4, 2, 3), 0), "2"],
    ["what a bound decides", g.max(shape, g.int(-1)), "b, h, 6"],
    ["a quotient", g.div(shape, g.int(2)), "floor(b/2), floor(h/2), 3"],
    ["a quotient of something negative", g.div(g.neg(shape), g.int(4)), "-floor(b/4), -floor(h/4), -1"],
    ["a remainder", g.mod(g.at(shape, 1), g.int(7)), "h % 7"],
    ["a magnitude", g.abs(g.sub(g.int(-1), shape)), "b + 1, h + 1, 7"],
    ["a sign", g.sign(g.add(shape, g.int(1))), "1, 1, 1"],
    ["half a size as a float", g.mul(g.cast(shape, "float32"), 0.5), "b / 2, h / 2, 3"],
    [
      "floor(1.5 * size)",
      g.cast(g.floor(g.mul(g.cast(shape, "float32"), 1.5)), "int32"),
      "b + floor(b/2), h + floor(h/2), 9",
    ],
    [
      "ceil(size / 4)",
      g.cast(g.ceil(g.div(g.cast(shape, "float32"), 4)), "int32"),
      "floor((b + 3)/4), floor((h + 3)/4), 2",
    ],
    ["(a * b) / a", g.div(g.mul(g.at(shape, 0), g.at(shape, 1)), g.at(shape, 0)), "h"],
    ["a decided comparison", g.cast(g.ge(shape, g.int(0)), "int32"), "1, 1, 1"],
    ["the number of the largest constant", g.argMax(g.ints(1, 5, 2), 0), "1"],
    [
      "one of several results",
      g.builder.node("topK", [g.ints(4, 9, 2)], { axis: 0, k: constant(2), largest: true })[1]!,
      "1, 0",
    ],
    ["a part of constants that depends on a size", g.slice(g.ints(4, 9, 2), 0, g.shape(x)[0]!, 1), undefined],
    ["a float of constants, rounded as the float is", g.floor(g.mul(g.constant(10), 0.7)), "7"],
    ["a comparison that depends on the size", g.eq(shape, g.int(6)), undefined],
    ["a comparison that only an empty batch decides otherwise", g.gt(shape, g.int(0)), undefined],
    ["a quotient whose sign depends", g.div(g.sub(shape, g.int(3)), g.int(2)), undefined],
    ["a quotient by what may be 0", g.div(shape, g.sub(shape, g.int(1))), undefined],
    ["a float product that rounds", g.floor(g.mul(g.cast(shape, "float32"), 0.7)), undefined],
    [
      "sizes beside the largest int64",
      g.concat(
        [g.builder.dimensions(g.shape(x), "int64"), g.constant(tensor([2n ** 63n - 1n], [1], "int64"))],
        0,
      ),
      "b, h, 6, 9223372036854775807",
    ],
    ["a size in a byte", g.cast(shape, "int8"), undefined],
    ["a byte that overflows", g.mul(g.constant(100, "int8"), g.constant(2, "int8")), "-56"],
    ["a float that is no number", g.div(g.constant(0), 0), undefined],
  ])("%s", (_name, value, elements) => {
    expect(g.known(value)).toBe(elements);
  });

  test("a size in a float is demanded to be exact there", () => {
    const g = draft();
    const x = g.input("x", "h");
    g.known(g.mul(g.cast(g.shapeOf(x), "float32"), 0.5));
    expect(g.builder.store.residuals().map(({ constraint }) => `${constraint}`)).toEqual(["h <= 16777216"]);
  });

  test("data is left alone", () => {
    const g = draft();
    expect(g.known(g.input("x", "4"))).toBeUndefined();
    expect(g.known(g.add(g.input("i", "n", "int32"), g.int(1)))).toBeUndefined();
    expect(g.builder.finish([]).guards).toEqual([]);
  });

  test("what is made of data is known to be so at once, however often it is asked", () => {
    const g = draft();
    const values = [g.cast(g.input("x", "4"), "int32")];
    for (let i = 0; i < 300; i++) values.push(g.neg(values.at(-1)!));
    const { nodes } = g.builder.finish([]);
    const producers = new Map(nodes.map((node) => [node.results[0], node] as const));
    const known = new KnownValues(g.builder.store);
    let asked = 0;
    const producer = (value: Value) => {
      asked++;
      return producers.get(value);
    };
    for (const value of values) expect(known.of(value, { producer, input: () => undefined })).toBeUndefined();
    expect(asked).toBeLessThan(1000);
  });

  test("a chain may be longer than the stack is deep", () => {
    const g = draft();
    let x = g.at(g.shapeOf(g.input("x", "n")), 0);
    for (let i = 0; i < 12000; i++) x = g.neg(x);
    expect(g.known(x)).toBe("n");
  });
});

/** Integer inputs hold sizes: their elements are symbols, of which every op's result is an expression. */
test("following dims, then substituting sizes, is substituting, then computing", () => {
  let compared = 0;
  fc.assert(
    fc.property(symbolicGraphArbitrary({ maxSteps: 8 }), fc.integer({ min: 1, max: 4 }), (random, seed) => {
      const { graph, binding, sample } = random;
      const bound = bind(graph, sample).graph;
      const store = new Store();
      const sizes = new Map<string, number>();
      const data = new Map(
        [...bound.inputs, ...bound.parameters.map(({ value }) => value)].map(({ name, type }) => {
          const shape = type.shape.map(Number);
          const count = shape.reduce((product, n) => product * n, 1);
          const most = dtypes[type.dtype].highest;
          const elements = Array.from({ length: count }, (_, i) =>
            Math.min(Number(most), 1 + ((seed * 7 + 3 * i) % 5)),
          );
          if (type.dtype === "bool") elements.fill(1);
          for (const [i, n] of elements.entries()) sizes.set(`${name}.${i}`, n);
          return [name, tensor(elements, shape, type.dtype)] as const;
        }),
      );
      const producers = new Map(bound.nodes.flatMap((node) => node.results.map((r) => [r, node] as const)));
      const known = new KnownValues(store);
      const inputs = {
        producer: (value: Value) => producers.get(value as never),
        input: ({ name, type: { dtype, shape } }: Value) => {
          const { data: elements } = data.get(name)!;
          if (dtypes[dtype].kind !== "integer" || elements.length > 40) return undefined;
          return dimTensor(
            dtype,
            shape.map(Number),
            Array.from({ length: elements.length }, (_, i) => symbol(`${name}.${i}`)),
          );
        },
      };
      const results = bound.nodes.flatMap(({ results }) => results);
      const outputs = results.map((value) => ({ name: value.name, value }));
      const truth = evaluateGraph({ ...bound, outputs }, data);
      const values = new Map([...sizes, ...binding]);
      const huge = (name: string) =>
        truth.get(name)!.data.length > 0 &&
        Math.max(...Array.from<Scalar, number>(truth.get(name)!.data, (n) => Math.abs(Number(n)))) >= 2 ** 20;
      if (results.some(({ name, type }) => type.dtype === "int32" && huge(name))) return;
      for (const value of results) {
        const found = known.of(value, inputs)?.tensor;
        if (!found) continue;
        const numbers = found.dims.map((d, i) => Number(evaluate(d, values)) / 2 ** (found.shifts?.[i] ?? 0));
        const { dtype, data: stored } = truth.get(value.name)!;
        expect(numbers).toEqual(Array.from<Scalar, number>(decode(dtype, stored), (n) => Number(n) + 0));
        compared++;
      }
    }),
    { numRuns: 120, seed: 5 },
  );
  expect(compared).toBeGreaterThan(200);
});
