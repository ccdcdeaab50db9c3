/**
 * What the kit knows of a module: its `signature`, and `instantiate`. The types are derived from the literal
 * signature an emitted module exports, so `inputs(mlp.signature)` gives exactly what `mlp.instantiate().run`
 * takes.
 */
import type { DType, DTypeArrays, TypedArray } from "../dtype.ts";
import type { DimSignature } from "../load.ts";

export interface PortSignature {
  readonly dtype: DType;
  /** Numbers, and expressions of the open dims. */
  readonly shape: readonly (number | string)[];
  /** Of an input that the shapes were decided by: the elements it must hold. */
  readonly values?: readonly (number | bigint)[];
}

/** The form of `signature` in every emitted module. */
export interface ModuleSignature {
  readonly inputs: { readonly [name: string]: PortSignature };
  readonly outputs: { readonly [name: string]: PortSignature };
  readonly dims?: { readonly [name: string]: DimSignature };
  readonly constraints?: readonly string[];
}

type ArraysOf<P extends { readonly [name: string]: PortSignature }> = {
  -readonly [Name in keyof P]: DTypeArrays[P[Name]["dtype"]];
};

/** One flat, row-major typed array per input. */
export type InputsOf<S extends ModuleSignature> = ArraysOf<S["inputs"]>;

/** One flat, row-major typed array per output. */
export type OutputsOf<S extends ModuleSignature> = ArraysOf<S["outputs"]>;

export type Arrays = { readonly [name: string]: TypedArray };

/** What `instantiate` gives; `run` may reuse its outputs' memory. */
export interface Instance {
  run(inputs: never, dims: never): object;
  /** Of the outputs of the last run, where dims are open. */
  readonly shapes?: { readonly [name: string]: readonly number[] };
}

/** An emitted module, imported or loaded: `import * as mlp from "./mlp.gen.ts"`. */
export interface Module<S extends ModuleSignature = ModuleSignature> {
  readonly signature: S;
  /** Takes the sidecar's bytes when the weights are not in the module. */
  instantiate(...weights: never[]): Instance;
}

/** A port with the sizes of one run. */
export interface SizedPort extends PortSignature {
  readonly shape: readonly number[];
}

export function lengthOf({ shape }: SizedPort): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** `float32[2, 20]`, as error messages write it. */
export function typeText({ dtype, shape }: PortSignature): string {
  return `${dtype}[${shape.join(", ")}]`;
}
