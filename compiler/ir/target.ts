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

export interface EmitOptions {
  readonly format: "ts" | "js";
  readonly weights: WeightsMode;
  /** Lines for the header comment: tool version, source name and hash, options. No path, no time. */
  readonly header: readonly string[];
}

/** A module ready to be written or loaded: code, and the weights beside it when they are not in it. */
export interface EmittedModule {
  readonly code: string;
  readonly format: "ts" | "js";
  /** How the weights were shipped; never "auto". */
  readonly weightsMode: Exclude<WeightsMode, "auto">;
  /** The sidecar's bytes when `weightsMode` is "file". */
  readonly weights?: Uint8Array;
}
