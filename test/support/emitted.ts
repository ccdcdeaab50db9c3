/** Emits a hand-written program, loads it in process and runs it on a poisoned arena. */
import { emitTypeScript } from "../../codegen/typescript/index.ts";
import type { Program } from "../../compiler/ir/program.ts";
import type { EmitOptions } from "../../compiler/ir/target.ts";
import type { TypedArray } from "../../runtime/dtype.ts";
import { type Instance, load } from "../../runtime/load.ts";

export type Arrays = Readonly<Record<string, TypedArray>>;

export function emit(program: Program, options: Partial<EmitOptions> = {}) {
  return emitTypeScript(program, { format: "js", weights: "inline", header: ["shapecast"], ...options });
}

/** Loads JavaScript whose buffers start full of 0xff bytes: NaN in floats, -1 in integers. */
export function loadPoisoned(program: Program, options: Partial<EmitOptions> = {}) {
  const emitted = emit(program, options);
  const poison = "function poisoned(bytes) {\n  return new Uint8Array(bytes).fill(0xff).buffer;\n}\n";
  const code = emitted.code.replaceAll("new ArrayBuffer(", "poisoned(") + poison;
  return load({ ...emitted, code });
}

/** A copy of what a run gives. */
export function outputsOf(instance: Instance, inputs: Arrays): Arrays {
  return Object.fromEntries(Object.entries(instance.run(inputs)).map(([name, data]) => [name, data.slice()]));
}

export function runEmitted(program: Program, inputs: Arrays): Arrays {
  return outputsOf(loadPoisoned(program).instantiate(), inputs);
}
