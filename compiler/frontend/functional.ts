/**
 * A model from symbolic tensors: which layers lead from the inputs to the outputs. The layers are found by
 * walking back from the outputs, so what no output needs is not part of the model; an input that nothing
 * needs is an error.
 */
import type { Tensor } from "../../runtime/tensor.ts";
import { callSite, type Diagnostic, DiagnosticBag, type SourceLocation } from "../diagnostics/index.ts";
import { layerName, optional, type Reader, Refusal, readArguments, required } from "./arguments.ts";
import type { Layer } from "./layer.ts";
import { Model } from "./model.ts";
import type { ModelOptions, Tensors } from "./model-options.ts";
import { type Named, Names } from "./names.ts";
import type { Plan, PlanStep } from "./plan.ts";
import { given, modelFields } from "./sequential.ts";
import { type Application, type InputSpec, Symbolic } from "./symbolic.ts";

/** One tensor, a list, or tensors by name. */
export type Outputs = Symbolic | readonly Symbolic[] | { readonly [name: string]: Symbolic };

export interface FunctionalOptions<Out extends Outputs>
  extends Omit<ModelOptions, "inputShape" | "batchInputShape"> {
  readonly inputs: Symbolic | readonly Symbolic[];
  readonly outputs: Out;
}

const symbolic: Reader<Symbolic> = (value) => {
  if (value instanceof Symbolic) return value;
  throw new Refusal("must be an input, or what layer.apply returned");
};

const outputsReader: Reader<Outputs> = (value) => {
  if (value instanceof Symbolic) return value;
  if (typeof value !== "object" || value === null) return symbolic(value);
  const tensors = Object.values(value);
  if (tensors.length === 0) throw new Refusal("must hold at least one output");
  for (const one of tensors) symbolic(one);
  return value as Outputs;
};

const fields = {
  ...modelFields,
  name: optional(layerName),
  inputs: required<readonly Symbolic[]>((value) => (Array.isArray(value) ? value : [value]).map(symbolic)),
  outputs: required(outputsReader),
};

class Functional<Out extends Outputs> extends Model<Out> {
  readonly #plan: Plan;
  readonly #form: Outputs;

  constructor(options: FunctionalOptions<Out>) {
    const at = callSite();
    const args = readArguments("model", options, fields, at);
    super("model", given(args));
    this.#form = args.outputs;
    this.#plan = planOf(args.inputs, args.outputs, at);
  }

  override get minimumRank(): number {
    return this.#plan.inputs[0]?.shape.length ?? 2;
  }

  override get inputDtype() {
    return this.#plan.inputs[0]?.dtype ?? "float32";
  }

  override get outputCount(): number {
    return this.#plan.outputs.length;
  }

  override plan(): Plan {
    return this.#plan;
  }

  override check(...shapes: readonly (readonly unknown[])[]): void {
    const { length } = this.#plan.inputs;
    this.requireInputs(shapes.length, length, length, `${length} input${length === 1 ? "" : "s"}`);
  }

  override apply(inputs: Symbolic | readonly Symbolic[]): Out {
    const made = super.apply(inputs) as Symbolic | readonly Symbolic[];
    return inForm(this.#form, made instanceof Symbolic ? [made] : made) as Out;
  }

  protected override outputsOf(results: ReadonlyMap<string, Tensor>): Tensors<Out> {
    const tensors = this.#plan.outputs.map(({ name }) => results.get(name)!);
    return inForm(this.#form, tensors) as Tensors<Out>;
  }
}

/**
 * A model from `inputs` to `outputs` (one, a list, or a record that names them). Keras `Model`. Throws E2001
 * for a cycle, E2002 for an input that is missing or that nothing needs, E2005 for two layers of one name.
 */
export function model<Out extends Outputs>(options: FunctionalOptions<Out>): Model<Out> {
  return new Functional(options);
}

/** The values in the form `form` has: alone, a list, or by name. */
function inForm<T>(form: Outputs, values: readonly T[]): T | readonly T[] | { readonly [name: string]: T } {
  if (form instanceof Symbolic) return values[0]!;
  if (Array.isArray(form)) return values;
  return Object.fromEntries(Object.keys(form).map((name, i) => [name, values[i]!] as const));
}

type Use = Application<Layer<unknown>>;

function planOf(inputs: readonly Symbolic[], form: Outputs, at: SourceLocation | undefined): Plan {
  const bag = new DiagnosticBag();
  const outputs = form instanceof Symbolic ? [form] : Object.values(form);
  const order = inOrder(outputs, bag, at);
  checkInputs(inputs, order, bag, at);
  const names = namesOf(inputs, order, bag);
  bag.throwIfAny();
  const numbers = numbered(inputs, order);
  const number = (tensor: Symbolic) => numbers.get(tensor.origin)! + tensor.index;
  return {
    inputs: inputs.map((one) => {
      const spec = one.origin as InputSpec;
      return { ...spec, name: names.of(spec) };
    }),
    steps: order.applications.map(
      (use): PlanStep => ({
        layer: use.layer,
        name: names.of(use.layer),
        inputs: use.inputs.map(number),
        at: use.at,
      }),
    ),
    outputs: outputNames(form, outputs, names).map((name, i) => ({ name, value: number(outputs[i]!) })),
  };
}

interface Order {
  /** Each after what it needs. */
  readonly applications: readonly Use[];
  readonly inputs: ReadonlySet<InputSpec>;
}

/** Depth first without recursion, because a model may be thousands of layers deep. */
function inOrder(outputs: readonly Symbolic[], bag: DiagnosticBag, at: SourceLocation | undefined): Order {
  const applications: Use[] = [];
  const inputs = new Set<InputSpec>();
  const state = new Map<Use, "open" | "done">();
  const stack = outputs.map((tensor) => tensor.origin).reverse();
  while (stack.length > 0) {
    const origin = stack.at(-1)!;
    if ("kind" in origin) {
      inputs.add(origin);
      stack.pop();
      continue;
    }
    const use = origin as Use;
    const before = state.get(use);
    if (before === undefined) {
      state.set(use, "open");
      for (const { origin: next } of use.inputs.toReversed())
        if (state.get(next as Use) === "open") bag.add(cycle(use, next as Use, at));
        else if (state.get(next as Use) !== "done") stack.push(next);
    } else {
      stack.pop();
      if (before === "open") applications.push(use);
      state.set(use, "done");
    }
  }
  return { applications, inputs };
}

function checkInputs(
  inputs: readonly Symbolic[],
  order: Order,
  bag: DiagnosticBag,
  at: SourceLocation | undefined,
): void {
  const declared = new Set(inputs.map((one) => one.origin));
  const title = (spec: InputSpec) => (spec.givenName ? `input "${spec.givenName}"` : "an input");
  const place = (spec: InputSpec) => ((spec.at ?? at) ? { at: (spec.at ?? at)! } : {});
  inputs.forEach((one, i) => {
    if (!("kind" in one.origin))
      bag.add({
        code: "E2002",
        message: `entry ${i} of inputs is the output of a ${one.origin.layer.kind} layer, not an input`,
        fix: "list what input(...) returned",
        ...(at && { at }),
      });
    else if (!order.inputs.has(one.origin))
      bag.add({
        code: "E2002",
        message: `${title(one.origin)} is listed, but no output can be reached from it`,
        facts: [{ subject: title(one.origin), value: "unreachable" }],
        fix: "leave it out of inputs, or use it",
        ...place(one.origin),
      });
  });
  for (const spec of order.inputs)
    if (!declared.has(spec))
      bag.add({
        code: "E2002",
        message: `the outputs need ${title(spec)}, but it is not among the model's inputs`,
        facts: [{ subject: title(spec), value: `[${spec.shape.join(", ")}]` }],
        fix: "add it to inputs",
        ...place(spec),
      });
}

function namesOf(inputs: readonly Symbolic[], order: Order, bag: DiagnosticBag): Names<Named> {
  const specs = inputs.flatMap((one): Named[] => ("kind" in one.origin ? [one.origin] : []));
  const names = new Names<Named>([...specs, ...order.applications.map(({ layer }) => layer)]);
  for (const problem of names.problems) bag.add(problem);
  return names;
}

function numbered(inputs: readonly Symbolic[], order: Order): ReadonlyMap<Symbolic["origin"], number> {
  const numbers = new Map<Symbolic["origin"], number>(inputs.map((one, i) => [one.origin, i]));
  let next = inputs.length;
  for (const use of order.applications) {
    numbers.set(use, next);
    next += use.layer.outputCount;
  }
  return numbers;
}

/** The keys of a record, else the names of the layers that make them. */
function outputNames(form: Outputs, outputs: readonly Symbolic[], names: Names<Named>): readonly string[] {
  if (!(form instanceof Symbolic) && !Array.isArray(form)) return Object.keys(form);
  const taken = new Map<string, number>();
  return outputs.map(({ origin }) => {
    const stem = names.of("kind" in origin ? origin : (origin as Use).layer);
    const count = taken.get(stem) ?? 0;
    taken.set(stem, count + 1);
    return count === 0 ? stem : `${stem}_${count}`;
  });
}

function cycle(use: Use, again: Use, at: SourceLocation | undefined): Diagnostic {
  const title = ({ layer }: Use) => layer.givenName ?? layer.kind;
  const place = use.at ?? at;
  return {
    code: "E2001",
    message: `${title(again)} needs its own output, through ${title(use)}`,
    chain: [title(again), title(use), title(again)],
    fix: "feed one of them from somewhere else",
    ...(place && { at: place }),
  };
}
