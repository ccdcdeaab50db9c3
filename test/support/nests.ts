/**
 * The naive nests that lowerings produce, built by hand for tests and benches of schedules and code
 * generators: a matrix product, a 2-D convolution (NHWC, padding done beforehand) and a depthwise one, each
 * with bias and relu.
 */

import { add, constant, type Dim, mul, symbol } from "../../compiler/dims/index.ts";
import type { Buffer, Expr, For, Kernel, Register, Space, Stmt } from "../../compiler/ir/loop.ts";
import type { Target } from "../../compiler/ir/target.ts";
import type { DType } from "../../runtime/dtype.ts";

export const number = (value: number, dtype: DType = "float32"): Expr => ({ kind: "constant", value, dtype });
export const load = (buffer: Buffer, index: Dim): Expr => ({ kind: "load", buffer, index });
export const read = (register: Register, index: readonly Dim[] = []): Expr => ({
  kind: "register",
  register,
  index,
});
export const binary = (fn: (Expr & { kind: "binary" })["fn"], a: Expr, b: Expr): Expr => ({
  kind: "binary",
  fn,
  a,
  b,
  dtype: "float32",
});

export function buffer(name: string, length: number, space: Space, dtype: DType = "float32"): Buffer {
  return { name, dtype, length, space };
}

export function loop(axis: string, extent: number, parallel: boolean, body: readonly Stmt[]): For {
  return { kind: "for", axis, extent: constant(extent), step: 1, mode: "serial", parallel, body };
}

export function accumulator(target: Target, name = "acc"): Register {
  return { name, dtype: target.numerics.accumulate === "float64" ? "float64" : "float32", shape: [] };
}

/** What a nest sums: axes of the output and of the reduction with their extents, and the addresses. */
interface Contraction {
  readonly name: string;
  readonly outputs: readonly (readonly [axis: string, extent: number])[];
  readonly reductions: readonly (readonly [axis: string, extent: number])[];
  readonly x: readonly [Buffer, Dim];
  readonly w: readonly [Buffer, Dim];
  readonly bias?: readonly [Buffer, Dim];
  readonly y: readonly [Buffer, Dim];
}

export function contraction(spec: Contraction, target: Target): Kernel {
  const acc = accumulator(target);
  const product = binary("mul", load(...spec.x), load(...spec.w));
  const sum: Stmt = { kind: "set", register: acc, index: [], value: binary("add", read(acc), product) };
  const epilogue = spec.bias
    ? binary("max", binary("add", read(acc), load(...spec.bias)), number(0))
    : read(acc);
  const body: Stmt[] = [
    { kind: "let", register: acc, index: [], value: number(0, acc.dtype) },
    ...nested(spec.reductions, false, [sum]),
    { kind: "store", buffer: spec.y[0], index: spec.y[1], value: epilogue },
  ];
  const reads = [spec.x[0], spec.w[0], ...(spec.bias ? [spec.bias[0]] : [])];
  return {
    name: spec.name,
    reads,
    writes: [spec.y[0]],
    parameters: [],
    body: nested(spec.outputs, true, body),
    comment: `${spec.name}: ${spec.outputs.map(([, n]) => n).join("x")}`,
  };
}

function nested(
  axes: readonly (readonly [string, number])[],
  parallel: boolean,
  body: readonly Stmt[],
): readonly Stmt[] {
  return axes.reduceRight<readonly Stmt[]>(
    (inner, [axis, extent]) => (extent === 1 ? inner : [loop(axis, extent, parallel, inner)]),
    body,
  );
}

const at = (axis: string, extent: number) => (extent === 1 ? constant(0) : symbol(axis));

/** y[m, n] = relu(sum over k of x[m, k] * w[k, n] + b[n]); without bias and relu when `bare`. */
export function matmul(M: number, K: number, N: number, target: Target, bare = false): Kernel {
  const [m, k, n] = [at("m", M), at("k", K), at("n", N)];
  const bias = bare ? {} : { bias: [buffer("b", N, "weight"), n] as const };
  return contraction(
    {
      name: `matmul_${M}x${K}x${N}`,
      outputs: [
        ["m", M],
        ["n", N],
      ],
      reductions: [["k", K]],
      x: [buffer("x", M * K, "input"), add(mul(K, m), k)],
      w: [buffer("w", K * N, "weight"), add(mul(N, k), n)],
      ...bias,
      y: [buffer("y", M * N, "output"), add(mul(N, m), n)],
    },
    target,
  );
}

export interface ConvShape {
  /** Height and width of the output; the input is larger by the kernel less one, times the stride. */
  readonly size: readonly [number, number];
  readonly channels: readonly [input: number, output: number];
  readonly kernel: readonly [number, number];
  readonly stride?: number;
  /** Where the image lies; an arena by default, as after padding. */
  readonly space?: Space;
}

/** A valid convolution, NHWC, weights [kh, kw, input, output]. */
export function conv2d(shape: ConvShape, target: Target, bare = false): Kernel {
  const [OH, OW] = shape.size;
  const [CI, CO] = shape.channels;
  const [KH, KW] = shape.kernel;
  const stride = shape.stride ?? 1;
  const [IH, IW] = [(OH - 1) * stride + KH, (OW - 1) * stride + KW];
  const [oh, ow, co] = [at("oh", OH), at("ow", OW), at("co", CO)];
  const [kh, kw, ci] = [at("kh", KH), at("kw", KW), at("ci", CI)];
  const [ih, iw] = [add(mul(stride, oh), kh), add(mul(stride, ow), kw)];
  const bias = bare ? {} : { bias: [buffer("b", CO, "weight"), co] as const };
  return contraction(
    {
      name: `conv_${OH}x${OW}x${CO}`,
      outputs: [
        ["oh", OH],
        ["ow", OW],
        ["co", CO],
      ],
      reductions: [
        ["kh", KH],
        ["kw", KW],
        ["ci", CI],
      ],
      x: [buffer("x", IH * IW * CI, shape.space ?? "arena"), add(mul(IW * CI, ih), mul(CI, iw), ci)],
      w: [
        buffer("w", KH * KW * CI * CO, "weight"),
        add(mul(KW * CI * CO, kh), mul(CI * CO, kw), mul(CO, ci), co),
      ],
      ...bias,
      y: [buffer("y", OH * OW * CO, "output"), add(mul(OW * CO, oh), mul(CO, ow), co)],
    },
    target,
  );
}

/** A 3x3 depthwise convolution over one row of `width` outputs and `channels`. */
export function depthwise(width: number, channels: number, target: Target): Kernel {
  const [ow, c, kh, kw] = [at("ow", width), at("c", channels), symbol("kh"), symbol("kw")];
  const IW = width + 2;
  return contraction(
    {
      name: "depthwise",
      outputs: [
        ["ow", width],
        ["c", channels],
      ],
      reductions: [
        ["kh", 3],
        ["kw", 3],
      ],
      x: [
        buffer("x", 3 * IW * channels, "arena"),
        add(mul(IW * channels, kh), mul(channels, add(ow, kw)), c),
      ],
      w: [buffer("w", 9 * channels, "weight"), add(mul(3 * channels, kh), mul(channels, kw), c)],
      y: [buffer("y", width * channels, "output"), add(mul(channels, ow), c)],
    },
    target,
  );
}

/** What `fn` makes of each row of products x[i, r] * w[r]. */
export function reducedRows(rows: number, columns: number, fn: "add" | "max", target: Target): Kernel {
  const [l, r] = [at("l", rows), at("r", columns)];
  const [x, w] = [buffer("x", rows * columns, "arena"), buffer("w", columns, "weight")];
  const y = buffer("y", rows, "output");
  const acc = accumulator(target);
  const value = binary(fn, read(acc), binary("mul", load(x, add(mul(columns, l), r)), load(w, r)));
  const first = number(fn === "add" ? 0 : Number.NEGATIVE_INFINITY);
  const body: Stmt[] = [
    { kind: "let", register: acc, index: [], value: first },
    ...nested([["r", columns]], false, [{ kind: "set", register: acc, index: [], value }]),
    { kind: "store", buffer: y, index: l, value: binary("add", read(acc), number(1)) },
  ];
  const [name, comment] = [`reduced_${fn}`, ""];
  return {
    name,
    reads: [x, w],
    writes: [y],
    parameters: [],
    body: nested([["l", rows]], true, body),
    comment,
  };
}

/** Maxima of windows of three, stride two, along one row. */
export function maxPool(width: number, channels: number, target: Target): Kernel {
  const [ow, c, kw] = [at("ow", width), at("c", channels), symbol("kw")];
  const x = buffer("x", (2 * width + 1) * channels, "arena");
  const y = buffer("y", width * channels, "output");
  const acc = accumulator(target, "best");
  const element = load(x, add(mul(channels, add(mul(2, ow), kw)), c));
  const body: Stmt[] = [
    { kind: "let", register: acc, index: [], value: number(Number.NEGATIVE_INFINITY) },
    loop("kw", 3, false, [
      { kind: "set", register: acc, index: [], value: binary("max", read(acc), element) },
    ]),
    { kind: "store", buffer: y, index: add(mul(channels, ow), c), value: read(acc) },
  ];
  const axes = [["ow", width] as const, ["c", channels] as const];
  return {
    name: "max_pool",
    reads: [x],
    writes: [y],
    parameters: [],
    body: nested(axes, true, body),
    comment: "",
  };
}

/** exp(x - max) / sum of it, over rows of `columns`. */
export function softmax(rows: number, columns: number, target: Target): Kernel {
  const [i, k, j] = [at("i", rows), at("k", columns), at("j", columns)];
  const [x, y] = [buffer("x", rows * columns, "arena"), buffer("y", rows * columns, "output")];
  const [most, total] = [accumulator(target, "most"), accumulator(target, "total")];
  const shifted = (column: Dim): Expr => ({
    kind: "unary",
    fn: "exp",
    x: binary("sub", load(x, add(mul(columns, i), column)), read(most)),
    dtype: "float32",
  });
  const largest = binary("max", read(most), load(x, add(mul(columns, i), k)));
  const quotient = binary("div", shifted(j), read(total));
  const body: Stmt[] = [
    { kind: "let", register: most, index: [], value: number(Number.NEGATIVE_INFINITY) },
    ...nested([["k", columns]], false, [{ kind: "set", register: most, index: [], value: largest }]),
    { kind: "let", register: total, index: [], value: number(0) },
    ...nested([["k", columns]], false, [
      { kind: "set", register: total, index: [], value: binary("add", read(total), shifted(k)) },
    ]),
    ...nested([["j", columns]], true, [
      { kind: "store", buffer: y, index: add(mul(columns, i), j), value: quotient },
    ]),
  ];
  return {
    name: "softmax",
    reads: [x],
    writes: [y],
    parameters: [],
    body: nested([["i", rows]], true, body),
    comment: "",
  };
}

export function relu(rows: number, columns: number, _target: Target): Kernel {
  const [x, y] = [buffer("x", rows * columns, "arena"), buffer("y", rows * columns, "output")];
  const index = add(mul(columns, at("i", rows)), at("j", columns));
  const store: Stmt = { kind: "store", buffer: y, index, value: binary("max", load(x, index), number(0)) };
  const axes = [["i", rows] as const, ["j", columns] as const];
  return {
    name: "relu",
    reads: [x],
    writes: [y],
    parameters: [],
    body: nested(axes, true, [store]),
    comment: "",
  };
}
