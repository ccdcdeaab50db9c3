/**
 * What the lowering of a model and of the bodies nested in it share: memory, kernels and weights found so
 * far.
 */
import type { TypedArray } from "../../runtime/dtype.ts";
import { constant } from "../dims/index.ts";
import type { Value } from "../ir/graph.ts";
import type { Weight } from "../ir/program.ts";
import type { Target } from "../ir/target.ts";
import type { KernelCache } from "./kernel-cache.ts";
import { type Buffers, numbersOf, type Storage } from "./storage.ts";

/** Values of a parameter, and the initialiser that gave them if they are still its. */
export interface ParameterData {
  /** May be a getter that makes the values: it is read once for each weight that is used. */
  readonly data: TypedArray;
  readonly initializer?: NonNullable<Weight["initializer"]>;
}

/** State of one lowering that nested bodies share. */
export interface LowerContext {
  readonly target: Target;
  readonly buffers: Buffers;
  readonly cache: KernelCache;
  readonly weights: Weight[];
  readonly storage: Map<Value, Storage>;
  macs: number;
  /** Time axes made so far; their names are unique in the program. */
  loops: number;
}

/** Gives a parameter or a constant memory and lists its values. */
export function addWeight(context: LowerContext, value: Value, given: ParameterData): void {
  const buffer = context.buffers.create(value.name, value, "weight");
  context.storage.set(value, { buffer, offset: constant(0) });
  const { initializer } = given;
  context.weights.push({
    name: value.name,
    shape: numbersOf(value),
    buffer,
    get data() {
      return given.data;
    },
    ...(initializer && { initializer }),
  });
}
