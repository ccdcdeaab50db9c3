/**
 * The verifier of loop IR. A kernel is well formed when every symbol, register and buffer is declared before
 * it is used, and every address is proven inside its buffer: the interval of the index over the extents of
 * the loops around it, narrowed by the guards around it. There is no other run-time check, so what is not
 * proven is refused; a data-dependent address is sound because `bind` checks or clamps it. A violation is an
 * error of the compiler.
 */
import { widthOf } from "../../runtime/dtype.ts";
import {
  add,
  constant,
  constantOf,
  type Dim,
  type Facts,
  floorDiv,
  type Interval,
  mul,
  neg,
  print,
  range,
  sub,
  sum,
  symbol,
  symbolsOf,
  type Term,
  terms,
} from "../dims/index.ts";
import { dimOfTerm as dimOf, dimOfAtom } from "./affine.ts";
import type { Buffer, Expr, For, Kernel, Register, Stmt } from "./loop.ts";
import { dtypeOf, type Place, partsOf } from "./loop-rewrite.ts";
import { type Counter, isWithin } from "./symbolic-bounds.ts";

const unbounded: Interval = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };

/** The values an axis takes. */
function axisInterval(loop: For, bounds: (symbol: string) => Interval): Interval {
  const extent = constantOf(loop.extent) ?? range(loop.extent, bounds).max;
  return { min: 0, max: Number.isFinite(extent) ? Math.floor((extent - 1) / loop.step) * loop.step : extent };
}

/** Bounds of the axes of `loops`; every other symbol is unbounded. */
export function boundsOf(loops: readonly For[]): (symbol: string) => Interval {
  const found = new Map<string, Interval>();
  const bounds = (name: string) => found.get(name) ?? unbounded;
  for (const loop of loops) found.set(loop.axis, axisInterval(loop, bounds));
  return bounds;
}

export interface VerifyOptions {
  /** The values of a kernel's parameters; a parameter without bounds proves nothing. */
  readonly parameters?: ReadonlyMap<string, Interval>;
  /** Those of the parameters that are counters with ends of their own, outermost first. */
  readonly counters?: readonly Counter[];
  /** What open dims are known to be. */
  readonly facts?: Facts;
}

/** An address that is not proven inside its buffer. */
export class Unproven extends Error {}

/** Throws an internal error that names kernel, buffer, index and interval. */
export function verifyKernel(kernel: Kernel, options: VerifyOptions = {}): void {
  const symbols = new Map(kernel.parameters.map((p) => [p, options.parameters?.get(p) ?? unbounded]));
  const { counters = [], facts } = options;
  new Scope(kernel, symbols, new Set(), [], counters, facts).stmts(kernel.body);
}

/** A combination of counters that a guard keeps within an interval. */
interface Narrowing extends Counter {
  readonly form: Dim;
  readonly interval: Interval;
}

class Scope {
  readonly #kernel: Kernel;
  readonly #symbols: ReadonlyMap<string, Interval>;
  readonly #registers: Set<Register>;
  readonly #guards: readonly Narrowing[];
  readonly #counters: readonly Counter[];
  readonly #facts: Facts | undefined;

  constructor(
    kernel: Kernel,
    symbols: ReadonlyMap<string, Interval>,
    registers: Set<Register>,
    guards: readonly Narrowing[],
    counters: readonly Counter[],
    facts: Facts | undefined,
  ) {
    this.#counters = counters;
    this.#facts = facts;
    this.#kernel = kernel;
    this.#symbols = symbols;
    this.#registers = registers;
    this.#guards = guards;
  }

  stmts(body: readonly Stmt[]): void {
    let scope: Scope = this;
    for (const s of body) scope = scope.#stmt(s);
  }

  /** Verifies one statement and gives the scope of those after it. */
  #stmt(s: Stmt): Scope {
    switch (s.kind) {
      case "for":
        this.#for(s);
        return this;
      case "if":
        this.#expr(s.condition);
        this.#under(testsOf(s.condition), (scope) => scope.#inner().stmts(s.body));
        return this;
      case "bind": {
        this.#expr(s.value);
        const extent = this.#interval(s.extent);
        return this.#with(s.symbol, { min: 0, max: Math.max(0, extent.max - 1) }, sub(s.extent, 1));
      }
      case "store":
        this.#expr(s.value);
        if (!this.#kernel.writes.includes(s.buffer))
          this.#fail(`stores to ${s.buffer.name}, which it does not declare`);
        this.#address(s.buffer, s.index);
        return this;
      default:
        this.#expr(s.value);
        if (s.kind === "let") this.#registers.add(s.register);
        this.#place(s);
        return this;
    }
  }

  #for(s: For): void {
    if (this.#symbols.has(s.axis)) this.#fail(`counts ${s.axis} inside a loop that counts it`);
    if (!(Number.isInteger(s.step) && s.step >= 1)) this.#fail(`counts ${s.axis} in steps of ${s.step}`);
    if (s.mode !== "serial" && constantOf(s.extent) === undefined)
      this.#fail(`is to ${s.mode} ${s.axis}, whose extent ${print(s.extent)} is not constant`);
    this.#defined(s.extent);
    const interval = axisInterval(s, this.#bounds);
    if (interval.max < 0) return;
    const last = mul(s.step, floorDiv(sub(s.extent, 1), s.step));
    const scope = this.#with(s.axis, interval, last);
    (s.mode === "serial" ? scope.#inner() : scope).stmts(s.body);
  }

  #inner(): Scope {
    const registers = new Set(this.#registers);
    return new Scope(this.#kernel, this.#symbols, registers, this.#guards, this.#counters, this.#facts);
  }

  #with(name: string, interval: Interval, upper: Dim): Scope {
    const symbols = new Map(this.#symbols).set(name, interval);
    const counters = [...this.#counters, { name, lower: constant(0), upper }];
    return new Scope(this.#kernel, symbols, this.#registers, this.#guards, counters, this.#facts);
  }

  #expr(e: Expr): void {
    if (e.kind === "guard") this.#guard(e);
    else for (const part of partsOf(e)) this.#expr(part);
    if (e.kind === "register") this.#place(e);
    if (e.kind === "index") this.#defined(e.index);
    if (e.kind === "bits" && widthOf(dtypeOf(e.x)) !== widthOf(e.dtype))
      this.#fail(`sees the bits of ${dtypeOf(e.x)} as ${e.dtype}`);
    if (e.kind !== "load") return;
    if (!this.#kernel.reads.includes(e.buffer) && !this.#kernel.writes.includes(e.buffer))
      this.#fail(`loads from ${e.buffer.name}, which it does not declare`);
    this.#address(e.buffer, e.index);
  }

  #guard(e: Expr & { kind: "guard" }): void {
    for (const test of e.tests) this.#defined(test);
    const [test, ...more] = e.tests;
    this.#under(e.tests, (scope) => scope.#expr(e.inside));
    // Of several tests nobody knows which one fails.
    this.#under(test && more.length === 0 ? [sub(-1, test)] : [], (scope) => scope.#expr(e.outside));
  }

  /** Verifies what is done only where all of `tests` are >= 0. */
  #under(tests: readonly Dim[], verify: (scope: Scope) => void): void {
    const isOpen = (name: string) => this.#kernel.open?.includes(name) === true;
    const guards = narrow(tests, this.#guards, this.#bounds, isOpen);
    // An arm that is never taken has nothing to prove.
    if (tests.some((test) => this.#interval(test).max < 0)) return;
    if (guards.some(({ interval }) => interval.min > interval.max)) return;
    const symbols = new Map(this.#symbols);
    for (const { name, interval } of guards) symbols.set(name, interval);
    verify(new Scope(this.#kernel, symbols, this.#registers, guards, this.#counters, this.#facts));
  }

  #place({ register, index }: Place): void {
    if (!this.#registers.has(register)) this.#fail(`uses ${register.name} before it is declared`);
    if (index.length !== register.shape.length)
      this.#fail(`indexes ${register.name} of shape [${register.shape}] with ${index.length} indices`);
    index.forEach((d, axis) => {
      this.#within(`${register.name}, axis ${axis},`, d, constant(register.shape[axis] ?? 0));
    });
  }

  #address(buffer: Buffer, index: Dim): void {
    this.#within(buffer.name, index, buffer.size ?? constant(buffer.length));
  }

  #within(what: string, index: Dim, size: Dim): void {
    this.#defined(index);
    const { min, max } = this.#interval(index);
    if (min >= 0 && max < this.#interval(size).min) return;
    if (this.#facts && this.#isWithin(index, size, this.#facts)) return;
    this.#fail(`indexes ${what} with ${print(index)} in [${min}, ${max}], outside [0, ${sub(size, 1)}]`);
  }

  #isWithin(index: Dim, size: Dim, facts: Facts): boolean {
    const intervals = new Map(this.#guards.map(({ name, interval }) => [name, interval]));
    const intervalOf = (name: string) => intervals.get(name) ?? this.#bounds(name);
    const narrowed = this.#guards.reduce((d, guard) => exchange(d, guard), index);
    return [index, narrowed].some((d) =>
      isWithin(d, size, { list: [...this.#counters, ...this.#guards], intervalOf, facts }),
    );
  }

  #interval(d: Dim): Interval {
    const narrowed = this.#guards.reduce((index, guard) => exchange(index, guard), d);
    const [plain, guarded] = [range(d, this.#bounds), range(narrowed, this.#bounds)];
    return { min: Math.max(plain.min, guarded.min), max: Math.min(plain.max, guarded.max) };
  }

  #bounds = (name: string): Interval => this.#symbols.get(name) ?? unbounded;

  #defined(d: Dim): void {
    for (const name of symbolsOf(d))
      if (!this.#symbols.has(name)) this.#fail(`uses ${name} in ${print(d)}, where nothing gives it a value`);
  }

  #fail(what: string): never {
    throw new Unproven(`internal: kernel ${this.#kernel.name} ${what}`);
  }
}

/** What is known to be >= 0 where a condition holds: of an index compared with 0 the index. */
function testsOf(condition: Expr): readonly Dim[] {
  if (condition.kind !== "binary" || condition.fn !== "ge" || condition.a.kind !== "index") return [];
  return condition.b.kind === "constant" && condition.b.value === 0 ? [condition.a.index] : [];
}

/**
 * What the tests of a guard say of the forms in them: `y + k - 1 >= 0` and `h - y - k >= 0` bound the form y
 * + k to [1, h]. A form is what counts in a test, without open dims and constants; it keeps its name through
 * nested guards.
 */
function narrow(
  tests: readonly Dim[],
  outer: readonly Narrowing[],
  bounds: (symbol: string) => Interval,
  isOpen: (symbol: string) => boolean,
): readonly Narrowing[] {
  const found = new Map(outer.map((guard) => [guard.form, guard]));
  for (const test of tests) {
    const counting = terms(test).filter(
      (t) => t.factors.length > 0 && !symbolsOf(dimOf(t)).every((name) => isOpen(name)),
    );
    const [first] = counting;
    if (!first) continue;
    const sign = Number(first.coefficient) > 0 ? 1 : -1;
    const form = mul(sign, sum(counting.map(dimOf)));
    const rest = sub(test, mul(sign, form));
    const name = `guarded.${found.size}`;
    const known = found.get(form) ?? {
      form,
      name,
      interval: range(form, bounds),
      lower: undefined,
      upper: undefined,
    };
    const { min, max } = known.interval;
    if (sign > 0) {
      const lower = neg(rest);
      found.set(form, { ...known, lower, interval: { min: Math.max(min, range(lower, bounds).min), max } });
    } else {
      const interval = { min, max: Math.min(max, range(rest, bounds).max) };
      found.set(form, { ...known, upper: rest, interval });
    }
  }
  return [...found.values()];
}

/** Writes `index` with the guarded form as a symbol of its own, if it has a multiple of the form in it. */
function exchange(index: Dim, { form, name }: Narrowing): Dim {
  for (const lead of terms(form)) {
    const times = timesIn(index, lead);
    if (times !== undefined) return add(sub(index, mul(times, form)), mul(times, symbol(name)));
  }
  return index;
}

/** How often a form with the term `lead` is in `index`, going by that term alone. */
function timesIn(index: Dim, lead: Term): Dim | undefined {
  const own = Number(lead.coefficient);
  const holding = terms(index).filter((t) => lead.factors.every((atom) => t.factors.includes(atom)));
  const whole = holding.every(({ coefficient }) => Number(coefficient) % own === 0);
  if (holding.length === 0 || !whole) return undefined;
  return sum(
    holding.map(({ coefficient, factors }) => {
      const rest = [...factors];
      for (const atom of lead.factors) rest.splice(rest.indexOf(atom), 1);
      return mul(Number(coefficient) / own, ...rest.map(dimOfAtom));
    }),
  );
}
