/**
 * A checked file to a graph of core ops, node by node in order: the registry says what each operator is built
 * of, functions of the model are written out where they are called, graphs in attributes where their node
 * stands. A node that cannot be imported is reported, and so is every other one that does not depend on it.
 */
import { dtypes } from "../../../runtime/dtype.ts";
import type { Tensor } from "../../../runtime/tensor.ts";
import { CompileError, type Diagnostic, DiagnosticBag } from "../../diagnostics/index.ts";
import { constant } from "../../dims/index.ts";
import type { GraphBuilder } from "../../infer/builder.ts";
import { toTensor } from "../../infer/dim-tensor.ts";
import type { Output, Value } from "../../ir/graph.ts";
import { Ops } from "../ops/composites.ts";
import { readAttributes } from "./attributes.ts";
import type { Registry } from "./check.ts";
import { checkDeclared } from "./declared.ts";
import { Functions, givenAttributes, substituted } from "./functions.ts";
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxSparseTensor, OnnxTensor, Opsets } from "./model.ts";
import { nodePaths } from "./names.ts";
import { ImportedNode, type Services } from "./node-context.ts";
import { type Inside, keyOf, type OperatorRow, rowFor } from "./operator.ts";
import { freeNames, inOrder } from "./order.ts";
import { type Binding, bound, failed, Scope } from "./scope.ts";
import type { StoredTensor, TensorStore } from "./tensor-store.ts";

/** A list of axes or sizes is no weight: integers up to this many stay constants of the graph. */
const FEW = 64;

/** What a graph is imported with. */
export interface ImportSettings {
  readonly model: OnnxModel;
  readonly registry: Registry;
  readonly tensors: TensorStore;
  readonly builder: GraphBuilder;
  readonly answers: Answers;
}

/** What a sample may decide; see `import-model.ts`. */
export interface Answers {
  /** Whether the graph is for the sizes of the sample alone. */
  readonly fixed: boolean;
  /** Whether the sample's values choose between branches. */
  readonly chooses: boolean;
  /** Is told of inputs whose values would choose. */
  couldChoose(input: Value): void;
}

/** One use of an operator or function, for reports. */
export interface ImportedUse {
  readonly path: string;
  readonly kind: string;
  readonly outputs: readonly Value[];
  /** Names of the file; "" for what is left out. */
  readonly reads: readonly string[];
}

export class Importer implements Services {
  /** The tensors of the file that became parameters. */
  readonly weights = new Map<string, StoredTensor>();
  readonly uses: ImportedUse[] = [];
  readonly #model: OnnxModel;
  readonly #registry: Registry;
  readonly #tensors: TensorStore;
  readonly #functions: Functions;
  readonly #builder: GraphBuilder;
  readonly #answers: Answers;
  readonly #bag = new DiagnosticBag();
  #opsets: Opsets;

  constructor({ model, registry, tensors, builder, answers }: ImportSettings) {
    this.#model = model;
    this.#registry = registry;
    this.#tensors = tensors;
    this.#functions = new Functions(model);
    this.#builder = builder;
    this.#answers = answers;
    this.#opsets = model.opsets;
  }

  /** What the file says of its own values and does not keep. */
  notes: readonly string[] = [];

  /** The outputs of the whole file. `inputs` are its inputs by name. */
  run(inputs: ReadonlyMap<string, Value>): readonly Output[] {
    const { graph } = this.#model;
    const scope = new Scope();
    for (const [name, value] of inputs) scope.define(name, bound(value));
    const bindings = this.#body(graph, scope, new Ops(this.#builder));
    this.#bag.throwIfAny();
    const { fixed } = this.#answers;
    this.notes = checkDeclared(graph, scope, { builder: this.#builder, bag: this.#bag, fixed });
    this.#bag.throwIfAny();
    return graph.outputs.map(({ name }, i) => ({ name, value: bindings[i]!.value(this.#builder) }));
  }

  tensor(tensor: OnnxTensor): Tensor {
    return this.#tensors.of(tensor).tensor();
  }

  known(value: Value, builder: GraphBuilder): Tensor | undefined {
    const elements = builder.fixedElementsOf(value);
    return elements && toTensor(elements);
  }

  elements(value: Value, builder: GraphBuilder): Tensor | undefined {
    const elements = builder.elementsOf(value);
    return elements && toTensor(elements);
  }

  choice(value: Value, builder: GraphBuilder): Tensor | undefined {
    const known = this.known(value, builder);
    if (known) return known;
    const chosen = this.#answers.chooses ? this.elements(value, builder) : undefined;
    if (!chosen) for (const input of builder.inputsBehind(value)) this.#answers.couldChoose(input);
    return chosen;
  }

  dims(value: Value, builder: GraphBuilder) {
    return builder.elementsOf(value)?.dims;
  }

  inline(
    graph: OnnxGraph,
    around: Scope,
    inputs: readonly Value[],
    outer: Ops,
    inside?: Inside,
  ): readonly Value[] {
    const scope = new Scope(around);
    for (const [name, value] of inside?.given ?? []) scope.define(name, bound(value));
    if (inside) bringKnown(graph, scope, outer, inside);
    graph.inputs.forEach(({ name }, i) => {
      scope.define(name, bound(inputs[i]!));
    });
    const { ops } = inside ?? { ops: outer };
    const bindings = this.#body(graph, scope, ops);
    if (bindings.includes(failed)) throw new Failure();
    return bindings.map((binding) => binding.value(ops.builder));
  }

  captured(graph: OnnxGraph, scope: Scope, { builder }: Ops): ReadonlyMap<string, Value> {
    const values = new Map<string, Value>();
    for (const name of freeNames(graph)) {
      const binding = scope.find(name);
      if (binding === failed) throw new Failure();
      if (isSmall(binding.stored)) continue;
      const value = binding.value(builder);
      if (!builder.fixedElementsOf(value)) values.set(name, value);
    }
    return values;
  }

  /** Everything in a graph; its outputs. */
  #body(graph: OnnxGraph, scope: Scope, ops: Ops): readonly Binding[] {
    for (const tensor of [...graph.initializers, ...graph.sparseInitializers])
      scope.define(tensor.name, this.#stored(tensor.name, tensor));
    this.#nodes(graph.nodes, scope, ops);
    return graph.outputs.map(({ name }) => scope.find(name));
  }

  #nodes(nodes: readonly OnnxNode[], scope: Scope, ops: Ops): void {
    const paths = nodePaths(nodes);
    for (const node of inOrder(nodes).nodes)
      ops.builder.within({ path: paths.get(node)! }, () => this.#node(node, paths.get(node)!, scope, ops));
  }

  #node(node: OnnxNode, path: string, scope: Scope, ops: Ops): void {
    const operands = node.inputs.filter((name) => name !== "").map((name) => scope.find(name));
    let results: readonly (Binding | undefined)[] = node.outputs.map(() => failed);
    if (!operands.includes(failed))
      try {
        results = this.#results(node, path, scope, ops);
      } catch (error) {
        if (error instanceof CompileError) this.#report(error, node, path);
        else if (error instanceof RangeError) this.#report(unheld(error, node), node, path);
        else if (error instanceof TypeError) this.#report(this.#unfit(error, node, scope, ops), node, path);
        else if (!(error instanceof Failure)) throw error;
      }
    node.outputs.forEach((name, i) => {
      const result = results[i];
      if (name !== "") scope.define(name, result ?? unmade(node, i));
    });
  }

  #results(node: OnnxNode, path: string, scope: Scope, ops: Ops): readonly (Binding | undefined)[] {
    const { domain, opType } = node;
    const version = this.#opsets.get(domain) ?? 1;
    const operator = this.#registry.get(keyOf(domain, opType));
    const row = operator && rowFor(operator, version);
    if (!row) return this.#call(node, scope, ops);
    const constantNode = opType === "Constant" && domain === "" ? this.#constantOf(node, row) : undefined;
    if (constantNode) return [constantNode];
    const context = new ImportedNode(ops, node, version, scope, this);
    context.checkRanks();
    const made = row.run(context, readAttributes(node.attributes, row.attributes).values);
    const values = isValue(made) ? [made] : made;
    const outputs = values.filter((value) => value !== undefined);
    this.uses.push({ path, kind: opType, outputs, reads: node.inputs });
    return values.map((value) => value && bound(value));
  }

  /** A Constant is a tensor of the file like any other: it becomes a value where one is needed. */
  #constantOf(node: OnnxNode, row: OperatorRow): Binding | undefined {
    const { values } = readAttributes(node.attributes, row.attributes);
    const tensor = (values["value"] ?? values["sparse_value"]) as OnnxTensor | OnnxSparseTensor | undefined;
    return tensor && this.#stored(node.outputs[0] ?? "", tensor);
  }

  /** A node that calls a function of the model: its body, in a scope of its own. */
  #call(node: OnnxNode, scope: Scope, ops: Ops): readonly Binding[] {
    const { body } = this.#functions.of(node)!;
    const inner = new Scope();
    body.inputs.forEach((name, i) => {
      const given = node.inputs[i] ?? "";
      inner.define(name, given === "" ? absent : scope.find(given));
    });
    const attributes = givenAttributes(node, body);
    const opsets = this.#opsets;
    this.#opsets = body.opsets;
    try {
      this.#nodes(
        withoutAbsent(
          body.nodes.map((each) => substituted(each, attributes)),
          inner,
        ),
        inner,
        ops,
      );
    } finally {
      this.#opsets = opsets;
    }
    return body.outputs.map((name) => inner.find(name));
  }

  #stored(name: string, source: OnnxTensor | OnnxSparseTensor): Binding {
    const values = new Map<GraphBuilder, Value>();
    const stored = this.#tensors.of(source);
    return {
      stored,
      value: (builder) => {
        let value = values.get(builder);
        if (!value) {
          const isConstant = builder !== this.#builder || isSmall(stored);
          value = isConstant ? builder.constant(stored.tensor()) : this.#parameter(name, stored);
          values.set(builder, value);
        }
        return value;
      },
    };
  }

  #parameter(name: string, stored: StoredTensor): Value {
    const type = { dtype: stored.dtype, shape: stored.shape.map((n) => constant(n)) };
    const source = { path: name };
    const value = this.#builder.parameter(name || "constant", type, { kind: "zeros" }, { source });
    this.weights.set(value.name, stored);
    return value;
  }

  /**
   * Operands have fewer axes than their attributes or each other ask for. Importers take the axes that the
   * specification gives; one that is not there is undefined, and reading from that is what engines call a
   * TypeError.
   */
  #unfit(error: TypeError, { domain, opType, inputs }: OnnxNode, scope: Scope, ops: Ops): CompileError {
    if (!/undefined/.test(error.message)) throw error;
    const given = inputs.filter((name) => name !== "");
    const shapes = given.map((name) => `"${name}" [${shapeOf(scope.find(name), ops).join(", ")}]`);
    const message = `${keyOf(domain, opType)} takes axes that its operands do not have: ${shapes.join(", ")}`;
    const fix = "give the node tensors as its operator describes them";
    return new CompileError([{ code: "E3103", message, fix }]);
  }

  #report({ diagnostics }: CompileError, { domain, opType }: OnnxNode, path: string): void {
    for (const diagnostic of diagnostics) {
      const about: Diagnostic = { layer: path, ...diagnostic };
      const named = [about.message, about.layer ?? ""].some((text) => text.includes(path));
      const because = `the node ${path} is ${keyOf(domain, opType)}`;
      this.#bag.add(named && about.because ? about : { ...about, because: about.because ?? because });
    }
  }
}

/** Without making a parameter of what the file holds. */
const shapeOf = ({ stored, value }: Binding, { builder }: Ops): readonly unknown[] =>
  stored?.shape ?? value(builder).type.shape;

/** Elements that are known around a body are known in it: it makes them itself. */
function bringKnown(graph: OnnxGraph, scope: Scope, { builder }: Ops, { ops, given }: Inside): void {
  for (const name of freeNames(graph)) {
    const binding = scope.find(name);
    if (given.has(name) || binding === failed || binding.stored) continue;
    const elements = builder.fixedElementsOf(binding.value(builder));
    if (!elements) throw new Error(`internal: ${name} is not given to the body`);
    const known = toTensor(elements);
    const made = known
      ? ops.constant(known)
      : ops.reshape(ops.builder.dimensions(elements.dims, elements.dtype), elements.shape);
    scope.define(name, bound(made));
  }
}

/** A number of the file is none of the dtype that something is computed in: a depth of 2^40, say. */
function unheld({ message }: RangeError, { domain, opType }: OnnxNode): CompileError {
  const fix = "export the model again, with numbers that fit";
  return new CompileError([{ code: "E3103", message: `${keyOf(domain, opType)}: ${message}`, fix }]);
}

/** Something inside failed and is reported already. */
class Failure extends Error {}

const isValue = (made: unknown): made is Value => typeof made === "object" && made !== null && "id" in made;

/** What is better known to the passes than kept as a weight: single numbers and short lists of integers. */
function isSmall(stored: StoredTensor | undefined): boolean {
  if (!stored) return false;
  const few = dtypes[stored.dtype].kind === "float" ? 1 : FEW;
  return stored.length <= few;
}

function unmade({ opType }: OnnxNode, i: number): Binding {
  return {
    value() {
      throw new CompileError([
        {
          code: "E4103",
          message: `result ${i} of ${opType} is read, but it is not made`,
          fix: "export the model without it",
        },
      ]);
    },
  };
}

/** An operand that a call of a function leaves out. */
const absent: Binding = {
  value() {
    throw new Error("internal: an operand that is left out is read");
  },
};

/** Nodes of a body with the names that the call left out made empty. */
function withoutAbsent(nodes: readonly OnnxNode[], scope: Scope): readonly OnnxNode[] {
  const gone = scope.namesOf(absent);
  if (gone.size === 0) return nodes;
  return nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => (gone.has(name) ? "" : name)),
  }));
}
