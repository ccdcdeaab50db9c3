/**
 * What the command line needs of the process around it, as an interface, so that a test can run a command in
 * its own process and read what it printed.
 */
import { type Environment, readEnvironment } from "./environment.ts";

export interface Stream {
  readonly isTTY: boolean;
  write(text: string): void;
}

export interface Host {
  /** Absolute; relative paths of the command line start here. */
  readonly cwd: string;
  /** Only what was asked for: the result of `--emit`, `--json`, `--help`, the report of a success. */
  readonly out: Stream;
  /** Errors and progress. */
  readonly err: Stream;
  readonly environment: Environment;
  /** Whether threads can be started on modules of this program: not from its sources. */
  readonly threads: boolean;
  /** Milliseconds from any start. */
  now(): number;
}

export function processHost(): Host {
  return {
    cwd: process.cwd(),
    out: streamOf(process.stdout),
    err: streamOf(process.stderr),
    environment: readEnvironment(),
    threads: true,
    now: () => performance.now(),
  };
}

function streamOf(stream: NodeJS.WriteStream): Stream {
  stream.once("error", ignoreClosedPipe);
  return {
    isTTY: stream.isTTY === true,
    write(text) {
      stream.write(text);
    },
  };
}

/** `shapecast ... | head` closes the pipe when it has seen enough: that is no failure of ours. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit();
}
