/** What `shapecast verify` prints. */
import type { Scalar } from "../../runtime/dtype.ts";
import type { Deviation } from "./verify-compare.ts";
import type { Divergence } from "./verify-diverge.ts";
import { agrees, type Comparison } from "./verify-model.ts";
import type { Oracle } from "./verify-oracle.ts";

export function comparisonText(comparisons: readonly Comparison[], oracle: Oracle | undefined): string {
  return comparisons.map((comparison) => one(comparison, oracle)).join("\n\n");
}

function one(comparison: Comparison, oracle: Oracle | undefined): string {
  const { against, outputs, skipped, divergence } = comparison;
  if (skipped !== undefined) return `not compared with ${against}: it says\n  ${skipped}`;
  const width = Math.max(...outputs.map(({ name }) => name.length));
  const rows = outputs.map((each, i) => `${row(each, width)}${i === 0 ? `      against ${against}` : ""}`);
  if (agrees(comparison)) return rows.join("\n");
  const wrong = outputs.filter(({ outside }) => outside > 0).map(wrongText);
  return [...rows, "", ...wrong, "", divergenceText(divergence, oracle)].join("\n");
}

function row({ name, absolute, relative, ulp, form }: Deviation, width: number): string {
  const figures = [`max abs ${figure(absolute)}`, `max rel ${figure(relative)}`, `${ulp} ulp`];
  return `${name.padEnd(width)}   ${form === undefined ? figures.join("   ") : "differs in form"}`;
}

function wrongText({ name, outside, first, form }: Deviation): string {
  if (form !== undefined) return `"${name}" ${form}`;
  const { index, actual, expected } = first!;
  const others = outside > 1 ? `, and ${outside - 1} more elements` : "";
  return `"${name}" does not agree: element ${index} is ${actual}, expected ${expected}${others}`;
}

function divergenceText(divergence: Divergence | undefined, oracle: Oracle | undefined): string {
  if (!oracle)
    return "npm install onnxruntime-web beside the model, and verify tells which node is the first to differ";
  if (!divergence) return "no single value inside the graph was found that differs";
  const { value, node, operator, index, actual, expected, form } = divergence;
  const what = form ?? `element ${index} is ${number(actual)}, ${oracle.name} has ${number(expected)}`;
  return `first to differ: "${value}", made by ${node} (${operator}): ${what}`;
}

const number = (x: Scalar): string => String(x);

/** 2.1e-7; 0 as it is. */
const figure = (x: number): string => (x === 0 || !Number.isFinite(x) ? String(x) : x.toExponential(1));
