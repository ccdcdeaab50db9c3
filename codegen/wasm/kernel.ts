/**
 * One kernel as WebAssembly functions. The exported one takes the first byte of each buffer (what is read,
 * then what is written), then the parameters. V8 optimises a wasm function only from its next call on (there
 * is no on-stack replacement), so of a loop with much work some iterations at a time become a function of
 * their own: it is hot after a few calls and optimised while the rest of the first run still goes on.
 */
import { add, constantOf, min, symbol } from "../../compiler/dims/index.ts";
import type { Buffer, Kernel, Register } from "../../compiler/ir/loop.ts";
import { expressionOf, type Place, visitExpr } from "../../compiler/ir/loop-rewrite.ts";
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

/** What loops are cut into calls. */
export interface Cuts {
  /** Lines below which a loop is over before V8 would have optimised a part of it. */
  readonly hot: number;
  /** Lines that a function runs through to be worth its call. */
  readonly worth: number;
}

const cuts: Cuts = { hot: 2 ** 17, worth: 1000 };

export interface KernelOptions {
  /** Whether it is exported under its name; default true. */
  readonly exported?: boolean;
  /** What refuses an index from data; without it no kernel may ask for that. */
  readonly host?: Host | undefined;
  readonly cuts?: Cuts;
}

export interface AddedKernel {
  /** Of its first function. */
  readonly index: number;
  /** Bytes that must lie in memory below some of its buffers. */
  readonly below: ReadonlyMap<Buffer, number>;
}

/** Adds the kernel's functions to the module. */
export function addKernel(module: Module, kernel: Kernel, options: KernelOptions = {}): AddedKernel {
  const nodes = flatten(hoistBinds(kernel.body, kernel.writes));
  const addresses = new Addresses(nodes, kernel.parameters);
  const emitter = new KernelEmitter(module, kernel, addresses, options);
  return { index: emitter.emit(nodes), below: addresses.bytesBelow(nodes) };
}

class KernelEmitter {
  readonly #module: Module;
  readonly #kernel: Kernel;
  readonly #addresses: Addresses;
  readonly #options: KernelOptions;
  #blocks = 0;

  constructor(module: Module, kernel: Kernel, addresses: Addresses, options: KernelOptions) {
    this.#module = module;
    this.#options = options;
    this.#kernel = kernel;
    this.#addresses = addresses;
  }

  emit(nodes: readonly Node[]): number {
    const { reads, writes, parameters, name } = this.#kernel;
    const buffers = [...reads, ...writes];
    const params = [...buffers, ...parameters].map((): ValueType => "i32");
    const { exported = true } = this.#options;
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
    return exported ? f.index : this.#module.equal(f);
  }

  #scope(f: Scope["f"], reached: ReadonlySet<string>): Scope {
    return {
      module: this.#module,
      f,
      addresses: this.#addresses,
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
    const turns = turnsOfCall({ kind: "loop", loop, body }, this.#options.cuts);
    const step = loop.step * Math.max(turns, 1);
    emitTurns(scope, { ...loop, step }, moving, () => {
      if (turns > 0) this.#call(scope, loop, body, turns);
      else this.#nodes(scope, body);
    });
    f.end();
  }

  /**
   * Starts the pointers that the loop moves in locals of their own; the others keep those of the level
   * outside.
   */
  #startPointers(scope: Scope, pointers: readonly Pointer[], axis: string): readonly Pointer[] {
    const moving = movedBy(axis, pointers);
    for (const pointer of moving) {
      const start = scope.pointers.get(keyOf(this.#addresses.outside(pointer, axis)));
      if (start === undefined) throw new Error(`internal: no start for ${keyOf(pointer)}`);
      const local = scope.f.local("i32");
      scope.f.local_get(start).local_set(local);
      scope.pointers.set(keyOf(pointer), local);
    }
    return moving;
  }

  /** Writes so many iterations as a function of the pointers and symbols they use, and calls it. */
  #call(scope: Scope, loop: LoopNode["loop"], body: readonly Node[], turns: number): void {
    const pointers = this.#addresses.startsOf(body, scope.reached);
    const needed = symbolsNeeded(body, (buffer, index) => this.#addresses.of(buffer, index).rest);
    const symbols = [...scope.symbols.keys()].filter((name) => needed.has(name) || name === loop.axis);
    const name = `${this.#kernel.name}_block${this.#blocks++ || ""}`;
    const count = pointers.length + symbols.length + (turns > 1 ? 1 : 0);
    const f = this.#module.func({ name, params: Array.from({ length: count }, (): ValueType => "i32") });
    const inside = this.#scope(f, scope.reached);
    pointers.forEach((pointer, i) => {
      inside.pointers.set(keyOf(pointer), i);
    });
    symbols.forEach((symbol, i) => {
      inside.symbols.set(symbol, pointers.length + i);
    });
    if (turns === 1) this.#nodes(inside, body);
    else {
      const end = `${loop.axis}.$end`;
      inside.symbols.set(end, count - 1);
      emitTurns(inside, { ...loop, extent: symbol(end) }, movedBy(loop.axis, pointers), () =>
        this.#nodes(inside, body),
      );
    }
    f.end();
    // Kernels of one shape have equal blocks, which are optimised once.
    const index = this.#module.equal(f);
    for (const pointer of pointers) scope.f.local_get(scope.pointers.get(keyOf(pointer))!);
    for (const symbol of symbols) scope.f.local_get(scope.symbols.get(symbol)!);
    if (turns > 1) emitDim(scope, min(add(symbol(loop.axis), turns * loop.step), loop.extent));
    scope.f.call(index);
  }

  #line(scope: Scope, { stmt, lane }: LineNode, dot?: Dot | "waits"): void {
    const { f } = scope;
    if (dot === "waits") return;
    if (stmt.kind === "bind") {
      emitBind(scope, stmt, this.#options.host);
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

/** Iterations from where axis and pointers are; at least one. */
function emitTurns(
  scope: Scope,
  { axis, extent, step }: Pick<LoopNode["loop"], "axis" | "extent" | "step">,
  moving: readonly Pointer[],
  emitBody: () => void,
): void {
  const { f } = scope;
  const count = scope.symbols.get(axis)!;
  f.loop();
  emitBody();
  for (const pointer of moving) {
    const local = scope.pointers.get(keyOf(pointer))!;
    const bytes = coefficientOf(pointer, axis) * step * bytesOf(pointer);
    f.local_get(local).i32_const(bytes).i32_add().local_set(local);
  }
  f.local_get(count).i32_const(step).i32_add().local_tee(count);
  emitDim(scope, extent);
  f.i32_lt_s().br_if(0).end();
}

const movedBy = (axis: string, pointers: readonly Pointer[]): readonly Pointer[] =>
  pointers.filter((pointer) => coefficientOf(pointer, axis) !== 0);

/**
 * How many iterations of a loop one call of a function does: of the innermost loop that is parallel, hot, and
 * uses no register from outside, as many as make the call worth it. 0 where none is called.
 */
function turnsOfCall(node: LoopNode, { hot, worth }: Cuts = cuts): number {
  const { loop, body } = node;
  if (!loop.parallel || workOf([node]) < hot || !isClosed(body)) return 0;
  let inner = false;
  visitNodes(body, (each) => {
    if (each.kind === "loop" && turnsOfCall(each, { hot, worth }) > 0) inner = true;
  });
  return inner ? 0 : Math.ceil(worth / workOf(body));
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
  const use = (register: Register) => {
    if (!declared.has(register)) closed = false;
  };
  visitNodes(body, (node) => {
    const value = node.kind === "line" ? expressionOf(node.stmt) : node.kind === "if" && node.condition;
    if (value)
      visitExpr(value, (e) => {
        if (e.kind === "register") use(e.register);
      });
    if (node.kind !== "line") return;
    if (node.stmt.kind === "let") declared.add(node.stmt.register);
    else if (node.stmt.kind === "set") use(node.stmt.register);
  });
  return closed;
}
