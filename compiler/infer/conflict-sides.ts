/**
 * The two sides of a conflict: how each of the sizes that cannot agree came to be what it is, layer by layer,
 * and the few places in the model that make the conflict. Sizes are constants by the time they meet, so the
 * equations alone know the meeting only; the layers that made the sizes are found by following them back.
 */
import type { CoreEntry } from "../diagnostics/index.ts";
import type { Conflict, Dim, Origin, Store } from "../dims/index.ts";
import type { Node } from "../ir/graph.ts";
import { isOpOrigin } from "./origins.ts";
import { isChange, Provenance, type Step } from "./provenance.ts";

/** One of the two sizes. */
export interface Side {
  readonly dim: Dim;
  /** Its layers, first to last. */
  readonly steps: readonly Step[];
  /** The one that made it what it is. */
  readonly maker: Step | undefined;
}

/** Undefined where the statement that failed does not tell which axes it is about. */
export function sidesOf(
  { core, left, right }: Pick<Conflict, "core" | "left" | "right">,
  nodes: Iterable<Node>,
  store: Store,
): readonly [Side, Side] | undefined {
  const failed = core.at(-1);
  if (!failed || !isOpOrigin(failed)) return undefined;
  const { node, clause } = failed.statement;
  const provenance = new Provenance(nodes, store);
  const places = provenance.sides(node, clause);
  if (!places || places.some((list) => list.length === 0)) return undefined;
  const side = (dim: Dim, of: (typeof places)[number]): Side => {
    const steps = provenance.steps(...of);
    return { dim, steps, maker: steps.findLast(isChange) };
  };
  return [side(left, places[0]), side(right, places[1])];
}

/** A size's way as a chain: "image = H", "pool1 = floor(H/2)", "(3 layers)", then where it fails. */
export function chainOf({ steps }: Side, end: string): readonly string[] {
  const chain: string[] = [];
  let kept: string[] = [];
  const flush = () => {
    if (kept.length > 0) chain.push(kept.length === 1 ? kept[0]! : `(${kept.length} layers)`);
    kept = [];
  };
  for (const step of steps) {
    if (!isChange(step)) kept.push(step.path);
    else {
      flush();
      chain.push(`${step.path} = ${step.dim}`);
    }
  }
  flush();
  return [...chain, end];
}

/** The makers of both sides, then the statements that cannot hold together; each place once. */
export function coreOf(
  { core }: Pick<Conflict, "core">,
  sides: readonly [Side, Side] | undefined,
): readonly CoreEntry[] {
  const makers = (sides ?? []).flatMap(({ maker, dim }): readonly CoreEntry[] =>
    maker ? [{ layer: maker.path, clause: `makes it ${dim}`, ...(maker.at && { at: maker.at }) }] : [],
  );
  const stated = core.map(
    ({ subject, clause, at }: Origin): CoreEntry => ({ layer: subject, clause, ...(at && { at }) }),
  );
  const whole = [...makers, ...stated];
  return whole.filter(({ layer }, i) => whole.findLastIndex((other) => other.layer === layer) === i);
}

/** "made there, at unet.ts:14". */
export const madeAt = ({ at }: Step): string => (at ? `made there, at ${at.file}:${at.line}` : "made there");
