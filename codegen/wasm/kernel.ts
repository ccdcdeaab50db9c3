/**
 * One kernel as WebAssembly functions. The exported one takes the first byte of each buffer (what is read,
 * then what is written), then the parameters. V8 optimises a wasm function only from its next call on (there
 * is no on-stack replacement), so the block inside the parallel loops that is worth a call becomes a function
 * of its own: it is hot after a few calls and optimised while the rest of the first run still goes on.
 */
import { constantOf } from "../../compiler/dims/index.ts";
import type { Buffer, Kernel, Register } from "../../compiler/ir/loop.ts";
import type { Place } from "../../compiler/ir/loop-rewrite.ts";
import type { Numerics } from "../../compiler/ir/target.ts";
import { dtypes } from "../../runtime/dtype.ts";
import { hoistBinds } from "../typescript/hoist.ts";
import { Addresses, coefficientOf, keyOf, type Pointer } from "./address.ts";
import type { Module, ValueType } from "./assembler/index.ts";
import { emitBind, type Host } from "./bind.ts";
import { type Dot, emitDot, pairsIn } from "./dot.ts";
import {
  firstLane,
  flatten,
  type LineNode,
  type LoopNode,
  laneCount,
  type Node,
  nthLane,
  symbolsNeeded,
  visitNodes,
} from "./flatten.ts";
import { emitAs, emitScalar, emitStore } from "./scalar.ts";
import { elementKey, emitDim, innerScope, type Scope } from "./scope.ts";
import { unsupported } from "./unsupported.ts";
import { typeOf } from "./value-type.ts";
import { emitStored, emitVector } from "./vector.ts";
import { emitVectorStore } from "./vector-memory.ts";

/** Instructions a block must run through to be worth a call. */
const callWorth = 2000;

export interface KernelOptions {
  /** Whether it is exported under its name; default true. */
  readonly exported?: boolean;
  /** What refuses an index from data; without it no kernel may ask for that. */
  readonly host?: Host | undefined;
}

export interface AddedKernel {
  /** Of its first function. */
  readonly index: number;
  /** Bytes that must lie in memory below some of its buffers. */
  readonly below: ReadonlyMap<Buffer, number>;
}

/** Adds the kernel's functions to the module. */
export function addKernel(
  module: Module,
  kernel: Kernel,
  numerics: Numerics,
  { exported = true, host }: KernelOptions = {},
): AddedKernel {
  if (numerics.accumulate === "float64")
    throw new Error("internal: WebAssembly kernels accumulate in float32");
  const nodes = flatten(hoistBinds(kernel.body, kernel.writes));
  const addresses = new Addresses(nodes, kernel.parameters);
  const emitter = new KernelEmitter(module, kernel, addresses, numerics, host);
  return { index: emitter.emit(nodes, exported), below: addresses.bytesBelow(nodes) };
}

class KernelEmitter {
  readonly #module: Module;
  readonly #kernel: Kernel;
  readonly #addresses: Addresses;
  readonly #fma: boolean;
  readonly #host: Host | undefined;
  #blocks = 0;

  constructor(module: Module, kernel: Kernel, addresses: Addresses, numerics: Numerics, host?: Host) {
    this.#module = module;
    this.#host = host;
    this.#kernel = kernel;
    this.#addresses = addresses;
    this.#fma = numerics.accumulate === "float32-fma";
  }

  emit(nodes: readonly Node[], exported: boolean): number {
    const { reads, writes, parameters, name } = this.#kernel;
    const buffers = [...reads, ...writes];
    const params = [...buffers, ...parameters].map((): ValueType => "i32");
    const f = this.#module.func({ name, params, exported });
    const scope = this.#scope(f, new Set(parameters));
    parameters.forEach((parameter, i) => {
      scope.symbols.set(parameter, buffers.length + i);
    });
    for (const pointer of this.#addresses.startsOf(nodes, scope.reached)) {
      const base = buffers.indexOf(pointer.buffer);
      const local = f.local("i32");
      f.local_get(base)
        .i32_const(pointer.bias * bytesOf(pointer))
        .i32_add();
      emitDim(scope, pointer.moving);
      f.i32_const(bytesOf(pointer)).i32_mul().i32_add().local_set(local);
      scope.pointers.set(keyOf(pointer), local);
    }
    this.#nodes(scope, nodes);
    f.end();
    return f.index;
  }

  #scope(f: Scope["f"], reached: ReadonlySet<string>): Scope {
    return {
      module: this.#module,
      f,
      addresses: this.#addresses,
      fma: this.#fma,
      reached,
      pointers: new Map(),
      symbols: new Map(),
      registers: new Map(),
      loaded: new Map(),
    };
  }

  #nodes(scope: Scope, nodes: readonly Node[]): void {
    const pairs = pairsIn(nodes);
    for (const node of nodes) {
      if (node.kind === "line") this.#line(scope, node, pairs.get(node));
      else {
        if (node.kind === "loop") this.#loop(scope, node);
        else {
          emitScalar(scope, node.condition);
          scope.f.if();
          this.#nodes(innerScope(scope), node.body);
          scope.f.end();
        }
        scope.loaded.clear();
      }
    }
  }

  #loop(outer: Scope, { loop, body }: LoopNode): void {
    const scope = { ...innerScope(outer), reached: new Set([...outer.reached, loop.axis]) };
    const { f } = scope;
    const extent = constantOf(loop.extent);
    if (extent !== undefined && extent <= 0) return;
    const axis = f.local("i32");
    scope.symbols.set(loop.axis, axis);
    const moving = this.#startPointers(scope, this.#addresses.startsOf(body, scope.reached), loop.axis);
    f.i32_const(0).local_set(axis);
    f.block();
    if (extent === undefined) {
      emitDim(scope, loop.extent);
      f.i32_const(0).i32_le_s().br_if(0);
    }
    f.loop();
    this.#body(scope, loop, body);
    for (const { local, pointer } of moving) {
      const step = coefficientOf(pointer, loop.axis) * loop.step * bytesOf(pointer);
      f.local_get(local).i32_const(step).i32_add().local_set(local);
    }
    f.local_get(axis).i32_const(loop.step).i32_add().local_tee(axis);
    emitDim(scope, loop.extent);
    f.i32_lt_s().br_if(0).end().end();
  }

  /**
   * Starts the pointers that the loop moves in locals of their own; the others keep those of the level
   * outside.
   */
  #startPointers(scope: Scope, pointers: readonly Pointer[], axis: string) {
    const moving: { readonly local: number; readonly pointer: Pointer }[] = [];
    for (const pointer of pointers) {
      if (coefficientOf(pointer, axis) === 0) continue;
      const start = scope.pointers.get(keyOf(this.#addresses.outside(pointer, axis)));
      if (start === undefined) throw new Error(`internal: no start for ${keyOf(pointer)}`);
      const local = scope.f.local("i32");
      scope.f.local_get(start).local_set(local);
      scope.pointers.set(keyOf(pointer), local);
      moving.push({ local, pointer });
    }
    return moving;
  }

  #body(scope: Scope, loop: LoopNode["loop"], body: readonly Node[]): void {
    if (loop.parallel && isBlock(body)) this.#call(scope, body);
    else this.#nodes(scope, body);
  }

  /** Writes the body as a function of the pointers and symbols it uses, and calls it. */
  #call(scope: Scope, body: readonly Node[]): void {
    const pointers = this.#addresses.startsOf(body, scope.reached);
    const needed = symbolsNeeded(body, (buffer, index) => this.#addresses.of(buffer, index).rest);
    const symbols = [...scope.symbols.keys()].filter((name) => needed.has(name));
    const name = `${this.#kernel.name}_block${this.#blocks++ || ""}`;
    const params = [...pointers, ...symbols].map((): ValueType => "i32");
    const f = this.#module.func({ name, params });
    const inside = this.#scope(f, scope.reached);
    pointers.forEach((pointer, i) => {
      inside.pointers.set(keyOf(pointer), i);
    });
    symbols.forEach((symbol, i) => {
      inside.symbols.set(symbol, pointers.length + i);
    });
    this.#nodes(inside, body);
    f.end();
    for (const pointer of pointers) scope.f.local_get(scope.pointers.get(keyOf(pointer))!);
    for (const symbol of symbols) scope.f.local_get(scope.symbols.get(symbol)!);
    scope.f.call(f.index);
  }

  #line(scope: Scope, { stmt, lane }: LineNode, dot?: Dot | "waits"): void {
    const { f } = scope;
    if (dot === "waits") return;
    if (stmt.kind === "bind") {
      emitBind(scope, stmt, this.#host);
      return;
    }
    if (stmt.kind === "store") {
      this.#store(scope, stmt, lane);
      return;
    }
    const type = lane !== undefined ? "v128" : typeOf(stmt.register.dtype);
    if (dot) {
      emitVector(scope, { kind: "register", register: stmt.register, index: stmt.index }, dot.lane);
      emitDot(scope, dot);
    } else if (type === "v128") emitVector(scope, stmt.value, lane!);
    else emitAs(scope, stmt.value, type);
    f.local_set(cellOf(scope, stmt, lane, type));
  }

  #store(scope: Scope, stmt: LineNode["stmt"] & { kind: "store" }, lane: string | undefined): void {
    if (lane === undefined) emitStore(scope, stmt);
    else emitVectorStore(scope, stmt, lane, () => emitStored(scope, stmt, lane));
    for (const [key, { buffer }] of scope.loaded) if (buffer === stmt.buffer) scope.loaded.delete(key);
  }
}

const bytesOf = ({ buffer }: Pointer) => dtypes[buffer.dtype].bytes;

/** The local of a register's element, or of the vector of elements that the lanes are. */
function cellOf(scope: Scope, { register, index }: Place, lane: string | undefined, type: ValueType): number {
  const cells = scope.registers.get(register) ?? new Map();
  scope.registers.set(register, cells);
  const known = cells.get(elementKey(index.map((d) => firstLane(d, lane))));
  if (known?.type === type && known.lane === 0) return known.local;
  if (known) unsupported(`one lane of the register ${register.name} set alone`);
  const local = scope.f.local(type);
  for (let i = 0; i < (lane === undefined ? 1 : laneCount); i++)
    cells.set(elementKey(index.map((d) => nthLane(d, lane, i))), { local, type, lane: i });
  return local;
}

/** Whether a body is worth a function: enough work, all of it in reductions, and no register from outside. */
function isBlock(body: readonly Node[]): boolean {
  return (
    workOf(body) >= callWorth &&
    body.every((node) => node.kind !== "loop" || !node.loop.parallel) &&
    isClosed(body)
  );
}

function workOf(nodes: readonly Node[]): number {
  return nodes.reduce((sum, node) => {
    if (node.kind === "line") return sum + 1;
    const trips = node.kind === "loop" ? (constantOf(node.loop.extent) ?? 64) / node.loop.step : 1;
    return sum + trips * workOf(node.body);
  }, 0);
}

function isClosed(body: readonly Node[]): boolean {
  const declared = new Set<Register>();
  let closed = true;
  visitNodes(body, (node) => {
    if (node.kind !== "line") return;
    if (node.stmt.kind === "let") declared.add(node.stmt.register);
    else if (node.stmt.kind === "set" && !declared.has(node.stmt.register)) closed = false;
  });
  return closed;
}
