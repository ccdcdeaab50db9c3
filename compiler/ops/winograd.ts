/**
 * The three steps of Winograd's minimal filtering (Lavin and Gray, "Fast algorithms for convolutional neural
 * networks", 2016) that make a 3x3 convolution of stride 1 a batch of matrix products with fewer
 * multiplications. A tile of t x t results (t is 2 or 4) comes of (t+2) x (t+2) elements d and the kernel g:
 *
 *     A' [ (G g G') * (B' d B) ] A          with * elementwise, summed over channels
 *
 * `winogradInput` makes B' d B of every tile and channel, `winogradKernel` G g G' of every pair of channels,
 * with the outputs in blocks as wide as a tile of the product, and `winogradOutput` applies A. To suit the
 * cache, the product may have more `rows` than there are tiles, a row more `columns` than channels, a block
 * more `depth` than inputs: they hold anything (zeros in the reference), and nobody reads them. Only the pass
 * `winograd` makes these ops. References multiply by the matrices, kernels by the sums they factor into.
 */
import { allocateNumbers, type Elements } from "../../runtime/elements.ts";
import { size, type Tensor } from "../../runtime/tensor.ts";
import { add, constant, constantOf, type Dim, floorDiv, mod, mul, product, sub } from "../dims/index.ts";
import type { Expr } from "../ir/loop.ts";
import type { Block, Destination, Op, Operand } from "../ir/op.ts";
import { checkDTypeIs, checkRank, defineOp, numberOf } from "./definition.ts";
import { nestOver } from "./nest.ts";
import { counting } from "./odometer.ts";
import { type Line, lines } from "./winograd-lines.ts";

export type WinogradInputAttributes = { readonly tile: number; readonly rows: Dim; readonly columns: Dim };
export type WinogradKernelAttributes = { readonly tile: number; readonly width: number; readonly depth: Dim };
export type WinogradOutputAttributes = { readonly tile: number; readonly shape: readonly Dim[] };

type Matrix = readonly (readonly number[])[];

interface Matrices {
  readonly input: Matrix;
  readonly kernel: Matrix;
  readonly output: Matrix;
}

/** B', G and A' by tile. */
const matrices: Readonly<Record<number, Matrices>> = {
  2: {
    input: [
      [1, 0, -1, 0],
      [0, 1, 1, 0],
      [0, -1, 1, 0],
      [0, 1, 0, -1],
    ],
    kernel: [
      [1, 0, 0],
      [1 / 2, 1 / 2, 1 / 2],
      [1 / 2, -1 / 2, 1 / 2],
      [0, 0, 1],
    ],
    output: [
      [1, 1, 1, 0],
      [0, 1, -1, -1],
    ],
  },
  4: {
    input: [
      [4, 0, -5, 0, 1, 0],
      [0, -4, -4, 1, 1, 0],
      [0, 4, -4, -1, 1, 0],
      [0, -2, -1, 2, 1, 0],
      [0, 2, -1, -2, 1, 0],
      [0, 4, 0, -5, 0, 1],
    ],
    kernel: [
      [1 / 4, 0, 0],
      [-1 / 6, -1 / 6, -1 / 6],
      [-1 / 6, 1 / 6, -1 / 6],
      [1 / 24, 1 / 12, 1 / 6],
      [1 / 24, -1 / 12, 1 / 6],
      [0, 0, 1],
    ],
    output: [
      [1, 1, 1, 1, 1, 0],
      [0, 1, -1, 2, -2, 0],
      [0, 1, 1, 4, 4, 0],
      [0, 1, -1, 8, -8, 1],
    ],
  },
};

/** Results along one axis that a tile does not cover are of a smaller last tile. */
const tilesOf = (d: Dim, tile: number) => floorDiv(add(d, tile - 1), tile);

export const winogradOps: readonly Op[] = [
  defineOp<WinogradInputAttributes>({
    name: "winogradInput",
    operands: ["x"],
    attributes: { tile: "int", rows: "dim", columns: "dim" },
    relate: (context, [x], { tile, rows, columns }) => {
      checkRank(context, "winogradInput", "x", x!, 4);
      checkDTypeIs(context, "winogradInput", "x", x!, "float32");
      const [n, height, width, channels] = x!.shape as [Dim, Dim, Dim, Dim];
      const places = [height, width].map((d) => {
        context.divisible(sub(d, 2), constant(tile), "tiles cover x");
        return floorDiv(sub(d, 2), tile);
      });
      context.atLeast(rows, product([n, ...places]), "there is a row for each tile");
      context.atLeast(columns, channels, "there is a column for each channel");
      return [{ dtype: x!.dtype, shape: [constant((tile + 2) ** 2), rows, columns] }];
    },
    evaluate: ([x], { tile }, [result]) => [tilesReference(x!, tile, result!.shape)],
    lower: ([x], { tile }) => ({
      kind: "kernel",
      build: (block, [result]) => transformTiles(block, x!, tile, result!),
    }),
  }),
  defineOp<WinogradKernelAttributes>({
    name: "winogradKernel",
    operands: ["kernel"],
    attributes: { tile: "int", width: "int", depth: "dim" },
    relate: (context, [kernel], { tile, width, depth }) => {
      checkRank(context, "winogradKernel", "kernel", kernel!, 4);
      checkDTypeIs(context, "winogradKernel", "kernel", kernel!, "float32");
      const [inputs, outputs] = kernel!.shape.slice(2) as [Dim, Dim];
      context.divisible(outputs, constant(width), "blocks cover the outputs");
      context.atLeast(depth, inputs, "a block has room for the inputs");
      const shape = [constant((tile + 2) ** 2), floorDiv(outputs, width), depth, constant(width)];
      return [{ dtype: kernel!.dtype, shape }];
    },
    evaluate: ([kernel], attributes, [result]) => [kernelReference(kernel!, attributes, result!.shape)],
    lower: ([kernel], attributes) => ({
      kind: "kernel",
      build: (block, [result]) => transformKernel(block, kernel!, attributes, result!),
    }),
  }),
  defineOp<WinogradOutputAttributes>({
    name: "winogradOutput",
    operands: ["products"],
    attributes: { tile: "int", shape: "dims" },
    relate: (context, [products], { tile, shape }) => {
      checkRank(context, "winogradOutput", "products", products!, 4);
      checkDTypeIs(context, "winogradOutput", "products", products!, "float32");
      const [n, height, width, channels] = shape as [Dim, Dim, Dim, Dim];
      const tiles = product([n, tilesOf(height, tile), tilesOf(width, tile)]);
      context.atLeast(products!.shape[1]!, tiles, "tiles cover the result");
      context.equal(product(products!.shape.slice(2)), channels, "blocks cover the outputs");
      return [{ dtype: products!.dtype, shape }];
    },
    evaluate: ([products], { tile }, [result]) => [resultReference(products!, tile, result!.shape)],
    lower: ([products], { tile }) => ({
      kind: "kernel",
      once: true,
      build: (block, [result]) => transformResult(block, products!, tile, result!),
    }),
  }),
];

/** left * square * left', skipping zeros, which stand for no product at all. */
function around(left: Matrix, square: Matrix): Matrix {
  const rows = (a: Matrix, b: Matrix): Matrix =>
    a.map((row) => b[0]!.map((_, j) => row.reduce((sum, c, i) => (c === 0 ? sum : sum + c * b[i]![j]!), 0)));
  const flip = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
  return flip(rows(left, flip(rows(left, square))));
}

function allocate(shape: readonly number[]): Tensor & { readonly data: Elements } {
  return { dtype: "float32", shape, data: allocateNumbers("float32", size(shape)) as never };
}

function tilesReference(x: Tensor, tile: number, shape: readonly number[]): Tensor {
  const [n, height, width, channels] = x.shape as [number, number, number, number];
  const side = tile + 2;
  const [down, across] = [(height - 2) / tile, (width - 2) / tile];
  const result = allocate(shape);
  for (let t = 0; t < n * down * across; t++) {
    const [image, top, left] = [Math.floor(t / (down * across)), Math.floor(t / across) % down, t % across];
    for (let c = 0; c < channels; c++) {
      const at = (i: number, j: number) =>
        x.data[((image * height + top * tile + i) * width + left * tile + j) * channels + c] as number;
      const square = counting(side).map((i) => counting(side).map((j) => at(i, j)));
      around(matrices[tile]!.input, square).forEach((row, i) => {
        row.forEach((value, j) => {
          result.data[((i * side + j) * shape[1]! + t) * shape[2]! + c] = value;
        });
      });
    }
  }
  return result;
}

function kernelReference(
  kernel: Tensor,
  { tile, width }: WinogradKernelAttributes,
  shape: readonly number[],
): Tensor {
  const [inputs, outputs] = kernel.shape.slice(2) as [number, number];
  const result = allocate(shape);
  for (let c = 0; c < inputs; c++)
    for (let o = 0; o < outputs; o++) {
      const at = (i: number, j: number) => kernel.data[((i * 3 + j) * inputs + c) * outputs + o] as number;
      const square = counting(3).map((i) => counting(3).map((j) => at(i, j)));
      around(matrices[tile]!.kernel, square)
        .flat()
        .forEach((value, k) => {
          const block = k * (outputs / width) + Math.floor(o / width);
          result.data[(block * shape[2]! + c) * width + (o % width)] = value;
        });
    }
  return result;
}

function resultReference(products: Tensor, tile: number, shape: readonly number[]): Tensor {
  const [n, height, width, channels] = shape as [number, number, number, number];
  const side = tile + 2;
  const [down, across] = [Math.ceil(height / tile), Math.ceil(width / tile)];
  const tiles = n * down * across;
  const result = allocate(shape);
  for (let t = 0; t < tiles; t++) {
    const [image, top, left] = [Math.floor(t / (down * across)), Math.floor(t / across) % down, t % across];
    for (let o = 0; o < channels; o++) {
      const at = (i: number, j: number) =>
        products.data[((i * side + j) * products.shape[1]! + t) * channels + o] as number;
      const square = counting(side).map((i) => counting(side).map((j) => at(i, j)));
      around(matrices[tile]!.output, square).forEach((row, i) => {
        row.forEach((value, j) => {
          const [y, x] = [top * tile + i, left * tile + j];
          if (y < height && x < width) result.data[((image * height + y) * width + x) * channels + o] = value;
        });
      });
    }
  }
  return result;
}

/** A square transformed along its rows, then along its columns. */
function squared(
  block: Block,
  line: Line,
  square: readonly (readonly Expr[])[],
): readonly (readonly Expr[])[] {
  const flip = (s: readonly (readonly Expr[])[]) => s[0]!.map((_, j) => s.map((row) => row[j]!));
  const along = (s: readonly (readonly Expr[])[]) => s.map((row) => line(row, (e) => block.let("t", e)));
  return flip(along(flip(along(square))));
}

function held(block: Block, side: number, at: (i: number, j: number) => Expr): readonly (readonly Expr[])[] {
  return counting(side).map((i) => counting(side).map((j) => block.let("d", at(i, j))));
}

/**
 * A square of `rows` lines transformed in the place of its result: line by line into it, then column by
 * column within. Loops instead of straight code, because a network has many of these kernels.
 */
function transformInPlace(
  block: Block,
  line: Line,
  rows: number,
  at: (i: Dim, j: number) => Expr,
  place: { load(i: Dim, j: Dim): Expr; store(i: Dim, j: Dim, value: Expr): void },
): void {
  const keep = (e: Expr) => block.let("t", e);
  const columns = line(
    counting(rows).map(() => nothing),
    (e) => e,
  ).length;
  block.for("i", constant(rows), { parallel: true }, (i) => {
    const given = counting(rows).map((j) => block.let("d", at(i, j)));
    line(given, keep).forEach((value, j) => {
      place.store(i, constant(j), value);
    });
  });
  block.for("j", constant(columns), { parallel: true }, (j) => {
    const given = counting(rows).map((i) => block.let("d", place.load(constant(i), j)));
    line(given, keep).forEach((value, i) => {
      place.store(constant(i), j, value);
    });
  });
}

const nothing: Expr = { kind: "constant", value: 0, dtype: "float32" };

function transformTiles(block: Block, x: Operand, tile: number, result: Destination): void {
  const [n, height, width, channels] = x.shape as [Dim, Dim, Dim, Dim];
  const side = tile + 2;
  const places = [height, width].map((d) => floorDiv(sub(d, 2), tile));
  nestOver(block, [n, ...places, channels], { parallel: true }, ([image, top, left, c]) => {
    const t = add(mul(add(mul(image!, places[0]!), top!), places[1]!), left!);
    const element = (i: Dim, j: Dim) => [add(mul(side, i), j), t, c!];
    const at = (i: Dim, j: number) => x.at([image!, add(mul(top!, tile), i), add(mul(left!, tile), j), c!]);
    transformInPlace(block, lines[tile]!.input, side, at, {
      load: (i, j) => result.load(element(i, j)),
      store: (i, j, value) => result.store(element(i, j), value),
    });
  });
}

function transformKernel(
  block: Block,
  kernel: Operand,
  { tile, width }: WinogradKernelAttributes,
  result: Destination,
): void {
  const [inputs, outputs] = kernel.shape.slice(2) as [Dim, Dim];
  const blocks = floorDiv(outputs, width);
  nestOver(block, [blocks, inputs, constant(width)], { parallel: true }, ([b, c, o]) => {
    const element = (i: Dim, j: Dim) => [add(mul(tile + 2, i), j), b!, c!, o!];
    const at = (i: Dim, j: number) => kernel.at([i, constant(j), c!, add(mul(b!, width), o!)]);
    transformInPlace(block, lines[tile]!.kernel, 3, at, {
      load: (i, j) => result.load(element(i, j)),
      store: (i, j, value) => result.store(element(i, j), value),
    });
  });
}

/** Of tiles that the result's edges cut, what lies outside is not stored. */
function transformResult(block: Block, products: Operand, tile: number, result: Destination): void {
  const [n, height, width, channels] = result.shape as [Dim, Dim, Dim, Dim];
  const [down, across] = [tilesOf(height, tile), tilesOf(width, tile)];
  const blockWidth = products.shape.at(-1)!;
  const side = tile + 2;
  nestOver(block, [n, down, across, channels], { parallel: true }, ([image, top, left, o]) => {
    const t = add(mul(add(mul(image!, down), top!), across), left!);
    const square = held(block, side, (i, j) =>
      products.at([constant(i * side + j), t, floorDiv(o!, blockWidth), mod(o!, blockWidth)]),
    );
    const values = squared(block, lines[tile]!.output, square);
    const rows = partsOf(numberOf(height), tile);
    const columns = partsOf(numberOf(width), tile);
    const store = (i: number, j: number) =>
      result.store([image!, add(mul(top!, tile), i), add(mul(left!, tile), j), o!], values[i]![j]!);
    for (const part of rows)
      whereInside(block, part.always, sub(sub(down, 2), top!), () => {
        for (const other of columns)
          whereInside(block, other.always, sub(sub(across, 2), left!), () => {
            for (const i of part.places) for (const j of other.places) store(i, j);
          });
      });
  });
}

/** The places of a tile along one axis that every tile has, and those that the last has not. */
function partsOf(length: number, tile: number) {
  const cut = length % tile === 0 ? tile : length % tile;
  const places = counting(tile);
  return [
    { always: true, places: places.slice(0, cut) },
    { always: false, places: places.slice(cut) },
  ].filter((part) => part.places.length > 0);
}

function whereInside(block: Block, always: boolean, test: Dim, body: () => void): void {
  if (always || (constantOf(test) ?? -1) >= 0) body();
  else
    block.if(
      {
        kind: "binary",
        fn: "ge",
        a: { kind: "index", index: test, dtype: "int32" },
        b: { kind: "constant", value: 0, dtype: "int32" },
        dtype: "bool",
      },
      body,
    );
}
