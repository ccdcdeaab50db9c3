/**
 * The story: a symbolic graph and a sample become one module.
 *
 *   graph ─bind→ bound graph ─passes→ bound graph ─lower→ program ─emit→ module
 *
 * Each arrow is a pure function with a type of its own on either side, so none can be skipped or run twice.
 */
import { emitTypeScript } from "../codegen/typescript/index.ts";
import { CompileError, type SourceLocation } from "./diagnostics/index.ts";
import { type BoundModel, bind, type Known, type Sample } from "./infer/bind.ts";
import type { BoundDim, Graph } from "./ir/graph.ts";
import type { Program } from "./ir/program.ts";
import { type EmitOptions, type EmittedModule, type Target, targets } from "./ir/target.ts";
import type { ParameterData } from "./lower/context.ts";
import { lower } from "./lower/lower.ts";
import { runPasses } from "./passes/pipeline.ts";

export interface CompileOptions {
  readonly sample: Sample;
  /** Symbols fixed otherwise: by an earlier sample, or by `--dim`. */
  readonly known?: ReadonlyMap<string, Known>;
  /** Values of every parameter once its shape is known. */
  readonly parameters: (bound: BoundModel) => ReadonlyMap<string, ParameterData>;
  readonly emit: EmitOptions;
  readonly target?: Target;
  readonly at?: SourceLocation;
  /** Called with the graph after each pass, for `--print-after`. */
  readonly onPass?: (pass: string, graph: Graph<BoundDim>) => void;
}

export interface Compiled {
  readonly bound: BoundModel;
  readonly optimised: Graph<BoundDim>;
  readonly program: Program;
  readonly module: EmittedModule;
}

/** Throws CompileError with all that is wrong with the sample, or what cannot be emitted. */
export function compile(graph: Graph, options: CompileOptions): Compiled {
  const { sample, known, at, emit, onPass, target = targets.ts } = options;
  const bound = bind(graph, sample, { ...(known && { known }), ...(at && { at }) });
  const parameters = options.parameters(bound);
  const optimised = runPasses(bound.graph, { ...(onPass && { onPass }) });
  const program = lower(optimised, { target, parameters, symbols: bound.symbols });
  const module = emitTypeScript(program, emit);
  return { bound, optimised, program, module };
}

export { CompileError };
