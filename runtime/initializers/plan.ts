/**
 * From a spec and a shape to one call of a fill function with plain numbers. Everything that depends on the
 * shape (fans, limits, standard deviations) and the path's hash is worked out here, so `initialize` and an
 * emitted module that ships its seed instead of its weights make literally the same call and get the same
 * bits.
 */
import { hashPath } from "../random/path-hash.ts";
import { size } from "../tensor.ts";
import type { FanMode, InitializerKind, InitializerSpec, ScaledDistribution } from "./spec.ts";

export type FillName =
  | "fillConstant"
  | "fillBlock"
  | "fillIdentity"
  | "fillUniform"
  | "fillNormal"
  | "fillTruncatedNormal"
  | "fillOrthogonal";

/**
 * `fill(out, ...args)`. The args of fills that draw numbers start with four unsigned 32-bit words: low and
 * high word of the seed (two's complement), low and high word of the hash of the path.
 */
export interface FillCall {
  readonly fill: FillName;
  readonly args: readonly number[];
}

type Scaling = readonly [scale: number, mode: FanMode, distribution: ScaledDistribution];

/** Glorot and Bengio 2010; He et al. 2015; LeCun et al. 1998: all variance scaling. */
const scalings: Readonly<Partial<Record<InitializerKind, Scaling>>> = {
  glorotUniform: [1, "fanAvg", "uniform"],
  glorotNormal: [1, "fanAvg", "truncatedNormal"],
  heUniform: [2, "fanIn", "uniform"],
  heNormal: [2, "fanIn", "truncatedNormal"],
  lecunUniform: [1, "fanIn", "uniform"],
  lecunNormal: [1, "fanIn", "truncatedNormal"],
};

const fillOfDistribution: Readonly<Record<ScaledDistribution, FillName>> = {
  uniform: "fillUniform",
  untruncatedNormal: "fillNormal",
  truncatedNormal: "fillTruncatedNormal",
  normal: "fillTruncatedNormal",
};

/** Standard deviation of the standard normal cut at +-2. */
const truncatedStddev = 0.8796256610342398;

/** The fills that `planFill` may choose for each kind; a module embeds the text of these. */
export const fillsOfKind: Readonly<Record<InitializerKind, readonly FillName[]>> = {
  zeros: ["fillConstant"],
  ones: ["fillConstant"],
  unitForgetBias: ["fillBlock"],
  constant: ["fillConstant"],
  randomNormal: ["fillNormal"],
  randomUniform: ["fillUniform"],
  truncatedNormal: ["fillTruncatedNormal"],
  varianceScaling: ["fillUniform", "fillNormal", "fillTruncatedNormal"],
  glorotUniform: ["fillUniform"],
  glorotNormal: ["fillTruncatedNormal"],
  heUniform: ["fillUniform"],
  heNormal: ["fillTruncatedNormal"],
  lecunUniform: ["fillUniform"],
  lecunNormal: ["fillTruncatedNormal"],
  orthogonal: ["fillOrthogonal"],
  identity: ["fillIdentity"],
};

/**
 * The call that fills an array of `shape`. Throws RangeError for a seed that is not a safe integer, a dim
 * that is not a non-negative integer, `orthogonal` below rank 2 and `identity` of another rank than 2.
 */
export function planFill(
  spec: InitializerSpec,
  shape: readonly number[],
  seed: number,
  path: string,
): FillCall {
  if (!Number.isSafeInteger(seed))
    throw new RangeError(`seed ${seed} is not an integer between -(2^53 - 1) and 2^53 - 1`);
  size(shape);
  const stream = [seed >>> 0, Math.floor(seed / 0x100000000) >>> 0, ...hashPath(path)];
  switch (spec.kind) {
    case "zeros":
      return { fill: "fillConstant", args: [0] };
    case "ones":
      return { fill: "fillConstant", args: [1] };
    case "unitForgetBias":
      return { fill: "fillBlock", args: [shape[0]! / 4, shape[0]! / 4, 1] };
    case "constant":
      return { fill: "fillConstant", args: [spec.value] };
    case "randomUniform":
      return { fill: "fillUniform", args: [...stream, spec.minval, spec.maxval] };
    case "randomNormal":
      return { fill: "fillNormal", args: [...stream, spec.mean, spec.stddev] };
    case "truncatedNormal":
      return { fill: "fillTruncatedNormal", args: [...stream, spec.mean, spec.stddev] };
    case "varianceScaling":
      return planScaling([spec.scale, spec.mode, spec.distribution], shape, stream);
    case "identity":
      return { fill: "fillIdentity", args: [columnsOfMatrix(spec.kind, shape, 2), spec.gain] };
    case "orthogonal":
      return {
        fill: "fillOrthogonal",
        args: [...stream, columnsOfMatrix(spec.kind, shape, Infinity), spec.gain],
      };
    default:
      return planScaling(scalings[spec.kind]!, shape, stream);
  }
}

function planScaling(scaling: Scaling, shape: readonly number[], stream: readonly number[]): FillCall {
  const [scale, mode, distribution] = scaling;
  const { fanIn, fanOut } = fans(shape);
  const fan = { fanIn, fanOut, fanAvg: (fanIn + fanOut) / 2 }[mode];
  const variance = scale / Math.max(1, fan);
  const fill = fillOfDistribution[distribution];
  const limit = Math.sqrt(3 * variance);
  if (fill === "fillUniform") return { fill, args: [...stream, -limit, limit] };
  const stddev = Math.sqrt(variance) / (fill === "fillTruncatedNormal" ? truncatedStddev : 1);
  return { fill, args: [...stream, 0, stddev] };
}

/** Keras's fans: the last two dims are inputs and outputs, the dims before them the receptive field. */
export function fans(shape: readonly number[]): { readonly fanIn: number; readonly fanOut: number } {
  if (shape.length < 2) return { fanIn: shape[0] ?? 1, fanOut: shape[0] ?? 1 };
  const receptiveField = size(shape.slice(0, -2));
  return { fanIn: shape.at(-2)! * receptiveField, fanOut: shape.at(-1)! * receptiveField };
}

function columnsOfMatrix(kind: string, shape: readonly number[], highestRank: number): number {
  if (shape.length >= 2 && shape.length <= highestRank) return shape.at(-1)!;
  const needed = highestRank === 2 ? "rank 2" : "rank 2 or more";
  throw new RangeError(
    `initializer ${kind} needs a shape of ${needed}, but got [${shape.join(", ")}] of rank ${shape.length}`,
  );
}
