/** An inspection as a table for people. Columns are aligned, so it is meant for a terminal; programs read the data instead. */
import type { InspectedLayer, InspectedTotals, InspectedValue, Inspection } from "./inspect.ts";

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

/** The text, without a final line break. */
export function renderInspection(inspection: Inspection, options: RenderOptions): string {
  const { inputs, layers, outputs, needs, totals } = inspection;
  const table = columns([
    ...inputs.map((value) => endRow("input", value, options)),
    ...layers.map((layer) => layerRow(layer, options)),
    ...outputs.map((value) => endRow("output", value, options)),
  ]);
  const blocks: (string | readonly string[])[] = [table];
  if (needs.length > 0)
    blocks.push(
      columns(
        needs.map(({ constraint, because }, i) => [i === 0 ? "needs" : "", constraint, because.join("; ")]),
      ),
    );
  if (totals) blocks.push(printTotals(totals, options.amounts));
  else if (
    layers.some(({ parameters }) => parameters.some(({ shape }) => shape.some((size) => !/^\d+$/.test(size))))
  )
    blocks.push("sizes that are not numbers are decided by a sample, as in --sample x=1,28,28,1");
  return blocks.map((lines) => (typeof lines === "string" ? lines : lines.join("\n"))).join("\n\n");
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

function layerRow({ path, outputs, parameters, shared, macs }: InspectedLayer, options: RenderOptions): Row {
  const named = shared ? "(shared)" : parameters.map((p) => `${p.name} ${shapeText(p, options)}`).join("  ");
  return [
    `  ${path}`,
    outputs.map((output) => shapeText(output, options)).join(" "),
    named,
    macs ? options.amounts.macs(macs) : "",
  ];
}

function shapeText(
  { shape, sizes }: Pick<InspectedValue, "shape" | "sizes">,
  { symbolic }: RenderOptions,
): string {
  return `[${(sizes && !symbolic ? sizes : shape).join(", ")}]`;
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
