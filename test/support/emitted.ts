/** Emits a hand-written program, loads it in process and runs it on a poisoned arena. */
import { emitTypeScript } from "../../codegen/typescript/index.ts";
import type { Kernel } from "../../compiler/ir/loop.ts";
import type { Program } from "../../compiler/ir/program.ts";
import type { EmitOptions } from "../../compiler/ir/target.ts";
import type { TypedArray } from "../../runtime/dtype.ts";
import { type Instance, load } from "../../runtime/load.ts";
import { call, program } from "./programs.ts";

export type Arrays = Readonly<Record<string, TypedArray>>;

export function emit(of: Program, options: Partial<EmitOptions> = {}) {
  return emitTypeScript(of, { format: "js", weights: "inline", header: ["shapecast"], ...options });
}

/** Loads JavaScript whose buffers start full of 0xff bytes: NaN in floats, -1 in integers. */
export function loadPoisoned(of: Program, options: Partial<EmitOptions> = {}) {
  const emitted = emit(of, options);
  const poison = "function poisoned(bytes) {\n  return new Uint8Array(bytes).fill(0xff).buffer;\n}\n";
  const code = emitted.code.replaceAll("new ArrayBuffer(", "poisoned(") + poison;
  return load({ ...emitted, code });
}

/** A copy of what a run gives. */
export function outputsOf(instance: Instance, inputs: Arrays): Arrays {
  return Object.fromEntries(Object.entries(instance.run(inputs)).map(([name, data]) => [name, data.slice()]));
}

export function runEmitted(of: Program, inputs: Arrays): Arrays {
  return outputsOf(loadPoisoned(of).instantiate(), inputs);
}

/** The function of a kernel, as TypeScript. */
export function kernelText(kernel: Kernel): string {
  const { code } = emit(program({ steps: [call(kernel)] }), { format: "ts" });
  const start = code.indexOf(`function ${kernel.name}(`);
  return code.slice(start, code.indexOf("\n}\n", start) + 2);
}
