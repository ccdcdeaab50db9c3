/**
 * What goes to stderr when a command fails, and the exit code. The user's mistakes are rendered with the line
 * they are on; a defect of shapecast says so and how to report it, with its stack only on request, because it
 * helps nobody else.
 */
import { readFileSync } from "node:fs";
import { CompileError, type Diagnostic, exitCode, render } from "../diagnostics/index.ts";
import type { Host } from "./host.ts";
import { thrownAt } from "./stack.ts";

/** Prints `error` and returns the exit code. */
export function reportFailure(error: unknown, host: Host): number {
  const explained = error instanceof CompileError ? error : (fromUserCode(error) ?? fromRuntime(error));
  if (!explained) return reportDefect(error, host);
  const color = host.err.isTTY && !host.environment.noColor;
  const texts = explained.diagnostics.map((diagnostic) =>
    render(withReadableColumn(diagnostic), { source: readSource, color }),
  );
  if (texts.length > 1) texts.push(`${texts.length} errors`);
  host.err.write(`${texts.join("\n\n").replaceAll(`${host.cwd}/`, "")}\n`);
  return exitCode(explained);
}

/**
 * A custom layer's own code runs in the middle of compilation: its exceptions are not defects of the
 * compiler.
 */
function fromUserCode(error: unknown): CompileError | undefined {
  const at = error instanceof Error ? thrownAt(error) : undefined;
  if (!at || !(error instanceof Error) || error.message.startsWith("internal: ")) return undefined;
  return new CompileError([
    {
      code: "E1004",
      message: `the model's own code fails: ${error.name}: ${error.message.split("\n")[0]}`,
      fix: "repair that line; it runs while the model is compiled",
      at,
    },
  ]);
}

/** Memory that cannot be had is a limit, not a defect. */
function fromRuntime(error: unknown): CompileError | undefined {
  if (
    !(error instanceof RangeError) ||
    !/^(Array buffer allocation failed|Invalid typed array length)/.test(error.message)
  )
    return undefined;
  return new CompileError([
    {
      code: "E2301",
      message: `memory does not suffice: ${error.message}`,
      fix: "compile a smaller model or sample",
    },
  ]);
}

function reportDefect(error: unknown, { err, environment }: Host): number {
  const shown = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  err.write(`internal error: ${shown}\n\n`);
  err.write("  This is a defect of shapecast, not of your model. Please report it with the command\n");
  err.write("  and the model file; SHAPECAST_DEBUG=1 prints where it happened.\n");
  if (environment.debug && error instanceof Error) err.write(`\n${error.stack}\n`);
  return exitCode(error);
}

/**
 * Model files are transformed before they run: lines are kept, columns are not, so the line's start is
 * pointed at.
 */
function withReadableColumn(diagnostic: Diagnostic): Diagnostic {
  const { at } = diagnostic;
  const line = at && readSource(at.file)?.split("\n")[at.line - 1];
  return at && line ? { ...diagnostic, at: { ...at, column: line.search(/\S|$/) + 1 } } : diagnostic;
}

function readSource(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
