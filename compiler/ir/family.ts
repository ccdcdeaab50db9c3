/**
 * Several specialisations of one model that ship as one module: a program for each combination of the sizes
 * that some dims may have (buckets), sharing weights and kernels. A run takes the program of the smallest
 * sizes that its inputs fit into.
 */
import type { DType } from "../../runtime/dtype.ts";
import type { Shape } from "../dims/index.ts";
import type { Library, Program } from "./program.ts";

/** A dim with a few sizes. */
export interface BucketDim {
  readonly name: string;
  /** Ascending. */
  readonly sizes: readonly number[];
}

/** A size that no expression of the bucketed dims is known for. */
export interface TableDim {
  readonly name: string;
  /** In each member. */
  readonly sizes: readonly number[];
}

/** An input or output with its sizes as expressions of the bucketed dims, an output's also of `tables`. */
export interface FamilyPort {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

export interface Family extends Library {
  readonly dims: readonly BucketDim[];
  readonly tables: readonly TableDim[];
  readonly inputs: readonly FamilyPort[];
  readonly outputs: readonly FamilyPort[];
  /**
   * In the order of the sizes, the last dim's changing fastest. What a library holds is the family's in each
   * of them.
   */
  readonly members: readonly Program[];
}

/** A size for each bucketed dim. */
export type Sizes = ReadonlyMap<string, number>;

/** The sizes of each member, in the order of the members. */
export function combinations(dims: readonly BucketDim[]): readonly Sizes[] {
  return dims.reduce<readonly Sizes[]>(
    (list, { name, sizes }) => list.flatMap((some) => sizes.map((size) => new Map(some).set(name, size))),
    [new Map()],
  );
}
