/**
 * An imported ONNX file: what `compile`, `inspect` and the command line take where a model of layers would
 * stand. The file is read, checked and imported once, when this is made; binding and running are those of any
 * graph.
 */
import type { DType } from "../../../runtime/dtype.ts";
import type { Tensor } from "../../../runtime/tensor.ts";
import { callSite, fail } from "../../diagnostics/index.ts";
import { type Dim, evaluate, type Store } from "../../dims/index.ts";
import { type BoundModel, bind, type Sample } from "../../infer/bind.ts";
import { GraphBuilder } from "../../infer/builder.ts";
import type { Graph, Value } from "../../ir/graph.ts";
import { type Executor, providedExecutor, type Run } from "../executor.ts";
import type { ModelWeight } from "../model-options.ts";
import type { Network, NetworkInput, NetworkTrace } from "../network.ts";
import { type BindRequest, keyOf } from "../parameters.ts";
import { asData, readSample, type SampleInput } from "../sample.ts";
import type { LayerDescription } from "../summary.ts";
import { checkBudget, DEFAULT_MAX_PARAMETER_BYTES } from "../weights.ts";
import { checkModel } from "./check.ts";
import { dtypeOfElement } from "./element-types.ts";
import { type ImportedUse, Importer } from "./importer.ts";
import type { OnnxDim, OnnxGraph, OnnxModel, ValueInfo } from "./model.ts";
import { DimNames } from "./names.ts";
import { registry } from "./ops/index.ts";
import { readModel } from "./read-model.ts";
import type { ExternalData } from "./tensor.ts";
import { TensorStore } from "./tensor-store.ts";

export interface OnnxOptions {
  /** Bytes of the files that tensors lie in, by the name the model gives them. */
  readonly externalData?: ExternalData;
  /** Elements of inputs that decide shapes (axes, a target shape, pads): the module is made for these. */
  readonly values?: Readonly<Record<string, Tensor>>;
  /** Shapes of inputs of which the file says nothing, not even how many axes they have. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  readonly name?: string;
  /** How `predict` runs; default: the compiler. */
  readonly executor?: Executor;
}

/**
 * Reads an ONNX model (the bytes of a ModelProto, opsets 1 to 28).
 * @throws CompileError with everything that is wrong with the file or not supported: E3101 to E3103, E4101 to
 * E4103, E5001, E5002, and what the shapes of its nodes contradict (E21xx).
 */
export function fromOnnx(bytes: Uint8Array, options: OnnxOptions = {}): OnnxNetwork {
  return new OnnxNetwork(readModel(bytes), options);
}

export class OnnxNetwork implements Network {
  readonly name: string;
  readonly givenName: string | undefined;
  readonly seed = 0;
  readonly weights: readonly ModelWeight[];
  readonly #graph: Graph;
  readonly #inputs: readonly NetworkInput[];
  readonly #uses: readonly ImportedUse[];
  readonly #builder: GraphBuilder;
  readonly #executor: Executor | undefined;
  readonly #runs = new Map<string, Run>();
  #last: BoundModel | undefined;

  constructor(model: OnnxModel, options: OnnxOptions) {
    const tensors = new TensorStore(options.externalData ?? new Map());
    checkModel(model, registry, tensors);
    this.givenName = options.name;
    this.name = options.name ?? (model.graph.name || "model");
    this.#executor = options.executor;
    const { values = {} } = options;
    const given = ({ name }: Value) => (Object.hasOwn(values, name) ? values[name] : undefined);
    const builder = new GraphBuilder(this.name, undefined, given);
    const inputs = declareInputs(model.graph, builder, options);
    const importer = new Importer({ model, registry, tensors, builder });
    this.#graph = builder.finish(importer.run(inputs));
    this.#builder = builder;
    this.#uses = importer.uses;
    this.#inputs = this.#graph.inputs.map(({ name, type }) => ({ name, ...type }));
    this.weights = this.#graph.parameters.map(({ value, trainable }) => {
      const tensor = importer.weights.get(value.name)!;
      const { dtype, shape } = value.type;
      const weight = { path: value.name, shape, sizes: tensor.shape, dtype, trainable, initial: false };
      return { ...weight, tensor: () => tensor };
    });
  }

  plan(): { readonly inputs: readonly NetworkInput[] } {
    return { inputs: this.#inputs };
  }

  graph(): Graph {
    return this.#graph;
  }

  traced(): NetworkTrace {
    return { graph: this.#graph, trace: { builder: this.#builder, uses: this.#uses } };
  }

  inferred(): { readonly graph: Graph; readonly store: Store } {
    return { graph: this.#graph, store: this.#builder.store };
  }

  /** Every size under a sample. Throws E2101 to E2112, E2201, E2301. */
  bind(sample: SampleInput, shape?: readonly number[], request: BindRequest = {}): BoundModel {
    const at = callSite();
    const { constraints = [], dims, maxParameterBytes: budget = DEFAULT_MAX_PARAMETER_BYTES } = request;
    const sized = this.weights.map(({ path, sizes, dtype }) => ({ path, shape: sizes!, dtype }));
    checkBudget(sized, budget, at);
    const whole = readSample(sample, shape, this.#inputs, at);
    const bound = bind(this.#graph, whole, { constraints, ...(dims && { dims }), ...(at && { at }) });
    this.#last = bound;
    return bound;
  }

  /** The outputs for `x`, by name; a typed array needs its shape. */
  predict(x: SampleInput, shape?: readonly number[]): ReadonlyMap<string, Tensor> {
    const at = callSite();
    const sample: Sample = readSample(x, shape, this.#inputs, at);
    const inputs = new Map(Object.entries(sample).map(([name, value]) => [name, asData(name, value, at)]));
    const key = keyOf(sample, [], this.#graph);
    let run = this.#runs.get(key);
    if (!run) {
      const executor = this.#executor ?? providedExecutor();
      run = executor(
        this.bind(sample).graph,
        new Map(this.weights.map((weight) => [weight.path, weight.tensor()])),
      );
      this.#runs.set(key, run);
    }
    return run(inputs);
  }

  describe(): readonly LayerDescription[] {
    const weights = new Map(this.weights.map((weight) => [weight.path, weight]));
    const symbols = this.#last && this.#last.open.dims.length === 0 ? this.#last.symbols : undefined;
    const number = (d: Dim) => Number(evaluate(d, symbols!));
    return this.#uses.map(({ path, kind, outputs, reads }) => {
      const shapes = outputs.map(({ type }) => this.#builder.resolve(type.shape));
      const own = reads.flatMap((name) => weights.get(name) ?? []);
      return {
        path,
        kind,
        outputs: shapes,
        bound: symbols && shapes.map((each) => each.map(number)),
        weights: own.map((weight) => ({ name: weight.path, shape: weight.shape })),
        shared: false,
      };
    });
  }
}

/** The inputs of the file, but for those with a default: these are tensors like any other. */
function declareInputs(
  graph: OnnxGraph,
  builder: GraphBuilder,
  { shapes = {} }: OnnxOptions,
): ReadonlyMap<string, Value> {
  const defaults = new Set([...graph.initializers, ...graph.sparseInitializers].map(({ name }) => name));
  const inputs = graph.inputs.filter(({ name }) => !defaults.has(name));
  const names = new DimNames(
    inputs.flatMap(({ type }) => (type.kind === "tensor" ? (type.shape ?? []) : [])).filter(isName),
  );
  return new Map(
    inputs.map((info) => {
      const given = Object.hasOwn(shapes, info.name) ? shapes[info.name] : undefined;
      const { dtype, dims } = declared(info, given);
      const type = { dtype, shape: names.shape(dims, info.name) };
      return [info.name, builder.input(info.name, type, { path: info.name })];
    }),
  );
}

const isName = (d: OnnxDim): d is string => typeof d === "string";

function declared(
  { name, type }: ValueInfo,
  given: readonly number[] | undefined,
): { readonly dtype: DType; readonly dims: readonly OnnxDim[] } {
  const dtype = type.kind === "tensor" ? dtypeOfElement(type.elementType) : undefined;
  if (type.kind !== "tensor" || dtype === undefined)
    return fail({
      code: "E3102",
      message: `the input "${name}" has no element type`,
      fix: "export the model again, with the types of its inputs",
    });
  const dims = type.shape ?? given?.map((n) => BigInt(n));
  if (dims) return { dtype, dims };
  return fail({
    code: "E3102",
    message: `the file does not say how many axes the input "${name}" has`,
    fix: `give its shape: fromOnnx(bytes, { shapes: { ${name}: [...] } }), or --sample ${name}=...`,
  });
}
