/**
 * How `net.predict` runs: the bound graph goes through the same stages as a module that is written to a file,
 * and the module's text is evaluated in process. There is no second interpreter whose numbers could differ.
 */
import { emitTypeScript } from "../codegen/typescript/index.ts";
import { type Instance, load, type Signature } from "../runtime/load.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { lowerBound } from "./compile.ts";
import type { Executor } from "./frontend/index.ts";

/** Weights stay bytes beside the code: turning them into text and back would only cost time. */
export const executeCompiled: Executor = (bound, weights) => {
  const parameters = new Map([...weights].map(([path, { data }]) => [path, { data }]));
  const { program } = lowerBound({ ...bound, symbols: new Map() }, { parameters });
  const module = load(emitTypeScript(program, { format: "js", weights: "file", header: [] }));
  const instance = module.instantiate();
  return (inputs) => runOn(instance, module.signature, inputs);
};

/** Outputs are copied: the instance writes the next ones over them. */
function runOn(
  instance: Instance,
  signature: Signature,
  inputs: ReadonlyMap<string, Tensor>,
): ReadonlyMap<string, Tensor> {
  const results = instance.run(Object.fromEntries([...inputs].map(([name, { data }]) => [name, data])));
  return new Map(
    Object.entries(signature.outputs).map(([name, { dtype, shape }]) => [
      name,
      // Sizes are bound here, so they are numbers, or else the instance knows them by now.
      { dtype, shape: instance.shapes?.[name] ?? shape.map(Number), data: results[name]!.slice() },
    ]),
  );
}
