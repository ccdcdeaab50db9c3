/**
 * Lowers one model several times, bound to other sizes each time, into programs that share weights and
 * kernels. Each program is the one its graph would get alone but for that; so each runs bit for bit like the
 * module of its sizes. A weight is laid out at compile time where all of them read it in one layout;
 * where layouts differ, they are made of the one shipped copy.
 */
import type { BoundDim, Graph } from "../ir/graph.ts";
import type { OpenDims } from "../ir/open-dims.ts";
import type { Library, Program, Weight } from "../ir/program.ts";
import { KernelCache } from "./kernel-cache.ts";
import { type LowerOptions, lower } from "./lower.ts";
import { prepack } from "./prepack.ts";
import { WeightPool } from "./weight-pool.ts";

/** A graph bound to one combination of sizes. */
export interface Specialisation extends Pick<LowerOptions, "symbols"> {
  readonly graph: Graph<BoundDim>;
}

export interface FamilyOptions extends Pick<LowerOptions, "target" | "parameters"> {
  /** Whether weights may be laid out at compile time. */
  readonly prepack: boolean;
  /** The dims that all of them leave open. */
  readonly open: OpenDims;
}

export interface LoweredFamily extends Library {
  readonly members: readonly Program[];
}

/** One graph is held at a time: `graphs` may make them as they are asked for. */
export function lowerFamily(graphs: Iterable<Specialisation>, options: FamilyOptions): LoweredFamily {
  const { target, parameters, open } = options;
  const shared = { cache: new KernelCache(target, open), pool: new WeightPool() };
  const programs: Program[] = [];
  for (const { graph, symbols } of graphs)
    programs.push(lower(graph, { target, parameters, symbols, shared, open }));
  const [{ name }] = programs as [Program];
  const { kernels, prepare, packed } = shared.cache;
  const weights = new Map<unknown, Weight>();
  for (const weight of programs.flatMap((program) => program.weights))
    if (!weights.has(weight.buffer)) weights.set(weight.buffer, weight);
  const steps = programs.flatMap((program) => program.steps);
  const all = { name, weights: [...weights.values()], kernels, prepare, packed, widened: [], steps };
  const { steps: renamed, ...library } = options.prepack ? prepack(all) : all;
  let at = 0;
  const members = programs.map((program): Program => {
    const own = renamed.slice(at, at + program.steps.length);
    at += own.length;
    return { ...program, ...library, steps: own };
  });
  return { ...library, members };
}
