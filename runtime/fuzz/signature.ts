/**
 * What the kit knows of a module: its `signature`, and `instantiate`. The types are derived from the literal
 * signature an emitted module exports, so `inputs(mlp.signature)` gives exactly what `mlp.instantiate().run`
 * takes.
 */
import type { DType, DTypeArrays, TypedArray } from "../dtype.ts";

export interface PortSignature {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Of an input that the shapes were decided by: the elements it must hold. */
  readonly values?: readonly (number | bigint)[];
}

/** The form of `signature` in every emitted module. */
export interface ModuleSignature {
  readonly inputs: { readonly [name: string]: PortSignature };
  readonly outputs: { readonly [name: string]: PortSignature };
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
  run(inputs: never): object;
}

/** An emitted module, imported or loaded: `import * as mlp from "./mlp.gen.ts"`. */
export interface Module<S extends ModuleSignature = ModuleSignature> {
  readonly signature: S;
  /** Takes the sidecar's bytes when the weights are not in the module. */
  instantiate(...weights: never[]): Instance;
}

export function lengthOf({ shape }: PortSignature): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** `float32[2, 20]`, as error messages write it. */
export function typeText({ dtype, shape }: PortSignature): string {
  return `${dtype}[${shape.join(", ")}]`;
}
