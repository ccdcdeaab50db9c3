/**
 * The ONNX graph that is being written: nodes in order, initialisers, and names that cannot collide. Rows of
 * the export table build with it as front ends build with a GraphBuilder: `node` gives the name of its
 * result.
 */
import type { DType, TypedArray } from "../../../../runtime/dtype.ts";
import { type Tensor, tensor as tensorOf } from "../../../../runtime/tensor.ts";
import { fail } from "../../../diagnostics/index.ts";
import { type Atom, constantOf, type Dim, terms } from "../../../dims/index.ts";
import type { Node, Value } from "../../../ir/graph.ts";
import { elementTypes } from "../element-types.ts";
import type { AttributeProto, GraphProto, NodeProto, TensorProto, ValueProto } from "./proto.ts";

/** A size of a shape: a number, or what is computed from open dims. */
export type Size = number | Dim;

/** A size of an input of the file that is `scale` times an open dim, and `offset`. */
interface Place extends Linear {
  readonly input: string;
  readonly axis: number;
}

interface Linear {
  readonly symbol: string;
  readonly scale: number;
  readonly offset: number;
}

/** What the graphs of one file share. */
interface Shared {
  readonly names: Set<string>;
  /** Where open dims can be read. */
  readonly places: Map<string, Place>;
  /** Initialisers live in the outermost graph, which every inner one can read. */
  readonly initializers: TensorProto[];
}

export class OnnxDraft {
  readonly #shared: Shared;
  readonly #nodes: NodeProto[] = [];
  readonly #values = new Map<Value, string>();
  /** int64 [1] for each open dim, and whatever stands in one, that was computed in this graph. */
  readonly #sizes = new Map<Dim | Atom | string, string>();

  constructor(outer?: OnnxDraft) {
    this.#shared = outer ? outer.#shared : { names: new Set(), places: new Map(), initializers: [] };
  }

  /** Declares an input of the file: open dims are read from its shape. */
  input(value: Value): void {
    const input = this.fresh(value.name);
    this.define(value, input);
    const { places } = this.#shared;
    value.type.shape.forEach((d, axis) => {
      const linear = linearIn(d);
      if (linear && !places.has(linear.symbol)) places.set(linear.symbol, { ...linear, input, axis });
    });
  }

  /** A name made of `stem` that nothing has yet. */
  fresh(stem: string): string {
    const { names } = this.#shared;
    let name = stem === "" ? "value" : stem;
    for (let i = 1; names.has(name); i++) name = `${stem}_${i}`;
    names.add(name);
    return name;
  }

  define(value: Value, name: string): void {
    this.#values.set(value, name);
  }

  nameOf(value: Value): string {
    const name = this.#values.get(value);
    if (name === undefined) throw new Error(`internal: ${value.name} is exported before it is computed`);
    return name;
  }

  /** Adds a node of one result; "" among the inputs leaves one out. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeProto>> = {},
  ): string {
    return this.nodes(opType, inputs, 1, attributes)[0]!;
  }

  nodes(
    opType: string,
    inputs: readonly string[],
    results: number,
    attributes: Readonly<Record<string, AttributeProto>> = {},
  ): readonly string[] {
    const stem = opType.toLowerCase();
    const outputs = Array.from({ length: results }, () => this.fresh(stem));
    this.#nodes.push({ name: outputs[0]!, opType, inputs, outputs, attributes });
    return outputs;
  }

  /** A node whose one result has this name. */
  named(opType: string, inputs: readonly string[], output: string): void {
    this.#nodes.push({ name: output, opType, inputs, outputs: [output], attributes: {} });
  }

  tensor(tensor: Tensor, stem = "constant"): string {
    const name = this.fresh(stem);
    const { dtype, shape, data } = tensor;
    const raw = bytesOf(data, elementTypes.get(elementTypeOf(dtype))!.bits);
    this.#shared.initializers.push({ name, elementType: elementTypeOf(dtype), dims: shape, raw });
    return name;
  }

  /** A scalar, or a list where `values` is one. */
  number(dtype: DType, value: number): string {
    return this.tensor(tensorOf([value], [], dtype));
  }

  /** int64, as shapes, axes and amounts are given in ONNX; computed where some of them are open. */
  int64(values: readonly Size[]): string {
    const numbers = values.map((size) => (typeof size === "number" ? size : constantOf(size)));
    if (numbers.every((n) => n !== undefined)) return this.#written(numbers.map(Number));
    const parts = values.map((size) => (typeof size === "number" ? this.#written([size]) : this.#size(size)));
    return parts.length === 1 ? parts[0]! : this.node("Concat", parts, { axis: int(0) });
  }

  #written(values: readonly number[]): string {
    const name = this.fresh("ints");
    const raw = bytesOf(
      BigInt64Array.from(values, (n) => BigInt(n)),
      64,
    );
    this.#shared.initializers.push({ name, elementType: INT64, dims: [values.length], raw });
    return name;
  }

  /** The dim as int64 [1]. */
  #size(d: Dim): string {
    const n = constantOf(d);
    if (n !== undefined) return this.#written([Number(n)]);
    return this.#once(d, () =>
      terms(d)
        .map(({ coefficient, factors }) => {
          const parts = factors.map((atom) => this.#atom(atom, d));
          if (Number(coefficient) !== 1 || parts.length === 0)
            parts.push(this.#written([Number(coefficient)]));
          return parts.reduce((a, b) => this.node("Mul", [a, b]));
        })
        .reduce((a, b) => this.node("Add", [a, b])),
    );
  }

  #atom(atom: Atom, whole: Dim): string {
    return this.#once(atom, () => {
      if (atom.kind === "symbol") return this.#symbol(atom.name, whole);
      if (atom.kind === "max") return this.node("Max", [this.#size(atom.left), this.#size(atom.right)]);
      const [numerator, denominator] = [this.#size(atom.numerator), this.#size(atom.denominator)];
      // ONNX's division of integers goes towards zero, its Mod has the divisor's sign.
      const rest = this.node("Mod", [numerator, denominator]);
      return this.node("Div", [this.node("Sub", [numerator, rest]), denominator]);
    });
  }

  #symbol(name: string, whole: Dim): string {
    const place = this.#shared.places.get(name);
    if (!place)
      return fail({
        code: "E4104",
        message: `the size ${whole} cannot be exported: no size of an input tells ${name}`,
        because: "an ONNX file reads open sizes from the shapes of its inputs",
        fix: `bind ${name} to a number, or give the graph an input with that size`,
      });
    const { input, axis, scale, offset } = place;
    const shape = this.#once(input, () => this.node("Shape", [input]));
    const size = this.node("Gather", [shape, this.#written([axis])], { axis: int(0) });
    const scaled = offset === 0 ? size : this.node("Sub", [size, this.#written([offset])]);
    return scale === 1 ? scaled : this.node("Div", [scaled, this.#written([scale])]);
  }

  #once(key: Dim | Atom | string, make: () => string): string {
    const name = this.#sizes.get(key) ?? make();
    this.#sizes.set(key, name);
    return name;
  }

  cast(name: string, dtype: DType): string {
    return this.node("Cast", [name], { to: int(elementTypeOf(dtype)) });
  }

  reshape(name: string, shape: readonly Size[]): string {
    // Without allowzero a 0 would keep the dim of the operand.
    return this.node("Reshape", [name, this.int64(shape)], { allowzero: int(1) });
  }

  transpose(name: string, permutation: readonly number[]): string {
    if (permutation.every((axis, i) => axis === i)) return name;
    return this.node("Transpose", [name], { perm: ints(permutation) });
  }

  finish(name: string, inputs: readonly ValueProto[], outputs: readonly ValueProto[]): GraphProto {
    return { name, nodes: this.#nodes, initializers: [], inputs, outputs };
  }

  get initializers(): readonly TensorProto[] {
    return this.#shared.initializers;
  }
}

const INT64 = 7;

/** TensorProto.raw_data: elements of less than a byte share one, the first in its low bits. */
function bytesOf(data: TypedArray | BigInt64Array, bits: number): Uint8Array {
  const { buffer, byteOffset, byteLength } = data;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  if (bits >= 8) return bytes;
  const perByte = 8 / bits;
  const packed = new Uint8Array(Math.ceil(bytes.length / perByte));
  bytes.forEach((code, i) => {
    packed[Math.floor(i / perByte)]! |= (code & (2 ** bits - 1)) << (bits * (i % perByte));
  });
  return packed;
}

export const int = (value: number): AttributeProto => ({ kind: "int", value });
export const ints = (value: readonly number[]): AttributeProto => ({ kind: "ints", value });
export const text = (value: string): AttributeProto => ({ kind: "string", value });

const numbers = new Map([...elementTypes].map(([number, { name }]) => [name, number]));

/** TensorProto.DataType of a dtype. */
export function elementTypeOf(dtype: DType): number {
  const number = numbers.get(dtype);
  if (number === undefined) throw new Error(`internal: ${dtype} has no element type`);
  return number;
}

export const rankOf = (value: Value): number => value.type.shape.length;

/** The name of a dim that is a symbol and nothing else. */
export function symbolIn(d: Dim): string | undefined {
  const linear = linearIn(d);
  return linear?.scale === 1 && linear.offset === 0 ? linear.symbol : undefined;
}

/** `scale * symbol + offset`. */
function linearIn(d: Dim): Linear | undefined {
  const all = terms(d);
  const [term, ...others] = all.filter(({ factors }) => factors.length > 0);
  const [atom, ...more] = term?.factors ?? [];
  if (!term || atom?.kind !== "symbol" || others.length + more.length > 0) return undefined;
  const offset = all.find(({ factors }) => factors.length === 0)?.coefficient ?? 0;
  return { symbol: atom.name, scale: Number(term.coefficient), offset: Number(offset) };
}

/** The sizes of a value where they have to be numbers. */
export function sizesOf(value: Value): readonly number[] {
  return value.type.shape.map((d) => sizeOf(d, `${value.name} [${value.type.shape.join(", ")}]`));
}

export function sizeOf(d: Dim, where: string): number {
  const n = constantOf(d);
  if (n !== undefined) return Number(n);
  return fail({
    code: "E4104",
    message: `${where} has the open dim ${d}, which has to be a number to be exported to ONNX`,
    fix: "bind the model to a sample first, and export the bound graph",
  });
}

/** The op cannot be said in ONNX. */
export function inexpressible(node: Node, what: string): never {
  return fail({
    code: "E4104",
    message: `${node.source.path || node.op}: ${what} cannot be exported to ONNX`,
    fix: "leave it out of the exported graph, or build it from other ops",
  });
}
