/*
 * A diagnostic as text, made to be read top down: what is wrong in one line with both values; the values in a
 * table with where each came from; why they must agree; the fix; then the way that led there and the user's
 * own line.
 *
 * Names in a diagnostic may come from a model somebody downloaded. A control character, a line break or a
 * direction override in one could forge lines or drive the terminal, so such characters are shown by their
 * number. Lines are not wrapped: a terminal does that, and a log is easier to search without it.
 */
import { codeFrame } from "./code-frame.ts";
import type { Diagnostic, Fact } from "./diagnostic.ts";
import { printLocation } from "./location.ts";

export interface RenderOptions {
  /** The text of a file, when it can be had: adds a code frame. */
  readonly source?: (file: string) => string | undefined;
  /** ANSI colours, for a terminal. */
  readonly color?: boolean;
}

type Paint = (text: string) => string;
interface Palette {
  readonly error: Paint;
  readonly strong: Paint;
  readonly faint: Paint;
}

const MARGIN = "  ";
const GUTTER = "   ";
const CHAIN_SHOWN = 12;

/** The whole text, without a final line break. */
export function render(diagnostic: Diagnostic, options: RenderOptions = {}): string {
  const palette = paletteFor(options.color ?? false);
  const { code, message } = diagnostic;
  const header = `${palette.error(code)} ${palette.strong(line(message))}`;
  const blocks = [
    table(diagnostic.facts ?? [], palette),
    explanation(diagnostic, palette),
    frame(diagnostic, options),
  ];
  return [header, ...blocks.filter((block) => block.length > 0).map(indented)].join("\n\n");
}

function table(facts: readonly Fact[], palette: Palette): string[] {
  const rows = facts.map((fact) => ({
    subject: line(fact.subject),
    value: line(fact.value),
    note: line(fact.note ?? ""),
  }));
  const subjectWidth = Math.max(...rows.map((row) => width(row.subject)));
  const valueWidth = Math.max(...rows.map((row) => width(row.value)));
  return rows.map(({ subject, value, note }) => {
    const start = pad(subject, subjectWidth) + GUTTER;
    return note === "" ? start + value : start + pad(value, valueWidth) + GUTTER + palette.faint(note);
  });
}

function explanation(diagnostic: Diagnostic, palette: Palette): string[] {
  const { because, fix, chain = [], chains = [chain], layer, at } = diagnostic;
  const lines = because === undefined ? [] : paragraph(because);
  lines.push(...paragraph(`Fix: ${fix}`));
  for (const way of chains)
    if (way.length > 0) lines.push(`through ${shortened(way).map(line).join(" -> ")}`);
  if (layer !== undefined && !mentions(diagnostic, layer)) lines.push(`in layer ${line(layer)}`);
  if (at !== undefined) lines.push(palette.faint(`at ${line(printLocation(at))}`));
  return lines;
}

/** The layer gets a line of its own only when the reader has not met it yet. */
function mentions({ message, facts = [], because = "", chain = [] }: Diagnostic, layer: string): boolean {
  return [message, because, ...facts.map((fact) => fact.subject), ...chain].some((text) =>
    text.includes(layer),
  );
}

function frame({ at }: Diagnostic, { source }: RenderOptions): string[] {
  const text = at === undefined ? undefined : source?.(at.file);
  return at === undefined || text === undefined ? [] : codeFrame(text, at).map(line);
}

/** A chain of a hundred layers helps nobody: both ends tell where it starts and what failed. */
function shortened(chain: readonly string[]): readonly string[] {
  if (chain.length <= CHAIN_SHOWN) return chain;
  const kept = (CHAIN_SHOWN - 2) / 2;
  return [...chain.slice(0, kept), `(${chain.length - 2 * kept} more)`, ...chain.slice(-kept)];
}

function indented(block: readonly string[]): string {
  return block.map((text) => (MARGIN + text).trimEnd()).join("\n");
}

function paragraph(text: string): string[] {
  return text.split("\n").map(line);
}

function line(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}

function width(text: string): number {
  return [...text].length;
}

function pad(text: string, columns: number): string {
  return text + " ".repeat(columns - width(text));
}

function paletteFor(color: boolean): Palette {
  const paint = (open: number, close: number): Paint =>
    color ? (text) => `\u001b[${open}m${text}\u001b[${close}m` : (text) => text;
  return { error: paint(31, 39), strong: paint(1, 22), faint: paint(2, 22) };
}
