/**
 * What a target promises and produces. A target is chosen once, before lowering, because schedules depend on
 * it.
 */

/**
 * How a target accumulates. The reference evaluates under the same declaration, so results can be compared
 * exactly:
 * `float64` rounds once, at the store; `float32` rounds every step; `float32-fma` fuses multiply and add.
 */
export interface Numerics {
  readonly accumulate: "float64" | "float32" | "float32-fma";
}

export interface Target {
  readonly name: "ts" | "wasm";
  readonly numerics: Numerics;
  /** Lanes of a float32 vector; 1 means scalars. */
  readonly lanes: number;
}

export const targets = {
  ts: { name: "ts", numerics: { accumulate: "float64" }, lanes: 1 },
  wasm: { name: "wasm", numerics: { accumulate: "float32" }, lanes: 4 },
  "wasm-relaxed": { name: "wasm", numerics: { accumulate: "float32-fma" }, lanes: 4 },
} as const satisfies Record<string, Target>;

export type WeightsMode = "inline" | "file" | "init" | "auto";

/** WebAssembly in the module as base64, or as files beside it. */
export type WasmMode = "inline" | "file";
export type SimdMode = "auto" | "plain";

export interface EmitOptions {
  readonly format: "ts" | "js";
  readonly weights: WeightsMode;
  /** Lines for the header comment: tool version, source name and hash, options. No path, no time. */
  readonly header: readonly string[];
  /** Of the wasm target: where the binaries go. Default "inline". */
  readonly wasm?: WasmMode;
  /** Of the wasm target: "auto" uses relaxed SIMD where the engine has it, "plain" nowhere. */
  readonly simd?: SimdMode;
}

/** A module ready to be written or loaded: code, and the weights beside it when they are not in it. */
export interface EmittedModule {
  readonly code: string;
  readonly format: "ts" | "js";
  /** How the weights were shipped; never "auto". */
  readonly weightsMode: Exclude<WeightsMode, "auto">;
  /** The sidecar's bytes when `weightsMode` is "file". */
  readonly weights?: Uint8Array;
  /** The WebAssembly that goes into files beside the module. */
  readonly wasm?: WasmBinaries;
}

/** `relaxed` does the same with relaxed SIMD, where that makes a difference. */
export interface WasmBinaries {
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly relaxed?: Uint8Array<ArrayBuffer>;
}
