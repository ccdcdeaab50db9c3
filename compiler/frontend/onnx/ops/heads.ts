/** What a layer of attention does to its axes: apart into heads, shared by several, together again. */
import { type Dim, floorDiv } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import type { NodeContext } from "../operator.ts";

/** [B, L, heads * size] to [B, heads, L, size]; what has four axes is so already. */
export function inHeads(c: NodeContext, x: Value, heads: number | undefined, attribute: string): Value {
  const { ops } = c;
  if (ops.rank(x) === 4) return x;
  const [batch, length, all] = ops.shape(x);
  if (heads === undefined)
    return c.wrong(`operands of rank 3 without the attribute ${attribute}`, `give ${attribute}`);
  return ops.transpose(ops.reshape(x, [batch!, length!, heads, floorDiv(all!, heads)]), [0, 2, 1, 3]);
}

/** [B, heads, L, size] back to [B, L, heads * size]. */
export function outOfHeads(ops: Ops, x: Value): Value {
  const [batch, , length] = ops.shape(x);
  return ops.reshape(ops.transpose(x, [0, 2, 1, 3]), [batch!, length!, ops.count(x, [1, 3])]);
}

/** Each head of keys or values serves as many heads of queries as there are more of them. */
export function sharedBy(ops: Ops, x: Value, heads: Dim): Value {
  const [batch, own, length, size] = ops.shape(x);
  if (own === heads) return x;
  const times = floorDiv(heads, own!);
  const apart = ops.broadcast(x, [batch!, own!, times, length!, size!], [0, 1, 3, 4]);
  return ops.reshape(apart, [batch!, heads, length!, size!]);
}
