/**
 * How `net.predict` runs: the bound graph goes through the same stages as a module that is written to a file,
 * and the module's text is evaluated in process. There is no second interpreter whose numbers could differ.
 */
import { emitTypeScript } from "../codegen/typescript/index.ts";
import { byteSize } from "../runtime/dtype.ts";
import { type Instance, load, type Signature } from "../runtime/load.ts";
import type { Sizes } from "../runtime/size-text.ts";
import type { Tensor } from "../runtime/tensor.ts";
import { lowerBound } from "./compile.ts";
import { fail } from "./diagnostics/index.ts";
import type { Executor } from "./frontend/index.ts";
import type { Program } from "./ir/program.ts";

/** Weights stay bytes beside the code: turning them into text and back would only cost time. */
export const executeCompiled: Executor = Object.assign(execute, { takesOpen: true });

function execute(
  bound: Parameters<Executor>[0],
  weights: Parameters<Executor>[1],
): (inputs: ReadonlyMap<string, Tensor>) => ReadonlyMap<string, Tensor> {
  const parameters = new Map([...weights].map(([path, { data }]) => [path, { data }]));
  const { program } = lowerBound({ ...bound, symbols: new Map() }, { parameters });
  if (bound.open.dims.length > 0) refuseLarge(program);
  const module = load(emitTypeScript(program, { format: "js", weights: "file", header: [] }));
  const instance = module.instantiate();
  return (inputs) => runOn(instance, module.signature, inputs);
}

/** A program for every size of a dim has memory for the largest, which need not be one that is fed. */
const MOST_OPEN_BYTES = 2 ** 26;

function refuseLarge({ arena, outputs }: Program): void {
  const bytes = arena.bytes + outputs.reduce((n, { buffer }) => n + byteSize(buffer.dtype, buffer.length), 0);
  if (bytes <= MOST_OPEN_BYTES) return;
  fail({
    code: "E2303",
    message: `a run needs ${bytes} bytes for the largest sizes, and predict takes ${MOST_OPEN_BYTES} for these`,
    fix: "give a smaller max to a dim that is left open",
  });
}

/** Outputs are copied: the instance writes the next ones over them. */
export function runOn(
  instance: Instance,
  signature: Signature,
  inputs: ReadonlyMap<string, Tensor>,
): ReadonlyMap<string, Tensor> {
  const arrays = Object.fromEntries([...inputs].map(([name, { data }]) => [name, data]));
  const results = instance.run(arrays, sizesAlone(signature, inputs));
  return new Map(
    Object.entries(signature.outputs).map(([name, { dtype, shape }]) => [
      name,
      // Sizes are bound here, so they are numbers, or else the instance knows them by now.
      { dtype, shape: [...(instance.shapes?.[name] ?? shape.map(Number))], data: results[name]!.slice() },
    ]),
  );
}

/** Sizes of open dims that stand in the shape of an input by themselves: no length may tell them. */
function sizesAlone({ inputs: ports, dims = {} }: Signature, inputs: ReadonlyMap<string, Tensor>): Sizes {
  const sizes = new Map<string, number>();
  for (const [name, { shape }] of Object.entries(ports))
    shape.forEach((d, axis) => {
      const n = inputs.get(name)?.shape[axis];
      if (typeof d === "string" && Object.hasOwn(dims, d) && n !== undefined) sizes.set(d, n);
    });
  return Object.fromEntries(sizes);
}
