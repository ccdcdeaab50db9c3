/**
 * What a run may need: beyond what one array can hold, a module would be written that nobody can instantiate.
 */
import { byteSize } from "../runtime/dtype.ts";
import { fail } from "./diagnostics/index.ts";
import type { Program } from "./ir/program.ts";

/** Bytes of the largest array that engines make. */
const MOST_BYTES = 2 ** 33;

/** @throws CompileError E2303 when the arena or an output is larger. */
export function checkMemory(programs: readonly Program[]): void {
  for (const { arena, outputs } of programs) {
    refuseOver(arena.bytes, "intermediate values");
    for (const { name, buffer } of outputs)
      refuseOver(byteSize(buffer.dtype, buffer.length), `output "${name}"`);
  }
}

function refuseOver(bytes: number, what: string): void {
  if (bytes <= MOST_BYTES) return;
  fail({
    code: "E2303",
    message: `a run needs ${bytes} bytes for ${what}, and one array holds ${MOST_BYTES} at most`,
    fix: "give smaller sizes, or a smaller max to a dim that is left open",
  });
}
