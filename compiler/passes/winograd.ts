/**
 * Convolutions 3x3 of stride 1 by Winograd's minimal filtering where that is faster: tiles of the input are
 * transformed, each of the 36 (or 16) elements of a tile is a matrix product over the channels, and the
 * products are transformed back (compiler/ops/winograd.ts). Of tiles of 4 x 4 and of 2 x 2 results the one
 * with the lesser cost is taken, if it is less than that of the convolution itself; the constants of the cost
 * are cycles measured on kernels of the WebAssembly target. The transformed kernel is made once, when a
 * module gets its weights: it is four times (16/9 times) as large, too much to ship.
 *
 * Not exact. In float32, with tiles of 4 x 4 a result differs by up to 2^-17, with 2 x 2 by up to 2^-20,
 * times the sum of the absolute values of all that is added up in it.
 *
 * It leaves alone what is padded by the convolution itself, kernels that depend on an input, channels that
 * are no multiple of four, and open sizes.
 */
import { add, constant, constantOf, type Dim } from "../dims/index.ts";
import type { BoundDim } from "../ir/graph.ts";
import type { ConvAttributes } from "../ops/conv.ts";
import type { DotGeneralAttributes } from "../ops/dot-general.ts";
import type { PadAttributes } from "../ops/pad.ts";
import type { SliceAttributes } from "../ops/slice.ts";
import { type BoundGraph, type BoundNode, type BoundValue, rewriteGraph, type Scope } from "./rewrite.ts";
import { knownValues } from "./uses.ts";

const bound = (n: number) => constant(n) as BoundDim;
const isOne = (d: Dim) => d === constant(1);

export function winograd(graph: BoundGraph): BoundGraph {
  const candidates = new Map<BoundNode, Plan>();
  const known = knownValues(graph);
  for (const node of graph.nodes) {
    const plan = node.op === "conv" && known.has(node.operands[1]!) ? planOf(node) : undefined;
    if (plan) candidates.set(node, plan);
  }
  if (candidates.size === 0) return graph;
  const byResult = new Map([...candidates].map(([node, plan]) => [node.results[0]!, plan]));
  return rewriteGraph(graph, (node, scope) => {
    const plan = byResult.get(node.results[0]!);
    return plan && filtered(node, plan, scope);
  });
}

interface Plan {
  readonly tile: number;
  /** Outputs side by side in the transformed kernel. */
  readonly width: number;
}

function planOf({ operands, results, attributes }: BoundNode): Plan | undefined {
  const { strides, padding, dilations, inputDilations, groups, layout } = attributes as ConvAttributes;
  const [x, kernel] = [operands[0]!.type, operands[1]!.type];
  if (layout !== "channelsLast" || x.shape.length !== 4 || x.dtype !== "float32") return undefined;
  if (![...strides, ...dilations, ...inputDilations, groups].every(isOne)) return undefined;
  if (padding.flat().some((d) => constantOf(d) !== 0)) return undefined;
  const sizes = [...kernel.shape, ...results[0]!.type.shape].map(constantOf);
  if (sizes.some((n) => n === undefined) || sizes[0] !== 3 || sizes[1] !== 3) return undefined;
  const [, , inputs, outputs, n, height, width] = sizes as number[];
  if (outputs! % 4 !== 0 || inputs! % 4 !== 0) return undefined;
  const shape = { n: n!, height: height!, width: width!, inputs: inputs!, outputs: outputs! };
  const tile = [4, 2].reduce((best, t) => (costOf(shape, t) < costOf(shape, best) ? t : best), 0);
  return tile === 0 ? undefined : { tile, width: outputs! % 8 === 0 ? 8 : 4 };
}

interface Sizes {
  readonly n: number;
  readonly height: number;
  readonly width: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** Multiply-adds of a cycle, and bytes of weights that arrive in one where no cache holds them. */
const rate = 8;
const stream = 8;
const cached = 2 ** 20;

/** Cycles; tile 0 is the convolution itself. */
function costOf({ n, height, width, inputs, outputs }: Sizes, tile: number): number {
  const pairs = inputs * outputs;
  const streaming = (elements: number) => (4 * elements > cached ? (4 * elements) / stream : 0);
  if (tile === 0) return (n * height * width * 9 * pairs) / rate + streaming(9 * pairs) / 2;
  const tiles = n * Math.ceil(height / tile) * Math.ceil(width / tile);
  const elements = (tile + 2) ** 2;
  const transforms = elements * (0.9 * inputs + 0.8 * outputs);
  return tiles * ((elements * pairs) / rate + transforms) + streaming(elements * pairs);
}

function filtered(node: BoundNode, { tile, width }: Plan, scope: Scope): BoundNode {
  const { source } = node;
  const [x, kernel] = [node.operands[0]!, node.operands[1]!];
  const [n, height, across, outputs] = node.results[0]!.type.shape as readonly BoundDim[];
  const tiles = [height!, across!].map((d) => Math.ceil(constantOf(d)! / tile));
  const rows = bound(rowsFor(constantOf(n!)! * tiles[0]! * tiles[1]!));
  const [inputs, elements] = [kernel.type.shape[2] as BoundDim, bound((tile + 2) ** 2)];
  const blocks = bound(constantOf(outputs!)! / width);
  const add = (op: string, operands: readonly BoundValue[], attributes: object, shape: readonly BoundDim[]) =>
    scope.add(op, operands, attributes as never, { dtype: "float32", shape }, source);
  const covered = widened(
    x,
    tiles.map((t) => t * tile + 2),
    node,
    scope,
  );
  const part: SliceAttributes = { axis: 2, start: constant(0), size: inputs, stride: constant(1) };
  const only = (value: BoundValue) => {
    const shape = value.type.shape.with(2, inputs) as readonly BoundDim[];
    return value.type.shape[2] === inputs ? value : add("slice", [value], part, shape);
  };
  const columns = bound(columnsFor(constantOf(rows)!, constantOf(inputs)!));
  const v = add("winogradInput", [covered], { tile, rows, columns }, [elements, rows, columns]);
  const depth = bound(depthFor(constantOf(inputs)!, constantOf(outputs!)!));
  const u = add("winogradKernel", [kernel], { tile, width, depth }, [elements, blocks, depth, bound(width)]);
  const contraction: DotGeneralAttributes = { batch: [[0], [0]], contract: [[2], [2]] };
  const products = add("dotGeneral", [only(v), only(u)], contraction, [elements, rows, blocks, bound(width)]);
  const attributes = { tile, shape: node.results[0]!.type.shape };
  return { ...node, op: "winogradOutput", operands: [products], attributes };
}

/**
 * Elements of a tile lie a plane apart, and must not lie a power of two apart, where they share a few lines
 * of the cache. Rows come in whole blocks of four, because what is left over takes as long as a block; one
 * more block is little among many, four more columns are little among a few.
 */
function rowsFor(tiles: number): number {
  const rows = tiles < 4 ? tiles : Math.ceil(tiles / 4) * 4;
  return rows >= 64 && rows % 16 === 0 ? rows + 4 : rows;
}

const isAliased = (elements: number) => elements % 256 === 0;
const columnsFor = (rows: number, inputs: number) => (isAliased(rows * inputs) ? inputs + 4 : inputs);
const depthFor = (inputs: number, outputs: number) => (isAliased(inputs * outputs) ? inputs + 1 : inputs);

/** x with zeros behind, so that whole tiles cover it. */
function widened(x: BoundValue, sizes: readonly number[], node: BoundNode, scope: Scope): BoundValue {
  const { dtype, shape } = x.type;
  const high = shape.map((d, axis) =>
    constant(axis === 1 || axis === 2 ? sizes[axis - 1]! - constantOf(d)! : 0),
  );
  if (high.every((d) => constantOf(d) === 0)) return x;
  const attributes: PadAttributes = { low: shape.map(() => constant(0)), high, value: 0 };
  const padded = shape.map((d, axis) => add(d, high[axis]!) as BoundDim);
  return scope.add("pad", [x], attributes, { dtype, shape: padded }, node.source);
}
