/** What a schedule gives back. */
import type { Buffer, Kernel } from "../../ir/loop.ts";

/**
 * An operand laid out anew for one kernel: `prepare` reads `source` and writes `packed`, once per set of
 * weights, or before each call where `source` is no weight.
 */
export interface Panel {
  readonly source: Buffer;
  /**
   * In space `packed`, or of the arena where it is of one run; its name is made of the kernel's and the
   * source's.
   */
  readonly packed: Buffer;
  readonly prepare: Kernel;
}

export interface Scheduled {
  /**
   * Takes the same buffers in the same order, each `panels[i].source` that it no longer reads replaced by
   * `packed`.
   */
  readonly kernel: Kernel;
  readonly panels: readonly Panel[];
}
