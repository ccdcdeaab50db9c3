/**
 * Live ranges of the arena's buffers over the steps of a program: from the first write to the last access, in
 * the order the steps run. Each call has a position of its own; so have the two ends of a repeat, so that
 * "dies in the last call of the body" and "lives through the repeat" are different ends.
 *
 * Inside a repeat the order of positions is not the order of time: a buffer that is also used outside, or
 * whose first access in an iteration needs what an earlier iteration left in it, lives through the whole
 * repeat.
 */
import { byteSize } from "../../runtime/dtype.ts";
import { symbolsOf } from "../dims/index.ts";
import type { Buffer, Kernel } from "../ir/loop.ts";
import { visitStmts } from "../ir/loop-rewrite.ts";
import type { Call, Step } from "../ir/program.ts";
import { callOf, countUses } from "../ir/program-walk.ts";

export interface LiveRange {
  readonly buffer: Buffer;
  readonly bytes: number;
  /** Positions, both included. */
  readonly first: number;
  readonly last: number;
}

export interface Liveness {
  /** In the order of first access. */
  readonly ranges: ReadonlyMap<Buffer, LiveRange>;
  /** The calls in order, each with its position. */
  readonly calls: readonly { readonly call: Call; readonly position: number }[];
  /** All positions are below it. */
  readonly positions: number;
}

export function livenessOf(steps: readonly Step[]): Liveness {
  return new Walk(countUses(steps)).run(steps);
}

/** What one run of a list of steps does to a buffer. */
interface Touch {
  count: number;
  /** The first access needs what was there before. */
  readonly carried: boolean;
}

class Walk {
  readonly #totals: ReadonlyMap<Buffer, number>;
  readonly #ranges = new Map<Buffer, { first: number; last: number }>();
  readonly #calls: { readonly call: Call; readonly position: number }[] = [];
  #position = 0;

  constructor(totals: ReadonlyMap<Buffer, number>) {
    this.#totals = totals;
  }

  run(steps: readonly Step[]): Liveness {
    this.#steps(steps);
    const ranges = [...this.#ranges].map(
      ([buffer, range]) =>
        [buffer, { buffer, bytes: byteSize(buffer.dtype, buffer.length), ...range }] as const,
    );
    return { ranges: new Map(ranges), calls: this.#calls, positions: this.#position };
  }

  #steps(steps: readonly Step[]): Map<Buffer, Touch> {
    const touched = new Map<Buffer, Touch>();
    for (const step of steps) {
      const inner =
        step.kind === "repeat"
          ? this.#repeat(step.body)
          : this.#call(step.kind === "call" ? step : callOf(step));
      for (const [buffer, touch] of inner) {
        const known = touched.get(buffer);
        if (known) known.count += touch.count;
        else touched.set(buffer, touch);
      }
    }
    return touched;
  }

  #call(call: Call): Map<Buffer, Touch> {
    const position = this.#position++;
    this.#calls.push({ call, position });
    const touched = new Map<Buffer, Touch>();
    const partial = partialWrites(call.kernel);
    const first = call.kernel.reads.length;
    call.buffers.forEach((buffer, i) => {
      if (buffer.space !== "arena") return;
      this.#extend(buffer, position, position);
      const known = touched.get(buffer);
      if (known) known.count++;
      else
        touched.set(buffer, { count: 1, carried: i < first || partial.has(call.kernel.writes[i - first]!) });
    });
    return touched;
  }

  #repeat(body: readonly Step[]): Map<Buffer, Touch> {
    const open = this.#position++;
    const touched = this.#steps(body);
    const close = this.#position++;
    for (const [buffer, { count, carried }] of touched)
      if (carried || count < (this.#totals.get(buffer) ?? 0)) this.#extend(buffer, open, close);
    return touched;
  }

  #extend(buffer: Buffer, first: number, last: number): void {
    const range = this.#ranges.get(buffer);
    if (!range) this.#ranges.set(buffer, { first, last });
    else {
      range.first = Math.min(range.first, first);
      range.last = Math.max(range.last, last);
    }
  }
}

const none: ReadonlySet<Buffer> = new Set();
const partialOf = new WeakMap<Kernel, ReadonlySet<Buffer>>();

/** The formal buffers of which a call writes a window that its arguments move: the rest keeps what it had. */
export function partialWrites(kernel: Kernel): ReadonlySet<Buffer> {
  const moving = kernel.parameters.filter((name) => !kernel.open?.includes(name));
  if (moving.length === 0) return none;
  let partial = partialOf.get(kernel);
  if (!partial) {
    const found = new Set<Buffer>();
    visitStmts(kernel.body, (s) => {
      if (s.kind === "store" && symbolsOf(s.index).some((name) => moving.includes(name))) found.add(s.buffer);
    });
    partial = found;
    partialOf.set(kernel, partial);
  }
  return partial;
}
