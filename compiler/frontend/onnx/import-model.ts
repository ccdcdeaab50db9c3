/**
 * One import of a checked file: the inputs declared, every node built. A file may be imported several times,
 * because the elements of inputs that decide shapes are part of the graph; an import remembers which it asked
 * for, and so which samples it serves.
 */
import type { DType } from "../../../runtime/dtype.ts";
import type { Tensor } from "../../../runtime/tensor.ts";
import { fail } from "../../diagnostics/index.ts";
import { constant, type Store } from "../../dims/index.ts";
import { GraphBuilder } from "../../infer/builder.ts";
import type { Graph, Value } from "../../ir/graph.ts";
import type { Registry } from "./check.ts";
import { dtypeOfElement } from "./element-types.ts";
import { type ImportedUse, Importer } from "./importer.ts";
import type { OnnxDim, OnnxGraph, OnnxModel, ValueInfo } from "./model.ts";
import { DimNames } from "./names.ts";
import type { StoredTensor, TensorStore } from "./tensor-store.ts";

/** What a sample may say about an input; remembers what it was asked. */
export class Answers {
  readonly elements = new Map<string, Tensor | undefined>();
  readonly shapes = new Map<string, readonly number[] | undefined>();
  readonly #sample: GivenInputs;
  /** Dims that the graph has as 1. */
  readonly ones: ReadonlySet<string>;
  /** Whether the graph is for the sizes of the sample alone. */
  readonly fixed: boolean;
  /** Whether the sample's values choose between branches. */
  readonly chooses: boolean;
  /** Inputs whose values would choose between branches, had they been asked. */
  readonly choices = new Map<string, DType>();

  constructor(sample: GivenInputs, { fixed = false, chooses = false }: Decides = {}) {
    this.#sample = sample;
    this.ones = sample.ones;
    this.fixed = fixed;
    this.chooses = chooses;
  }

  couldChoose({ name, type }: Value): void {
    this.choices.set(name, type.dtype);
  }

  elementsOf(name: string): Tensor | undefined {
    const tensor = this.#sample.elements(name);
    this.elements.set(name, tensor);
    return tensor;
  }

  shapeOf(name: string): readonly number[] | undefined {
    const shape = this.#sample.shape(name);
    this.shapes.set(name, shape);
    return shape;
  }

  /** Whether a sample that says more could help. */
  get wanting(): boolean {
    return [...this.elements.values(), ...this.shapes.values()].includes(undefined);
  }

  /** Whether another sample would have answered the same. */
  agree(other: GivenInputs): boolean {
    return (
      [...this.ones].join(" ") === [...other.ones].join(" ") &&
      [...this.elements].every(([name, tensor]) => sameElements(tensor, other.elements(name))) &&
      [...this.shapes].every(([name, shape]) => String(shape) === String(other.shape(name)))
    );
  }
}

/** What a sample decides beside the sizes it binds. */
export interface Decides {
  readonly fixed?: boolean;
  readonly chooses?: boolean;
}

export interface GivenInputs {
  elements(name: string): Tensor | undefined;
  shape(name: string): readonly number[] | undefined;
  /** Dims that are 1. */
  readonly ones: ReadonlySet<string>;
}

function sameElements(a: Tensor | undefined, b: Tensor | undefined): boolean {
  if (!a || !b) return a === b;
  return a.data.length === b.data.length && a.data.every((x: unknown, i: number) => Object.is(x, b.data[i]));
}

export interface ImportedModel {
  readonly graph: Graph;
  readonly builder: { readonly store: Store };
  readonly uses: readonly ImportedUse[];
  readonly weights: ReadonlyMap<string, StoredTensor>;
  /** What the file says of its own values and does not keep. */
  readonly notes: readonly string[];
  /** What was asked of the sample. */
  readonly answers: Answers;
}

/** @throws CompileError with everything that cannot be imported; E3104 alone if more answers would help. */
export function importModel(
  name: string,
  model: OnnxModel,
  answers: Answers,
  context: { readonly registry: Registry; readonly tensors: TensorStore },
): ImportedModel {
  const builder = new GraphBuilder(name, undefined, (input) => answers.elementsOf(input.name));
  const inputs = declareInputs(model.graph, builder, answers);
  const importer = new Importer({ model, builder, answers, ...context });
  const graph = builder.finish(importer.run(inputs));
  const { uses, weights, notes } = importer;
  return { graph, builder, uses, weights, notes, answers };
}

/** The inputs that are fed: one with a default is a tensor like any other. */
export function fedInputs(graph: OnnxGraph): readonly ValueInfo[] {
  const defaults = new Set([...graph.initializers, ...graph.sparseInitializers].map(({ name }) => name));
  return graph.inputs.filter(({ name }) => !defaults.has(name));
}

/** The inputs as values of `builder`, by name. */
export function declareInputs(
  graph: OnnxGraph,
  builder: GraphBuilder,
  answers: Answers,
): ReadonlyMap<string, Value> {
  const inputs = fedInputs(graph);
  const dims = inputs.flatMap(({ type }) => (type.kind === "tensor" ? (type.shape ?? []) : []));
  const names = new DimNames(dims.filter(isName));
  return new Map(
    inputs.map((info) => {
      const named = names.shape(shapeOf(info, answers), info.name);
      const shape = named.map((d) => (answers.ones.has(`${d}`) ? constant(1) : d));
      const type = { dtype: declaredType(info), shape };
      return [info.name, builder.input(info.name, type, { path: info.name })];
    }),
  );
}

const isName = (d: OnnxDim): d is string => typeof d === "string";

export function declaredType({ name, type }: ValueInfo): DType {
  const dtype = type.kind === "tensor" ? dtypeOfElement(type.elementType) : undefined;
  if (dtype !== undefined) return dtype;
  return fail({
    code: "E3102",
    message: `the input "${name}" has no element type`,
    fix: "export the model again, with the types of its inputs",
  });
}

export const declaredShape = ({ type }: ValueInfo): readonly OnnxDim[] | undefined =>
  type.kind === "tensor" ? type.shape : undefined;

/** Sizes that the file leaves open are the sample's where the graph is for that alone. */
function shapeOf(info: ValueInfo, answers: Answers): readonly OnnxDim[] {
  const declared = declaredShape(info);
  if (declared && !answers.fixed) return declared;
  const given = answers.shapeOf(info.name);
  if (declared) return declared.map((d, axis) => (typeof d === "bigint" ? d : sizeAt(given, axis, d)));
  if (given) return given.map((n) => BigInt(n));
  return fail({
    code: "E3104",
    message: `the file does not say how many axes the input "${info.name}" has`,
    fix: `give its shape in a sample, as in --sample ${info.name}=2,3`,
  });
}

function sizeAt(given: readonly number[] | undefined, axis: number, d: OnnxDim): OnnxDim {
  const size = given?.[axis];
  return size === undefined ? d : BigInt(size);
}
