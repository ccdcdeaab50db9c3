/**
 * Runs a bound graph with the reference of every op: the definition of what is correct. Slow and plain on
 * purpose. Every result is checked against its declared type, so that inference and reference cannot drift
 * apart unnoticed. References see numbers: small floats are decoded before and rounded after each node, here
 * and nowhere else.
 */
import { decode, encode } from "../../runtime/elements.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { size } from "../../runtime/tensor.ts";
import { fail } from "../diagnostics/index.ts";
import { constant, type Dim, substitute, symbol, symbolsOf } from "../dims/index.ts";
import type { Graph, Node, Value } from "../ir/graph.ts";
import { nodeWith } from "../ir/graph-dims.ts";
import type { EvaluationContext } from "../ir/op.ts";
import type { Numerics } from "../ir/target.ts";
import { numbersOf, typeText } from "./definition.ts";
import { ops } from "./index.ts";

/**
 * The outputs by name. `inputs` holds a tensor for every input and every parameter, by value name; none is
 * modified.
 * @throws CompileError E2102 for a missing tensor, E2107 and E2104 for one of the wrong dtype or shape;
 * RangeError for a gather index outside its axis.
 */
export function evaluateGraph(
  graph: Graph,
  inputs: ReadonlyMap<string, Tensor>,
  numerics: Numerics = { accumulate: "float64" },
): Map<string, Tensor> {
  const values = new Map<Value, Tensor>();
  for (const value of [...graph.inputs, ...graph.parameters.map((parameter) => parameter.value)])
    values.set(value, given(value, inputs.get(value.name)));
  runNodes(graph, values, numerics, new Map());
  return new Map(graph.outputs.map(({ name, value }) => [name, read(values, value)]));
}

function given(value: Value, tensor: Tensor | undefined): Tensor {
  const { name, type } = value;
  const declared = typeText(type);
  const fact = { subject: name, value: declared, note: "declared" };
  if (tensor === undefined)
    return fail({
      code: "E2102",
      message: `no tensor for "${name}"`,
      facts: [fact],
      fix: `give one of type ${declared}`,
    });
  const found = `${tensor.dtype}[${tensor.shape.join(", ")}]`;
  if (found !== declared || tensor.data.length !== size(tensor.shape))
    fail({
      code: tensor.dtype === type.dtype ? "E2104" : "E2107",
      message: `"${name}" is declared ${declared}, but the tensor is ${found}`,
      facts: [fact, { subject: "tensor", value: found, note: `${tensor.data.length} elements` }],
      fix: `give a tensor of type ${declared}`,
    });
  return tensor;
}

/** `sizes`: those that earlier nodes have measured. */
function runNodes(
  graph: Graph,
  values: Map<Value, Tensor>,
  numerics: Numerics,
  sizes: Map<string, Dim>,
): void {
  const context: EvaluationContext = {
    numerics,
    run: (body, inputs) => runBody(body, inputs.map(stored), numerics).map(computable),
  };
  for (const node of graph.nodes) {
    const results = evaluateNode(
      sizes.size > 0 ? nodeWith(node, (d) => substitute(d, sizes)) : node,
      node.operands.map((operand) => read(values, operand)),
      context,
    );
    node.results.forEach((result, i) => {
      values.set(result, results[i]!);
    });
    if (node.op === "measure") learn(node, Number(results[0]!.data[0]), sizes);
  }
}

/** Throws RangeError where the graph is for another size. */
function learn({ attributes, source }: Node, found: number, sizes: Map<string, Dim>): void {
  const size = attributes["size"] as Dim;
  const known = substitute(size, sizes);
  const [name] = symbolsOf(known);
  if (name !== undefined && known === symbol(name)) sizes.set(name, constant(found));
  else if (known.value !== found)
    throw new RangeError(`${source.path || "measure"}: ${size} is ${found}, but the graph is for ${known}`);
}

function runBody(body: Graph, inputs: readonly Tensor[], numerics: Numerics): readonly Tensor[] {
  const values = new Map(body.inputs.map((value, i) => [value, given(value, inputs[i])]));
  runNodes(body, values, numerics, new Map());
  return body.outputs.map(({ value }) => read(values, value));
}

/** One node on concrete operands, its results checked against the declared types. */
export function evaluateNode(
  node: Node,
  operands: readonly Tensor[],
  context: EvaluationContext,
): readonly Tensor[] {
  const op = ops.get(node.op);
  if (op === undefined) throw new Error(`internal: unknown op ${node.op}`);
  const declared = node.results.map(({ type }) => ({ dtype: type.dtype, shape: numbersOf(type.shape) }));
  const results = op.evaluate(operands.map(computable), node.attributes, declared, context).map(stored);
  declared.forEach(({ dtype, shape }, i) => {
    const wanted = `${dtype}[${shape.join(", ")}]`;
    const result = results[i];
    const found = result === undefined ? "nothing" : `${result.dtype}[${result.shape.join(", ")}]`;
    if (found !== wanted || result?.data.length !== size(shape))
      throw new Error(
        `internal: ${node.op} declares ${wanted} for %${node.results[i]!.name}, but gives ${found}`,
      );
  });
  return results;
}

/** A tensor as references take them: its data are numbers, whatever its dtype. */
function computable(tensor: Tensor): Tensor {
  const data = decode(tensor.dtype, tensor.data);
  return data === tensor.data ? tensor : { ...tensor, data };
}

/** What a reference gave, rounded or wrapped to its dtype. */
function stored(tensor: Tensor): Tensor {
  const data = encode(tensor.dtype, tensor.data);
  return data === tensor.data ? tensor : { ...tensor, data };
}

function read(values: ReadonlyMap<Value, Tensor>, value: Value): Tensor {
  const tensor = values.get(value);
  if (tensor === undefined) throw new Error(`internal: %${value.name} is used before it is computed`);
  return tensor;
}
