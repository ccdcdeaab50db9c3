// Which vector instructions the engine has. The probe is the smallest module that uses one, and
// WebAssembly.validate runs nothing. Emitted modules, which import nothing, take the same probe as text.

import { Module } from "./module.ts";

export type WasmFeature = "simd" | "relaxedSimd";

/**
 * A module that is valid exactly where the feature exists: () -> v128 by `i32x4.splat`, or (v128) -> v128 by
 * `madd`.
 */
export function featureProbe(feature: WasmFeature): Uint8Array<ArrayBuffer> {
  const module = new Module();
  if (feature === "simd") {
    module
      .func({ name: "probe", results: ["v128"] })
      .i32_const(0)
      .i32x4_splat()
      .end();
  } else {
    const f = module.func({ name: "probe", params: ["v128"], results: ["v128"] });
    f.local_get(0).local_get(0).local_get(0).f32x4_relaxed_madd().end();
  }
  return module.encode();
}

/** The JavaScript expression that is true where the feature exists. */
export function detectionExpression(feature: WasmFeature): string {
  return `WebAssembly.validate(Uint8Array.of(${featureProbe(feature).join(", ")}))`;
}

/** Whether this engine has the feature; false where there is no WebAssembly at all. */
export function featureDetect(feature: WasmFeature): boolean {
  return typeof WebAssembly === "object" && WebAssembly.validate(featureProbe(feature));
}
