/**
 * Whether a kernel may write its result over one of its operands: each element of the operand must have been
 * read for the last time when the element of the result at the same index is written.
 *
 * That holds when every load of the operand stands in the same loop body as a store to the result, at the
 * same index, not after it; when all loops around are parallel, so that no other iteration stores there; and
 * when no two stores of the kernel (a block and what was left over) can meet at one index. Indices are
 * interned, so "the same" is identity.
 */
import { dtypes } from "../../runtime/dtype.ts";
import { constant, type Dim, type Interval, mul, range, sub, sum, symbol, terms } from "../dims/index.ts";
import type { Buffer, For, Kernel } from "../ir/loop.ts";
import { expressionOf, visitExpr, visitStmts } from "../ir/loop-rewrite.ts";
import { boundsOf } from "../ir/loop-verify.ts";

interface Access {
  readonly buffer: Buffer;
  readonly index: Dim;
  readonly loops: readonly For[];
  /** In the order of the text; the loads of a store come before it. */
  readonly order: number;
}

interface Accesses {
  readonly loads: readonly Access[];
  readonly stores: readonly Access[];
}

const found = new WeakMap<Kernel, Accesses>();

/** `read` and `written` are formal buffers of the kernel. */
export function canShare(kernel: Kernel, read: Buffer, written: Buffer): boolean {
  if (dtypes[read.dtype].bytes !== dtypes[written.dtype].bytes || read.length !== written.length)
    return false;
  const { loads, stores } = accessesIn(kernel);
  if (loads.some((load) => load.buffer === written) || stores.some((store) => store.buffer === read))
    return false;
  const sites = stores.filter((store) => store.buffer === written);
  if (sites.some((site) => site.loops.some((loop) => !loop.parallel))) return false;
  const covered = loads.filter((load) => load.buffer === read).every((load) => sites.some(covers(load)));
  return covered && sites.every((a, i) => sites.slice(i + 1).every((b) => neverMeet(a, b)));
}

const covers = (load: Access) => (store: Access) =>
  store.index === load.index && store.loops.at(-1) === load.loops.at(-1) && store.order > load.order;

function accessesIn(kernel: Kernel): Accesses {
  const known = found.get(kernel);
  if (known) return known;
  const loads: Access[] = [];
  const stores: Access[] = [];
  let order = 0;
  visitStmts(kernel.body, (s, loops) => {
    const value = expressionOf(s);
    if (value)
      visitExpr(value, (e) => {
        if (e.kind === "load") loads.push({ buffer: e.buffer, index: e.index, loops, order: order++ });
      });
    if (s.kind === "store") stores.push({ buffer: s.buffer, index: s.index, loops, order: order++ });
  });
  const accesses = { loads, stores };
  found.set(kernel, accesses);
  return accesses;
}

/**
 * Writes both indices as S*q + r for one S. Where both remainders stay within [0, S) and apart, the indices
 * differ: the rows of a block from the rows left over (S the size of an image), its columns from theirs (S
 * the length of a row).
 */
function neverMeet(a: Access, b: Access): boolean {
  const moduli = [Number.POSITIVE_INFINITY, ...coefficients(a.index)];
  return moduli.some((modulus) => {
    const [x, y] = [remainder(a, modulus), remainder(b, modulus)];
    const inside = Math.min(x.min, y.min) >= 0 && Math.max(x.max, y.max) < modulus;
    return inside && (x.max < y.min || y.max < x.min);
  });
}

function coefficients(index: Dim): readonly number[] {
  return terms(index)
    .filter((t) => t.factors.length > 0)
    .map((t) => Math.abs(Number(t.coefficient)))
    .filter((n) => n > 1);
}

function remainder({ index, loops }: Access, modulus: number): Interval {
  const multiples = terms(index).map(({ coefficient, factors }) => {
    const n = Number(coefficient);
    if (factors.length === 0) return constant(n - (n % modulus));
    const symbols = factors.flatMap((f) => (f.kind === "symbol" ? [symbol(f.name)] : []));
    const drop = n % modulus === 0 && symbols.length === factors.length;
    return drop ? mul(n, ...symbols) : constant(0);
  });
  return range(sub(index, sum(multiples)), boundsOf(loops));
}
