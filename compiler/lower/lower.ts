/**
 * Graph<Bound> -> Program: gives values memory, writes one kernel per value that is not fused into another,
 * schedules the kernels for the target, and plans the arena.
 */
import { dtypes } from "../../runtime/dtype.ts";
import { scalarOf } from "../../runtime/elements.ts";
import { codeOf } from "../../runtime/float-format.ts";
import { fail } from "../diagnostics/index.ts";
import { constant } from "../dims/index.ts";
import type { BoundDim, Graph, Guard, Value } from "../ir/graph.ts";
import type { Buffer } from "../ir/loop.ts";
import { axisNames, nothingOpen, type OpenDims } from "../ir/open-dims.ts";
import type { Port, Program, Step, Weight } from "../ir/program.ts";
import { countUses } from "../ir/program-walk.ts";
import type { Target } from "../ir/target.ts";
import { planArena } from "./arena.ts";
import { lowerBody } from "./body.ts";
import { addParameter, type LowerContext, type ParameterData } from "./context.ts";
import { KernelCache } from "./kernel-cache.ts";
import { Sizes } from "./measure.ts";
import { Buffers } from "./storage.ts";
import type { WeightPool } from "./weight-pool.ts";

export interface LowerOptions {
  readonly target: Target;
  /** By value name. */
  readonly parameters: ReadonlyMap<string, ParameterData>;
  readonly symbols: ReadonlyMap<string, number>;
  /** The symbols that the graph's types may still have. */
  readonly open?: OpenDims;
  /** Kernels and weights of other graphs that end up in the same module. */
  readonly shared?: { readonly cache: KernelCache; readonly pool: WeightPool };
}

export function lower(graph: Graph<BoundDim>, options: LowerOptions): Program {
  const { target, parameters, shared, open = nothingOpen } = options;
  const fresh = axisNames(open);
  const context: LowerContext = {
    target,
    buffers: new Buffers(open),
    cache: shared?.cache ?? new KernelCache(target, open),
    weights: [],
    pool: shared?.pool,
    storage: new Map(),
    open,
    sizes: new Sizes(open, fresh),
    macs: 0,
    timeAxis: () => fresh("step"),
  };
  const inputs = graph.inputs.map((value) => inputPort(context, value, graph));
  for (const { value } of graph.parameters) addParameter(context, value, parameterData(parameters, value));
  const outputs = graph.outputs.map(({ name, value }) =>
    port(name, value, context.buffers.create(name, value, "output")),
  );
  const targets = graph.outputs.map(({ value }, i) => ({
    value,
    storage: { buffer: outputs[i]!.buffer, offset: constant(0) },
  }));
  const steps = lowerBody(context, graph, targets, 1);
  const { cache } = context;
  return {
    name: graph.name,
    inputs,
    outputs,
    weights: usedWeights(context.weights, [...cache.prepare, ...steps]),
    kernels: cache.kernels,
    prepare: cache.prepare,
    packed: cache.packed,
    widened: [],
    steps,
    arena: planArena(steps),
    macs: context.macs,
    open,
    bindings: [...options.symbols].map(([symbol, value]) => ({ symbol, value })),
  };
}

function inputPort(context: LowerContext, value: Value, { guards }: Graph): Port {
  const buffer = context.buffers.create(value.name, value, "input");
  context.storage.set(value, { buffer, offset: constant(0) });
  const guard = guards.find(({ input }) => input === value);
  return { ...port(value.name, value, buffer), ...(guard && { values: valuesOf(guard) }) };
}

/** What an input whose elements decide shapes must hold. Throws E4001 where one is an open size. */
function valuesOf({ input, elements }: Guard): readonly (number | bigint)[] {
  const { format } = dtypes[input.type.dtype];
  return elements.map((one, i) => {
    const value = typeof one === "number" ? one : one.value;
    if (value !== undefined)
      return format ? codeOf(format, Number(value)) : scalarOf(input.type.dtype, value);
    return fail({
      code: "E4001",
      message: `element ${i} of input "${input.name}" is the size ${one}, which is left open`,
      because: "an open size is read from the shapes of inputs, not from their values",
      fix: `bind ${one} to a number`,
    });
  });
}

function port(name: string, value: Value, buffer: Buffer): Port {
  return { name, dtype: value.type.dtype, shape: value.type.shape, buffer };
}

function parameterData(parameters: LowerOptions["parameters"], value: Value): ParameterData {
  const given = parameters.get(value.name);
  if (!given) throw new Error(`internal: parameter ${value.name} has no values`);
  return given;
}

function usedWeights(weights: readonly Weight[], steps: readonly Step[]): readonly Weight[] {
  const uses = countUses(steps);
  return weights.filter(({ buffer }) => uses.has(buffer));
}
