/** `shapecast inspect`: what is known of a model, with or without a sample, or where one size comes from. */
import { inspect, renderInspection, renderWhy, why } from "../inspect/index.ts";
import { bytes, grouped, macs } from "./amounts.ts";
import { readBinding } from "./binding.ts";
import type { Options } from "./command-line.ts";
import { detached } from "./detached.ts";
import type { Host } from "./host.ts";
import { loadModel } from "./load-model.ts";
import { writeNotes } from "./notes.ts";

export async function runInspect(where: string, options: Options, host: Host): Promise<void> {
  const binding = readBinding(options, host.cwd);
  const { model } = await loadModel(where, host.cwd);
  const assume = !options.has("sample") && ["symbolic", "nodes", "why"].some((name) => options.has(name));
  const bound = () => binding(model, { assume });
  const [dim] = options.get("why") ?? [];
  const text =
    dim === undefined
      ? print(await detached(() => inspect(model, { ...bound(), nodes: options.has("nodes") })), options)
      : printWhy(await detached(() => why(model, dim, bound())), options);
  host.out.write(`${text.replaceAll(`${host.cwd}/`, "")}\n`);
  writeNotes(model, host);
}

function print(inspection: ReturnType<typeof inspect>, options: Options): string {
  if (options.has("json")) return JSON.stringify(inspection, undefined, 2);
  const symbolic = options.has("symbolic") || options.has("nodes");
  return renderInspection(inspection, { symbolic, amounts: { bytes, grouped, macs } });
}

function printWhy(answer: ReturnType<typeof why>, options: Options): string {
  return options.has("json") ? JSON.stringify(answer, undefined, 2) : renderWhy(answer);
}
