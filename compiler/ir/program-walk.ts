/** Walking the steps of a program: the one place that knows how calls nest and which buffers they read. */
import type { Buffer } from "./loop.ts";
import type { Call, Step } from "./program.ts";

/** Every call in the order of the text; the body of a repeat comes once. */
export function callsIn(steps: readonly Step[]): readonly Call[] {
  return steps.flatMap((step) => (step.kind === "call" ? [step] : callsIn(step.body)));
}

/** The buffers a call reads and those it writes, in the order of the kernel's formal ones. */
export function accessesOf({ kernel, buffers }: Call): {
  readonly reads: readonly Buffer[];
  readonly writes: readonly Buffer[];
} {
  const count = kernel.reads.length;
  return { reads: buffers.slice(0, count), writes: buffers.slice(count) };
}

/** How often calls are passed each buffer; a call that reads and writes one counts it twice. */
export function countUses(steps: readonly Step[]): ReadonlyMap<Buffer, number> {
  const uses = new Map<Buffer, number>();
  for (const { buffers } of callsIn(steps))
    for (const buffer of buffers) uses.set(buffer, (uses.get(buffer) ?? 0) + 1);
  return uses;
}
