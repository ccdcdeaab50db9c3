/**
 * Dot products of pairs. Two updates of one vector of int32 sums,
 *
 *     set acc[n] = acc[n] + int32(a[k]) * int32(b[k, n])
 *     set acc[n] = acc[n] + int32(a[k + 1]) * int32(b[k + 1, n])
 *
 * with factors of 16 bits are one `i32x4.dot_i16x8_s` and one addition: the pair of a is one 32-bit load in
 * every lane, the rows of b are interleaved. Sums of integers wrap in any order, so the first update may wait
 * for the second as long as nothing between them reads the register. A pair of -32768 times -32768 wraps too,
 * as the reference's sum does.
 */
import { constant, print, sub } from "../../compiler/dims/index.ts";
import { strideOf } from "../../compiler/ir/affine.ts";
import type { Expr } from "../../compiler/ir/loop.ts";
import { dtypeOf, type Load } from "../../compiler/ir/loop-rewrite.ts";
import { firstLane, type LineNode, type Node } from "./flatten.ts";
import { elementKey, emitAddress, type Scope } from "./scope.ts";

/** One update; `a` is the same in all lanes, `b` lies along them. */
interface Update {
  readonly node: LineNode;
  readonly key: string;
  readonly a: Load;
  readonly b: Load;
}

/** What stands in place of the second update. */
export interface Dot {
  readonly lane: string;
  readonly a: Load;
  readonly rows: readonly [Load, Load];
}

/** The pairs among the nodes: the dot by its second update, and "waits" by its first. */
export function pairsIn(nodes: readonly Node[]): ReadonlyMap<Node, Dot | "waits"> {
  const found = new Map<Node, Dot | "waits">();
  let waiting = new Map<string, Update>();
  for (const node of nodes) {
    const update = updateOf(node);
    if (!update) {
      waiting = new Map();
      continue;
    }
    const { key, a, b } = update;
    const first = waiting.get(key);
    if (first?.a.buffer === a.buffer && sub(a.index, first.a.index) === constant(1)) {
      found.set(first.node, "waits");
      found.set(node, { lane: update.node.lane!, a: first.a, rows: [first.b, b] });
      waiting.delete(key);
    } else waiting.set(key, update);
  }
  return found;
}

function updateOf(node: Node): Update | undefined {
  if (node.kind !== "line" || node.lane === undefined || node.stmt.kind !== "set") return undefined;
  const { register, index, value } = node.stmt;
  const { lane } = node;
  if (register.dtype !== "int32" || value.kind !== "binary" || value.fn !== "add") return undefined;
  const [sum, product] = value.a.kind === "register" ? [value.a, value.b] : [value.b, value.a];
  if (sum.kind !== "register" || product.kind !== "binary" || product.fn !== "mul") return undefined;
  const key = `${register.name} ${elementKey(index)}`;
  if (`${sum.register.name} ${elementKey(sum.index)}` !== key) return undefined;
  const factors = [factorOf(product.a), factorOf(product.b)];
  const along = (stride: number) => factors.find((e) => e && strideOf(e.index, lane) === stride);
  const [a, b] = [along(0), along(1)];
  return a && b && { node, key, a, b };
}

function factorOf(e: Expr): Load | undefined {
  const inner = e.kind === "cast" && e.dtype === "int32" ? e.x : e;
  return inner.kind === "load" && dtypeOf(inner) === "int16" ? inner : undefined;
}

const bytes = 2;

/** Adds the dot product to the vector on the stack. */
export function emitDot(scope: Scope, { lane, a, rows }: Dot): void {
  const { f } = scope;
  once(scope, a, `pair ${print(a.index)}`, () => {
    const address = scope.addresses.of(a.buffer, firstLane(a.index, lane));
    emitAddress(scope, address, bytes);
    f.v128_load32_splat(address.offset * bytes, bytes);
  });
  const [first, second] = rows.map(({ index }) => print(firstLane(index, lane)));
  once(scope, rows[0], `rows ${rows[1].buffer.name} ${first} ${second}`, () => {
    for (const { buffer, index } of rows) {
      const address = scope.addresses.of(buffer, firstLane(index, lane));
      emitAddress(scope, address, bytes);
      f.v128_load64_zero(address.offset * bytes, bytes);
    }
    f.i8x16_shuffle([0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23]);
  });
  f.i32x4_dot_i16x8_s().i32x4_add();
}

/** Remembers what `load` leaves, as a load of the straight line. */
function once({ f, loaded }: Scope, { buffer }: Load, what: string, load: () => void): void {
  const key = `${buffer.name} ${what}`;
  const known = loaded.get(key);
  if (known) {
    f.local_get(known.local);
    return;
  }
  load();
  const local = f.local("v128");
  f.local_tee(local);
  loaded.set(key, { buffer, local });
}
