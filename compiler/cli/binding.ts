/** `--sample`, `--dim` and `--max-params` as what `compile` and `inspect` take. */
import { allocate } from "../../runtime/dtype.ts";
import { nearest } from "../../runtime/initializers/nearest.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import type { BindOptions } from "../bind-model.ts";
import { fail } from "../diagnostics/index.ts";
import type { Network } from "../index.ts";
import { statedOfDim } from "../infer/stated.ts";
import type { Options } from "./command-line.ts";
import { readDims } from "./dims.ts";
import { toTensor } from "./sample-data.ts";
import { type GivenSample, readBytes, readSamples } from "./values.ts";

type Inputs = ReturnType<Network["plan"]>["inputs"];

export interface BindingOptions {
  /** What is said of dims is assumed of their names instead of binding them: shapes stay symbolic. */
  readonly assume?: boolean;
}

export type Binding = (model: Network, options?: BindingOptions) => BindOptions;

/**
 * Reads the options at once, so that a typo is found before the model is run; the model says what its only
 * input is called.
 */
export function readBinding(options: Options, cwd: string): Binding {
  const samples = readSamples(options, cwd);
  const { dims, constraints } = readDims(options);
  const maxParams = readBytes(options, "max-params");
  const hasDims = Object.keys(dims).length > 0;
  return (model, options = {}) => {
    const { inputs } = model.plan();
    const sample = named(samples, inputs);
    const assumed = options.assume ? Object.entries(dims).map((each) => statedOfDim(each, "--dim")) : [];
    const said = [...constraints, ...assumed];
    return {
      ...(samples.size > 0 && { sample }),
      ...(hasDims && !options.assume && { dims }),
      ...(said.length > 0 && { constraints: said }),
      ...(maxParams !== undefined && { maxParams }),
    };
  };
}

/**
 * By input name. Throws E1002 for sizes without a name where there are several inputs, E2102 for a name there
 * is not.
 */
function named(
  samples: ReadonlyMap<string, GivenSample>,
  inputs: Inputs,
): Record<string, readonly number[] | Tensor> {
  const names = inputs.map(({ name }) => name);
  const entries = [...samples].map(([word, given]) => {
    const name = word === "" ? onlyInput(names) : word;
    const input = inputs.find((one) => one.name === name);
    if (input) return [name, toSample(given, input)] as const;
    return fail({
      code: "E2102",
      message: `the model has no input "${name}"; did you mean "${nearest(name, names)[0]}"?`,
      fix: `its inputs are ${names.join(", ")}`,
    });
  });
  return Object.fromEntries(entries);
}

function onlyInput(inputs: readonly string[]): string {
  if (inputs.length === 1) return inputs[0]!;
  return fail({
    code: "E1002",
    message: `--sample names no input, but the model has ${inputs.length}: ${inputs.join(", ")}`,
    fix: inputs.map((name) => `--sample ${name}=...`).join(" "),
  });
}

/**
 * Binding looks at dtype and shape only, so there is no need to make data, of a size that may be wrong or
 * huge; but for the values on which shapes depend, which the user gave.
 */
function toSample(
  { shape, dtype, data }: GivenSample,
  { name, dtype: declared, shape: { length } }: Inputs[number],
): readonly number[] | Tensor {
  if (data) return toTensor(name, data, dtype ?? declared, length);
  return dtype === undefined ? shape : { dtype, shape, data: allocate(dtype, 0) };
}
