/**
 * Random contractions as large as register tiles and larger, with a rest on every side: what random graphs of
 * small sizes never reach is how schedules block, pack and unroll. One matrix product or convolution, its
 * kernel a weight or an input, stored either way round, with a producer before it and an epilogue behind it
 * that may be fused.
 */
import fc from "fast-check";
import { constant } from "../../compiler/dims/index.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { BoundDim, Graph, Value } from "../../compiler/ir/graph.ts";
import { printGraph } from "../../compiler/ir/graph-print.ts";
import type { DType } from "../../runtime/dtype.ts";

type Random<A> = A extends fc.Arbitrary<infer T> ? T : never;

const upTo = (max: number, min = 1) => fc.integer({ min, max });

const surroundings = {
  dtype: fc.constantFrom<DType>("float32", "float32", "float32", "int32"),
  /** Whether the second operand is a parameter: only then may it be packed. */
  weight: fc.boolean(),
  producer: fc.constantFrom("none", "neg", "add", "transposed"),
  epilogue: fc.subarray(["bias", "relu", "square", "residual", "sum"]),
} as const;

const matmul = fc.record({
  ...surroundings,
  batch: fc.constantFrom(0, 0, 1, 3),
  rows: upTo(21),
  columns: upTo(37),
  depth: upTo(50),
  kernelFirst: fc.boolean(),
});

const conv = fc.record({
  ...surroundings,
  size: fc.tuple(upTo(2), upTo(9, 3), upTo(13, 3)),
  window: fc.tuple(upTo(3), upTo(3)),
  groups: fc.constantFrom(1, 1, 2, 4),
  channelsPerGroup: upTo(5),
  outputsPerGroup: upTo(9),
  stride: upTo(2),
  dilation: fc.constantFrom(1, 1, 2),
  inputDilation: fc.constantFrom(1, 1, 2),
  padding: fc.tuple(upTo(2, 0), upTo(2, 0), upTo(2, 0), upTo(2, 0)),
  layout: fc.constantFrom("channelsLast", "channelsFirst"),
});

type Surroundings = Pick<Random<typeof matmul>, "dtype" | "weight" | "producer" | "epilogue">;

export function contractionArbitrary(): fc.Arbitrary<Graph<BoundDim>> {
  return fc.noBias(fc.oneof(matmul.map(matmulGraph), conv.map(convGraph))).map((graph) =>
    Object.defineProperty(graph as Graph<BoundDim>, fc.toStringMethod, {
      value: () => `\n${printGraph(graph)}\n`,
    }),
  );
}

/** Builds around a contraction. */
class Around {
  readonly builder = new GraphBuilder("contraction");
  readonly #random: Surroundings;

  constructor(random: Surroundings) {
    this.#random = random;
  }

  input(name: string, shape: readonly number[]): Value {
    return this.builder.input(name, { dtype: this.#random.dtype, shape: shape.map((n) => constant(n)) });
  }

  kernel(shape: readonly number[]): Value {
    return this.#random.weight ? this.parameter("kernel", shape) : this.input("kernel", shape);
  }

  parameter(name: string, shape: readonly number[]): Value {
    const type = { dtype: this.#random.dtype, shape: shape.map((n) => constant(n)) };
    return this.builder.parameter(name, type, { kind: "zeros" });
  }

  node(op: string, operands: readonly Value[], attributes = {}): Value {
    return this.builder.node(op, operands, attributes)[0]!;
  }

  /** The contraction's operand of this shape, made from the input in one of the ways that may be fused. */
  produced(shape: readonly number[]): Value {
    const axes = shape.map((_, i) => i).reverse();
    switch (this.#random.producer) {
      case "neg":
        return this.node("neg", [this.input("x", shape)]);
      case "add":
        return this.node("add", [this.input("x", shape), this.input("z", shape.slice(-1))]);
      case "transposed":
        return this.node("transpose", [this.input("x", [...shape].reverse())], { permutation: axes });
      default:
        return this.input("x", shape);
    }
  }

  finish(contraction: Value): Graph {
    let y = contraction;
    const shape = y.type.shape.map(Number);
    for (const part of this.#random.epilogue) {
      if (part === "bias") y = this.node("add", [y, this.parameter("bias", shape.slice(-1))]);
      if (part === "relu") y = this.node("max", [y, this.node("sub", [y, y])]);
      if (part === "square") y = this.node("mul", [y, y]);
      if (part === "residual") y = this.node("add", [this.input("skip", shape), y]);
      if (part === "sum") y = this.node("reduceSum", [y], { axes: [shape.length - 1], keepDims: true });
    }
    return this.builder.finish([{ name: "y", value: y }]);
  }
}

function matmulGraph(random: Random<typeof matmul>): Graph {
  const { batch, rows, columns, depth, kernelFirst } = random;
  const around = new Around(random);
  const lead = batch === 0 ? [] : [batch];
  const x = around.produced([...lead, rows, depth]);
  const kernel = around.kernel([...lead, ...(kernelFirst ? [columns, depth] : [depth, columns])]);
  const axes = lead.map((_, i) => i);
  const contract = [[lead.length + 1], [lead.length + (kernelFirst ? 1 : 0)]];
  return around.finish(around.node("dotGeneral", [x, kernel], { batch: [axes, axes], contract }));
}

function convGraph(random: Random<typeof conv>): Graph {
  const { size, groups, layout, stride, inputDilation, channelsPerGroup, outputsPerGroup } = random;
  const around = new Around(random);
  const [batch, ...spatial] = size;
  const channels = groups * channelsPerGroup;
  const shape = layout === "channelsLast" ? [batch, ...spatial, channels] : [batch, channels, ...spatial];
  const x = around.produced(shape);
  const dilations = random.window.map((k) => (k === 3 ? 1 : random.dilation));
  const kernel = around.kernel([...random.window, channelsPerGroup, groups * outputsPerGroup]);
  const dims = (numbers: readonly number[]) => numbers.map((n) => constant(n));
  const [top, bottom, left, right] = random.padding;
  return around.finish(
    around.node("conv", [x, kernel], {
      strides: dims([stride, stride]),
      padding: [dims([top, bottom]), dims([left, right])],
      dilations: dims(dilations),
      inputDilations: dims([inputDilation, inputDilation]),
      groups: constant(groups),
      layout,
    }),
  );
}
