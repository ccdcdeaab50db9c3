/** Walking the steps of a program: the one place that knows how calls nest and which buffers they read. */
import type { Buffer } from "./loop.ts";
import type { Call, Read, Step, Stop } from "./program.ts";

/** Every call in the order of the text; the body of a repeat comes once. */
export function callsIn(steps: readonly Step[]): readonly Call[] {
  return steps.flatMap((step) =>
    step.kind === "call" ? [step] : step.kind === "repeat" ? callsIn(step.body) : [],
  );
}

/** Every read of a size, likewise. */
export function readsIn(steps: readonly Step[]): readonly Read[] {
  return steps.flatMap((step) =>
    step.kind === "read" ? [step] : step.kind === "repeat" ? readsIn(step.body) : [],
  );
}

/** Every question whether a repeat goes on, likewise. */
export function stopsIn(steps: readonly Step[]): readonly Stop[] {
  return steps.flatMap((step) =>
    step.kind === "stop" ? [step] : step.kind === "repeat" ? stopsIn(step.body) : [],
  );
}

/** What reads a number of its buffer as a call that does nothing else: for whoever asks about memory. */
export function callOf({ buffer }: Read | Stop): Call {
  const kernel = {
    name: `read of ${buffer.name}`,
    reads: [buffer],
    writes: [],
    parameters: [],
    body: [],
    comment: "",
  };
  return { kind: "call", kernel, buffers: [buffer], args: [] };
}

/** The buffers a call reads and those it writes, in the order of the kernel's formal ones. */
export function accessesOf({ kernel, buffers }: Call): {
  readonly reads: readonly Buffer[];
  readonly writes: readonly Buffer[];
} {
  const count = kernel.reads.length;
  return { reads: buffers.slice(0, count), writes: buffers.slice(count) };
}

/** How often steps are passed each buffer; a call that reads and writes one counts it twice. */
export function countUses(steps: readonly Step[]): ReadonlyMap<Buffer, number> {
  const uses = new Map<Buffer, number>();
  const passed = [
    ...callsIn(steps).flatMap(({ buffers }) => buffers),
    ...[...readsIn(steps), ...stopsIn(steps)].map((r) => r.buffer),
  ];
  for (const buffer of passed) uses.set(buffer, (uses.get(buffer) ?? 0) + 1);
  return uses;
}
