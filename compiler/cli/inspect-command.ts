/** `shapecast inspect`: what is known of a model, with or without a sample. */
import { inspect, renderInspection } from "../inspect/index.ts";
import { bytes, grouped, macs } from "./amounts.ts";
import { readBinding } from "./binding.ts";
import type { Options } from "./command-line.ts";
import { detached } from "./detached.ts";
import type { Host } from "./host.ts";
import { loadModel } from "./load-model.ts";

export async function runInspect(where: string, options: Options, host: Host): Promise<void> {
  const binding = readBinding(options);
  const { model } = await loadModel(where, host.cwd);
  const inspection = await detached(() =>
    inspect(model, binding(model, { complete: options.has("sample") })),
  );
  const text = options.has("json")
    ? JSON.stringify(inspection, undefined, 2)
    : renderInspection(inspection, {
        symbolic: options.has("symbolic"),
        amounts: { bytes, grouped, macs },
      });
  host.out.write(`${text}\n`);
}
