/**
 * What the importer knows of an operator: rows, each from one opset on, with the attributes of that version
 * and a function that builds core ops. The registry (`ops/index.ts`) is a list of these.
 */
import type { Tensor } from "../../../runtime/tensor.ts";
import type { Dim } from "../../dims/index.ts";
import type { Value } from "../../ir/graph.ts";
import type { Ops } from "../ops/composites.ts";
import type { AttributeSpecs, ValuesOf } from "./attributes.ts";
import type { OnnxGraph, OnnxNode, OnnxTensor } from "./model.ts";

/** One node to an importer: its operands as values, as numbers, as sizes. */
export interface NodeContext {
  readonly ops: Ops;
  readonly node: OnnxNode;
  /** The version of the node's domain. */
  readonly opset: number;
  /** Whether operand `i` is given. */
  has(i: number): boolean;
  /** Whether somebody may read result `i`. */
  wants(i: number): boolean;
  /** Operand `i`. Throws E3103 when it is left out. */
  value(i: number): Value;
  optional(i: number): Value | undefined;
  /** All operands. */
  values(): readonly Value[];
  /** The elements of operand `i`, where the file itself says them; never of an input. */
  known(i: number): Tensor | undefined;
  /**
   * What `known` says, and where the branches of a graph cannot stand side by side what the sample's values
   * make of operand `i`: the module is compiled for these.
   */
  choice(i: number): Tensor | undefined;
  /** The same as `known` for a value that was built. */
  knownValue(value: Value): Tensor | undefined;
  /**
   * The elements of operand `i`, which decide shapes. An input's come from the sample's values, and a module
   * is compiled for these. Throws E4103 when nobody knows them.
   */
  constant(i: number): Tensor;
  /** The same as whole numbers. Throws E4103 for those that are open. */
  ints(i: number): readonly number[];
  /** The same as sizes, which may be expressions of the inputs' dims. */
  dims(i: number): readonly Dim[];
  /** Elements of operand `i` as sizes, an input's by the sample's values; undefined where data decides. */
  decided(i: number): readonly Dim[] | undefined;
  /** A tensor that an attribute holds. */
  attribute(tensor: OnnxTensor): Tensor;
  /**
   * The outputs of a graph that an attribute holds. Without `inside` its nodes are built in place and read
   * what they capture as it is; with it they are built in the body of a scan, say, and captured values are
   * those given there.
   */
  inline(graph: OnnxGraph, inputs: readonly Value[], inside?: Inside): readonly Value[];
  /** Values that a graph reads from around the node; what the file says itself is not among them. */
  captured(graph: OnnxGraph): ReadonlyMap<string, Value>;
  /** The form of the node cannot be built from core ops (E4103). */
  unsupported(what: string, fix: string): never;
  /** What cannot be built while a size or an element is open that a sample would give (E3104). */
  open(what: string, fix: string): never;
  /** The node breaks the rules of its operator (E3103). */
  wrong(what: string, fix: string): never;
}

/** A body that sees nothing of the graph around it but what it is given. */
export interface Inside {
  readonly ops: Ops;
  /** By the names around: inputs of the body. */
  readonly given: ReadonlyMap<string, Value>;
}

/** A body made with `ops` that is given `values` for what it reads from `around`. */
export function insideOf(ops: Ops, around: ReadonlyMap<string, Value>, values: readonly Value[]): Inside {
  return { ops, given: new Map([...around.keys()].map((name, i) => [name, values[i]!])) };
}

/** Results in the order of the node's outputs; undefined for one that is not made. */
export type Imported = Value | readonly (Value | undefined)[];

export interface OperatorRow {
  /** The first opset of the domain that means this. */
  readonly since: number;
  readonly attributes: AttributeSpecs;
  readonly run: (context: NodeContext, attributes: Readonly<Record<string, unknown>>) => Imported;
}

export interface Operator {
  /** "" is ONNX's own. */
  readonly domain: string;
  readonly name: string;
  /** Ascending by `since`. */
  readonly rows: readonly OperatorRow[];
}

/** A row: what an operator means from opset `version` on. */
export function since<const A extends AttributeSpecs>(
  version: number,
  attributes: A,
  run: (context: NodeContext, attributes: ValuesOf<A>) => Imported,
): OperatorRow {
  return { since: version, attributes, run: run as OperatorRow["run"] };
}

/** An operator of ONNX's own domain. */
export function operator(name: string, ...rows: readonly OperatorRow[]): Operator {
  return { domain: "", name, rows };
}

/** The same in another domain. */
export function inDomain(domain: string, operators: readonly Operator[]): readonly Operator[] {
  return operators.map((each) => ({ ...each, domain }));
}

export const keyOf = (domain: string, name: string): string => (domain === "" ? name : `${domain}::${name}`);

/** The row for a version; undefined before the first one. */
export function rowFor({ rows }: Operator, version: number): OperatorRow | undefined {
  return rows.findLast((row) => row.since <= version);
}
