/** The module that the compiler makes of an ONNX file, run for real, and random inputs for it. */
import { allocate, type DType, dtypes, type TypedArray } from "../../runtime/dtype.ts";
import type { Elements } from "../../runtime/elements.ts";
import { type Instance, load, type Signature } from "../../runtime/load.ts";
import { fill, mulberry32 } from "../../runtime/random/noise.ts";
import { holds, type Sizes, sizeOf } from "../../runtime/size-text.ts";
import { size, type Tensor } from "../../runtime/tensor.ts";
import type { BindOptions } from "../bind-model.ts";
import { type CompileOptions, compile } from "../compile-model.ts";
import { fail } from "../diagnostics/index.ts";
import { runOn } from "../execute.ts";
import { OnnxNetwork } from "../frontend/onnx/onnx-network.ts";
import { readSample } from "../frontend/sample.ts";
import type { Network } from "../index.ts";
import { readBinding } from "./binding.ts";
import type { Options } from "./command-line.ts";
import type { OnnxFile } from "./load-onnx.ts";
import { readWord } from "./values.ts";
import type { Tensors } from "./verify-oracle.ts";

/** Throws what importing throws. */
export const networkOf = ({ model, externalData }: OnnxFile): OnnxNetwork =>
  new OnnxNetwork(model, { externalData });

/** The same file with these values as its outputs, in place of its own. */
export function asking({ model, ...file }: OnnxFile, names: readonly string[]): OnnxFile {
  const outputs = names.map((name) => ({ name, type: { kind: "unknown" } as const }));
  return { ...file, model: { ...model, graph: { ...model.graph, outputs } } };
}

/** How a module is made that is verified. */
export type ModuleOptions = BindOptions & Pick<CompileOptions, "target">;

export class VerifiedModule {
  readonly signature: Signature;
  readonly #instance: Instance;

  /** Throws what compiling throws. */
  constructor(file: OnnxFile, options: ModuleOptions) {
    const compiled = compile(networkOf(file), { ...options, format: "js" });
    const module = load(compiled);
    this.signature = module.signature;
    this.#instance = module.instantiate();
  }

  /** The outputs, in arrays of their own. */
  run(inputs: Tensors): Tensors {
    const names = Object.keys(this.signature.inputs);
    return runOn(this.#instance, this.signature, new Map(names.map((name) => [name, inputs.get(name)!])));
  }
}

/** How often sizes are drawn until all constraints between them are met. */
const TRIES = 1000;

/**
 * Inputs of a module: what the sample gives elements for is taken as it is, floats are uniform in [-1, 1),
 * wide integers few and not negative, because most are positions in a table; open dims are small.
 */
export function randomInputs(signature: Signature, { sample }: ModuleOptions, seed: number): Tensors {
  const next = mulberry32(seed);
  const word = () => Math.floor(next() * 2 ** 32);
  const given = sample === undefined ? {} : readSample(sample, undefined, ports(signature), undefined);
  const sizes = randomSizes(signature, next);
  return new Map(
    Object.entries(signature.inputs).map(([name, port]) => {
      const shape = port.shape.map((d) => (typeof d === "number" ? d : sizeOf(d, sizes)));
      const own = Object.hasOwn(given, name) ? given[name] : undefined;
      if (own && "data" in own && own.data.length === size(shape)) return [name, { ...own, shape }];
      const data = port.values ? holding(port.dtype, port.values) : random(port.dtype, size(shape), word());
      return [name, { dtype: port.dtype, shape, data }] as const satisfies readonly [string, Tensor];
    }),
  );
}

const ports = ({ inputs }: Signature) => Object.entries(inputs).map(([name, { dtype }]) => ({ name, dtype }));

function random(dtype: DType, length: number, seed: number): TypedArray {
  const data = allocate(dtype, length);
  const { kind, bytes, lowest, highest } = dtypes[dtype];
  const range = { min: Number(lowest), max: Number(highest) };
  const narrow = kind === "float" ? { min: -1, max: 1 } : bytes < 4 ? range : { min: 0, max: 9 };
  fill(data, dtype, narrow, "uniform", seed);
  return data;
}

function holding(dtype: DType, values: readonly (number | bigint)[]): TypedArray {
  const data = allocate(dtype, values.length);
  const elements: Elements = data;
  values.forEach((value, i) => {
    elements[i] = value;
  });
  return data;
}

function randomSizes({ dims = {}, constraints = [] }: Signature, next: () => number): Sizes {
  const draw = () =>
    Object.fromEntries(
      Object.entries(dims).map(([name, { min, max, modulus = 1, residues = [0] }]) => {
        const near = Math.min(max, min + 8 * modulus - 1);
        const fine = (n: number) => residues.includes(n % modulus);
        const choices = Array.from({ length: near - min + 1 }, (_, i) => min + i).filter(fine);
        return [name, choices[Math.floor(next() * choices.length)] ?? max];
      }),
    );
  for (let i = 0; i < TRIES; i++) {
    const sizes = draw();
    if (constraints.every((text) => holds(text, sizes))) return sizes;
  }
  return fail({
    code: "E1002",
    message: `no sizes were found that meet ${constraints.join(" and ")}`,
    fix: "fix the sizes of the dims with --dim name=size",
  });
}

/** The options that bind a model, and the target of its module. */
export function readModuleOptions(options: Options, cwd: string): (model: Network) => ModuleOptions {
  const binding = readBinding(options, cwd);
  const target = readWord(options, "target", ["ts", "wasm"]);
  return (model) => ({ ...binding(model), ...(target && { target }) });
}
