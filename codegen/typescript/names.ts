/** The identifiers of one module: its fixed names, then kernels, then buffers, none hiding another. */
import type { Buffer, Kernel } from "../../compiler/ir/loop.ts";
import type { Program } from "../../compiler/ir/program.ts";
import { Scope } from "../source/index.ts";
import { runtimeFunctions } from "./functions.ts";
import { initializerNames } from "./initializers.source.ts";
import { callsIn } from "./steps.ts";

export interface ModuleNames {
  readonly module: Scope;
  readonly kernels: ReadonlyMap<Kernel, string>;
  /** Local variables of the function that makes an instance, and properties of the weights. */
  readonly buffers: ReadonlyMap<Buffer, string>;
  /** The scope the buffers are named in. */
  readonly local: Scope;
}

const fixed = [
  ..."signature instantiate loadWeights sharedWeights Inputs Outputs Weights Instance checkInput decode base64".split(
    " ",
  ),
  ..."byteLength arena packed weights inputs outputs run bytes view hash binary text name value type length shape".split(
    " ",
  ),
];

export function moduleNames(program: Program, seeds: readonly string[]): ModuleNames {
  const module = new Scope([...fixed, ...Object.keys(runtimeFunctions), ...initializerNames(seeds)]);
  const kernels = new Map<Kernel, string>();
  for (const kernel of program.kernels) kernels.set(kernel, module.take(kernel.name, "kernel"));
  const local = module.inner();
  const buffers = new Map<Buffer, string>();
  for (const buffer of buffersOf(program)) buffers.set(buffer, local.take(buffer.name, "buffer"));
  return { module, kernels, buffers, local };
}

function buffersOf(program: Program): Iterable<Buffer> {
  return new Set([
    ...program.inputs.map((port) => port.buffer),
    ...program.outputs.map((port) => port.buffer),
    ...callsIn([...program.prepare, ...program.steps]).flatMap((step) => step.buffers),
  ]);
}
