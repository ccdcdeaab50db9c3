/**
 * What an initialiser is: plain, serialisable data with every argument filled in, so that it can sit in graph
 * text, be compared, and be resolved later when the shape is known. Names, arguments and defaults are those
 * of Keras, in the camelCase of tfjs.
 */

/** Which fan divides the scale. */
export type FanMode = "fanIn" | "fanOut" | "fanAvg";

/** `normal` is Keras's older name for `truncatedNormal`. */
export type ScaledDistribution = "normal" | "truncatedNormal" | "untruncatedNormal" | "uniform";

export type InitializerSpec =
  | { readonly kind: "zeros" | "ones" }
  /**
   * Keras's `unit_forget_bias`: the bias of an LSTM [4 units], ones for the forget gate and zeros elsewhere.
   */
  | { readonly kind: "unitForgetBias" }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "randomNormal" | "truncatedNormal"; readonly mean: number; readonly stddev: number }
  | { readonly kind: "randomUniform"; readonly minval: number; readonly maxval: number }
  | {
      readonly kind: "varianceScaling";
      readonly scale: number;
      readonly mode: FanMode;
      readonly distribution: ScaledDistribution;
    }
  | { readonly kind: "glorotUniform" | "glorotNormal" }
  | { readonly kind: "heUniform" | "heNormal" }
  | { readonly kind: "lecunUniform" | "lecunNormal" }
  | { readonly kind: "orthogonal" | "identity"; readonly gain: number };

export type InitializerKind = InitializerSpec["kind"];

/** Every kind with its arguments and their defaults; the only list. */
export const initializerDefaults: Readonly<
  Record<InitializerKind, Readonly<Record<string, number | string>>>
> = {
  zeros: {},
  ones: {},
  unitForgetBias: {},
  constant: { value: 0 },
  randomNormal: { mean: 0, stddev: 0.05 },
  randomUniform: { minval: -0.05, maxval: 0.05 },
  truncatedNormal: { mean: 0, stddev: 0.05 },
  varianceScaling: { scale: 1, mode: "fanIn", distribution: "truncatedNormal" },
  glorotUniform: {},
  glorotNormal: {},
  heUniform: {},
  heNormal: {},
  lecunUniform: {},
  lecunNormal: {},
  orthogonal: { gain: 1 },
  identity: { gain: 1 },
};

/** The words an argument may be, for the arguments that are not numbers. */
export const argumentWords: Readonly<Record<string, readonly string[]>> = {
  mode: ["fanIn", "fanOut", "fanAvg"] satisfies readonly FanMode[],
  distribution: [
    "normal",
    "truncatedNormal",
    "untruncatedNormal",
    "uniform",
  ] satisfies readonly ScaledDistribution[],
};
