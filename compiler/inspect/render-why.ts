/** The way of a size as text: a line per layer that changed it, and what only handed it on in between. */
import { columns, needRows } from "./render.ts";
import type { Why, WhyStep } from "./why.ts";

/** The text, without a final line break. */
export function renderWhy({ value, axis, dim, simplified, size, steps, needs }: Why): string {
  const number = size === undefined || String(size) === dim ? "" : ` = ${size}`;
  const simpler = simplified === undefined ? "" : `, ${simplified} for sizes that can pass`;
  const blocks = [
    [`${value}.${axis} is ${dim}${number}${simpler}`],
    columns(runs(steps).map(stepRow)).map((line) => `  ${line}`),
    ...(needs.length > 0 ? [columns(needRows(needs))] : []),
  ];
  return blocks.map((lines) => lines.join("\n")).join("\n\n");
}

/** Layers in a row that only hand a size on are told together. */
function runs(steps: readonly WhyStep[]): readonly (readonly WhyStep[])[] {
  const list: WhyStep[][] = [];
  for (const step of steps) {
    const last = list.at(-1);
    if (last && !step.changed && !last[0]!.changed && last[0]!.dim === step.dim) last.push(step);
    else list.push([step]);
  }
  return list;
}

function stepRow(run: readonly WhyStep[]): readonly string[] {
  const [first, last] = [run[0]!, run.at(-1)!];
  const { dim, size, verb, at, changed } = first;
  const number = size === undefined || String(size) === dim ? "" : ` = ${size}`;
  const names = run.length === 1 ? first.layer : `${first.layer} … ${last.layer}`;
  const deed = changed ? (verb ?? "") : run.length === 1 ? "kept" : `kept by ${run.length} layers`;
  return [names, `${dim}${number}`, deed, changed && at !== undefined ? at : ""];
}
