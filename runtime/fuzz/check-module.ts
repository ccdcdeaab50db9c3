/**
 * Checks on one input the promises every emitted module makes, whatever it computes. The caller's input is
 * never handed to the module itself but copied, so that a failing input is still intact when it is shrunk and
 * printed. Outputs are compared bit for bit, because two runs of one instance have no reason to differ; the
 * exception is a reference, which may have a tolerance. Whether outputs are finite is nobody's promise: only
 * a reference can tell overflow from a defect.
 */
import { dtypes, type Scalar, type TypedArray } from "../dtype.ts";
import { decode } from "../elements.ts";
import type { Sizes } from "../size-text.ts";
import { differenceText, type Tolerance, worstDifference } from "./compare.ts";
import { refusals } from "./refusals.ts";
import {
  type Arrays,
  type InputsOf,
  type Instance,
  lengthOf,
  type Module,
  type ModuleSignature,
  type OutputsOf,
  type PortSignature,
  type SizedPort,
  typeText,
} from "./signature.ts";
import { sizesDrawnWith } from "./sizes.ts";
import { numberText } from "./text.ts";

/** What the outputs must be: for each output its numbers (bigints of 64-bit integers) in row-major order. */
export type Reference<S extends ModuleSignature> = (inputs: InputsOf<S>) => {
  readonly [Name in keyof OutputsOf<S>]: ArrayLike<Scalar>;
};

export interface CheckOptions<S extends ModuleSignature = ModuleSignature> extends Tolerance {
  /** Compared with the outputs: exactly, or within `ulp`, or within `atol + rtol * |expected|`. */
  readonly reference?: Reference<S>;
  /** The sidecar's bytes, for a module that does not carry its weights. */
  readonly weights?: ArrayBuffer | Uint8Array;
  /** Makes the instances instead of `module.instantiate(weights)`. */
  readonly instantiate?: () => Instance;
  /** Sizes of open dims, for an input that `inputs` did not draw and whose lengths do not tell them. */
  readonly dims?: Sizes;
}

/**
 * Throws an Error that says which promise is broken, and where:
 * - outputs have the names, dtypes and lengths of the signature;
 * - the same input gives the same bits again, also after another input, and from a second instance;
 * - instances do not disturb each other; inputs are not modified;
 * - a missing input, or one of the wrong length or type, is refused by a RangeError or TypeError that names
 *   it, and does the instance no harm;
 * - with a `reference`, outputs are what it says.
 *
 * @example
 * checkModule(mlp, { x: new Float32Array(784) }, { reference: ({ x }) => ({ logits: slowMlp(x) }), ulp: 4 });
 */
export function checkModule<const S extends ModuleSignature>(
  module: Module<S>,
  input: InputsOf<S>,
  options: CheckOptions<S> = {},
): void {
  const { signature } = module;
  const given = input as Arrays;
  const dims = options.dims ?? sizesDrawnWith(input) ?? {};
  const first = new Subject(signature, instantiate(module, options), dims);
  const expected = first.run(given);
  first.mustGive(expected, given, "the same input gives other outputs the second time");
  first.tryToRun(disturbing(signature, given));
  first.mustGive(expected, given, "outputs depend on what was run before");
  checkSecondInstance(first, new Subject(signature, instantiate(module, options), dims), given, expected);
  for (const { name, what, input: bad } of refusals(signature, given)) {
    first.mustRefuse(bad, name, what);
    first.mustGive(expected, given, `after refusing ${what} the instance gives other outputs`);
  }
  if (!options.reference) return;
  first.mustGive(expected, given, "outputs depend on what was run before");
  compare(first.outputs, expected, options.reference(copy(given) as InputsOf<S>), options);
}

function instantiate<S extends ModuleSignature>(module: Module<S>, options: CheckOptions<S>): Instance {
  if (options.instantiate) return options.instantiate();
  const make = module.instantiate as (weights?: ArrayBuffer | Uint8Array) => Instance;
  if (!options.weights && "loadWeights" in module)
    throw new TypeError(
      "checkModule needs the weights of this module, which are in a file beside it: " +
        'checkModule(module, input, { weights: readFileSync("module.bin") })',
    );
  return options.weights ? make(options.weights) : make();
}

function checkSecondInstance(first: Subject, second: Subject, given: Arrays, expected: Arrays): void {
  second.mustGive(expected, given, "a second instance gives other outputs");
  const live = first.live(given);
  second.tryToRun(disturbing(first.signature, given));
  requireSame(expected, live, "running a second instance changes the outputs of the first");
}

/** An instance under test. */
class Subject {
  readonly signature: ModuleSignature;
  readonly #instance: Instance;
  readonly #run: (inputs: Arrays) => Arrays;

  constructor(signature: ModuleSignature, instance: Instance, dims: Sizes) {
    this.signature = signature;
    this.#instance = instance;
    this.#run = (inputs) => instance.run(inputs as never, dims as never) as Arrays;
  }

  /** With the sizes of the last run. */
  get outputs(): Readonly<Record<string, SizedPort>> {
    const { shapes } = this.#instance;
    return Object.fromEntries(
      Object.entries(this.signature.outputs).map(([name, port]) => [
        name,
        withShape(name, port, shapes?.[name]),
      ]),
    );
  }

  /** Outputs as the module gives them, checked against the signature. */
  live(given: Arrays): Arrays {
    const inputs = copy(given);
    const outputs = this.#runOrExplain(inputs);
    for (const [name, port] of Object.entries(this.outputs)) checkOutput(port, outputs, name);
    requireSame(given, inputs, "run modifies its inputs", "input");
    return outputs;
  }

  run(given: Arrays): Arrays {
    return copy(this.live(given));
  }

  mustGive(expected: Arrays, given: Arrays, otherwise: string): void {
    requireSame(expected, this.live(given), otherwise);
  }

  /** Data-dependent errors are none of this check's business. */
  tryToRun(given: Arrays): void {
    try {
      this.#run(copy(given));
    } catch {
      return;
    }
  }

  mustRefuse(bad: Arrays, name: string, what: string): void {
    let refused: unknown;
    try {
      this.#run(bad);
    } catch (error) {
      refused = error;
    }
    if (refused === undefined) throw new Error(`${what} is accepted; a RangeError or TypeError is promised`);
    const { name: kind, message } = refused as Error;
    if (!/^(Range|Type)Error$/.test(kind))
      throw new Error(`${what} raises ${kind}: ${message}; a RangeError or TypeError is promised`, {
        cause: refused,
      });
    if (!message.includes(name))
      throw new Error(`${what} is refused without naming "${name}": ${message}`, { cause: refused });
  }

  #runOrExplain(inputs: Arrays): Arrays {
    try {
      return this.#run(inputs);
    } catch (error) {
      const integers = Object.entries(this.signature.inputs).filter(
        ([, p]) => dtypes[p.dtype].kind === "integer",
      );
      const hint =
        integers.length > 0 ? `; if ${integers[0]![0]} holds indices, give inputs() their range` : "";
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      throw new Error(`run refuses an input of the signature's types: ${reason}${hint}`, { cause: error });
    }
  }
}

/** What `shapes` says of an output must be what the signature leaves open of it. */
function withShape(name: string, port: PortSignature, shape = port.shape): SizedPort {
  const fits = shape.length === port.shape.length;
  const agrees = (d: number | string, axis: number) =>
    typeof port.shape[axis] === "string" || port.shape[axis] === d;
  if (!fits || !shape.every(agrees) || !shape.every((d) => typeof d === "number"))
    throw new Error(
      `shapes says that output "${name}" is [${shape.join(", ")}], which is not ${typeText(port)}`,
    );
  return { ...port, shape: shape as readonly number[] };
}

function checkOutput(port: SizedPort, outputs: Arrays, name: string): void {
  const data: TypedArray | undefined = outputs[name];
  const { array } = dtypes[port.dtype];
  const found = data === undefined ? "missing" : Object.prototype.toString.call(data).slice(8, -1);
  if (found !== array.name)
    throw new Error(`output "${name}" is ${found}; ${typeText(port)} promises a ${array.name}`);
  if (data!.length !== lengthOf(port))
    throw new Error(
      `output "${name}" has ${data!.length} elements; ${typeText(port)} promises ${lengthOf(port)}`,
    );
}

/** Bit for bit, except that NaN is NaN: JavaScript does not say which bits it has. */
function requireSame(expected: Arrays, found: Arrays, otherwise: string, what = "output"): void {
  for (const [name, data] of Object.entries(expected)) {
    const other = found[name]!;
    const i = firstDifference(data, other);
    if (i < 0) continue;
    const [was, is] = [numberText(data[i]!), numberText(other[i]!)];
    throw new Error(`${otherwise}: ${what} "${name}" element ${i} was ${was}, is ${is}`);
  }
}

/** A plain loop over the one comparison that is nearly always enough: arrays are long and this runs often. */
function firstDifference(a: TypedArray, b: TypedArray): number {
  for (let i = 0; i < a.length; i++) if ((a[i] !== b[i] || a[i] === 0) && !Object.is(a[i], b[i])) return i;
  return -1;
}

function compare<S extends ModuleSignature>(
  ports: Readonly<Record<string, SizedPort>>,
  actual: Arrays,
  expected: ReturnType<Reference<S>>,
  tolerance: Tolerance,
): void {
  for (const [name, port] of Object.entries(ports)) {
    const reference = (expected as Readonly<Record<string, ArrayLike<Scalar> | undefined>>)[name];
    const data = actual[name]!;
    if (reference?.length !== data.length)
      throw new Error(
        `the reference gives ${reference ? `${reference.length} elements` : "nothing"} for output "${name}", ` +
          `which has ${data.length}: ${typeText(port)}`,
      );
    const found = worstDifference(decode(port.dtype, data), reference, port.dtype, tolerance);
    if (found)
      throw new Error(
        `output "${name}" differs from the reference: ${differenceText(found.worst, port.shape)}; ` +
          `${found.count} of ${data.length} elements are outside ${toleranceText(tolerance)}`,
      );
  }
}

function toleranceText({ ulp, rtol, atol }: Tolerance): string {
  const given = Object.entries({ ulp, rtol, atol }).filter(([, value]) => value !== undefined);
  return given.length === 0 ? "exact equality" : given.map(([name, value]) => `${name} ${value}`).join(", ");
}

function copy(arrays: Arrays): Arrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, data]) => [name, data.slice()]));
}

/**
 * As unlike `given` as can be: floats are NaN, so whatever leaks is seen. Integers stay, they may be indices,
 * and so does what the module was compiled for.
 */
function disturbing({ inputs }: ModuleSignature, given: Arrays): Arrays {
  return Object.fromEntries(
    Object.entries(given).map(([name, data]) => {
      const float = data instanceof Float32Array || data instanceof Float64Array;
      return [name, float && !inputs[name]?.values ? data.slice().fill(Number.NaN) : data];
    }),
  );
}
