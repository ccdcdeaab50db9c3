/**
 * Values that are computed where they end up: the operands of a concatenation in the parts of its result, the
 * operand of a padding inside the padded value, of which only the border is then written. The copies would
 * cost as much as many a convolution beside them. A value has one place: of several hosts the last gets it,
 * the others copy. Hosts may lie in hosts.
 *
 * Left where they are: what is reshaped, scanned or measured (it has to lie in one piece), outputs, values of
 * open sizes, and short rows, whose padding costs less than the whole blocks that rows side by side make.
 */
import { constantOf } from "../dims/index.ts";
import type { BoundDim, Graph, Node, Value } from "../ir/graph.ts";
import type { ConcatAttributes } from "../ops/concat.ts";
import type { PadAttributes } from "../ops/pad.ts";
import { consumersOf } from "../passes/uses.ts";
import type { FusionPlan, LoweredNode } from "./fuse.ts";

/** Where in the result of `host` a value lies. */
export interface Hosted {
  readonly host: Node<BoundDim>;
  readonly start: readonly number[];
}

/** Elements along the axis before the last from which a row is long. */
const longRow = 28;

/** `isPlaced`: values that have memory already. */
export function planHosts(
  graph: Graph<BoundDim>,
  lowered: readonly LoweredNode[],
  plan: FusionPlan,
  isPlaced: (value: Value) => boolean,
): ReadonlyMap<Value, Hosted> {
  const consumers = consumersOf(graph);
  const nodes = new Map<Value, LoweredNode>(lowered.map((each) => [each.node.results[0]!, each]));
  const isRoot = (value: Value<BoundDim>) =>
    !plan.inlined.has(value) && !plan.views.has(value) && !isPlaced(value) && isStatic(value);
  const readsAnyhow = (node: Node) => {
    const kind = nodes.get(node.results[0]!)?.lowering.kind;
    return kind === "map" || kind === "reduce" || kind === "kernel";
  };
  const canMove = (value: Value<BoundDim>): boolean => {
    const producer = nodes.get(value);
    if (!producer || producer.node.results.length > 1 || !isRoot(value)) return false;
    const { kind } = producer.lowering;
    const isComputed = kind === "map" || kind === "reduce" || kind === "kernel";
    return isComputed && (consumers.get(value) ?? []).every(readsAnyhow);
  };
  const hosted = new Map<Value, Hosted>();
  for (const { node } of [...lowered].reverse()) {
    if (!isRoot(node.results[0]!)) continue;
    const places = placesIn(node);
    node.operands.forEach((operand, i) => {
      const start = places[i];
      if (start && !hosted.has(operand) && canMove(operand)) hosted.set(operand, { host: node, start });
    });
  }
  return hosted;
}

const isStatic = ({ type }: Value) => type.shape.every((d) => constantOf(d) !== undefined);

/** Where each operand begins in the result; nothing for nodes that are no hosts. */
export function placesIn({
  op,
  operands,
  attributes,
  results,
}: Node<BoundDim>): readonly (readonly number[])[] {
  const { shape } = results[0]!.type;
  if (op === "concat") {
    const { axis } = attributes as ConcatAttributes;
    let at = 0;
    return operands.map(({ type }) => {
      const start = shape.map((_, i) => (i === axis ? at : 0));
      at += constantOf(type.shape[axis]!)!;
      return start;
    });
  }
  const row = shape.at(-2) ?? shape[0];
  if (op !== "pad" || row === undefined || constantOf(row)! < longRow) return [];
  return [(attributes as PadAttributes).low.map((d) => constantOf(d)!)];
}
