/**
 * The table `net.summary()` gives: a row per use of a layer with its output and its parameters. What no
 * sample has decided is a question mark in a parameter and a name in an output.
 */
import { callSite } from "../diagnostics/index.ts";
import type { Shape } from "../dims/index.ts";
import { checkNames } from "./option-names.ts";
import { printShape } from "./shapes.ts";

export interface DescribedWeight {
  readonly name: string;
  readonly shape: Shape;
}

/** One use of a layer. */
export interface LayerDescription {
  readonly path: string;
  /** The layer's kind, e.g. "dense". */
  readonly kind: string;
  readonly outputs: readonly Shape[];
  /** The shapes under the last sample, if there was one. */
  readonly bound: readonly (readonly number[])[] | undefined;
  readonly weights: readonly DescribedWeight[];
  /** Whether its weights are another row's. */
  readonly shared: boolean;
}

/** Columns two spaces apart; parameters aligned below each other. */
export function printSummary(
  layers: readonly LayerDescription[],
  options: { readonly bound?: boolean },
): string {
  checkNames("summary", options, ["bound", "print"], callSite());
  const rows = layers.map((layer) => ({
    path: layer.path,
    output: printOutputs(layer, options.bound ?? false),
    weights: layer.shared ? ["(shared)"] : layer.weights.map(printWeight),
  }));
  const pathWidth = widest(["layer", ...rows.map(({ path }) => path)]);
  const outputWidth = widest(["output", ...rows.map(({ output }) => output)]);
  const columns = Array.from({ length: Math.max(0, ...rows.map(({ weights }) => weights.length)) }, (_, i) =>
    widest(rows.map(({ weights }) => weights[i] ?? "")),
  );
  const line = (path: string, output: string, weights: readonly string[]) =>
    `${path.padEnd(pathWidth)}  ${output.padEnd(outputWidth)}  ${weights
      .map((text, i) => text.padEnd(columns[i] ?? 0))
      .join(" ")}`.trimEnd();
  const lines = [
    line("layer", "output", ["parameters"]),
    ...rows.map((row) => line(row.path, row.output, row.weights)),
  ];
  if (rows.some(({ weights }) => weights.some((text) => text.includes("?"))))
    lines.push("? is decided by the first sample");
  return lines.join("\n");
}

function printOutputs(layer: LayerDescription, bound: boolean): string {
  if (bound && layer.bound) return layer.bound.map((shape) => `[${shape.join(", ")}]`).join(" ");
  return layer.outputs.map((shape) => printShape(shape)).join(" ");
}

function printWeight({ name, shape }: DescribedWeight): string {
  return `${name} ${printShape(shape, { deferred: true })}`;
}

const widest = (texts: readonly string[]) => Math.max(...texts.map((text) => text.length));
