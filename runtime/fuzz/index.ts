/**
 * `shapecast/fuzz`: property tests for emitted modules, with fast-check. `inputs` makes random inputs from a
 * module's signature, `checkModule` checks on one of them all that every module promises.
 */

export type { Range } from "../random/noise.ts";
export { ulpDistance } from "../ulp.ts";
export { type CheckOptions, checkModule, type Reference } from "./check-module.ts";
export type { Tolerance } from "./compare.ts";
export { type InputOptions, inputs } from "./inputs.ts";
export type {
  InputsOf,
  Instance,
  Module,
  ModuleSignature,
  OutputsOf,
  PortSignature,
} from "./signature.ts";
