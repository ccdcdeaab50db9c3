/**
 * An inspection as a table for people. Columns are aligned, so it is meant for a terminal; programs read the
 * data instead.
 */
import type {
  InspectedLayer,
  InspectedNeed,
  InspectedTotals,
  InspectedValue,
  Inspection,
} from "./inspect.ts";

export interface RenderOptions {
  /** Shapes as expressions of the inputs' dims even where the sample gives numbers. */
  readonly symbolic?: boolean;
  /** How amounts are written. */
  readonly amounts: {
    readonly bytes: (n: number) => string;
    readonly macs: (n: number) => string;
    readonly grouped: (n: number) => string;
  };
}

type Row = readonly string[];

/** Parameters of a layer beyond this width go on in the next line. */
const PARAMETERS_WIDTH = 64;

/** The text, without a final line break. */
export function renderInspection(inspection: Inspection, options: RenderOptions): string {
  const { inputs, layers, outputs, states, needs, totals } = inspection;
  const table = columns([
    ...inputs.map((value) => endRow("input", value, options)),
    ...layers.flatMap((layer) => layerRows(layer, options)),
    ...outputs.map((value) => endRow("output", value, options)),
    ...states.map((value) => endRow("state", value, options)),
  ]);
  const blocks = [table];
  // A sample that got this far satisfies them.
  if (needs.length > 0 && (!totals || options.symbolic)) blocks.push(columns(needs.flatMap(needRows)));
  if (totals) blocks.push([printTotals(totals, options.amounts)]);
  else if (inputs.some(isOpen))
    blocks.push([`sizes that are not numbers are decided by a sample: ${hint(inputs)}`]);
  return blocks.map((lines) => lines.join("\n")).join("\n\n");
}

export function printTotals(
  totals: InspectedTotals,
  { bytes, macs, grouped }: RenderOptions["amounts"],
): string {
  return [
    `parameters ${grouped(totals.parameters)} (${bytes(totals.parameterBytes)})`,
    `arena ${bytes(totals.arenaBytes)} (lower bound ${bytes(totals.arenaLowerBound)})`,
    macs(totals.macs),
  ].join("   ");
}

function endRow(word: string, value: InspectedValue, options: RenderOptions): Row {
  const dtype = value.dtype === "float32" ? "" : ` ${value.dtype}`;
  return [`${word.padEnd(6)} ${value.name}`, `${shapeText(value, options)}${dtype}`];
}

function layerRows(
  { path, outputs, parameters, shared, macs }: InspectedLayer,
  options: RenderOptions,
): Row[] {
  const [first = "", ...rest] = shared
    ? ["(shared)"]
    : wrapped(parameters.map((p) => parameterText(p, options)));
  const shapes = outputs.map((output) => shapeText(output, options)).join(" ");
  return [
    [`  ${path}`, shapes, first, macs ? options.amounts.macs(macs) : ""],
    ...rest.map((line) => ["", "", line]),
  ];
}

function needRows({ constraint, because }: InspectedNeed, i: number): Row[] {
  const [first = "", ...rest] = because;
  return [[i === 0 ? "needs" : "", constraint, first], ...rest.map((clause) => ["", "", clause])];
}

function shapeText({ shape, sizes }: Sized, { symbolic }: RenderOptions): string {
  return `[${(sizes && !symbolic ? sizes : shape).join(", ")}]`;
}

/**
 * What a sample decides is a question mark, as in a summary: the expression is the input's size in other
 * words.
 */
function parameterText(parameter: Sized & { readonly name: string }, { symbolic }: RenderOptions): string {
  const { name, shape, sizes } = parameter;
  const text = sizes && !symbolic ? sizes : shape.map((size) => (isNumber(size) ? size : "?"));
  return `${name} [${text.join(", ")}]`;
}

function hint(inputs: readonly InspectedValue[]): string {
  const sizes = (shape: readonly string[]) => shape.map((size) => (isNumber(size) ? size : "n")).join(",");
  return inputs.map(({ name, shape }) => `--sample ${name}=${sizes(shape)}`).join(" ");
}

type Sized = Pick<InspectedValue, "shape" | "sizes">;
const isNumber = (size: string): boolean => /^\d+$/.test(size);
const isOpen = ({ shape }: Sized): boolean => !shape.every(isNumber);

/** Texts in lines of limited width, two spaces apart. */
function wrapped(texts: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const text of texts) {
    const line = lines.at(-1);
    if (line === undefined || line.length + text.length + 2 > PARAMETERS_WIDTH) lines.push(text);
    else lines[lines.length - 1] = `${line}  ${text}`;
  }
  return lines;
}

function columns(rows: readonly Row[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("   ")
      .trimEnd(),
  );
}
