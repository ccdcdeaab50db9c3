/**
 * What the lowering of a model and of the bodies nested in it share: memory, kernels and weights found so
 * far.
 */
import type { TypedArray } from "../../runtime/dtype.ts";
import { constant } from "../dims/index.ts";
import type { Value } from "../ir/graph.ts";
import type { OpenDims } from "../ir/open-dims.ts";
import type { Weight } from "../ir/program.ts";
import type { Target } from "../ir/target.ts";
import type { KernelCache } from "./kernel-cache.ts";
import type { Sizes } from "./measure.ts";
import { type Buffers, numbersOf, type Storage } from "./storage.ts";
import type { WeightPool } from "./weight-pool.ts";

/** Values of a parameter, and the initialiser that gave them if they are still its. */
export interface ParameterData {
  /** May be a getter that makes the values: read where they are used, not before. */
  readonly data: TypedArray;
  /** The same as little-endian bytes at any address, where `data` would be a copy of these. */
  readonly bytes?: () => Uint8Array;
  readonly initializer?: NonNullable<Weight["initializer"]>;
}

/** State of one lowering that nested bodies share. */
export interface LowerContext {
  readonly target: Target;
  readonly buffers: Buffers;
  readonly cache: KernelCache;
  readonly weights: Weight[];
  /** Present when other lowerings share the weights. */
  readonly pool: WeightPool | undefined;
  readonly storage: Map<Value, Storage>;
  readonly open: OpenDims;
  /** Those that the run computes. */
  readonly sizes: Sizes;
  macs: number;
  /** A name for the time axis of a scan: unique in the program, and unlike any open dim. */
  readonly timeAxis: () => string;
}

/** Gives a parameter memory and lists its values. */
export function addParameter(context: LowerContext, value: Value, given: ParameterData): void {
  const make = () => weightOf(context, value, given);
  place(context, value, context.pool?.parameter(value.name, make) ?? make());
}

/** The same for a constant. */
export function addConstant(context: LowerContext, value: Value, data: TypedArray): void {
  const make = () => weightOf(context, value, { data });
  place(context, value, context.pool?.constant(data, make) ?? make());
}

function weightOf(context: LowerContext, value: Value, given: ParameterData): Weight {
  const { initializer, bytes } = given;
  return {
    name: value.name,
    shape: numbersOf(value),
    buffer: context.buffers.create(value.name, value, "weight"),
    get data() {
      return given.data;
    },
    ...(bytes && { bytes }),
    ...(initializer && { initializer }),
  };
}

function place({ storage, weights, pool }: LowerContext, value: Value, weight: Weight): void {
  storage.set(value, { buffer: weight.buffer, offset: constant(0) });
  if (!pool || !weights.includes(weight)) weights.push(weight);
}
