/** `--sample`, `--dim` and `--max-params` as what `compile` and `inspect` take. */
import { allocate } from "../../runtime/dtype.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import type { BindOptions } from "../compile-model.ts";
import { fail } from "../diagnostics/index.ts";
import type { Model } from "../index.ts";
import type { Options } from "./command-line.ts";
import { type GivenSample, readBytes, readDims, readSamples } from "./values.ts";

/**
 * Reads the options at once, so that a typo is found before the model is run; the model says what its only
 * input is called.
 */
export function readBinding(options: Options): (model: Model) => BindOptions {
  const samples = readSamples(options);
  const dims = readDims(options);
  const maxParams = readBytes(options, "max-params");
  return (model) => ({
    ...(samples.size > 0 && { sample: named(samples, model) }),
    ...(Object.keys(dims).length > 0 && { dims }),
    ...(maxParams !== undefined && { maxParams }),
  });
}

function named(
  samples: ReadonlyMap<string, GivenSample>,
  model: Model,
): Record<string, readonly number[] | Tensor> {
  const inputs = model.plan().inputs.map(({ name }) => name);
  return Object.fromEntries(
    [...samples].map(([name, given]) => [name === "" ? onlyInput(inputs) : name, toSample(given)]),
  );
}

function onlyInput(inputs: readonly string[]): string {
  if (inputs.length === 1) return inputs[0]!;
  return fail({
    code: "E1002",
    message: `--sample names no input, but the model has ${inputs.length}: ${inputs.join(", ")}`,
    fix: inputs.map((name) => `--sample ${name}=...`).join(" "),
  });
}

/** Binding looks at dtype and shape only, so there is no need to make data, of a size that may be wrong or huge. */
function toSample({ shape, dtype }: GivenSample): readonly number[] | Tensor {
  return dtype === undefined ? shape : { dtype, shape, data: allocate(dtype, 0) };
}
