/**
 * What a model does, in order, as data: sequential and functional models both become a plan, and a plan is
 * traced into a graph or, when the model stands inside another one, run as part of that one's trace.
 */
import { type DType, dtypes } from "../../runtime/dtype.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { CompileError, type Diagnostic, fail, type SourceLocation } from "../diagnostics/index.ts";
import { constant, product, type Shape } from "../dims/index.ts";
import type { Sample } from "../infer/bind.ts";
import { demandsOf } from "../infer/demands.ts";
import { type DimDeclaration, declareDims, noBindings } from "../infer/open.ts";
import { boundsAre, refusedStatements } from "../infer/refused-statements.ts";
import type { Graph, Value } from "../ir/graph.ts";
import type { Layer, Scope } from "./layer.ts";
import { type OutputShapes, withDeclared } from "./output-shapes.ts";
import { dataIn } from "./sample.ts";
import { declarationsIn, declaredShape, dimStems, type ShapeLike } from "./shapes.ts";
import type { InputSpec } from "./symbolic.ts";
import { Trace } from "./trace.ts";

/** One layer's place in a model. */
export interface PlanStep {
  readonly layer: Layer<unknown>;
  readonly name: string;
  /** Numbers of values. */
  readonly inputs: readonly number[];
  readonly at: SourceLocation | undefined;
}

/** Values are numbered: the inputs, then the outputs of each step in turn. */
export interface Plan {
  readonly inputs: readonly (InputSpec & { readonly name: string })[];
  readonly steps: readonly PlanStep[];
  readonly outputs: readonly { readonly name: string; readonly value: number }[];
}

export interface TracedInput {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  /** The axes, but for the batch, whose size was left to the data. */
  readonly open: readonly number[];
}

export interface TraceOptions {
  /** In place of the declared shape of the first input. */
  readonly input?: ShapeLike;
  /** Open sizes that are to be 1. */
  readonly ones?: ReadonlySet<string>;
  readonly outputShape?: OutputShapes | undefined;
  /** Values of inputs on which shapes depend. */
  readonly sample?: Sample;
  /** The user's line that made the model. */
  readonly at?: SourceLocation | undefined;
}

export interface Traced {
  readonly trace: Trace;
  readonly graph: Graph;
  /** Those the user feeds; states come after them in the graph. */
  readonly inputs: readonly TracedInput[];
  /** Of dims that the inputs declare with bounds. */
  readonly declared: readonly DimDeclaration[];
  /** What was read of the sample: the inputs on which shapes depend, with the values that were given. */
  readonly reads: ReadonlyMap<string, Tensor | undefined>;
}

/** The outputs of a plan for `inputs`. */
export function runPlan(plan: Plan, scope: Scope, inputs: readonly Value[]): readonly Value[] {
  const values = [...inputs];
  for (const { layer, name, inputs: numbers, at } of plan.steps)
    values.push(
      ...scope.run(
        layer,
        name,
        numbers.map((i) => values[i]!),
        at,
      ),
    );
  return plan.outputs.map(({ value }) => values[value]!);
}

/** The symbolic graph of a plan. Throws CompileError with every independent problem. */
export function tracePlan(name: string, plan: Plan, options: TraceOptions = {}): Traced {
  try {
    return traced(name, plan, options, true);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    const told = refusedDeclarations(() => traced(name, plan, options, false));
    throw told.length > 0 ? new CompileError(told) : error;
  }
}

/** What is declared of dims and no size fulfils that passes the network; `loose` knows no declaration. */
function refusedDeclarations(loose: () => Traced): readonly Diagnostic[] {
  try {
    const { graph, declared } = loose();
    const demands = declared.length > 0 ? demandsOf(graph) : undefined;
    const said = declared.map(({ name, origin, ...bounds }) => ({
      constraint: boundsAre(name, bounds),
      origin,
    }));
    return demands ? refusedStatements(demands, said) : [];
  } catch (error) {
    if (error instanceof CompileError) return [];
    throw error;
  }
}

/** `told`: whether the builder knows what is declared of dims. */
function traced(name: string, plan: Plan, options: TraceOptions, told: boolean): Traced {
  const { ones = new Set(), outputShape, at, sample = {} } = options;
  const trace = new Trace(name, (input) => dataIn(sample, input.name));
  const shapes = plan.inputs.map((spec, i) => (i === 0 ? (options.input ?? spec.shape) : spec.shape));
  const declared = shapes.flatMap(declarationsIn);
  const known = { ...noBindings, declared: told ? declared : [] };
  for (const problem of declareDims(known, trace.builder.store)) trace.report(problem);
  const stems = dimStems(plan.inputs.map((spec) => spec.name));
  const inputs = plan.inputs.map((spec, i): TracedInput => {
    const input = { title: `input "${spec.name}"`, stem: stems[i]!, at: spec.at };
    const given = shapes[i]!;
    const shape = declaredShape(given, input).map((d) => (ones.has(String(d)) ? constant(1) : d));
    const open = given.flatMap((size, axis) => (size === null && axis > 0 ? [axis] : []));
    return { name: spec.name, dtype: spec.dtype, shape, open };
  });
  const values = inputs.map((input, i) => {
    const at = plan.inputs[i]?.at;
    const source = { path: input.name, ...(at && { at }) };
    return trace.builder.input(input.name, input, source, declaredValues(plan.inputs[i]!, input));
  });
  const outputs = runPlan(plan, trace, values);
  const named = plan.outputs.map((output, i) => ({ name: output.name, value: outputs[i]! }));
  const graph = trace.finish(withDeclared(named, outputShape, at));
  const undeclared = graph.guards.filter(({ input }) => !plan.inputs[values.indexOf(input)]?.values);
  const reads = new Map(undeclared.map(({ input }) => [input.name, dataIn(sample, input.name)]));
  return { trace, graph, inputs, declared, reads };
}

/** The sizes that the elements of an input are, where its declaration says so. */
function declaredValues(spec: Plan["inputs"][number], { shape }: TracedInput): Shape | undefined {
  if (!spec.values) return undefined;
  const count = product(shape).value;
  const integers = dtypes[spec.dtype].kind === "integer";
  if (integers && count === spec.values.length)
    return declaredShape(spec.values, { title: `input "${spec.name}"`, stem: spec.name, at: spec.at });
  return fail({
    code: "E1002",
    message: `input "${spec.name}" of type ${spec.dtype}[${shape.join(", ")}] declares ${spec.values.length} values`,
    fix: integers ? "name one size for each of its elements" : "give it an integer dtype, such as int32",
    ...(spec.at && { at: spec.at }),
  });
}
