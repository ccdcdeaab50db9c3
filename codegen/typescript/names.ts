/** The identifiers of one module: its fixed names, then kernels, then buffers, none hiding another. */
import type { Buffer, Kernel } from "../../compiler/ir/loop.ts";
import type { Program } from "../../compiler/ir/program.ts";
import { Scope } from "../source/index.ts";
import { runtimeFunctions } from "./functions.ts";
import { initializerNames } from "./initializers.source.ts";
import { buffersOf } from "./steps.ts";

export interface ModuleNames {
  /** What the code of a kernel may refer to beside its own parameters. */
  readonly module: Scope;
  readonly kernels: ReadonlyMap<Kernel, string>;
  /** Local variables of the function that makes an instance, and properties of the weights. */
  readonly buffers: ReadonlyMap<Buffer, string>;
  /** The scope the buffers are named in. */
  readonly local: Scope;
}

const ofModule = `
  signature Inputs Outputs Weights Instance instantiate loadWeights sharedWeights shared checkInput checkValues decode
  base64`;

/** Locals of the functions that call kernels and name buffers: neither may be called like them. */
const ofCallers =
  "weights given byteLength arena packed inputs outputs run bytes aligned buffer byteOffset words hash";

/** Of modules with open dims only. */
const ofOpenModules = "Dims Shapes dims shapes checkType refuseDim refuseLength viewOf";

/** `reserved`: names that the code of another target uses. */
export function moduleNames(
  program: Program,
  seeds: readonly string[],
  reserved: readonly string[] = [],
): ModuleNames {
  const callers = new Scope([
    ...reserved,
    ...(program.open.dims.length > 0 ? ofOpenModules.split(" ") : []),
    ...ofModule.trim().split(/\s+/),
    ...ofCallers.split(" "),
    ...Object.keys(runtimeFunctions),
    ...initializerNames(seeds),
  ]);
  const kernels = new Map<Kernel, string>();
  for (const kernel of program.kernels) kernels.set(kernel, callers.take(kernel.name, "kernel"));
  const local = callers.inner();
  const buffers = new Map<Buffer, string>();
  for (const buffer of namedBuffers(program)) buffers.set(buffer, local.take(buffer.name, "buffer"));
  return {
    kernels,
    buffers,
    local,
    module: new Scope([...kernels.values(), ...Object.keys(runtimeFunctions)]),
  };
}

function namedBuffers(program: Program): Iterable<Buffer> {
  return new Set([
    ...program.inputs.map((port) => port.buffer),
    ...program.outputs.map((port) => port.buffer),
    ...buffersOf(program),
    ...program.weights.map(({ buffer }) => buffer),
    ...program.packed,
  ]);
}
