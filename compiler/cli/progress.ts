/**
 * One line on a terminal that says which stage runs and is gone when it ends. A stage does not give the
 * processor back, so a timer could never speak up in the middle of one; the name is written when the stage
 * starts. Silent when piped.
 */
import type { Host } from "./host.ts";

export interface Progress {
  readonly stage: (name: string) => void;
  readonly clear: () => void;
}

export function progressOn({ err, now }: Host): Progress {
  if (!err.isTTY) return { stage: () => {}, clear: () => {} };
  const start = now();
  const clear = () => err.write("\r\u001b[K");
  return {
    stage(name) {
      const seconds = (now() - start) / 1000;
      err.write(`\r\u001b[K${name} ...${seconds >= 1 ? ` ${seconds.toFixed(0)} s` : ""}`);
    },
    clear,
  };
}
