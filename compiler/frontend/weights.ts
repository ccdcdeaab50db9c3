/**
 * The numbers of a model: per parameter path a fixed shape (who fixed it, and where) and, when someone asks,
 * values. Values are a function of seed and path alone, made when they are first needed, so binding allocates
 * nothing and its order cannot matter. Loading is whole or not at all.
 */
import { byteSize } from "../../runtime/dtype.ts";
import { storedNumbers } from "../../runtime/elements.ts";
import { type InitializerSpec, initialize } from "../../runtime/initializers/index.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { CompileError, type Diagnostic, type Fact, fail, type SourceLocation } from "../diagnostics/index.ts";
import { constantOf, isConstant, type Shape, symbolsOf } from "../dims/index.ts";
import type { Parameter } from "../ir/graph.ts";
import { checkNames } from "./option-names.ts";
import { printShape } from "./shapes.ts";

/** 1 GB. */
export const DEFAULT_MAX_PARAMETER_BYTES = 1e9;

/** Shape of a parameter, and what decided it. */
export interface Fixed {
  readonly shape: readonly number[];
  /** "the sample [2, 20]", "build([null, 20])", "setWeights". */
  readonly by: string;
  readonly at?: SourceLocation;
}

/** A parameter whose shape is a list of numbers. */
export interface Sized {
  readonly path: string;
  readonly shape: readonly number[];
}

export const list = (shape: readonly (number | string)[]) => `[${shape.join(", ")}]`;
export const place = (at: SourceLocation | undefined) => (at ? ` at ${at.file}:${at.line}` : "");

export class WeightStore {
  readonly #fixed = new Map<string, Fixed>();
  readonly #values = new Map<string, Tensor>();
  /** Paths whose values are not the seed's. */
  readonly #set = new Set<string>();
  seed = 0;
  /** Grows whenever some value changes. */
  version = 0;

  fixedShape(path: string): Fixed | undefined {
    return this.#fixed.get(path);
  }

  get empty(): boolean {
    return this.#fixed.size === 0;
  }

  /** The shape of values that somebody gave. */
  given(path: string): Fixed | undefined {
    return this.isInitial(path) ? undefined : this.fixedShape(path);
  }

  /** Whether the values of `path` are what the initialiser and the seed make. */
  isInitial(path: string): boolean {
    return !this.#set.has(path);
  }

  /** Parameters whose shape would not be the one fixed earlier. */
  conflicts(sized: readonly Sized[]): readonly { readonly now: Sized; readonly before: Fixed }[] {
    return sized.flatMap((now) => {
      const before = this.#fixed.get(now.path);
      return before && !sameShape(before.shape, now.shape) ? [{ now, before }] : [];
    });
  }

  /** Fixes shapes; allocates nothing. Throws E2301 when their bytes exceed `budget`. */
  fix(
    sized: readonly (Sized & { readonly dtype: Tensor["dtype"] })[],
    by: Omit<Fixed, "shape">,
    budget: number,
  ): void {
    checkBudget(sized, budget, by.at);
    for (const { path, shape } of sized)
      if (!this.#fixed.has(path)) this.#fixed.set(path, { ...by, shape: [...shape] });
  }

  /** The values of a parameter. */
  tensor(parameter: Parameter, shape: readonly number[]): Tensor {
    const { name: path, type } = parameter.value;
    const known = this.#values.get(path);
    if (known) return known;
    const made = initialTensor(parameter.initializer, shape, type.dtype, this.seed, path);
    this.#values.set(path, made);
    return made;
  }

  /** New values from `seed`, for all parameters. */
  reseed(seed: number): void {
    this.seed = seed;
    this.#values.clear();
    this.#set.clear();
    this.version++;
  }

  /** Takes values; all are of the right shape already. */
  set(values: ReadonlyMap<string, Tensor>, by: Omit<Fixed, "shape">): void {
    for (const [path, value] of values) {
      this.#values.set(path, value);
      this.#set.add(path);
      if (!this.#fixed.has(path)) this.#fixed.set(path, { ...by, shape: [...value.shape] });
    }
    this.version++;
  }

  clear(): void {
    this.#fixed.clear();
    this.#values.clear();
    this.#set.clear();
    this.version++;
  }
}

function initialTensor(
  spec: InitializerSpec,
  shape: readonly number[],
  dtype: Tensor["dtype"],
  seed: number,
  path: string,
): Tensor {
  const values = initialize(spec, shape, seed, path);
  if (dtype === "float32") return { dtype, shape, data: values };
  return { dtype, shape, data: storedNumbers(dtype, values) };
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** Throws E2301 when the parameters need more than `budget` bytes. */
export function checkBudget(
  sized: readonly (Sized & { readonly dtype: Tensor["dtype"] })[],
  budget: number,
  at: SourceLocation | undefined,
): void {
  const bytes = sized.map(({ shape, dtype }) => byteSize(dtype, 1) * shape.reduce((n, d) => n * d, 1));
  const total = bytes.reduce((sum, n) => sum + n, 0);
  if (total <= budget) return;
  const largest = sized.map((one, i) => ({ ...one, bytes: bytes[i]! })).sort((a, b) => b.bytes - a.bytes);
  fail({
    code: "E2301",
    message: `the parameters need ${printBytes(total)}, but the budget is ${printBytes(budget)}`,
    facts: largest
      .slice(0, 5)
      .map((one) => ({ subject: one.path, value: list(one.shape), note: printBytes(one.bytes) })),
    fix: `make the model smaller, or allow more with maxParameterBytes (--max-params on the command line)`,
    ...(at && { at }),
  });
}

function printBytes(bytes: number): string {
  const [unit, by] = bytes >= 1e9 ? ["GB", 1e9] : bytes >= 1e6 ? ["MB", 1e6] : ["kB", 1e3];
  return `${Number((bytes / Number(by)).toFixed(bytes >= 1e9 ? 2 : 1)).toLocaleString("en-US")} ${unit}`;
}

/** The seed that `initialize` is given. Throws E1002 for one that is not whole, E1001 for other options. */
export function seedIn(options: { readonly seed?: number }, at: SourceLocation | undefined): number {
  checkNames("initialize", options, ["seed"], at);
  const { seed = 0 } = options;
  if (Number.isSafeInteger(seed)) return seed;
  return fail({
    code: "E1002",
    message: `the seed is ${typeof seed === "string" ? JSON.stringify(seed) : seed}, but it must be a whole number`,
    fix: "give a whole number, such as initialize({ seed: 1 })",
    ...(at && { at }),
  });
}

/** The shape as numbers when all of it is known. */
export function sizesOf(shape: Shape): readonly number[] | undefined {
  return shape.every(isConstant) ? shape.map((d) => constantOf(d)!) : undefined;
}

/** A weight that is asked for and whose shape is still open (E2101). */
export function stillDeferred(
  parameters: readonly { readonly path: string; readonly shape: Shape }[],
  inputs: readonly { readonly name: string; readonly shape: Shape }[],
): CompileError {
  return new CompileError(
    parameters.map(({ path, shape }): Diagnostic => {
      const unknown = [...new Set(shape.flatMap(symbolsOf))];
      const facts: Fact[] = unknown.map((name) => ({
        subject: name,
        value: "?",
        note: whereIs(name, inputs),
      }));
      const printed = printShape(shape, { deferred: true });
      return {
        code: "E2101",
        message: `${path} ${printed} has no values yet: ${unknown.join(", ")} is not known`,
        facts,
        fix:
          `bind a sample, as in net.bind({ ${inputs.map(example).join(", ")} }), ` +
          "or declare the size with build or inputShape",
      };
    }),
  );
}

function whereIs(name: string, inputs: readonly { readonly name: string; readonly shape: Shape }[]): string {
  for (const input of inputs) {
    const axis = input.shape.findIndex((d) => symbolsOf(d).includes(name));
    if (axis >= 0) return `axis ${axis} of input "${input.name}" ${printShape(input.shape)}`;
  }
  return "a size of the model";
}

function example(input: { readonly name: string; readonly shape: Shape }): string {
  return `${input.name}: [${input.shape.map((d) => (isConstant(d) ? String(d) : "n")).join(", ")}]`;
}
