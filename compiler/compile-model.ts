/**
 * compile(model, options): what a model adds to the story of compile.ts. The sample binds the model as any
 * first sample does; the values of its parameters travel on with where they came from (initialiser, seed,
 * path), so that a module may ship that instead of the numbers; and the header says what the module was made
 * from, without a path or a time.
 */
import { emitTypeScript } from "../codegen/typescript/index.ts";
import { emitWasm } from "../codegen/wasm/emit.ts";
import { byteSize } from "../runtime/dtype.ts";
import { size } from "../runtime/tensor.ts";
import { type BindOptions, bindModel, choicesOf, parametersOf, statedOf } from "./bind-model.ts";
import { type Lowered, lowerBound, type Stage } from "./compile.ts";
import { bucketsIn, lowerBuckets } from "./compile-buckets.ts";
import { checkCompile } from "./compile-options.ts";
import type { Network } from "./frontend/index.ts";
import { shapeOfSample } from "./frontend/sample.ts";
import { sizesOf } from "./frontend/weights.ts";
import type { BoundModel } from "./infer/bind.ts";
import { printDimChoice } from "./infer/dim-choice.ts";
import type { Family } from "./ir/family.ts";
import type { BoundDim, Graph, Parameter } from "./ir/graph.ts";
import type { Program } from "./ir/program.ts";
import { type EmittedModule, type SimdMode, targets, type WasmMode, type WeightsMode } from "./ir/target.ts";
import { checkMemory } from "./memory-limit.ts";
import { VERSION } from "./version.ts";

export interface CompileOptions extends BindOptions {
  /** What computes: plain TypeScript (the default), or WebAssembly SIMD with TypeScript around it. */
  readonly target?: "ts" | "wasm";
  /** Of the wasm target: the binaries in the module (default), or as files that `instantiate` is given. */
  readonly wasm?: WasmMode;
  /**
   * Of the wasm target: "auto" (default) multiplies and adds in one instruction where the engine has relaxed
   * SIMD, "plain" never: then all engines give the same bits.
   */
  readonly simd?: SimdMode;
  /** Where the weights go; default "auto": inline up to 1 MB, a file beyond. */
  readonly weights?: WeightsMode;
  /** Bytes of weights, intermediate values, inputs and outputs of an instance; default: no limit. */
  readonly maxMemory?: number;
  /** Default "ts". `load` takes "js". */
  readonly format?: "ts" | "js";
  /** Seed of the weights nobody set; default: the model's. */
  readonly seed?: number;
  /** The module's name in its signature; default: the model's. */
  readonly name?: string;
  /** The file the model came from, for the header. */
  readonly source?: { readonly name: string; readonly sha256: string };
  /** Called with the graph after each pass. */
  readonly onPass?: (pass: string, graph: Graph<BoundDim>) => void;
  /** Called when a stage begins. */
  readonly onStage?: (stage: "bind" | Stage) => void;
}

/** What compiling found out, for reports and tests. */
export interface Report {
  readonly parameters: number;
  readonly parameterBytes: number;
  readonly arenaBytes: number;
  /** No plan of the arena can be smaller. */
  readonly arenaLowerBound: number;
  /** Multiply-accumulates of one run. */
  readonly macs: number;
  /** Length of the code in bytes of UTF-8, without a sidecar. */
  readonly codeBytes: number;
  readonly weightBytes: number;
  /** WebAssembly beside the module. */
  readonly wasmBytes: number;
}

export interface CompiledModel extends EmittedModule {
  readonly report: Report;
  /** What lies between, for tools and curious people. */
  readonly stages: {
    readonly graph: Graph;
    readonly bound: BoundModel;
    readonly optimised: Graph<BoundDim>;
    readonly program: Program;
    /** Of a module with buckets; what is beside it is then that of the largest sizes. */
    readonly family?: Family;
  };
}

/**
 * One module from a model and a sample. Deterministic: the same model, sample and options give the same
 * bytes.
 * @throws CompileError with everything that is wrong: E1001 and E1002 for options, E2101 to E2112 for shapes,
 * E2201 for sizes, E2301 for the parameter budget, E2303 for the memory of a run.
 */
export function compile(model: Network, options: CompileOptions = {}): CompiledModel {
  checkCompile(model, options);
  const { format = "ts", weights = "auto", target = "ts", wasm, simd, onStage } = options;
  const lowered = bucketsIn(options.dims).length > 0 ? lowerAll(model, options) : lowerModel(model, options);
  const { program, graph, bound, optimised, family, sampled } = named(lowered, options.name);
  checkMemory(family?.members ?? [program], { target, maxMemory: options.maxMemory });
  onStage?.("emit");
  const emit = target === "wasm" ? emitWasm : emitTypeScript;
  const emitted = emit(family ?? program, {
    format,
    weights,
    header: header(options, sampled),
    ...(wasm && { wasm }),
    ...(simd && { simd }),
  });
  return {
    ...emitted,
    report: report(bound, family?.members ?? [program], emitted),
    stages: { graph, bound, optimised, program, ...(family && { family }) },
  };
}

/** Under the name that the options give it. */
function named(lowered: LoweredModel, name: string | undefined): LoweredModel {
  if (name === undefined) return lowered;
  const { program, family } = lowered;
  return { ...lowered, program: { ...program, name }, ...(family && { family: { ...family, name } }) };
}

export interface LoweredModel extends Lowered {
  readonly graph: Graph;
  readonly bound: BoundModel;
  /** The inputs that the user feeds, for the header: "x=[1, 784]". */
  readonly sampled: readonly string[];
  readonly family?: Family;
}

/** The same for each combination of bucket sizes; the program is that of the largest. */
function lowerAll(model: Network, options: CompileOptions): LoweredModel {
  const { family, inputs, ...lowered } = lowerBuckets(model, options, options.weights !== "init");
  const shapes = family.inputs.filter(({ name }) => inputs.includes(name));
  return {
    ...lowered,
    program: family.members.at(-1)!,
    family,
    sampled: shapes.map(({ name, shape }) => `${name}=[${shape.join(", ")}]`),
  };
}

/** Everything up to the program; of dims with buckets the largest size. */
export function lowerModel(model: Network, options: CompileOptions): LoweredModel {
  const { onPass, onStage } = options;
  onStage?.("bind");
  const { bound, sample } = bindModel(model, options);
  const parameters = parametersOf(model, bound, options.seed);
  const foldParameters = options.weights !== "init";
  const target = targets[options.target ?? "ts"];
  const lowered = lowerBound(bound, { parameters, target, foldParameters, onPass, onStage });
  const { inputs } = lowered.program;
  const sampled = Object.entries(sample).map(([name, value]) => {
    const port = inputs.find((input) => input.name === name);
    if (port?.values) return `${name}=${port.dtype}:[${port.values.join(", ")}]`;
    return `${name}=[${shapeOfSample(value).join(", ")}]`;
  });
  return { ...lowered, graph: model.graph(), bound, sampled };
}

function header(
  { source, seed, weights, target, wasm, simd, dims = {}, constraints = [] }: CompileOptions,
  sampled: readonly string[],
): readonly string[] {
  const options = [
    ...(sampled.length > 0 ? [`sample ${sampled.join(" ")}`] : []),
    ...[...choicesOf(dims)].map(([name, choice]) => `dim ${name}=${printDimChoice(choice)}`),
    ...statedOf(constraints).map(({ origin }) => `constraint ${origin.clause}`),
    ...(target === undefined || target === "ts" ? [] : [`target ${target}`]),
    ...(wasm === undefined ? [] : [`wasm ${wasm}`]),
    ...(simd === undefined ? [] : [`simd ${simd}`]),
    ...(weights === undefined ? [] : [`weights ${weights}`]),
    ...(seed === undefined ? [] : [`seed ${seed}`]),
  ];
  return [
    `Made by shapecast ${VERSION}${source ? ` from ${source.name}` : ""}; do not edit.`,
    ...(source ? [`source sha256 ${source.sha256}`] : []),
    ...(options.length > 0 ? [`options: ${options.join(", ")}`] : []),
  ];
}

/** Of several programs the most. */
function report(
  bound: BoundModel,
  programs: readonly Program[],
  { code, weights, wasm }: EmittedModule,
): Report {
  const tensors = bound.graph.parameters.map(sizeOf);
  const most = (of: (program: Program) => number) => Math.max(...programs.map(of));
  return {
    parameters: tensors.reduce((sum, { count }) => sum + count, 0),
    parameterBytes: tensors.reduce((sum, { bytes }) => sum + bytes, 0),
    arenaBytes: most(({ arena }) => arena.bytes),
    arenaLowerBound: most(({ arena }) => arena.lowerBound),
    macs: most(({ macs }) => macs),
    codeBytes: new TextEncoder().encode(code).length,
    weightBytes: weights?.length ?? 0,
    wasmBytes: (wasm?.plain.length ?? 0) + (wasm?.relaxed?.length ?? 0),
  };
}

/** Elements and bytes of a bound parameter. */
export function sizeOf(parameter: Parameter<BoundDim>): { readonly count: number; readonly bytes: number } {
  const { shape, dtype } = parameter.value.type;
  const count = size(sizesOf(shape)!);
  return { count, bytes: byteSize(dtype, count) };
}
