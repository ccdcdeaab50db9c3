/**
 * The steps of a program as calls inside WebAssembly. Steps in a row whose kernels are all there become one
 * exported function, repeats and all, so that a run crosses from JavaScript as seldom as can be; what is left
 * between them stays a step for the TypeScript around it.
 */
import { type Dim, symbol, symbolsOf } from "../../compiler/dims/index.ts";
import type { Buffer, Kernel } from "../../compiler/ir/loop.ts";
import type { Call, Step, Stop } from "../../compiler/ir/program.ts";
import { callsIn, readsIn } from "../../compiler/ir/program-walk.ts";
import { Addresses } from "./address.ts";
import type { Module, ValueType } from "./assembler/index.ts";
import { emitDim, type Scope } from "./scope.ts";

/** Steps that are one call of an exported function, which takes the values of `symbols`. */
export interface Segment {
  readonly name: string;
  readonly symbols: readonly string[];
  readonly steps: readonly Step[];
}

export interface Cut {
  /** The steps with a call in place of each segment. */
  readonly steps: readonly Step[];
  /** By the kernel that stands for it in these calls. */
  readonly segments: ReadonlyMap<Kernel, Segment>;
}

/** `isInside`: whether WebAssembly has the kernel; `name` names the functions. */
export function cutSteps(
  steps: readonly Step[],
  isInside: (kernel: Kernel) => boolean,
  name: () => string,
): Cut {
  const segments = new Map<Kernel, Segment>();
  const isWhole = (step: Step) =>
    step.kind !== "stop" &&
    readsIn([step]).length === 0 &&
    callsIn([step]).every(({ kernel }) => isInside(kernel));
  const callOf = (run: readonly Step[]): Call => {
    const segment = { name: name(), symbols: freeIn(run), steps: run };
    const kernel = standIn(segment);
    segments.set(kernel, segment);
    return { kind: "call", kernel, buffers: [], args: segment.symbols.map((each) => symbol(each)) };
  };
  const cut = (list: readonly Step[]): readonly Step[] => {
    const done: Step[] = [];
    let run: Step[] = [];
    const close = () => {
      if (run.length > 0) done.push(callOf(run));
      run = [];
    };
    for (const step of list) {
      if (isWhole(step)) run.push(step);
      else {
        close();
        done.push(step.kind === "repeat" ? { ...step, body: cut(step.body) } : step);
      }
    }
    close();
    return done;
  };
  return { steps: cut(steps), segments };
}

function standIn({ name, symbols }: Segment): Kernel {
  return { name, reads: [], writes: [], parameters: symbols, body: [], comment: "" };
}

/** The symbols that the steps do not give a value themselves. */
function freeIn(steps: readonly Step[]): readonly string[] {
  const found = new Set<string>();
  const visit = (list: readonly Step[], counted: readonly string[]) => {
    const need = (d: Dim) => {
      for (const name of symbolsOf(d)) if (!counted.includes(name)) found.add(name);
    };
    for (const step of list) {
      if (step.kind === "call") step.args.forEach(need);
      if (step.kind === "stop") need(step.index);
      if (step.kind !== "repeat") continue;
      need(step.extent);
      visit(step.body, [...counted, step.axis]);
    }
  };
  visit(steps, []);
  return [...found];
}

export interface Callable {
  /** The index of a kernel's function. */
  readonly functions: ReadonlyMap<Kernel, number>;
  readonly addresses: ReadonlyMap<Buffer, number>;
}

/** Adds the function of a segment to the module and exports it. */
export function addSegment(module: Module, { name, symbols, steps }: Segment, callable: Callable): void {
  const f = module.func({ name, params: symbols.map((): ValueType => "i32"), exported: true });
  const scope: Scope = {
    module,
    f,
    addresses: new Addresses([], []),
    reached: new Set(),
    pointers: new Map(),
    symbols: new Map(symbols.map((each, i) => [each, i])),
    registers: new Map(),
    loaded: new Map(),
  };
  addSteps(scope, steps, callable);
  f.end();
}

function addSteps(scope: Scope, steps: readonly Step[], callable: Callable): void {
  for (const step of steps) {
    if (step.kind === "call") addCall(scope, step, callable);
    else if (step.kind === "repeat") addRepeat(scope, step, callable);
    else if (step.kind === "stop") addStop(scope, step, callable);
    else throw new Error("internal: a size is read in TypeScript");
  }
}

function addCall(scope: Scope, { kernel, buffers, args }: Call, { functions, addresses }: Callable): void {
  for (const buffer of buffers) scope.f.i32_const(addressIn(addresses, buffer) | 0);
  for (const arg of args) emitDim(scope, arg);
  scope.f.call(functions.get(kernel)!);
}

/** Out of the block around the loop in whose body it stands. */
function addStop(scope: Scope, { buffer, index }: Stop, { addresses }: Callable): void {
  emitDim(scope, index);
  scope.f.i32_load8_u(addressIn(addresses, buffer), 1);
  scope.f.i32_eqz().br_if(1);
}

function addressIn(addresses: Callable["addresses"], buffer: Buffer): number {
  const address = addresses.get(buffer);
  if (address === undefined) throw new Error(`internal: ${buffer.name} has no address`);
  return address;
}

function addRepeat(outer: Scope, step: Step & { kind: "repeat" }, callable: Callable): void {
  const { f } = outer;
  const axis = f.local("i32");
  const scope = { ...outer, symbols: new Map(outer.symbols).set(step.axis, axis) };
  f.i32_const(0).local_set(axis);
  f.block().loop();
  f.local_get(axis);
  emitDim(scope, step.extent);
  f.i32_ge_s().br_if(1);
  addSteps(scope, step.body, callable);
  f.local_get(axis).i32_const(1).i32_add().local_set(axis);
  f.br(0).end().end();
}
