/** Where the statements in a store come from: a sample, an earlier one, or an op's relation. */
import type { Dim, Origin } from "../dims/index.ts";
import type { Node } from "../ir/graph.ts";

/**
 * An origin that came in with a sample or an earlier one: conflicts with it are the caller's sizes, not the
 * model's.
 */
export interface SampleOrigin extends Origin {
  /** `sample`: this call. `known`: fixed earlier, by another sample or by hand. */
  readonly kind: "sample" | "known";
  /** The whole shape the value is a part of, e.g. "[3, 30]". */
  readonly shape: string;
  readonly axis?: number;
  readonly value?: number;
}

export type OpRelation = "==" | ">=" | "divisible by" | "broadcasts with";

/** An origin that is a statement of an op's relation, with what it said of which sizes. */
export interface OpOrigin extends Origin {
  readonly statement: {
    /** With the attributes the relation was run on. */
    readonly node: Pick<Node, "op" | "operands" | "attributes">;
    /** As the op words it. */
    readonly clause: string;
    readonly relation: OpRelation;
    readonly left: Dim;
    readonly right: Dim;
  };
}

export const isOpOrigin = (origin: Origin): origin is OpOrigin => "statement" in origin;
export const isSampleOrigin = (origin: Origin): origin is SampleOrigin => "kind" in origin;
