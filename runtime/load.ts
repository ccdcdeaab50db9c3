/**
 * Running an emitted module in the process that made it, without a file or a bundler: the module's text
 * becomes a function. This is the only place that turns text into code. Where the environment forbids that (a
 * Content-Security-Policy without `unsafe-eval`, some edge runtimes) it says so; there, write the module to a
 * file and import it.
 */
import type { DType, TypedArray } from "./dtype.ts";

export interface PortSignature {
  readonly dtype: DType;
  /** Numbers, and expressions of the open dims: "batch", "2*time". */
  readonly shape: readonly (number | string)[];
  /** Of an input that the shapes were decided by: the elements it must hold. */
  readonly values?: readonly (number | bigint)[];
}

/** The sizes of an open dim: whole numbers from `min` to `max` that leave one of `residues` by `modulus`. */
export interface DimSignature {
  readonly min: number;
  readonly max: number;
  readonly modulus?: number;
  readonly residues?: readonly number[];
}

/** The `signature` of every emitted module. */
export interface Signature {
  readonly name: string;
  readonly inputs: Readonly<Record<string, PortSignature>>;
  readonly outputs: Readonly<Record<string, PortSignature>>;
  /** Dims that each run chooses the size of. */
  readonly dims?: Readonly<Record<string, DimSignature>>;
  /** What must hold between them, e.g. "h >= w". */
  readonly constraints?: readonly string[];
  /** Sizes that each run finds in its data; outputs have memory for the largest. */
  readonly computed?: Readonly<Record<string, DimSignature>>;
}

export interface Instance {
  /**
   * The outputs by name, valid until this instance runs again. `dims` gives the sizes of open dims that no
   * length of an input tells; others are not looked at. Throws as documented in the emitted module.
   */
  run(
    inputs?: Readonly<Record<string, TypedArray>>,
    dims?: Readonly<Record<string, number>>,
  ): Readonly<Record<string, TypedArray>>;
  /**
   * Of a WebAssembly module: where inputs lie in its memory. What is written there and passed to `run` is not
   * copied, and `run()` takes all inputs from there.
   */
  readonly inputs?: Readonly<Record<string, TypedArray>>;
  /** The shapes of the outputs of the last run, where dims are open. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
}

export interface LoadedModule {
  readonly signature: Signature;
  /** An independent instance; all instances share the weights. */
  instantiate(): Instance;
  /** The same for browsers, whose main thread compiles only small WebAssembly at once. */
  instantiateAsync(): Promise<Instance>;
}

/** The part of an emitted module that is needed here; its format must be `js`. */
export interface LoadableModule {
  readonly code: string;
  readonly format: "ts" | "js";
  readonly weights?: Uint8Array;
  /** Of a WebAssembly module whose binaries are files. */
  readonly wasm?: { readonly plain: Uint8Array; readonly relaxed?: Uint8Array };
}

interface Exports {
  readonly signature: Signature;
  readonly instantiate: (...given: readonly unknown[]) => Instance;
  /** Of WebAssembly modules. */
  readonly instantiateAsync: ((...given: readonly unknown[]) => Promise<Instance>) | undefined;
  readonly relaxedSimd: (() => boolean) | undefined;
  readonly loadWeights: ((bytes: Uint8Array) => unknown) | undefined;
}

/**
 * Evaluates an emitted module. `weights` replaces the sidecar that came with it. Throws TypeError for
 * TypeScript text and Error where code may not be made from text; what the module itself throws on wrong
 * weights comes from `instantiate`.
 */
export function load(emitted: LoadableModule, weights = emitted.weights): LoadedModule {
  if (emitted.format !== "js") throw new TypeError('load needs a module emitted with format "js"');
  const exports = evaluate(emitted.code);
  const { wasm } = emitted;
  let loaded: unknown;
  const given = (): readonly unknown[] => {
    const binary = wasm && [exports.relaxedSimd?.() ? wasm.relaxed : wasm.plain];
    if (!exports.loadWeights || !weights) return binary ?? [];
    loaded ??= exports.loadWeights(weights);
    return [...(binary ?? []), loaded];
  };
  return {
    signature: exports.signature,
    instantiate: () => exports.instantiate(...given()),
    instantiateAsync: async () => (exports.instantiateAsync ?? exports.instantiate)(...given()),
  };
}

/** Emitted modules export only with `export const` and `export [async] function` at the start of a line. */
function evaluate(code: string): Exports {
  const body = code.replace(/^export (?=const |(async )?function )/gm, "");
  const optional = ["loadWeights", "relaxedSimd", "instantiateAsync"].map((name) =>
    new RegExp(`^export (async )?function ${name}\\(`, "m").test(code) ? name : `${name}: undefined`,
  );
  const names = ["signature", "instantiate", ...optional].join(", ");
  return compile(`"use strict";\n${body}\nreturn { ${names} };`)() as Exports;
}

function compile(body: string): () => unknown {
  try {
    return new Function(body) as () => unknown;
  } catch (error) {
    if (error instanceof SyntaxError) throw error;
    throw new Error("code may not be made from text here; write the emitted module to a file and import it", {
      cause: error,
    });
  }
}
