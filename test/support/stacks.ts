/**
 * Random stacks of layers for property tests: valid models with an input shape that fits, small enough to run
 * by the reference. A stack is made from plain numbers that choose layers and arguments; a choice that does
 * not fit the shape it meets is repaired to the next one that does, so that every shrunk list of numbers is a
 * valid stack too, and counter-examples end up short. They print as the source code that builds them.
 */
import fc from "fast-check";
import * as api from "../../compiler/frontend/index.ts";
import {
  input,
  type Layer,
  type Model,
  model,
  type Symbolic,
  sequential,
} from "../../compiler/frontend/index.ts";
import type { DType } from "../../runtime/dtype.ts";
import { type Choices, rows, type Shape } from "./stacks/rows.ts";

export interface StackInput {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** One more than the largest value an int32 input may have. */
  readonly below: number | undefined;
}

export interface Stack {
  /** A new model each time, without numbers; sequential ones do not declare their input. */
  build(): Model<Symbolic> | Model<readonly Symbolic[]>;
  /** What to sample it with. */
  readonly inputs: readonly StackInput[];
  /** The shapes of its outputs under that sample, worked out by the generator on its own. */
  readonly outputs: readonly Shape[];
  /** The code that builds it. */
  toString(): string;
}

export interface StackOptions {
  /** Most layers, default 6. */
  readonly layers?: number;
}

interface Recipe {
  readonly functional: boolean;
  readonly shape: readonly number[];
  readonly declared: readonly boolean[];
  readonly words: boolean;
  readonly steps: readonly Choices[];
}

interface Step {
  readonly call: string;
  readonly make: () => Layer<unknown>;
  readonly inputs: readonly number[];
  readonly output: Shape;
}

/** Random stacks; they shrink to fewer layers, smaller sizes and plainer arguments. */
export function stackArbitrary(options: StackOptions = {}): fc.Arbitrary<Stack> {
  const choices = fc.record({
    layer: fc.nat(rows.length - 1),
    inputs: fc.tuple(fc.nat(9), fc.nat(9)),
    arguments: fc.array(fc.nat(11), { minLength: 8, maxLength: 8 }),
  });
  return fc
    .record({
      functional: fc.boolean(),
      shape: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 5 }),
      declared: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      words: fc.nat(7).map((n) => n === 7),
      steps: fc.array(choices, { minLength: 1, maxLength: options.layers ?? 6 }),
    })
    .map(stackOf);
}

function stackOf(recipe: Recipe): Stack {
  const vocabulary = 4;
  const shape = recipe.words ? recipe.shape.slice(0, 2) : recipe.shape;
  const values: Shape[] = [shape];
  const steps: Step[] = [];
  const add = (step: Step) => {
    steps.push(step);
    values.push(step.output);
  };
  if (recipe.words) add(stepOf("embedding", { inputDim: vocabulary, outputDim: 3 }, [0], [...shape, 3]));
  // Words are for the embedding only.
  const usable = recipe.words ? 1 : 0;
  for (const choices of recipe.steps) add(next(recipe.functional, choices, values, usable));
  const dtype: DType = recipe.words ? "int32" : "float32";
  const below = recipe.words ? vocabulary : undefined;
  const ends = recipe.functional ? unused(values, steps) : [values.length - 1];
  const declared = shape.map((n, axis) => (axis > 0 && recipe.declared[axis] ? n : null));
  return {
    inputs: [{ name: "x", dtype, shape, below }],
    outputs: ends.map((end) => values[end]!),
    build: () => (recipe.functional ? functional(steps, ends, declared, dtype) : chain(steps)),
    toString: () =>
      recipe.functional ? functionalText(steps, ends, declared, dtype, shape) : chainText(steps, shape),
  };
}

/** The first layer from the chosen one on that can take one of the values. */
function next(functional: boolean, choices: Choices, values: readonly Shape[], usable: number): Step {
  const last = values.length - 1;
  const [first, second] = choices.inputs.map((i) =>
    functional ? last - (i % (values.length - usable)) : last,
  ) as [number, number];
  for (let i = 0; i < rows.length; i++) {
    const row = rows[(choices.layer + i) % rows.length]!;
    if (row.inputs === 2 && !functional) continue;
    const taken = row.inputs === 2 ? [first, second] : [first];
    const made = row.make(
      taken.map((value) => values[value]!),
      choices.arguments,
    );
    if (made && made.output.reduce((n, d) => n * d, 1) <= 400)
      return stepOf(row.name, made.options, taken, made.output);
  }
  return stepOf("identity", {}, [first], values[first]!);
}

function stepOf(name: string, options: object, inputs: readonly number[], output: Shape): Step {
  return { call: `${name}(${textOf(options)})`, make: () => layerOf(name, options), inputs, output };
}

interface Nested {
  readonly layer: string;
  readonly options: object;
}

const isNested = (value: unknown): value is Nested =>
  typeof value === "object" && value !== null && "layer" in value && "options" in value;

function layerOf(name: string, options: object): Layer<unknown> {
  const factories = api as unknown as Record<string, (options: object) => Layer<unknown>>;
  const ready = Object.entries(options).map(([key, value]) =>
    isNested(value) ? [key, layerOf(value.layer, value.options)] : [key, value],
  );
  return factories[name]!(Object.fromEntries(ready) as object);
}

function textOf(options: object): string {
  const entries = Object.entries(options).map(([key, value]) =>
    isNested(value) ? `${key}: ${value.layer}(${textOf(value.options)})` : `${key}: ${JSON.stringify(value)}`,
  );
  return entries.length === 0 ? "" : `{ ${entries.join(", ")} }`;
}

/** Values that no step reads, in order. */
function unused(values: readonly Shape[], steps: readonly Step[]): readonly number[] {
  const read = new Set(steps.flatMap((step) => step.inputs));
  return values.map((_, i) => i).filter((i) => !read.has(i));
}

function chain(steps: readonly Step[]): Model<Symbolic> {
  return sequential(steps.map((step) => step.make()));
}

function functional(
  steps: readonly Step[],
  ends: readonly number[],
  declared: readonly (number | null)[],
  dtype: DType,
): Model<readonly Symbolic[]> {
  const x = input({ batchShape: declared, dtype, name: "x" });
  const values: Symbolic[] = [x];
  for (const step of steps) values.push(step.make().apply(step.inputs.map((i) => values[i]!)) as Symbolic);
  return model({ inputs: x, outputs: ends.map((end) => values[end]!) });
}

function chainText(steps: readonly Step[], shape: Shape): string {
  const lines = steps.map(({ call }) => `  ${call},`);
  return ["sequential([", ...lines, `]) // x: [${shape.join(", ")}]`].join("\n");
}

function functionalText(
  steps: readonly Step[],
  ends: readonly number[],
  declared: readonly (number | null)[],
  dtype: DType,
  shape: Shape,
): string {
  const name = (i: number) => (i === 0 ? "x" : `v${i}`);
  const lines = steps.map(
    ({ call, inputs, output }, i) =>
      `const v${i + 1} = ${call}.apply([${inputs.map(name).join(", ")}]); // [${output.join(", ")}]`,
  );
  const options = JSON.stringify({ batchShape: declared, dtype });
  return [
    `const x = input(${options}); // [${shape.join(", ")}]`,
    ...lines,
    `model({ inputs: x, outputs: [${ends.map(name).join(", ")}] })`,
  ].join("\n");
}
