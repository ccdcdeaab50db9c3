/** One node as its importer sees it: see `NodeContext`. */
import type { Tensor } from "../../../runtime/tensor.ts";
import { CompileError } from "../../diagnostics/index.ts";
import { constant, type Dim } from "../../dims/index.ts";
import type { GraphBuilder } from "../../infer/builder.ts";
import type { Value } from "../../ir/graph.ts";
import type { Ops } from "../ops/composites.ts";
import type { OnnxGraph, OnnxNode, OnnxTensor } from "./model.ts";
import { wrongRank } from "./operand-counts.ts";
import { type Inside, keyOf, type NodeContext } from "./operator.ts";
import type { Scope } from "./scope.ts";

/** What the importer does for the node it is at. */
export interface Services {
  tensor(tensor: OnnxTensor): Tensor;
  /** Elements that the file says, or that follow from those. */
  known(value: Value, builder: GraphBuilder): Tensor | undefined;
  /** The same for dims, and for inputs whose elements the sample gives. */
  dims(value: Value, builder: GraphBuilder): readonly Dim[] | undefined;
  elements(value: Value, builder: GraphBuilder): Tensor | undefined;
  /** Elements that say which graph is built. */
  choice(value: Value, builder: GraphBuilder): Tensor | undefined;
  inline(
    graph: OnnxGraph,
    scope: Scope,
    inputs: readonly Value[],
    outer: Ops,
    inside?: Inside,
  ): readonly Value[];
  captured(graph: OnnxGraph, scope: Scope, ops: Ops): ReadonlyMap<string, Value>;
}

export class ImportedNode implements NodeContext {
  readonly ops: Ops;
  readonly node: OnnxNode;
  readonly opset: number;
  readonly #scope: Scope;
  readonly #services: Services;

  constructor(ops: Ops, node: OnnxNode, opset: number, scope: Scope, services: Services) {
    this.ops = ops;
    this.node = node;
    this.opset = opset;
    this.#scope = scope;
    this.#services = services;
  }

  /** @throws E3103 where an operand has a number of axes that the operator does not take. */
  checkRanks(): void {
    const { domain, opType, inputs } = this.node;
    const given = inputs.map((_, i) => (this.has(i) ? this.#rankOf(i) : undefined));
    const wrong = wrongRank(domain, opType, given);
    if (!wrong) return;
    const { operand, takes } = wrong;
    const wanted = takes.replace("+", " or more");
    const what = `operand ${inputs[operand]} is of rank ${given[operand]}, but has to be of ${wanted}`;
    this.wrong(what, "reshape it, or export the model again");
  }

  #rankOf(i: number): number {
    const { stored, value } = this.#binding(i);
    return (stored?.shape ?? value(this.ops.builder).type.shape).length;
  }

  has(i: number): boolean {
    return (this.node.inputs[i] ?? "") !== "";
  }

  wants(i: number): boolean {
    return (this.node.outputs[i] ?? "") !== "";
  }

  value(i: number): Value {
    return this.#binding(i).value(this.ops.builder);
  }

  optional(i: number): Value | undefined {
    return this.has(i) ? this.value(i) : undefined;
  }

  values(): readonly Value[] {
    return this.node.inputs.map((_, i) => this.value(i));
  }

  known(i: number): Tensor | undefined {
    const binding = this.#binding(i);
    return binding.stored?.tensor() ?? this.knownValue(binding.value(this.ops.builder));
  }

  choice(i: number): Tensor | undefined {
    const binding = this.#binding(i);
    return (
      binding.stored?.tensor() ?? this.#services.choice(binding.value(this.ops.builder), this.ops.builder)
    );
  }

  knownValue(value: Value): Tensor | undefined {
    return this.#services.known(value, this.ops.builder);
  }

  constant(i: number): Tensor {
    const binding = this.#binding(i);
    const tensor =
      binding.stored?.tensor() ?? this.#services.elements(binding.value(this.ops.builder), this.ops.builder);
    return tensor ?? this.#unknown(i);
  }

  ints(i: number): readonly number[] {
    return Array.from(this.constant(i).data as ArrayLike<number | bigint>, (element) => {
      const n = Number(element);
      if (Number.isSafeInteger(n)) return n;
      return this.wrong(`operand ${this.node.inputs[i]} has the element ${element}`, "give whole numbers");
    });
  }

  dims(i: number): readonly Dim[] {
    return this.decided(i) ?? this.#unknown(i);
  }

  decided(i: number): readonly Dim[] | undefined {
    const binding = this.#binding(i);
    if (binding.stored) return Array.from(binding.stored.tensor().data as ArrayLike<number | bigint>, exact);
    return this.#services.dims(binding.value(this.ops.builder), this.ops.builder);
  }

  attribute(tensor: OnnxTensor): Tensor {
    return this.#services.tensor(tensor);
  }

  inline(graph: OnnxGraph, inputs: readonly Value[], inside?: Inside): readonly Value[] {
    return this.#services.inline(graph, this.#scope, inputs, this.ops, inside);
  }

  captured(graph: OnnxGraph): ReadonlyMap<string, Value> {
    return this.#services.captured(graph, this.#scope, this.ops);
  }

  unsupported(what: string, fix: string): never {
    return this.#fail("E4103", what, fix);
  }

  open(what: string, fix: string): never {
    return this.#fail("E3104", what, fix);
  }

  wrong(what: string, fix: string): never {
    return this.#fail("E3103", what, fix);
  }

  #binding(i: number) {
    const name = this.node.inputs[i] ?? "";
    if (name !== "") return this.#scope.find(name);
    return this.wrong(`operand ${i} is left out`, `give it; the node has ${this.node.inputs.length}`);
  }

  #unknown(i: number): never {
    const name = this.node.inputs[i];
    return this.#fail(
      "E3104",
      `"${name}" decides the shape of the result, but its elements are not known`,
      "give the elements of the inputs it comes from in the sample; what only data decides cannot be a size",
    );
  }

  #fail(code: "E3103" | "E4103" | "E3104", what: string, fix: string): never {
    const { domain, opType } = this.node;
    throw new CompileError([
      { code, message: `${keyOf(domain, opType)}: ${what} (opset ${this.opset})`, fix },
    ]);
  }
}

/** Ends of slices may be the largest int64, which is no number. */
const exact = (element: number | bigint): Dim => constant(element);
