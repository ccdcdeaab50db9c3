/**
 * A model bound as `compile` and `inspect` are asked to: the sample and the named dims make one sample, which
 * binds the model as any first sample does.
 */
import { initialize } from "../runtime/initializers/index.ts";
import { fail } from "./diagnostics/index.ts";
import type { Network, SampleInput } from "./frontend/index.ts";
import { checkBudget, sizesOf } from "./frontend/weights.ts";
import type { BoundModel, Sample } from "./infer/bind.ts";
import { type DimChoice, type DimInputs, printDimChoice, readDimChoices } from "./infer/dim-choice.ts";
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
  const named = constraints.flatMap(({ constraint }) => constraint.symbols());
  const sample = completeSample(model, given, { sizes: fixedSizes(choices, buckets), largest, named });
  const bound = model.bind(sample, undefined, { maxParameterBytes: maxParams, constraints });
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

/** One size of each dim. Throws E4001 for ranges. */
function fixedSizes(
  choices: ReadonlyMap<string, DimChoice>,
  buckets: Sizes,
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...choices].map(([name, choice]) => {
      if (choice.kind === "value") return [name, choice.value];
      if (choice.kind === "values") return [name, buckets.get(name) ?? choice.values.at(-1)!];
      return fail({
        code: "E4001",
        message: `dim ${name} is ${printDimChoice(choice)}, but a module has one size for each dim`,
        fix: `give one size, as in ${name}=${choice.max}`,
      });
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
      if (!weight.initial || dtype !== "float32") return [path, { data: weight.tensor().data }];
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

function sized({ value }: Parameter<BoundDim>) {
  const { dtype, shape } = value.type;
  return { path: value.name, shape: sizesOf(shape)!, dtype };
}
