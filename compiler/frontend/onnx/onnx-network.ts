/**
 * An imported ONNX file: what `compile`, `inspect` and the command line take where a model of layers would
 * stand. The file is read, checked and imported when this is made. Where shapes depend on the elements of
 * inputs (axes, a target shape), a sample that gives these is imported again, for them; what a sample decides
 * is as little as will do: nothing, else which branches run, else the sizes too.
 */
import type { DType } from "../../../runtime/dtype.ts";
import type { Tensor } from "../../../runtime/tensor.ts";
import { CompileError, callSite } from "../../diagnostics/index.ts";
import { type Dim, evaluate, type Store } from "../../dims/index.ts";
import { type BindOptions, type BoundModel, bind, type Sample } from "../../infer/bind.ts";
import { GraphBuilder } from "../../infer/builder.ts";
import type { Graph, Value } from "../../ir/graph.ts";
import { type Executor, providedExecutor, type Run } from "../executor.ts";
import type { ModelWeight } from "../model-options.ts";
import type { Network, NetworkInput, NetworkTrace } from "../network.ts";
import { checkNames } from "../option-names.ts";
import { type BindRequest, keyOf, onesIn } from "../parameters.ts";
import { asData, dataIn, readSample, type SampleInput, shapeOfSample } from "../sample.ts";
import type { LayerDescription } from "../summary.ts";
import { Supposed } from "../supposed.ts";
import { mergedAmong } from "../traces.ts";
import { checkBudget, DEFAULT_MAX_PARAMETER_BYTES } from "../weights.ts";
import { checkModel } from "./check.ts";
import {
  Answers,
  type Decides,
  declaredShape,
  declaredType,
  declareInputs,
  fedInputs,
  type GivenInputs,
  type ImportedModel,
  importModel,
} from "./import-model.ts";
import type { OnnxModel, ValueInfo } from "./model.ts";
import { registry } from "./ops/index.ts";
import { readModel } from "./read-model.ts";
import type { ExternalData } from "./tensor.ts";
import { TensorStore } from "./tensor-store.ts";

export interface OnnxOptions {
  /** Bytes of the files that tensors lie in, by the name the model gives them. */
  readonly externalData?: ExternalData;
  /**
   * Elements of inputs that decide shapes (axes, a target shape, pads). A sample may give them as well; what
   * is given here counts for every sample.
   */
  readonly values?: Readonly<Record<string, Tensor>>;
  /** Shapes of inputs of which the file does not even say how many axes they have. A sample may, too. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  readonly name?: string;
  /** How `predict` runs; default: the compiler. */
  readonly executor?: Executor;
}

interface Bound {
  readonly bound: BoundModel;
  readonly imported: ImportedModel;
}

/** Imports for different elements that are remembered. */
const KEPT = 8;

/**
 * Reads an ONNX model (the bytes of a ModelProto, opsets 1 to 28).
 * @throws CompileError E1001 for options there are not; everything that is wrong with the file or not
 * supported: E3101 to E3103, E4101 to E4103, E5001, E5002, and what the shapes of its nodes contradict
 * (E21xx).
 */
export function fromOnnx(bytes: Uint8Array, options: OnnxOptions = {}): OnnxNetwork {
  checkNames("fromOnnx", options, ["name", "externalData", "values", "shapes", "executor"], callSite());
  return new OnnxNetwork(readModel(bytes), options);
}

export class OnnxNetwork implements Network {
  readonly name: string;
  readonly givenName: string | undefined;
  readonly seed = 0;
  readonly #model: OnnxModel;
  readonly #options: OnnxOptions;
  readonly #tensors: TensorStore;
  readonly #runs = new Map<string, Run>();
  #imports: readonly ImportedModel[] = [];
  readonly #supposed = new Supposed();
  readonly under = this.#supposed.under;
  #last: Bound | undefined;

  constructor(model: OnnxModel, options: OnnxOptions) {
    this.#tensors = new TensorStore(options.externalData ?? new Map());
    checkModel(model, registry, this.#tensors);
    this.givenName = options.name;
    this.name = options.name ?? (model.graph.name || "model");
    this.#model = model;
    this.#options = options;
    this.#importEarly();
  }

  plan(): { readonly inputs: readonly NetworkInput[] } {
    const [known] = this.#imports;
    if (known) return { inputs: known.graph.inputs.map(({ name, type }) => ({ name, ...type })) };
    return { inputs: fedInputs(this.#model.graph).map(declaredInput) };
  }

  inputs(_rank?: number, sample: Sample = {}): readonly Value[] {
    const answers = new Answers(this.#given(sample));
    return [...declareInputs(this.#model.graph, new GraphBuilder(this.name), answers).values()];
  }

  /**
   * For a sample whose elements decide shapes, the graph that is made for these; else that of the last one.
   */
  graph(_rank?: number, sample?: Sample): Graph {
    return (sample ? this.#importFor(sample) : this.#current()).graph;
  }

  traced(): NetworkTrace {
    const { graph, builder, uses } = this.#current();
    return { graph, trace: { builder, uses } };
  }

  inferred(): { readonly graph: Graph; readonly store: Store } {
    const { graph, builder } = this.#current();
    return { graph, store: builder.store };
  }

  /** Shapes that the file declares and its nodes, as imported last, do not make. */
  get notes(): readonly string[] {
    return (this.#last?.imported ?? this.#imports[0])?.notes ?? [];
  }

  get weights(): readonly ModelWeight[] {
    const { graph, weights } = this.#current();
    return graph.parameters.map(({ value, trainable }) => {
      const stored = weights.get(value.name)!;
      const { dtype, shape } = value.type;
      const known = { path: value.name, shape, sizes: stored.shape, dtype, trainable, initial: false };
      return { ...known, tensor: () => stored.tensor(), bytes: () => stored.bytes() };
    });
  }

  /** Every size under a sample. Throws E2101 to E2112, E2201, E2301, E3104. */
  bind(sample: SampleInput, shape?: readonly number[], request: BindRequest = {}): BoundModel {
    const at = callSite();
    const { constraints = [], dims, maxParameterBytes: budget = DEFAULT_MAX_PARAMETER_BYTES } = request;
    const whole = this.#read(sample, shape);
    const options = { constraints, ...(dims && { dims }), ...(at && { at }) };
    this.#last = this.under(onesIn(request), () => this.#bound(whole, options));
    const { bound } = this.#last;
    const sized = this.weights.map(({ path, sizes, dtype }) => ({ path, shape: sizes!, dtype }));
    checkBudget(sized, budget, at);
    return bound;
  }

  /** The outputs for `x`, by name; a typed array needs its shape. */
  predict(x: SampleInput, shape?: readonly number[]): ReadonlyMap<string, Tensor> {
    const at = callSite();
    const sample = this.#read(x, shape);
    const inputs = new Map(Object.entries(sample).map(([name, value]) => [name, asData(name, value, at)]));
    const key = keyOf(sample, [], this.#importFor(sample).graph);
    let run = this.#runs.get(key);
    if (!run) {
      const bound = this.bind(sample);
      const executor = this.#options.executor ?? providedExecutor();
      run = executor(bound, new Map(this.weights.map((weight) => [weight.path, weight.tensor()])));
      this.#runs.set(key, run);
    }
    return run(inputs);
  }

  describe(): readonly LayerDescription[] {
    const { uses, builder } = this.#current();
    const weights = new Map(this.weights.map((weight) => [weight.path, weight]));
    const bound = this.#last?.bound;
    const symbols = bound?.open.dims.length === 0 ? bound.symbols : undefined;
    const number = (d: Dim) => Number(evaluate(d, symbols!));
    return uses.map(({ path, kind, outputs, reads }) => {
      const shapes = outputs.map(({ type }) => type.shape.map((d) => builder.store.resolve(d)));
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

  /**
   * What a file leaves open, and names alike or not, may still be 1 and repeated where a model runs: sizes
   * that contradict what its dims say of each other are tried as numbers, if the sample has them all.
   */
  #bound(sample: Sample, options: BindOptions): Bound {
    const imported = this.#importFor(sample);
    try {
      return { imported, bound: bind(imported.graph, sample, options) };
    } catch (error) {
      if (!(error instanceof CompileError) || imported.answers.fixed || options.dims) throw error;
      const others = this.#imports;
      const fixed = attempt(() => this.#import(new Answers(this.#given(sample), { fixed: true })));
      const bound = fixed && attempt(() => bind(fixed.graph, sample, options));
      if (bound) return { imported: fixed, bound };
      this.#imports = others;
      throw error;
    }
  }

  #read(sample: SampleInput, shape: readonly number[] | undefined): Sample {
    return readSample(sample, shape, this.plan().inputs, callSite());
  }

  /** The import that was bound last, else the one that no sample was needed for. */
  #current(): ImportedModel {
    return (this.#supposed.ones.size > 0 ? undefined : this.#last?.imported) ?? this.#importFor({});
  }

  /** Errors are those of the file, unless what is missing is what a sample may say. */
  #importEarly(): void {
    const answers = new Answers(this.#given({}));
    try {
      this.#import(answers);
    } catch (error) {
      if (!(error instanceof CompileError) || !(answers.wanting || isOpen(error))) throw error;
    }
  }

  /** With the sizes the file leaves open left open; where that cannot be, with those of the sample. */
  #importFor(sample: Sample): ImportedModel {
    const imported = this.#importOpen(sample);
    const ones = mergedAmong([...this.#supposed.ones], imported.builder.store);
    return ones.size > 0 ? this.#importOpen(sample, ones) : imported;
  }

  #importOpen(sample: Sample, ones?: ReadonlySet<string>): ImportedModel {
    const given = this.#given(sample, ones);
    const known = this.#imports.find(({ answers }) => answers.agree(given));
    if (known) return known;
    const hasSample = Object.keys(sample).length > 0;
    for (let decides: Decides = {}; ; ) {
      const answers = new Answers(given, decides);
      try {
        return this.#import(answers);
      } catch (error) {
        if (!(error instanceof CompileError)) throw error;
        const canChoose = [...answers.choices.keys()].some((name) => given.elements(name));
        if (canChoose && !answers.chooses) decides = { ...decides, chooses: true };
        else if (hasSample && !answers.fixed && isOpen(error)) decides = { fixed: true };
        else throw withChoices(error, answers.choices);
      }
    }
  }

  #import(answers: Answers): ImportedModel {
    const context = { registry, tensors: this.#tensors };
    const imported = importModel(this.name, this.#model, answers, context);
    this.#imports = [imported, ...this.#imports].slice(0, KEPT);
    return imported;
  }

  #given(sample: Sample, ones: ReadonlySet<string> = new Set()): GivenInputs {
    const { values = {}, shapes = {} } = this.#options;
    const own = <T>(record: Readonly<Record<string, T>>, name: string) =>
      Object.hasOwn(record, name) ? record[name] : undefined;
    const shapeIn = (name: string) => {
      const given = own(sample, name);
      return given && shapeOfSample(given);
    };
    return {
      elements: (name) => own(values, name) ?? dataIn(sample, name),
      shape: (name) => own(shapes, name) ?? shapeIn(name),
      ones,
    };
  }
}

/** What `body` gives, or undefined where the user's file or sample cannot have it. */
function attempt<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch (error) {
    if (error instanceof CompileError) return undefined;
    throw error;
  }
}

/** Whether all that is wrong is that a size or an element is open. */
const isOpen = ({ diagnostics }: CompileError): boolean => diagnostics.every(({ code }) => code === "E3104");

/** What cannot be built in a branch need not be built where the sample chooses the other. */
function withChoices(error: CompileError, inputs: ReadonlyMap<string, DType>): CompileError {
  const [first] = inputs;
  if (first === undefined) return error;
  const names = [...inputs.keys()].join(", ");
  const or = `or choose a branch by the values of ${names}, as in --sample ${first[0]}=${first[1]}:[1]`;
  return new CompileError(error.diagnostics.map((each) => ({ ...each, fix: `${each.fix}, ${or}` })));
}

/** An input of a file that is not imported yet; null for a size without a number. */
function declaredInput(info: ValueInfo): NetworkInput {
  const shape = (declaredShape(info) ?? []).map((d) => (typeof d === "bigint" ? Number(d) : null));
  return { name: info.name, dtype: declaredType(info), shape };
}
