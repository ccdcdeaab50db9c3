/**
 * Decides which values get memory and which are computed where they are used.
 *
 * A value is inlined when that repeats no work: all its consumers end up in one kernel and read it at one
 * index (x * sigmoid(x) computes its x once), or it costs nothing (a constant, an index, a transposed or
 * broadcast read of something stored). A reduction is fused with the elementwise nodes behind it (its
 * epilogue): the last of them becomes the kernel's root, and the reduction runs where its element is read. At
 * most one reduction per kernel, so that schedules see one nest of one known form. Decisions are taken
 * backwards, because what a node may absorb depends on the kernel it belongs to itself.
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
  /** Kernels that are written by an inlined node, by their root. */
  readonly cores: ReadonlyMap<Node, LoweredNode>;
}

/** Nodes in a row that one kernel computes at most: kernels are built by functions that call themselves. */
const LONGEST_CHAIN = 256;

type Role = "root" | "view" | "free" | "inline";

interface Placement {
  readonly role: Role;
  /** The node whose kernel computes it; for inlined nodes the kernel they end up in. */
  readonly kernel: Node;
  /** The node whose index it is computed at: the kernel's root, or the reduction that runs through it. */
  readonly frame: Node;
  /** Nodes in a row from this one to the root of its kernel. */
  readonly chain: number;
}

export function planFusion(graph: Graph<BoundDim>, nodes: readonly LoweredNode[]): FusionPlan {
  const uses = consumersOf(graph);
  const producers = new Map(nodes.flatMap((n) => n.node.results.map((r) => [r, n] as const)));
  const outputs = new Set<Value>(graph.outputs.map((output) => output.value));
  const placements = new Map<Node, Placement>();
  const kernelsWithReduction = new Set<Node>();
  const cores = new Map<Node, LoweredNode>();
  for (const { node, lowering } of [...nodes].reverse()) {
    const value = node.results[0];
    let placement: Placement = { role: "root", kernel: node, frame: node, chain: 0 };
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
    if (lowering.kind === "reduce" || isCore(lowering)) kernelsWithReduction.add(placement.kernel);
    if (isCore(lowering) && placement.role === "inline") cores.set(placement.kernel, { node, lowering });
    placements.set(node, placement);
  }
  const withRole = (...roles: readonly Role[]) =>
    new Set(nodes.filter((n) => roles.includes(placements.get(n.node)!.role)).flatMap((n) => n.node.results));
  return { inlined: withRole("free", "inline"), views: withRole("view"), cores };
}

/**
 * Nothing is computed: an index, a small constant, or one element read elsewhere. What a move reads always
 * has memory or is free itself, because a move is no consumer that absorbs.
 */
function isFree(value: Value, producers: ReadonlyMap<Value, LoweredNode>): boolean {
  const lowering = producers.get(value)?.lowering;
  return lowering?.kind === "map" && lowering.moves === true && !lowering.guards && !lowering.binds;
}

/** Where a computed value may be inlined: its consumers must read every element once, at one index. */
function absorb(
  value: Value,
  lowering: Lowering,
  consumers: readonly Node[],
  placements: ReadonlyMap<Node, Placement>,
  producers: ReadonlyMap<Value, LoweredNode>,
  kernelsWithReduction: ReadonlySet<Node>,
): Placement | undefined {
  const loops = lowering.kind === "reduce" || isCore(lowering);
  if (lowering.kind !== "map" && !loops) return undefined;
  const [first, ...others] = [...new Set(consumers)].map((consumer) =>
    placeIn(consumer, value, placements, producers),
  );
  if (!first || others.some((other) => other?.kernel !== first.kernel || other.frame !== first.frame))
    return undefined;
  const aligned = first.frame === first.kernel;
  if (loops && !(aligned && !kernelsWithReduction.has(first.kernel))) return undefined;
  const chain = Math.max(first.chain, ...others.map((other) => other!.chain));
  return chain <= LONGEST_CHAIN ? { ...first, chain } : undefined;
}

/** Where the value would be computed for this one consumer. */
function placeIn(
  consumer: Node,
  value: Value,
  placements: ReadonlyMap<Node, Placement>,
  producers: ReadonlyMap<Value, LoweredNode>,
): Placement | undefined {
  const result = consumer.results[0]!;
  const into = producers.get(result)?.lowering;
  const at = placements.get(consumer);
  if (!into || !at || at.role === "free" || at.role === "view") return undefined;
  if (into.kind === "map" && into.elementwise === true && sameShape(value, result))
    return { role: "inline", kernel: at.kernel, frame: at.frame, chain: at.chain + 1 };
  if (into.kind === "reduce" && into.once === true)
    return { role: "inline", kernel: at.kernel, frame: consumer, chain: at.chain + 1 };
  return undefined;
}

/** Statements of its own, which store each element once. */
const isCore = (lowering: Lowering): boolean => lowering.kind === "kernel" && lowering.once === true;

const sameShape = (a: Value, b: Value): boolean =>
  a.type.shape.length === b.type.shape.length && a.type.shape.every((d, i) => d === b.type.shape[i]);
