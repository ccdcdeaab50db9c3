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

  /** The step that runs `kernel` on the given buffers (reads, then writes). */
  call(kernel: Kernel, buffers: readonly Buffer[], args: readonly Dim[]): Step {
    const { scheduled, formals } = this.#entry(kernel);
    const { kernel: shared, panels } = scheduled;
    const actual = new Map(formals.map((formal, i) => [formal, buffers[i]!]));
    for (const panel of panels)
      actual.set(panel.packed, this.#pack(panel.prepare, actual.get(panel.source)!, panel.packed));
    const passed = [...shared.reads, ...shared.writes].map((formal) => actual.get(formal)!);
    return { kind: "call", kernel: shared, buffers: passed, args };
  }

  #entry(kernel: Kernel): Entry {
    const key = kernelKey(kernel);
    const known = this.#entries.get(key);
    if (known) return known;
    const named = { ...forward(coalesce(kernel)), name: this.#fresh(kernel.name) };
    const scheduled = schedule(named, this.#target, this.#open);
    const entry = { scheduled, formals: [...kernel.reads, ...kernel.writes] };
    this.#entries.set(key, entry);
    this.kernels.push(scheduled.kernel);
    return entry;
  }

  #pack(prepare: Kernel, source: Buffer, formal: Buffer): Buffer {
    const key = kernelKey({ ...prepare, name: "pack" });
    const known = this.#panels.get(key);
    const { prepare: shared, copies } = known ?? { prepare, copies: new Map<Buffer, Buffer>() };
    if (!known) {
      this.#panels.set(key, { prepare, copies });
      this.kernels.push(prepare);
    }
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
