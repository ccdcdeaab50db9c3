/**
 * What a model does, in order, as data: sequential and functional models both become a plan, and a plan is
 * traced into a graph or, when the model stands inside another one, run as part of that one's trace.
 */
import type { DType } from "../../runtime/dtype.ts";
import type { SourceLocation } from "../diagnostics/index.ts";
import { constant, type Shape } from "../dims/index.ts";
import type { Graph, Value } from "../ir/graph.ts";
import type { Layer, Scope } from "./layer.ts";
import { type OutputShapes, withDeclared } from "./output-shapes.ts";
import { declaredShape, dimStems, type ShapeLike } from "./shapes.ts";
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
  /** The user's line that made the model. */
  readonly at?: SourceLocation | undefined;
}

export interface Traced {
  readonly trace: Trace;
  readonly graph: Graph;
  /** Those the user feeds; states come after them in the graph. */
  readonly inputs: readonly TracedInput[];
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
  const { ones = new Set(), outputShape, at } = options;
  const trace = new Trace(name);
  const stems = dimStems(plan.inputs.map((spec) => spec.name));
  const inputs = plan.inputs.map((spec, i): TracedInput => {
    const input = { title: `input "${spec.name}"`, stem: stems[i]!, at: spec.at };
    const given = i === 0 ? (options.input ?? spec.shape) : spec.shape;
    const shape = declaredShape(given, input).map((d) => (ones.has(String(d)) ? constant(1) : d));
    const open = given.flatMap((size, axis) => (size === null && axis > 0 ? [axis] : []));
    return { name: spec.name, dtype: spec.dtype, shape, open };
  });
  const values = inputs.map((input, i) => {
    const at = plan.inputs[i]?.at;
    return trace.builder.input(input.name, input, { path: input.name, ...(at && { at }) });
  });
  const outputs = runPlan(plan, trace, values);
  const named = plan.outputs.map((output, i) => ({ name: output.name, value: outputs[i]! }));
  return { trace, graph: trace.finish(withDeclared(named, outputShape, at)), inputs };
}
