/**
 * What a run may need: beyond what one array can hold, or a WebAssembly memory, a module would be written
 * that nobody can instantiate; and users have limits of their own.
 */
import { byteSize } from "../runtime/dtype.ts";
import { fail } from "./diagnostics/index.ts";
import type { Buffer } from "./ir/loop.ts";
import type { Program } from "./ir/program.ts";
import type { Target } from "./ir/target.ts";

/** Bytes of the largest array that engines make. */
const MOST_IN_ARRAY = 2 ** 33;
/** Bytes that 32-bit addresses reach. */
const MOST_IN_MEMORY = 2 ** 32;
/** Buffers in such a memory start at lines of the cache. */
const LINE = 64;

export interface MemoryLimits {
  readonly target?: Target["name"] | undefined;
  /** In bytes. */
  readonly maxMemory?: number | undefined;
}

/**
 * `programs` take turns with one set of weights. @throws CompileError E2303 when an array, the memory of a
 * WebAssembly module, or all of it together is larger than it may be.
 */
export function checkMemory(programs: readonly Program[], { target = "ts", maxMemory }: MemoryLimits): void {
  if (target === "wasm") refuseTotal(programs, LINE, MOST_IN_MEMORY, "a WebAssembly memory has");
  else
    for (const { arena, outputs } of programs) {
      refuseArray(arena.bytes, "intermediate values");
      for (const { name, buffer } of outputs) refuseArray(bytesOf([buffer]), `output "${name}"`);
    }
  const line = target === "wasm" ? LINE : 1;
  if (maxMemory !== undefined) refuseTotal(programs, line, maxMemory, "maxMemory (--max-memory) allows");
}

function refuseArray(bytes: number, what: string): void {
  if (bytes <= MOST_IN_ARRAY) return;
  fail({
    code: "E2303",
    message: `a run needs ${bytes} bytes for ${what}, and one array holds ${MOST_IN_ARRAY} at most`,
    fix: "give smaller sizes, or a smaller max to a dim that is left open",
  });
}

function refuseTotal(programs: readonly Program[], line: number, limit: number, who: string): void {
  const largest = (of: (program: Program) => number) => Math.max(...programs.map(of));
  const parts = {
    weights: largest(({ weights, packed }) =>
      bytesOf([...weights.map(({ buffer }) => buffer), ...packed], line),
    ),
    arena: largest(({ arena }) => arena.bytes),
    "inputs and outputs": largest(({ inputs, outputs }) =>
      bytesOf(
        [...inputs, ...outputs].map(({ buffer }) => buffer),
        line,
      ),
    ),
  };
  const total = Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);
  if (total <= limit) return;
  fail({
    code: "E2303",
    message: `a run needs ${total} bytes, and ${who} ${limit} at most`,
    facts: Object.entries(parts).map(([subject, bytes]) => ({ subject, value: `${bytes} bytes` })),
    fix: "give smaller sizes, or a smaller max to a dim that is left open",
  });
}

/** Each starts at a multiple of `line`. */
const bytesOf = (buffers: readonly Buffer[], line = 1): number =>
  [...new Set(buffers)].reduce((sum, b) => sum + Math.ceil(byteSize(b.dtype, b.length) / line) * line, 0);
