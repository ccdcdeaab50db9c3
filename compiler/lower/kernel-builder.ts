/**
 * Writes the naive loop nest of one kernel: the `Block` that lowerings write into, with loops opened and
 * closed by callbacks. Axes of extent 1 make no loop. Buffers become formal parameters named by position, so
 * that equal kernels have equal texts and are shared.
 */
import { type DType, dtypes } from "../../runtime/dtype.ts";
import { constant, constantOf, type Dim, symbol, symbolsOf } from "../dims/index.ts";
import type { Buffer, Expr, Kernel, Register, Stmt } from "../ir/loop.ts";
import { dtypeOf, rewriteStmts } from "../ir/loop-rewrite.ts";
import type { Block, Local } from "../ir/op.ts";
import { axisNames, type OpenDims } from "../ir/open-dims.ts";
import type { Numerics } from "../ir/target.ts";

const readNames = ["x", "y", "z", "u", "v", "w"];

export class KernelBuilder implements Block {
  readonly numerics: Numerics;
  /** The layer that is being written, for messages at run time. */
  subject = "";
  readonly #blocks: Stmt[][] = [[]];
  readonly #axes = new Set<string>();
  readonly #fresh: (stem: string) => string;
  readonly #open: OpenDims;
  readonly #reads = new Map<Buffer, Buffer>();
  readonly #writes = new Map<Buffer, Buffer>();
  readonly #symbols = new Set<string>();

  constructor(numerics: Numerics, open: OpenDims) {
    this.numerics = numerics;
    this.#open = open;
    this.#fresh = axisNames(open);
  }

  /** Identifies the innermost open block. */
  get scope(): object {
    return this.#blocks.at(-1)!;
  }

  isOpen(scope: object): boolean {
    return this.#blocks.some((block) => block === scope);
  }

  load(buffer: Buffer, index: Dim): Expr {
    return { kind: "load", buffer: this.#formal(buffer, this.#reads, readName), index: this.#used(index) };
  }

  store(buffer: Buffer, index: Dim, value: Expr): void {
    const formal = this.#formal(buffer, this.#writes, writeName);
    this.#add({ kind: "store", buffer: formal, index: this.#used(index), value });
  }

  /** Reads what the kernel itself has written. */
  reload(buffer: Buffer, index: Dim): Expr {
    return { kind: "load", buffer: this.#formal(buffer, this.#writes, writeName), index: this.#used(index) };
  }

  let(name: string, value: Expr): Expr {
    return this.local(name, dtypeOf(value), value).get();
  }

  local(name: string, dtype: DType, initial: Expr, options: { readonly accumulator?: boolean } = {}): Local {
    const held = options.accumulator ? accumulatorOf(dtype, this.numerics) : dtype;
    const register: Register = { name: this.#fresh(name), dtype: held, shape: [] };
    this.#add({ kind: "let", register, index: [], value: initial });
    return {
      get: () => ({ kind: "register", register, index: [] }),
      set: (value) => this.#add({ kind: "set", register, index: [], value }),
    };
  }

  for(name: string, extent: Dim, options: { readonly parallel: boolean }, body: (axis: Dim) => void): void {
    if (constantOf(extent) === 1) {
      body(constant(0));
      return;
    }
    const axis = this.#fresh(name);
    this.#axes.add(axis);
    const inner = this.#within(() => body(symbol(axis)));
    const { parallel } = options;
    this.#add({
      kind: "for",
      axis,
      extent: this.#used(extent),
      step: 1,
      mode: "serial",
      parallel,
      body: inner,
    });
  }

  if(condition: Expr, body: () => void): void {
    this.#add({ kind: "if", condition, body: this.#within(body) });
  }

  index(
    value: Expr,
    extent: Dim,
    options: { readonly mode: "check" | "clamp"; readonly wrap?: boolean; readonly what: string },
  ): Dim {
    const name = this.#fresh("at");
    this.#axes.add(name);
    const { mode, wrap = false, what } = options;
    const whose = this.subject === "" ? what : `${this.subject}: ${what}`;
    this.#add({ kind: "bind", symbol: name, value, extent, mode, wrap, what: whose });
    return symbol(name);
  }

  /** The kernel written so far, and the actual buffers a call passes for its formal ones. */
  finish(name: string, comment: string): { readonly kernel: Kernel; readonly buffers: readonly Buffer[] } {
    const body = this.#blocks[0]!;
    const open = this.#openIn(body);
    const kernel: Kernel = {
      name,
      comment,
      reads: [...this.#reads.values()],
      writes: [...this.#writes.values()],
      parameters: [...new Set([...this.#symbols, ...open])].filter((s) => !this.#axes.has(s)).sort(),
      ...(open.length > 0 && { open }),
      body,
    };
    return { kernel, buffers: [...this.#reads.keys(), ...this.#writes.keys()] };
  }

  /** Open dims anywhere: in an extent, an index, a test. */
  #openIn(body: readonly Stmt[]): readonly string[] {
    if (this.#open.dims.length === 0) return [];
    const found = new Set<string>();
    rewriteStmts(body, {
      index: (d) => {
        for (const name of symbolsOf(d)) found.add(name);
        return d;
      },
    });
    return this.#open.dims.map(({ name }) => name).filter((name) => found.has(name));
  }

  #within(body: () => void): readonly Stmt[] {
    const inner: Stmt[] = [];
    this.#blocks.push(inner);
    body();
    this.#blocks.pop();
    return inner;
  }

  #add(statement: Stmt): void {
    this.#blocks.at(-1)!.push(statement);
  }

  #used(index: Dim): Dim {
    for (const name of symbolsOf(index)) this.#symbols.add(name);
    return index;
  }

  #formal(actual: Buffer, formals: Map<Buffer, Buffer>, name: (position: number) => string): Buffer {
    let formal = formals.get(actual);
    if (!formal) {
      formal = { ...actual, name: name(formals.size) };
      formals.set(actual, formal);
    }
    return formal;
  }
}

/** What totals of a dtype are kept in; integers wrap when they are stored. */
function accumulatorOf(dtype: DType, { accumulate }: Numerics): DType {
  const { kind, bytes } = dtypes[dtype];
  if (kind === "integer") return bytes < 4 ? "int32" : dtype;
  if (kind === "bool" || dtype === "float64") return dtype;
  return accumulate === "float64" ? "float64" : "float32";
}

const writeName = (position: number): string => (position === 0 ? "out" : `out${position}`);
const readName = (position: number): string => readNames[position] ?? `x${position}`;
