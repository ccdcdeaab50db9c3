/** What the writers of a WebAssembly module share. */
import type { Family } from "../../compiler/ir/family.ts";
import type { Program } from "../../compiler/ir/program.ts";
import type { WasmBinaries } from "../../compiler/ir/target.ts";
import type { Types } from "../source/index.ts";
import type { ModuleNames } from "../typescript/names.ts";
import type { OpenDoor } from "../typescript/open-instance.ts";
import type { Callees } from "../typescript/steps.ts";
import type { WeightPlan } from "../typescript/weights.ts";
import type { Identity } from "./identity.ts";
import type { MemoryPlan } from "./memory.ts";
import type { Segment } from "./steps.ts";

export type Binaries = WasmBinaries;

export interface WasmContext {
  /** Its steps call segments; of a family they are those of all members. */
  readonly program: Program;
  /** The programs to choose from. */
  readonly family?: Family;
  readonly names: ModuleNames;
  readonly callees: Callees;
  readonly plan: WeightPlan;
  readonly memory: MemoryPlan;
  readonly types: Types;
  readonly segments: readonly Segment[];
  /** With an identity they are files. */
  readonly binaries: Binaries & { readonly identity: Identity | undefined };
  /** What indices from data are for; undefined where the binary asks for no such refusals. */
  readonly refusals: readonly string[] | undefined;
  /** Of a module with open dims. */
  readonly door?: OpenDoor;
}

/** Names that the code of this target uses beside those of the TypeScript target. */
export const reservedNames: readonly string[] = `
  instantiateAsync instanceOf linked linking own isBytes id binary compiledWasm refusal wasm base64Wasm places fuse distances distance code relaxedSimd imports exports put
  apart place from memory cause what why advice message module host refuse refusals least extent index Exports WasmInstance WasmModule`
  .trim()
  .split(/\s+/);
