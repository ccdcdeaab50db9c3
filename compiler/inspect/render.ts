/**
 * An inspection as a table for people. Columns are aligned, so it is meant for a terminal; programs read the
 * data instead.
 */
import type {
  InspectedComputed,
  InspectedGap,
  InspectedLayer,
  InspectedNeed,
  InspectedNode,
  InspectedTotals,
  InspectedValue,
  Inspection,
} from "./inspect.ts";

export interface RenderOptions {
  /** Shapes and demands alone, as expressions of the inputs' dims even where the sample gives numbers. */
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
  const { inputs, layers, outputs, states, needs, undetermined, nodes, totals } = inspection;
  const { open = [], declared = [], computed = [] } = inspection;
  const table = columns([
    ...inputs.map((value) => endRow("input", value, options)),
    ...layers.flatMap((layer) => [...layerRows(layer, options), ...nodeRows(layer, nodes ?? [], options)]),
    ...outputs.map((value) => endRow("output", value, options)),
    ...states.map((value) => endRow("state", value, options)),
  ]);
  const blocks = [table];
  // A sample that got this far satisfies them.
  if (needs.length > 0 && (!totals || options.symbolic)) blocks.push(columns(needRows(needs)));
  if (declared.length > 0 && !totals) blocks.push(columns(declared.map((rule) => ["declared", rule])));
  if (open.length > 0) blocks.push(columns(open.map((rule) => ["open", rule])));
  if (computed.length > 0) blocks.push(columns(computed.map(computedRow)));
  if (undetermined.length > 0) blocks.push(columns(gapRows(undetermined)));
  if (totals) blocks.push([printTotals(totals, options.amounts)]);
  else if (!options.symbolic && inputs.some(isOpen))
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
  const shapes = outputs.map((output) => shapeText(output, options)).join(" ");
  if (options.symbolic) return [[`  ${path}`, shapes]];
  const [first = "", ...rest] = shared
    ? ["(shared)"]
    : wrapped(parameters.map((p) => parameterText(p, options)));
  return [
    [`  ${path}`, shapes, first, macs ? options.amounts.macs(macs) : ""],
    ...rest.map((line) => ["", "", line]),
  ];
}

/** The values inside a layer, but for what it gives out. */
function nodeRows(
  { path, shared }: InspectedLayer,
  nodes: readonly InspectedNode[],
  options: RenderOptions,
): Row[] {
  return nodes
    .filter(({ layer }) => layer === path && !shared)
    .map((node) => [`    ${node.name}`, shapeText(node, options)]);
}

/** Along another axis the same layers mostly demand the same: that is said in three words. */
export function needRows(needs: readonly InspectedNeed[]): Row[] {
  const told = new Map<string, string>();
  return needs.flatMap(({ constraint, because, alternative }, i) => {
    const name = /[\p{L}_$][\p{L}\p{N}_.$]*/u.exec(constraint)?.[0] ?? "";
    const key = [constraint, ...because].map((line) => withoutAxis(line, name)).join("\n");
    const before = told.get(key);
    told.set(key, before ?? name);
    const reasons = before === undefined ? because : [`the same as for ${before}`];
    const [first = "", ...rest] = reasons;
    const asked = alternative === undefined ? constraint : `${constraint}, ${alternative}`;
    return [[i === 0 ? "needs" : "", asked, first], ...rest.map((line) => ["", "", line])];
  });
}

const computedRow = ({ symbol, most, by }: InspectedComputed): Row => [
  "data",
  `${symbol} <= ${most}`,
  `${by} finds it in the data of a run`,
];

function gapRows(gaps: readonly InspectedGap[]): Row[] {
  return gaps.map(({ symbol, value, shape, fix }, i) => [
    i === 0 ? "open" : "",
    symbol,
    `nothing determines it in ${value} [${shape.join(", ")}]: ${fix}`,
  ]);
}

/** A reason with the dim's name and the axis it was met at left out. */
function withoutAxis(line: string, name: string): string {
  const words = line.split(/([\p{L}\p{N}_.$]+)/u).map((word) => (word === name ? "" : word));
  return words.join("").replace(/axis -?\d+/g, "axis");
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

export function columns(rows: readonly Row[]): readonly string[] {
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
