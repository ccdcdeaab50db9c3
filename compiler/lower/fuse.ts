/**
 * Decides which values get memory and which are computed where they are used.
 *
 * A value is inlined when that repeats no work: it has one consumer that reads each element once, or it costs
 * nothing (a constant, an index, a transposed or broadcast read of something stored). A reduction is fused
 * with the chain of elementwise nodes behind it (its epilogue): the chain's last node becomes the kernel's
 * root, and the reduction runs where its element is read. At most one reduction per kernel, so that schedules
 * see one nest of one known form. Decisions are taken backwards, because what a node may absorb depends on
 * the kernel it belongs to itself.
 */
import type { BoundDim, Graph, Node, Value } from "../ir/graph.ts";
import type { Lowering } from "../ir/op.ts";
import { consumersOf } from "../passes/uses.ts";

export interface LoweredNode {
  readonly node: Node<BoundDim>;
  readonly lowering: Lowering;
}

export interface FusionPlan {
  /** Values without memory. */
  readonly inlined: ReadonlySet<Value>;
  /** Nodes whose result is the same memory as operand 0. */
  readonly views: ReadonlySet<Value>;
}

type Role = "root" | "view" | "free" | "inline";

interface Placement {
  readonly role: Role;
  /** The node whose kernel computes it; for inlined nodes the kernel they end up in. */
  readonly kernel: Node;
  /** Read at the kernel's own output index, all the way from the root. */
  readonly aligned: boolean;
}

export function planFusion(graph: Graph<BoundDim>, nodes: readonly LoweredNode[]): FusionPlan {
  const uses = consumersOf(graph);
  const producers = new Map(nodes.flatMap((n) => n.node.results.map((r) => [r, n] as const)));
  const outputs = new Set<Value>(graph.outputs.map((output) => output.value));
  const placements = new Map<Node, Placement>();
  const kernelsWithReduction = new Set<Node>();
  for (const { node, lowering } of [...nodes].reverse()) {
    const value = node.results[0];
    let placement: Placement = { role: "root", kernel: node, aligned: true };
    if (value && !outputs.has(value)) {
      const consumers = uses.get(value) ?? [];
      const free = isFree(value, producers);
      // A scan needs its operands in memory, to look at one step at a time; a size is read from there.
      if (free && consumers.every((consumer) => consumer.op !== "scan" && consumer.op !== "measure"))
        placement = { ...placement, role: "free" };
      else if (!free)
        placement =
          absorb(value, lowering, consumers, placements, producers, kernelsWithReduction) ?? placement;
    }
    if (lowering.kind === "view" && value && !outputs.has(value) && !isFree(node.operands[0]!, producers))
      placement = { ...placement, role: "view" };
    if (lowering.kind === "reduce") kernelsWithReduction.add(placement.kernel);
    placements.set(node, placement);
  }
  const withRole = (...roles: readonly Role[]) =>
    new Set(nodes.filter((n) => roles.includes(placements.get(n.node)!.role)).flatMap((n) => n.node.results));
  return { inlined: withRole("free", "inline"), views: withRole("view") };
}

/**
 * Nothing is computed: an index, a small constant, or one element read elsewhere. What a move reads always
 * has memory or is free itself, because a move is no consumer that absorbs.
 */
function isFree(value: Value, producers: ReadonlyMap<Value, LoweredNode>): boolean {
  const lowering = producers.get(value)?.lowering;
  return lowering?.kind === "map" && lowering.moves === true && !lowering.guards && !lowering.binds;
}

/** Where a computed value may be inlined: its only consumer must read every element once. */
function absorb(
  value: Value,
  lowering: Lowering,
  consumers: readonly Node[],
  placements: ReadonlyMap<Node, Placement>,
  producers: ReadonlyMap<Value, LoweredNode>,
  kernelsWithReduction: ReadonlySet<Node>,
): Placement | undefined {
  const consumer = consumers[0];
  if (!consumer || consumers.some((other) => other !== consumer)) return undefined;
  if (lowering.kind !== "map" && lowering.kind !== "reduce") return undefined;
  const into = producers.get(consumer.results[0]!)?.lowering;
  const at = placements.get(consumer);
  if (!into || !at || at.role === "free" || at.role === "view") return undefined;
  const result = consumer.results[0]!;
  const elementwise = into.kind === "map" && into.elementwise === true && sameShape(value, result);
  const readOnce = elementwise || (into.kind === "reduce" && into.once === true);
  if (!readOnce) return undefined;
  const aligned = elementwise && at.aligned;
  if (lowering.kind === "reduce" && !(aligned && !kernelsWithReduction.has(at.kernel))) return undefined;
  return { role: "inline", kernel: at.kernel, aligned };
}

const sameShape = (a: Value, b: Value): boolean =>
  a.type.shape.length === b.type.shape.length && a.type.shape.every((d, i) => d === b.type.shape[i]);
