/** The command line: one command, then its exit code. Nothing here throws. */
import { VERSION } from "../version.ts";
import { type Options, type Parsed, parseCommandLine } from "./command-line.ts";
import { runCompile } from "./compile-command.ts";
import { reportFailure } from "./failure.ts";
import { helpFor, overview } from "./help.ts";
import { type Host, processHost } from "./host.ts";
import { runInspect } from "./inspect-command.ts";

const runners: Readonly<Record<string, (model: string, options: Options, host: Host) => Promise<void>>> = {
  compile: runCompile,
  inspect: runInspect,
};

/** `argv` without the interpreter and the script. Resolves to the exit code: 0, 1, 2, 3, 4 or 70. */
export async function run(argv: readonly string[], host: Host = processHost()): Promise<number> {
  try {
    await execute(parseCommandLine(argv), host);
    return 0;
  } catch (error) {
    return reportFailure(error, host);
  }
}

async function execute(parsed: Parsed, host: Host): Promise<void> {
  if (parsed.kind === "version") return host.out.write(`${VERSION}\n`);
  if (parsed.kind === "help")
    return host.out.write(`${parsed.command ? helpFor(parsed.command) : overview()}\n`);
  await runners[parsed.command.name]!(parsed.model, parsed.options, host);
}
