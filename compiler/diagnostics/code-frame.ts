import type { SourceLocation } from "./location.ts";

const LINES_BEFORE = 2;
const LINES_AFTER = 1;
const COLUMNS = 100;

/**
 * The lines around `at`, numbered, with a caret under the column; empty when the text has no such line. Tabs
 * become one space, so that the caret stays true; a line too long to show (a bundle) is cut around the caret.
 * A column past the line's end comes from a loader that keeps lines only: the caret then marks where it
 * starts.
 */
export function codeFrame(text: string, at: SourceLocation): string[] {
  const lines = text.split(/\r?\n/);
  const marked = lines[at.line - 1];
  if (marked === undefined) return [];
  const first = Math.max(at.line - LINES_BEFORE, 1);
  const last = Math.min(at.line + LINES_AFTER, lines.length);
  const caret = at.column <= marked.length ? at.column - 1 : Math.max(marked.search(/\S/), 0);
  const start = caret < COLUMNS ? 0 : caret - COLUMNS / 2;
  const digits = String(last).length;
  const frame: string[] = [];
  for (let number = first; number <= last; number++) {
    const shown = (lines[number - 1] ?? "").replaceAll("\t", " ").slice(start, start + COLUMNS);
    frame.push(`${number === at.line ? ">" : " "} ${String(number).padStart(digits)} | ${shown}`.trimEnd());
    if (number === at.line) frame.push(`  ${" ".repeat(digits)} | ${" ".repeat(caret - start)}^`);
  }
  return frame;
}
