/**
 * Lays an operand out anew so that the nest reads it from front to back: a panel holds the elements in the
 * order of the loops that move its address, the innermost axis contiguous. The copy of a weight is made once
 * for each set of weights, by a kernel of its own; that of a value the run computes is made before each call,
 * where lanes would have to be gathered one by one and each element serves many outputs (the keys of
 * attention). The idea is that of every GEMM since GotoBLAS.
 *
 * Loads are packed inside reductions only (elsewhere each element is read once), and only where the address
 * is an affine form of loops with constant extents that never leaves its buffer; all others stay as they are.
 */
import {
  add,
  constant,
  constantOf,
  type Dim,
  mul,
  print,
  range,
  symbol,
  symbolsOf,
} from "../../dims/index.ts";
import { affineOf, strideOf } from "../../ir/affine.ts";
import type { Buffer, Expr, For, Kernel, Stmt } from "../../ir/loop.ts";
import { type Load, rewriteLoads } from "../../ir/loop-rewrite.ts";
import { boundsOf } from "../../ir/loop-verify.ts";
import type { Numerics } from "../../ir/target.ts";
import type { Panel, Scheduled } from "./scheduled.ts";
import { isPackable, mostlyReused } from "./workload.ts";

/**
 * The largest panel that is kept as float64 where values are: it saves a conversion at each load, about a
 * tenth of the time, for twice the memory.
 */
const widePanel = 2 ** 20;

export function pack(kernel: Kernel, numerics: Numerics): Scheduled {
  const layouts = new Map<Buffer, Layout>();
  rewriteLoads(kernel.body, (load, loops) => {
    if (!packable(load, loops)) return load;
    const layout = layouts.get(load.buffer) ?? new Layout(load.buffer);
    layouts.set(load.buffer, layout);
    layout.add(load, loops);
    return load;
  });
  const panels = new Map<Buffer, Panel>();
  for (const [source, layout] of layouts)
    if (layout.worthwhile()) panels.set(source, layout.panel(kernel.name, numerics));
  if (panels.size === 0) return { kernel, panels: [] };
  const body = rewriteLoads(kernel.body, (load, loops) => {
    const panel = packable(load, loops) ? panels.get(load.buffer) : undefined;
    const index = layouts.get(load.buffer)?.indexOf(load, loops);
    return panel && index ? { ...load, buffer: panel.packed, index } : load;
  });
  return {
    kernel: { ...kernel, reads: readsAfter(kernel, body, panels), body },
    panels: [...panels.values()],
  };
}

function packable(load: Load, loops: readonly For[]): boolean {
  const { buffer, index } = load;
  if (loops.every((l) => l.parallel) || (!isPackable(buffer) && !isGathered(load, loops))) return false;
  const affine = affineOf(index);
  if (!affine || [...affine.coefficients.keys()].some((s) => loops.every((l) => l.axis !== s))) return false;
  if (loops.some((l) => affine.coefficients.has(l.axis) && constantOf(l.extent) === undefined)) return false;
  const { min, max } = range(index, boundsOf(loops));
  return min >= 0 && max < buffer.length;
}

/** Lanes that lie apart, of a computed value, each element read for many outputs but in one place only. */
function isGathered({ buffer, index }: Load, loops: readonly For[]): boolean {
  if (buffer.dtype !== "float32" || (buffer.space !== "arena" && buffer.space !== "input")) return false;
  const lane = loops.find(({ mode }) => mode === "vector");
  const stride = lane && strideOf(index, lane.axis);
  if (stride === undefined || stride === 0 || stride === 1) return false;
  const moves = (loop: For) => symbolsOf(index).includes(loop.axis);
  const trips = (some: readonly For[]) => some.reduce((n, loop) => n * tripsOf(loop), 1);
  const elements = trips(loops.filter(moves));
  return elements <= buffer.length && trips(loops.filter((loop) => !moves(loop))) >= mostlyReused;
}

/** Every element a load reads under its loops, in the order it reads them. */
interface Region {
  readonly source: Dim;
  readonly packed: Dim;
  readonly loops: readonly For[];
}

/** The regions of one weight, one after the other. Loads of one index under the same loops share a region. */
class Layout {
  readonly #source: Buffer;
  readonly #regions = new Map<string, Region>();
  #length = 0;

  constructor(source: Buffer) {
    this.#source = source;
  }

  add(load: Load, loops: readonly For[]): void {
    const movers = moversOf(load, loops);
    const key = keyOf(load, movers);
    if (this.#regions.has(key)) return;
    let packed = constant(this.#length);
    let size = 1;
    for (const loop of [...movers].reverse()) {
      packed = add(packed, mul(size / loop.step, symbol(loop.axis)));
      size *= tripsOf(loop);
    }
    this.#regions.set(key, { source: load.index, packed, loops: movers });
    this.#length += size;
  }

  indexOf(load: Load, loops: readonly For[]): Dim | undefined {
    return this.#regions.get(keyOf(load, moversOf(load, loops)))?.packed;
  }

  /** Nothing is won where the order is already the buffer's own. */
  worthwhile(): boolean {
    return [...this.#regions.values()].some((region) => region.source !== region.packed);
  }

  panel(kernel: string, { accumulate }: Numerics): Panel {
    const source = this.#source;
    const now = !isPackable(source);
    const isWide = accumulate === "float64" && source.dtype === "float32" && this.#length <= widePanel;
    const dtype = isWide ? "float64" : source.dtype;
    const name = `${kernel}_${source.name}`;
    const packed: Buffer = { name, dtype, length: this.#length, space: now ? "arena" : "packed" };
    const body = [...this.#regions.values()].map((region) => copy(region, source, packed, now));
    const comment = `${source.name} in the order ${kernel} reads it`;
    const prepare: Kernel = {
      name: `pack_${name}`,
      reads: [source],
      writes: [packed],
      parameters: [],
      body,
      comment,
    };
    return { source, packed, prepare };
  }
}

/** Lanes are kept where the copy is made in each run. */
function copy(region: Region, source: Buffer, packed: Buffer, now: boolean): Stmt {
  const value: Expr = { kind: "load", buffer: source, index: region.source };
  const store: Stmt = { kind: "store", buffer: packed, index: region.packed, value };
  return region.loops.reduceRight<Stmt>(
    (body, loop) => ({
      ...loop,
      mode: now && loop.mode === "vector" ? "vector" : "serial",
      parallel: true,
      body: [body],
    }),
    store,
  );
}

/** The loops that move the address, outermost first; lanes last, so that they lie beside each other. */
function moversOf(load: Load, loops: readonly For[]): readonly For[] {
  const coefficients = affineOf(load.index)?.coefficients;
  const movers = loops.filter((loop) => coefficients?.has(loop.axis));
  return [
    ...movers.filter(({ mode }) => mode !== "vector"),
    ...movers.filter(({ mode }) => mode === "vector"),
  ];
}

const tripsOf = (loop: For) => Math.ceil((constantOf(loop.extent) ?? 0) / loop.step);

function keyOf(load: Load, loops: readonly For[]): string {
  return [print(load.index), ...loops.map((l) => `${l.axis}<${print(l.extent)}/${l.step}`)].join(" ");
}

function readsAfter(
  kernel: Kernel,
  body: readonly Stmt[],
  panels: ReadonlyMap<Buffer, Panel>,
): readonly Buffer[] {
  const still = new Set<Buffer>();
  rewriteLoads(body, (load) => {
    still.add(load.buffer);
    return load;
  });
  return kernel.reads.flatMap((buffer) => {
    const panel = panels.get(buffer);
    if (!panel) return [buffer];
    return still.has(buffer) ? [buffer, panel.packed] : [panel.packed];
  });
}
