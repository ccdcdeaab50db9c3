import { type Code, catalogue, exitCodes } from "./catalogue.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { render } from "./render.ts";

/**
 * What a user did or gave that cannot be compiled. The message is the rendered text of every diagnostic, so
 * that a program that merely prints the error says all there is to say.
 */
export class CompileError extends Error {
  override readonly name = "CompileError";
  readonly diagnostics: readonly Diagnostic[];
  /** The code of the first diagnostic. */
  readonly code: Code;

  constructor(diagnostics: readonly Diagnostic[]) {
    const [first] = diagnostics;
    if (first === undefined) throw new Error("internal: a CompileError needs a diagnostic");
    super(listing(diagnostics));
    this.diagnostics = Object.freeze([...diagnostics]);
    this.code = first.code;
  }
}

/** Collects what is wrong in independent places, so that the user reads all of it at once. */
export class DiagnosticBag {
  readonly #list: Diagnostic[] = [];

  add(diagnostic: Diagnostic): void {
    this.#list.push(diagnostic);
  }

  /** In the order they were added. */
  get list(): readonly Diagnostic[] {
    return this.#list;
  }

  /** @throws CompileError with everything added so far, when that is anything. */
  throwIfAny(): void {
    if (this.#list.length > 0) throw new CompileError(this.#list);
  }
}

/** @throws CompileError with this one diagnostic. */
export function fail(diagnostic: Diagnostic): never {
  throw new CompileError([diagnostic]);
}

/**
 * The process exit code for an error: that of the gravest diagnostic, unsafe 4 before unsupported 3 before
 * usage 2 before a failed check 1. Anything that is not a CompileError is a defect of shapecast: 70.
 */
export function exitCode(error: unknown): number {
  if (!(error instanceof CompileError)) return exitCodes.internal;
  return Math.max(...error.diagnostics.map(({ code }) => exitCodes[catalogue[code].category]));
}

function listing(diagnostics: readonly Diagnostic[]): string {
  const texts = diagnostics.map((diagnostic) => render(diagnostic));
  if (texts.length > 1) texts.push(`${texts.length} errors`);
  return texts.join("\n\n");
}
