/**
 * The story: a symbolic graph and a sample become one module.
 *
 *   graph ─bind→ bound graph ─passes→ bound graph ─lower→ program ─emit→ module
 *
 * Each arrow is a pure function with a type of its own on either side, so none can be skipped or run twice.
 * This is the middle of it, from a bound graph to a program, which compiling and `predict` share;
 * compile-model.ts begins with a model's bind and ends with emit.
 */
import { fail } from "./diagnostics/index.ts";
import { kindOf } from "./dims/index.ts";
import type { BoundModel } from "./infer/bind.ts";
import type { BoundDim, Graph } from "./ir/graph.ts";
import { Unproven } from "./ir/loop-verify.ts";
import { nothingOpen } from "./ir/open-dims.ts";
import type { Program } from "./ir/program.ts";
import { verifyProgram } from "./ir/program-verify.ts";
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

/** A graph that is bound; without `open` no dim of it is. */
export type Lowerable = Pick<BoundModel, "graph" | "symbols"> & Partial<Pick<BoundModel, "open">>;

/** Passes and lowering of a graph that is bound. */
export function lowerBound(bound: Lowerable, options: LowerOptions): Lowered {
  const { parameters, target = targets.ts, foldParameters = true, onStage } = options;
  const { open = nothingOpen } = bound;
  const optimised = optimise(bound, options);
  onStage?.("lower");
  const program = lower(optimised, { target, parameters, symbols: namedSymbols(bound), open });
  requireProof(program);
  return { optimised, program: foldParameters ? prepack(program) : program };
}

/**
 * Modules check no address at run time. With sizes that are numbers the proof is the tests' to make, for all
 * programs; where they are open it is made for each, because nobody knows which networks come.
 */
export function requireProof(program: Program): void {
  if (program.open.dims.length === 0) return;
  try {
    verifyProgram(program);
  } catch (error) {
    if (!(error instanceof Unproven)) throw error;
    const names = program.open.dims.map(({ name }) => name).join(", ");
    fail({
      code: "E4001",
      message: `the module cannot be emitted with ${names} open: an address is not proven`,
      because: error.message,
      fix: `give one size to some of ${names}`,
    });
  }
}

/** The passes alone. */
export function optimise({ graph }: Pick<BoundModel, "graph">, options: LowerOptions): Graph<BoundDim> {
  const { parameters, target = targets.ts, foldParameters = true, onPass, onStage } = options;
  onStage?.("passes");
  return runPasses(graph, {
    target,
    ...(foldParameters && { parameters }),
    ...(onPass && { onPass }),
  });
}

/** Without the unknowns the builder made up (`?dense.in`): they mean nothing to a reader of the module. */
export function namedSymbols({ symbols }: Pick<BoundModel, "symbols">): ReadonlyMap<string, number> {
  return new Map([...symbols].filter(([name]) => kindOf(name) !== "flex"));
}
