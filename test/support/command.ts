/**
 * Runs a command line in this process, in a temporary folder of its own, and keeps what it printed and wrote.
 * Paths of that folder are shown as nothing, as they are to a user who works there.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Environment } from "../../compiler/cli/environment.ts";
import type { Host } from "../../compiler/cli/host.ts";
import { run } from "../../compiler/cli/main.ts";

export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly tty?: boolean;
  readonly environment?: Partial<Environment>;
}

/** A folder with files, gone after `remove`. */
export class Workplace {
  readonly path = mkdtempSync(join(tmpdir(), "shapecast-"));

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  write(name: string, text: string): void {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), "utf8");
  }

  bytes(name: string): Uint8Array {
    return readFileSync(join(this.path, name));
  }

  /** Every file below it, sorted. */
  files(): readonly string[] {
    const entries = readdirSync(this.path, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.path.length + 1))
      .sort();
  }

  /** `shapecast` with the words of `line`, which are separated by single spaces. */
  async shapecast(line: string, { tty = false, environment = {} }: RunOptions = {}): Promise<CommandResult> {
    const [out, err]: string[][] = [[], []];
    const stream = (texts: string[]) => ({ isTTY: tty, write: (text: string) => void texts.push(text) });
    let clock = 0;
    const host: Host = {
      cwd: this.path,
      out: stream(out!),
      err: stream(err!),
      environment: { printAfter: undefined, debug: false, noColor: false, ...environment },
      threads: false,
      now: () => {
        clock += 10;
        return clock;
      },
    };
    const code = await run(line === "" ? [] : line.split(" "), host);
    return { code, out: out!.join(""), err: err!.join("") };
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
