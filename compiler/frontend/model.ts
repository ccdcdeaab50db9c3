/**
 * A network as its user holds it: layers without numbers, and a store of the numbers. Nothing is computed
 * until something is asked: then the layers are traced into a symbolic graph (once per rank of input), and a
 * sample binds that graph. A sample fixes the shapes of the parameters and nothing else; batch and time stay
 * free. A refused sample changes nothing.
 */
import type { Tensor } from "../../runtime/tensor.ts";
import { callSite, type SourceLocation } from "../diagnostics/index.ts";
import { constant, type Dim, evaluate, type Store } from "../dims/index.ts";
import { type BoundModel, infer, type Sample } from "../infer/bind.ts";
import type { Graph, Value } from "../ir/graph.ts";
import { bindTraced } from "./bind-traced.ts";
import { providedExecutor, type Run } from "./executor.ts";
import { Layer, type LayerOps } from "./layer.ts";
import { refuseBuild, refuseSample } from "./mismatch.ts";
import type { ModelOptions, ModelWeight, Tensors } from "./model-options.ts";
import { OpenRuns } from "./open-runs.ts";
import { asDeclared, withDeclared } from "./output-shapes.ts";
import {
  type BindRequest,
  checkRequest,
  expectation,
  fixedSizes,
  keyOf,
  lacksInput,
  type MaybeSized,
  onesIn,
  remember,
  rows,
  sampleName,
  sizesOfParameters,
  storeOf,
  valuesIn,
} from "./parameters.ts";
import { type Plan, runPlan, type Traced, type TraceOptions, tracePlan } from "./plan.ts";
import { asData, rankOf, readSample, type SampleInput } from "./sample.ts";
import type { ShapeLike } from "./shapes.ts";
import { StateStore } from "./states.ts";
import { type LayerDescription, printSummary } from "./summary.ts";
import { Supposed } from "./supposed.ts";
import type { Symbolic } from "./symbolic.ts";
import { Traces } from "./traces.ts";
import { checkedWeights, type WeightsInput } from "./weight-input.ts";
import {
  DEFAULT_MAX_PARAMETER_BYTES,
  type Fixed,
  seedIn,
  sizesOf,
  stillDeferred,
  WeightStore,
} from "./weights.ts";

interface Prepared {
  readonly bound: BoundModel;
  readonly traced: Traced;
  compiled: { readonly version: number; readonly run: Run } | undefined;
}

const PREPARED_KEPT = 8;

export abstract class Model<Out = Symbolic> extends Layer<Out> {
  readonly #options: ModelOptions;
  readonly #weights = new WeightStore();
  readonly #states = new StateStore();
  readonly #traces = new Traces({
    trace: (rank, options) => this.#trace(rank, options),
    rankIsOpen: () => this.rankIsOpen,
    lowestRank: () => this.minimumRank,
  });
  readonly #prepared = new Map<string, Prepared>();
  readonly #openRuns = new OpenRuns();
  /**
   * The graph for the shape given to `build`; samples are bound to the open one, so that they may differ
   * elsewhere.
   */
  #built: Traced | undefined;
  #rank: number | undefined;
  /** Of the last sample: the values on which shapes depend. */
  #values: Sample = {};
  #last: { readonly bound: BoundModel; readonly traced: Traced } | undefined;
  #initialized = false;
  readonly #supposed = new Supposed();
  readonly under = this.#supposed.under;

  constructor(kind: string, options: ModelOptions) {
    super(kind, options);
    this.#options = options;
  }

  /** What it does to an input of this rank; without a rank, to the lowest one it accepts. */
  abstract plan(rank?: number): Plan;

  /** Whether the rank of its input is left to the sample. */
  protected get rankIsOpen(): boolean {
    return false;
  }

  get name(): string {
    return this.givenName ?? this.kind;
  }

  /**
   * What follows from the layers, the declared sizes and the weights that were set, before any sample: the
   * graph in terms of the inputs' dims, and the store with what they must satisfy. Throws
   * CompileError where these contradict each other.
   */
  inferred(rank?: number): { readonly graph: Graph; readonly store: Store } {
    const graph = this.graph(rank);
    const store = storeOf(this.#sizesOfSet(graph));
    return { graph: infer(graph, store), store };
  }

  /** As a layer of another model: its own layers run under its name. */
  override call(ops: LayerOps, ...inputs: Value[]): readonly Value[] {
    const plan = this.plan(inputs[0]?.type.shape.length);
    const values = runPlan(plan, ops.scope, inputs);
    const outputs = plan.outputs.map(({ name }, i) => ({ name, value: values[i]! }));
    return withDeclared(outputs, this.#options.outputShape, this.at).map((one) => asDeclared(ops, one));
  }

  override declareIn(): void {}

  inputs(rank?: number, sample?: Sample): readonly Value[] {
    return this.graph(rank, sample).inputs;
  }

  /**
   * The symbolic graph. `rank` is that of the input where the model did not declare one, `sample` gives
   * values on which shapes depend; both are those of the last sample where they are left out.
   */
  graph(rank?: number, sample?: Sample): Graph {
    return this.traced(rank, sample).graph;
  }

  /** The symbolic graph with how it was traced and what is known of its symbols. */
  traced(rank?: number, sample?: Sample): Traced {
    const { ones } = this.#supposed;
    if (ones.size > 0) return this.#traces.for(sample ?? this.#values, ones, rank ?? this.#rank);
    const own = rank === undefined ? (this.#built ?? (sample ? undefined : this.#last?.traced)) : undefined;
    return own ?? this.#traces.of(rank ?? this.#rank, sample ?? this.#values);
  }

  /** Every parameter, in the order of the layers. */
  get weights(): readonly ModelWeight[] {
    const traced = this.#settled();
    return traced.graph.parameters.map(({ value, trainable, initializer }) => {
      const shape = traced.trace.builder.resolve(value.type.shape);
      const sizes = this.#weights.fixedShape(value.name)?.shape ?? sizesOf(shape);
      return {
        path: value.name,
        shape,
        sizes,
        dtype: value.type.dtype,
        trainable,
        initial: this.#weights.isInitial(value.name),
        tensor: () => {
          if (!sizes) throw stillDeferred([{ path: value.name, shape }], traced.inputs);
          return this.#weights.tensor({ value, trainable, initializer }, sizes);
        },
      };
    });
  }

  /** The values of every parameter; [] before anything is known. After `initialize` alone: E2101. */
  getWeights(): readonly Tensor[] {
    const { weights } = this;
    const open = weights.filter(({ sizes }) => !sizes);
    if (open.length > 0 && this.#initialized) throw stillDeferred(open, this.#settled().inputs);
    if (open.length > 0) return [];
    return weights.map((weight) => weight.tensor());
  }

  /** The values of every parameter by path: what a compiled program is given. */
  parameters(): ReadonlyMap<string, Tensor> {
    return new Map(this.weights.map((weight) => [weight.path, weight.tensor()]));
  }

  get seed(): number {
    return this.#weights.seed;
  }

  /** Replaces all values, or none: E2109 lists everything that does not fit. */
  setWeights(values: WeightsInput): void {
    const at = callSite();
    const fixed = (path: string) => this.#weights.fixedShape(path);
    const checked = checkedWeights(values, this.weights, fixed, at);
    this.#weights.set(checked, { by: "setWeights", ...(at && { at }) });
  }

  /** The same, for values read from a file. */
  loadWeights(values: WeightsInput): void {
    this.setWeights(values);
  }

  /**
   * New initial values; one parameter's depend on the seed and its path only. Where a shape is open, they
   * wait for it.
   */
  initialize(options: { readonly seed?: number } = {}): void {
    this.#weights.reseed(seedIn(options, callSite()));
    this.#initialized = true;
  }

  /** Binds the parameters without data: `shape` is the input's with its batch axis, e.g. `[null, 20]`. */
  override build(shape: ShapeLike): void {
    const at = callSite();
    if (!Array.isArray(shape)) refuseBuild(shape, at);
    const traced = this.#trace(shape.length, { input: shape });
    const by = { by: `build(${JSON.stringify(shape)})`, ...(at && { at }) };
    const asked = {
      [traced.inputs[0]!.name]: shape.map((size) => (typeof size === "number" ? size : `${size}`)),
    };
    this.#fixShapes(traced, sizesOfParameters(traced), asked, by);
    this.#built = traced;
    this.#rank = shape.length;
  }

  /**
   * Binds the model to a sample, which decides the parameter shapes. `maxParameterBytes` replaces the model's
   * budget for this once. Throws E2101..E2111, E2201, E2301.
   */
  bind(sample: SampleInput, shape?: readonly number[], options: BindRequest = {}): BoundModel {
    const at = callSite();
    checkRequest(options, at);
    const read = this.#read(sample, shape, at);
    const { graph } = this.#traces.for(read, onesIn(options));
    const known = lacksInput(graph, read) ? this.#sizesOfSet(graph) : [];
    return this.#prepare(read, at, { ...options, known }).bound;
  }

  /** The outputs for `x`; a typed array needs its shape. The first call binds the model. */
  predict(x: SampleInput, shape?: readonly number[]): Tensors<Out> {
    const at = callSite();
    const sample = this.#read(x, shape, at);
    const inputs = new Map(Object.entries(sample).map(([name, value]) => [name, asData(name, value, at)]));
    const prepared = this.#prepare(sample, at);
    const { traced } = prepared;
    const opened =
      this.#executor.takesOpen &&
      this.#openRuns.of(traced, sample, this.#weights.version, (bound) => this.#execute(bound));
    if (opened) return this.outputsOf(opened(inputs));
    for (const [name, state] of this.#states.for(traced, prepared.bound)) inputs.set(name, state);
    const results = this.#run(prepared)(inputs);
    this.#states.keep(traced, results);
    return this.outputsOf(results);
  }

  /** `predict`'s results in the form the model's outputs were given. */
  protected outputsOf(results: ReadonlyMap<string, Tensor>): Tensors<Out> {
    const names = this.plan(this.#rank).outputs.map(({ name }) => name);
    const tensors = names.map((name) => results.get(name)!);
    return (tensors.length === 1 ? tensors[0] : tensors) as Tensors<Out>;
  }

  /** Forgets shapes and values, so that another size can be bound; the seed stays. */
  reset(): void {
    this.forgetTraces();
    this.#weights.clear();
    this.#states.clear();
    this.#values = {};
    this.#rank = undefined;
  }

  /** Sets the states of stateful layers back to zero. */
  resetStates(): void {
    this.#states.clear();
  }

  /** Every use of a layer, with output shapes before and, after a sample, under it. */
  describe(): readonly LayerDescription[] {
    const { trace } = this.#settled();
    const uses = rows(trace, isModel);
    const bound = this.#boundShapes();
    const below = trace.weightsBelow(new Set(uses.map(({ path }) => path)));
    return uses.map(({ path, layer, outputs, first }, i) => {
      const shapes = outputs.map((output) => trace.builder.resolve(output.type.shape));
      const weights = (below.get(path) ?? []).map(({ value }) => {
        const sizes = this.#weights.fixedShape(value.name)?.shape;
        const shape = sizes?.map((n) => constant(n)) ?? trace.builder.resolve(value.type.shape);
        return { name: value.name.slice(path.length + 1), shape };
      });
      return {
        path,
        kind: layer.kind,
        outputs: shapes,
        bound: bound?.[i],
        weights,
        shared: !first,
      };
    });
  }

  /** A table of the layers, their outputs and parameters. `bound`: outputs under the last sample. */
  summary(options: { readonly bound?: boolean; readonly print?: (text: string) => void } = {}): string {
    const text = printSummary(this.describe(), options);
    options.print?.(text);
    return text;
  }

  /** To be called when the layers changed. Shapes and values of those that stay are kept. */
  protected forgetTraces(): void {
    this.#traces.clear();
    this.#prepared.clear();
    this.#built = undefined;
    this.#last = undefined;
  }

  #trace(rank: number | undefined, options: TraceOptions): Traced {
    const { outputShape } = this.#options;
    return tracePlan(this.name, this.plan(rank), { ...options, outputShape, at: this.at });
  }

  /** The current trace; parameters that need no sample are fixed. */
  #settled(): Traced {
    const traced = this.traced();
    if (this.#built || !this.#weights.empty) return traced;
    const sizes = sizesOfParameters(traced);
    const [input] = traced.inputs;
    const { at } = this;
    if (sizes.every(({ shape }) => shape))
      this.#fixShapes(traced, sizes, {}, { by: `the declared input ${input?.name}`, ...(at && { at }) });
    return traced;
  }

  #read(given: SampleInput, shape: readonly number[] | undefined, at: SourceLocation | undefined): Sample {
    return readSample(given, shape, this.plan(this.#rank).inputs, at);
  }

  #prepare(sample: Sample, at: SourceLocation | undefined, request: BindRequest = {}): Prepared {
    const { constraints = [], dims, maxParameterBytes } = request;
    const traced = this.#traces.for(sample, onesIn(request));
    const key = keyOf(sample, constraints, traced.graph);
    const known = this.#prepared.get(key);
    if (known && !dims) return known;
    const whole = { ...sample, ...this.#states.shapes(traced, sample) };
    const bound = bindTraced(traced, whole, request, at);
    const sizes = bound.graph.parameters.map(({ value }) => ({
      path: value.name,
      shape: sizesOf(value.type.shape),
      dtype: value.type.dtype,
    }));
    this.#fixShapes(traced, sizes, sample, { by: sampleName(sample), ...(at && { at }) }, maxParameterBytes);
    this.#rank = rankOf(sample);
    this.#values = valuesIn(sample, traced.graph);
    this.#last = { bound, traced };
    const prepared = { bound, traced, compiled: undefined };
    return dims ? prepared : remember(this.#prepared, key, prepared, PREPARED_KEPT);
  }

  #sizesOfSet(graph: Graph) {
    return fixedSizes(graph, (path) => this.#weights.given(path));
  }

  #run(prepared: Prepared): Run {
    const { version } = this.#weights;
    if (prepared.compiled?.version !== version)
      prepared.compiled = { version, run: this.#execute(prepared.bound) };
    return prepared.compiled.run;
  }

  get #executor() {
    return this.#options.executor ?? providedExecutor();
  }

  #execute(bound: BoundModel): Run {
    return this.#executor(bound, this.parameters());
  }

  /** Fixes the shapes that are known; refuses the whole when one contradicts what was fixed before. */
  #fixShapes(
    traced: Traced,
    sizes: readonly MaybeSized[],
    sample: Parameters<typeof refuseSample>[1]["sample"],
    by: Omit<Fixed, "shape">,
    budget = this.#options.maxParameterBytes ?? DEFAULT_MAX_PARAMETER_BYTES,
  ): void {
    const known = sizes.flatMap(({ shape, ...rest }) => (shape ? [{ ...rest, shape }] : []));
    const conflicts = this.#weights.conflicts(known);
    if (conflicts.length > 0)
      refuseSample(conflicts, {
        expected: (path) => expectation(traced, path),
        inputs: traced.inputs,
        sample,
        at: by.at,
      });
    this.#weights.fix(known, by, budget);
  }

  /** Output shapes of every row under the last sample. */
  #boundShapes(): readonly (readonly (readonly number[])[])[] | undefined {
    if (!this.#last || this.#last.bound.open.dims.length > 0) return undefined;
    const { bound, traced } = this.#last;
    const number = (d: Dim) => Number(evaluate(d, bound.symbols));
    return rows(traced.trace, isModel).map(({ outputs }) =>
      outputs.map((output) => traced.trace.builder.resolve(output.type.shape).map(number)),
    );
  }
}

const isModel = (layer: Layer<unknown>) => layer instanceof Model;
