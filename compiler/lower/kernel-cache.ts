/**
 * The kernels of a program: each is scheduled for the target once, kernels with equal texts are shared, and
 * weights that a schedule wants in another layout get a packed copy made at instantiation (once per weight,
 * whoever reads it).
 */
import type { Dim } from "../dims/index.ts";
import type { Buffer, Expr, Kernel, Stmt } from "../ir/loop.ts";
import { nothingOpen, type OpenDims } from "../ir/open-dims.ts";
import type { Step } from "../ir/program.ts";
import type { Target } from "../ir/target.ts";
import { coalesce } from "./coalesce.ts";
import { forward } from "./forward.ts";
import { type Scheduled, schedule } from "./schedule/index.ts";
import { splitGroups } from "./split-groups.ts";
import { squareByProduct } from "./square.ts";

interface Entry {
  readonly scheduled: Scheduled;
  /** Of the kernel as it was lowered, in the order of a call's buffers. */
  readonly formals: readonly Buffer[];
}

export class KernelCache {
  readonly kernels: Kernel[] = [];
  readonly prepare: Step[] = [];
  readonly packed: Buffer[] = [];
  readonly #target: Target;
  readonly #open: OpenDims;
  readonly #entries = new Map<string, Entry>();
  readonly #names = new Map<string, number>();
  /** By the text of the kernel that packs, so that kernels of other extents share what they read alike. */
  readonly #panels = new Map<string, { readonly prepare: Kernel; readonly copies: Map<Buffer, Buffer> }>();

  constructor(target: Target, open: OpenDims = nothingOpen) {
    this.#target = target;
    this.#open = open;
  }

  /**
   * The steps that run `kernel` on the given buffers (reads, then writes); `early`: when there are weights,
   * so that there is no arena yet.
   */
  call(kernel: Kernel, buffers: readonly Buffer[], args: readonly Dim[], early = false): readonly Step[] {
    const { scheduled, formals } = this.#entry(kernel);
    const { kernel: shared, panels } = scheduled;
    const actual = new Map(formals.map((formal, i) => [formal, buffers[i]!]));
    const copies: Step[] = [];
    for (const { prepare, source, packed } of panels) {
      const from = actual.get(source)!;
      const now = packed.space === "arena";
      const to = now ? this.#copy(packed, from, early) : this.#pack(prepare, from, packed);
      if (now)
        copies.push({ kind: "call", kernel: this.#shared(prepare).prepare, buffers: [from, to], args: [] });
      actual.set(packed, to);
    }
    const passed = [...shared.reads, ...shared.writes].map((formal) => actual.get(formal)!);
    return [...copies, { kind: "call", kernel: shared, buffers: passed, args }];
  }

  /** Lists a buffer that steps of `prepare` fill, under a name of its own. */
  keep(buffer: Buffer): Buffer {
    return this.#kept({ ...buffer, name: this.#fresh(buffer.name) });
  }

  #copy(packed: Buffer, from: Buffer, early: boolean): Buffer {
    const copy = { ...packed, name: this.#fresh(`${from.name}.packed`) };
    return early ? this.#kept(copy) : copy;
  }

  #kept(buffer: Buffer): Buffer {
    const kept: Buffer = { ...buffer, space: "packed" };
    this.packed.push(kept);
    return kept;
  }

  #entry(kernel: Kernel): Entry {
    const key = kernelKey(kernel);
    const known = this.#entries.get(key);
    if (known) return known;
    const exact = this.#target.numerics.accumulate === "float64";
    const lean = coalesce(splitGroups(exact ? kernel : squareByProduct(kernel), this.#target.lanes));
    const named = { ...forward(lean), name: this.#fresh(kernel.name) };
    const scheduled = schedule(named, this.#target, this.#open);
    const entry = { scheduled, formals: [...kernel.reads, ...kernel.writes] };
    this.#entries.set(key, entry);
    this.kernels.push(scheduled.kernel);
    return entry;
  }

  /** The kernel that packs as `prepare` does, and the weights it has packed. */
  #shared(prepare: Kernel): { readonly prepare: Kernel; readonly copies: Map<Buffer, Buffer> } {
    const key = kernelKey({ ...prepare, name: "pack" });
    const known = this.#panels.get(key) ?? { prepare, copies: new Map<Buffer, Buffer>() };
    if (!this.#panels.has(key)) this.kernels.push(prepare);
    this.#panels.set(key, known);
    return known;
  }

  #pack(prepare: Kernel, source: Buffer, formal: Buffer): Buffer {
    const { prepare: shared, copies } = this.#shared(prepare);
    let packed = copies.get(source);
    if (!packed) {
      packed = { ...formal, name: this.#fresh(`${source.name}.packed`) };
      copies.set(source, packed);
      this.packed.push(packed);
      this.prepare.push({ kind: "call", kernel: shared, buffers: [source, packed], args: [] });
    }
    return packed;
  }

  #fresh(name: string): string {
    const count = this.#names.get(name) ?? 0;
    this.#names.set(name, count + 1);
    return count === 0 ? name : `${name}_${count}`;
  }
}

/**
 * Equal for kernels that do the same to buffers of the same kind; names, comments and identities do not
 * count.
 */
function kernelKey(kernel: Kernel): string {
  const ids = new Map<Buffer, number>();
  const formals = [...kernel.reads, ...kernel.writes].map((b, i) => {
    ids.set(b, i);
    return [b.dtype, b.length, b.space, ...(b.size ? [`${b.size}`] : [])];
  });
  const replacer = (_key: string, value: unknown): unknown => {
    // JSON has neither NaN nor infinities nor a negative zero.
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
    if (typeof value !== "object" || value === null) return value;
    const id = ids.get(value as Buffer);
    if (id !== undefined) return id;
    return "kind" in value || "name" in value || Array.isArray(value) ? value : String(value);
  };
  const body: readonly (Stmt | Expr)[] = kernel.body;
  return JSON.stringify([kernel.name, kernel.parameters, formals, body], replacer);
}
