/**
 * A model bound as `compile` and `inspect` are asked to: the sample and the named dims make one sample, which
 * binds the model as any first sample does.
 */
import { initialize } from "../runtime/initializers/index.ts";
import type { Network, SampleInput } from "./frontend/index.ts";
import type { ModelWeight } from "./frontend/model-options.ts";
import { declarationsIn } from "./frontend/shapes.ts";
import { checkBudget, sizesOf } from "./frontend/weights.ts";
import type { BoundModel, Sample } from "./infer/bind.ts";
import { type DimChoice, type DimInputs, readDimChoices } from "./infer/dim-choice.ts";
import type { DimBindings } from "./infer/open.ts";
import { type Stated, stated } from "./infer/stated.ts";
import type { Sizes } from "./ir/family.ts";
import type { BoundDim, Parameter } from "./ir/graph.ts";
import type { ParameterData } from "./lower/context.ts";
import { completeSample } from "./sample-dims.ts";

export interface BindOptions {
  /**
   * A shape or data per input, or just that for the only input. May be left out where the model or `dims` say
   * all sizes.
   */
  readonly sample?: SampleInput;
  /** What named dims may be: `{ batch: 1, time: { min: 1, max: 512 }, seq: [128, 256, 512] }`. */
  readonly dims?: DimInputs;
  /** What must hold of named dims, e.g. `["h % 32 == 0", "1 <= batch <= 64"]`. */
  readonly constraints?: readonly (string | Stated)[];
  /** The most bytes the parameters may take, default 1e9. */
  readonly maxParams?: number;
}

export interface BoundSample {
  readonly bound: BoundModel;
  readonly sample: Sample;
}

/** `buckets` are sizes of dims that may have several; those it does not name have their largest. */
export function bindModel(
  model: Network,
  { sample: given, dims = {}, constraints: said = [], maxParams }: BindOptions,
  buckets: Sizes = new Map(),
): BoundSample {
  const choices = choicesOf(dims);
  const largest = new Map([...choices].flatMap(([name, choice]) => largestOf(name, choice)));
  const constraints = statedOf(said);
  const sizes = fixedSizes(choices, buckets);
  const ranges = rangesIn(choices);
  const named = [...constraints.flatMap(({ constraint }) => constraint.symbols()), ...ranges.keys()];
  const sample = completeSample(model, given, { sizes, largest, named });
  const bound = model.bind(sample, undefined, {
    maxParameterBytes: maxParams,
    constraints,
    dims: openBindings(model, ranges, sizes),
  });
  if (maxParams !== undefined) checkBudget(bound.graph.parameters.map(sized), maxParams, undefined);
  return { bound, sample };
}

/** Throws E3001 for a text that is no constraint. */
export function statedOf(said: readonly (string | Stated)[]): readonly Stated[] {
  return said.map((one) => (typeof one === "string" ? stated(one, "constraints") : one));
}

export const choicesOf = (dims: DimInputs) => readDimChoices(dims, () => {});

const largestOf = (name: string, choice: DimChoice): readonly (readonly [string, number])[] =>
  choice.kind === "values" ? [[name, choice.values.at(-1)!]] : [];

type Range = Extract<DimChoice, { readonly kind: "range" }>;

const rangesIn = (choices: ReadonlyMap<string, DimChoice>): ReadonlyMap<string, Range> =>
  new Map([...choices].flatMap(([name, choice]) => (choice.kind === "range" ? [[name, choice]] : [])));

/** What is said of dims by name: what is open, by a range or by the model itself, and what has a size. */
function openBindings(
  model: Network,
  ranges: ReadonlyMap<string, Range>,
  sizes: Readonly<Record<string, number>>,
): DimBindings | undefined {
  const declared = model.plan().inputs.flatMap(({ shape }) => declarationsIn(shape));
  if (ranges.size + declared.length + Object.keys(sizes).length === 0) return undefined;
  const origin = (clause: string) => ({ subject: "dims", clause });
  return {
    declared: [...ranges].map(([name, { min, max }]) => ({
      name,
      min,
      max,
      origin: origin(`${min} <= ${name} <= ${max}`),
    })),
    open: new Set(ranges.keys()),
    sizes: Object.entries(sizes).map(([name, size]) => ({ name, size, origin: origin(`${name} = ${size}`) })),
  };
}

/** One size of each dim but those that have a range. */
function fixedSizes(
  choices: ReadonlyMap<string, DimChoice>,
  buckets: Sizes,
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...choices].flatMap(([name, choice]) => {
      if (choice.kind === "range") return [];
      if (choice.kind === "value") return [[name, choice.value]];
      return [[name, buckets.get(name) ?? choice.values.at(-1)!]];
    }),
  );
}

/**
 * The values of each parameter and, while they are still what its initialiser gave, that initialiser and its
 * seed.
 */
export function parametersOf(
  model: Network,
  bound: BoundModel,
  seed = model.seed,
): ReadonlyMap<string, ParameterData> {
  const weights = new Map(model.weights.map((weight) => [weight.path, weight]));
  return new Map(
    bound.graph.parameters.map((parameter): [string, ParameterData] => {
      const path = parameter.value.name;
      const weight = weights.get(path);
      if (!weight) throw new Error(`internal: the model has no weight ${path}`);
      const { dtype, shape } = parameter.value.type;
      if (!weight.initial || dtype !== "float32") return [path, dataOf(weight)];
      const initializer = { spec: parameter.initializer, seed, path };
      const sizes = sizesOf(shape)!;
      return [
        path,
        {
          initializer,
          // Made when it is read and not held: a large model is only written out.
          get data() {
            return initialize(initializer.spec, sizes, seed, path);
          },
        },
      ];
    }),
  );
}

/** Made when it is read and not held, as above. */
function dataOf(weight: ModelWeight): ParameterData {
  return {
    get data() {
      return weight.tensor().data;
    },
    ...(weight.bytes && { bytes: () => weight.bytes!() }),
  };
}

function sized({ value }: Parameter<BoundDim>) {
  const { dtype, shape } = value.type;
  return { path: value.name, shape: sizesOf(shape)!, dtype };
}
