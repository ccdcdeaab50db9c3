/**
 * What can be compiled: a model of layers, or a file that was imported. This is all that binding, reports and
 * the command line ask of either.
 */
import type { DType } from "../../runtime/dtype.ts";
import type { Store } from "../dims/index.ts";
import type { BoundModel, Sample } from "../infer/bind.ts";
import type { Graph, Value } from "../ir/graph.ts";
import type { ModelWeight } from "./model-options.ts";
import type { BindRequest } from "./parameters.ts";
import type { SampleInput } from "./sample.ts";
import type { ShapeLike } from "./shapes.ts";
import type { LayerDescription } from "./summary.ts";

/** An input that the user feeds. */
export interface NetworkInput {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: ShapeLike;
}

/** How a graph came about, as far as reports tell it. */
export interface NetworkTrace {
  readonly graph: Graph;
  readonly trace: {
    readonly builder: { readonly store: Store };
    readonly uses: readonly { readonly path: string; readonly outputs: readonly Value[] }[];
  };
}

export interface Network {
  readonly name: string;
  /** What the user called it. */
  readonly givenName: string | undefined;
  /** Of the weights nobody set. */
  readonly seed: number;
  readonly weights: readonly ModelWeight[];
  /** What is odd about it and does not keep it from running. */
  readonly notes?: readonly string[];
  plan(rank?: number): { readonly inputs: readonly NetworkInput[] };
  /** The inputs of that graph, which may be known where the graph is not. */
  inputs(rank?: number, sample?: Sample): readonly Value[];
  /** The symbolic graph. `rank` is that of the input where the network did not declare one. */
  graph(rank?: number, sample?: Sample): Graph;
  /** The graph with what is known of its sizes, and which layer or node made what. */
  traced(): NetworkTrace;
  /** What follows from everything declared, before any sample. */
  inferred(rank?: number): { readonly graph: Graph; readonly store: Store };
  bind(sample: SampleInput, shape?: readonly number[], request?: BindRequest): BoundModel;
  /** What `body` gives while dims are said to be 1: sizes that were merged with them are stretched. */
  under<T>(ones: ReadonlySet<string>, body: () => T): T;
  /** Every layer or node, with its outputs and weights. */
  describe(): readonly LayerDescription[];
}
