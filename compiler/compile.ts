/**
 * The story: a symbolic graph and a sample become one module.
 *
 *   graph ─bind→ bound graph ─passes→ bound graph ─lower→ program ─emit→ module
 *
 * Each arrow is a pure function with a type of its own on either side, so none can be skipped or run twice.
 * This is the middle of it, from a bound graph to a program, which compiling and `predict` share;
 * compile-model.ts begins with a model's bind and ends with emit.
 */
import { kindOf } from "./dims/index.ts";
import type { BoundModel } from "./infer/bind.ts";
import type { BoundDim, Graph } from "./ir/graph.ts";
import type { Program } from "./ir/program.ts";
import { type Target, targets } from "./ir/target.ts";
import type { ParameterData } from "./lower/context.ts";
import { lower } from "./lower/lower.ts";
import { prepack } from "./lower/prepack.ts";
import { runPasses } from "./passes/pipeline.ts";

export interface LowerOptions {
  /** Values of every parameter, by name. */
  readonly parameters: ReadonlyMap<string, ParameterData>;
  readonly target?: Target | undefined;
  /**
   * Whether passes may compute with the values of parameters (default true). Not where these are shipped as
   * their initialisers: what was computed from them could only be shipped as numbers.
   */
  readonly foldParameters?: boolean;
  /** Called with the graph after each pass, for `--print-after`. */
  readonly onPass?: ((pass: string, graph: Graph<BoundDim>) => void) | undefined;
  /** Called when a stage begins, for progress on a terminal. */
  readonly onStage?: ((stage: Stage) => void) | undefined;
}

export type Stage = "passes" | "lower" | "emit";

export interface Lowered {
  readonly optimised: Graph<BoundDim>;
  readonly program: Program;
}

/** Passes and lowering of a graph that is bound. */
export function lowerBound(bound: Pick<BoundModel, "graph" | "symbols">, options: LowerOptions): Lowered {
  const { parameters, target = targets.ts, foldParameters = true, onStage } = options;
  const optimised = optimise(bound, options);
  onStage?.("lower");
  const program = lower(optimised, { target, parameters, symbols: namedSymbols(bound) });
  return { optimised, program: foldParameters ? prepack(program) : program };
}

/** The passes alone. */
export function optimise({ graph }: Pick<BoundModel, "graph">, options: LowerOptions): Graph<BoundDim> {
  const { parameters, target = targets.ts, foldParameters = true, onPass, onStage } = options;
  onStage?.("passes");
  return runPasses(graph, {
    numerics: target.numerics,
    ...(foldParameters && { parameters }),
    ...(onPass && { onPass }),
  });
}

/** Without the unknowns the builder made up (`?dense.in`): they mean nothing to a reader of the module. */
export function namedSymbols({ symbols }: Pick<BoundModel, "symbols">): ReadonlyMap<string, number> {
  return new Map([...symbols].filter(([name]) => kindOf(name) !== "flex"));
}
