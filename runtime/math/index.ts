/**
 * Scalar functions that JavaScript lacks; the reference and the generated code compute with the same ones.
 */
export { erf } from "./erf.ts";
export { floorMod, roundEven } from "./rounding.ts";
