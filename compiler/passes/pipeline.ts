/** The passes between binding and lowering, in order. The list is the pipeline. */
import { type Numerics, type Target, targets } from "../ir/target.ts";
import { canonicalise } from "./canonicalise.ts";
import { channelsLast } from "./channels-last.ts";
import { eliminateCommon } from "./eliminate-common.ts";
import { eliminateDead } from "./eliminate-dead.ts";
import { fixGuarded } from "./fix-guarded.ts";
import { foldConstants } from "./fold-constants.ts";
import { foldScale } from "./fold-scale.ts";
import { hoistParameters } from "./hoist-parameters.ts";
import { narrowFactors } from "./narrow-factors.ts";
import { narrowIntegers } from "./narrow-integers.ts";
import { padOnce } from "./pad-once.ts";
import type { ParameterTable } from "./parameters.ts";
import type { BoundGraph } from "./rewrite.ts";
import { splitPhases } from "./split-phases.ts";
import { winograd } from "./winograd.ts";

export interface PassContext {
  /** What the target computes with, and so what is evaluated at compile time. */
  readonly numerics: Numerics;
  /** Of a float32 vector; layouts are chosen for them. */
  readonly lanes: number;
  /** Values of the parameters; without them the passes that compute with weights do nothing. */
  readonly parameters: ParameterTable | undefined;
}

export interface Pass {
  readonly name: string;
  /** Keeps every bit of every output; else its file states the bound. */
  readonly exact: boolean;
  readonly run: (graph: BoundGraph, context: PassContext) => BoundGraph;
}

export const pipeline: readonly Pass[] = [
  { name: "fix-guarded", exact: true, run: fixGuarded },
  // First, so that sizes counted by reductions of ones are numbers for the rows after it.
  { name: "fold-constants", exact: true, run: (graph, { numerics }) => foldConstants(graph, numerics) },
  // Before the rows that remove casts.
  { name: "narrow-integers", exact: true, run: narrowIntegers },
  { name: "canonicalise", exact: true, run: canonicalise },
  // After canonicalisation has made equal things look equal.
  { name: "eliminate-common", exact: true, run: eliminateCommon },
  // Before anything counts uses.
  { name: "eliminate-dead", exact: true, run: eliminateDead },
  // Moves factors to where the next pass can compute with them.
  { name: "fold-scale", exact: false, run: (graph, c) => (c.parameters ? foldScale(graph) : graph) },
  // Before weights are computed with, for the parts of the kernel are weights.
  { name: "split-phases", exact: false, run: (graph, { lanes }) => splitPhases(graph, lanes) },
  {
    name: "hoist-parameters",
    exact: true,
    run: (graph, c) => (c.parameters ? hoistParameters(graph, c.parameters, c.numerics) : graph),
  },
  // Late, because a padded convolution is one node for all passes above.
  { name: "pad-once", exact: true, run: padOnce },
  // Behind padding, so that the padded input of the network is read where it is.
  { name: "channels-last", exact: true, run: (graph, c) => (c.lanes > 1 ? channelsLast(graph) : graph) },
  {
    name: "winograd",
    exact: false,
    run: (graph, c) => (c.lanes > 1 && c.parameters ? winograd(graph) : graph),
  },
  // What is left of transposes, and one padding where there are two.
  { name: "canonicalise-again", exact: true, run: canonicalise },
  // Behind canonicalisation, which sees one cast where bytes go through 16 bits.
  { name: "narrow-factors", exact: true, run: (graph, c) => (c.lanes > 1 ? narrowFactors(graph) : graph) },
  // Again: one input padded for several readers, parameters that hoisting left without a reader.
  { name: "eliminate-common-again", exact: true, run: eliminateCommon },
  { name: "eliminate-dead-again", exact: true, run: eliminateDead },
];

export interface PassOptions {
  readonly passes?: readonly Pass[];
  /** Called with the graph after each pass. */
  readonly onPass?: (name: string, graph: BoundGraph) => void;
  /**
   * Lets passes compute with weights. Leave it out where parameters are shipped as their initialisers: what
   * is computed from them is a constant of the graph afterwards, and is shipped as numbers.
   */
  readonly parameters?: ParameterTable;
  readonly target?: Pick<Target, "numerics" | "lanes">;
}

export function runPasses(graph: BoundGraph, options: PassOptions = {}): BoundGraph {
  const { passes = pipeline, target = targets.ts, parameters, onPass } = options;
  const { numerics, lanes } = target;
  let current = graph;
  for (const { name, run } of passes) {
    current = run(current, { numerics, lanes, parameters });
    onPass?.(name, current);
  }
  return current;
}
