/** The command line: one command, then its exit code. Nothing here throws. */
import { VERSION } from "../version.ts";
import { runBench } from "./bench-command.ts";
import { type Options, type Parsed, parseCommandLine } from "./command-line.ts";
import { runCompile } from "./compile-command.ts";
import { reportFailure } from "./failure.ts";
import { helpFor, overview } from "./help.ts";
import { type Host, processHost } from "./host.ts";
import { runInspect } from "./inspect-command.ts";
import { runVerify } from "./verify-command.ts";

type Runner<Result> = (model: string, options: Options, host: Host) => Promise<Result>;

/** Each resolves to its exit code. */
const runners: Readonly<Record<string, Runner<number>>> = {
  compile: successful(runCompile),
  inspect: successful(runInspect),
  verify: runVerify,
  bench: successful(runBench),
};

/** What either throws or is done. */
function successful(runner: Runner<void>): Runner<number> {
  return async (model, options, host) => {
    await runner(model, options, host);
    return 0;
  };
}

/** `argv` without the interpreter and the script. Resolves to the exit code: 0, 1, 2, 3, 4 or 70. */
export async function run(argv: readonly string[], host: Host = processHost()): Promise<number> {
  try {
    return await execute(parseCommandLine(argv), host);
  } catch (error) {
    return reportFailure(error, host);
  }
}

async function execute(parsed: Parsed, host: Host): Promise<number> {
  if (parsed.kind === "command") return runners[parsed.command.name]!(parsed.model, parsed.options, host);
  const help = () => (parsed.kind === "help" && parsed.command ? helpFor(parsed.command) : overview());
  host.out.write(`${parsed.kind === "version" ? VERSION : help()}\n`);
  return 0;
}
