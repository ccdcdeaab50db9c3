// The WebAssembly encoder: see module.ts for the builder and opcodes.ts for the instructions it knows.

export { detectionExpression, featureDetect, featureProbe, type WasmFeature } from "./feature-detect.ts";
export type { FunctionAssembler } from "./function-assembler.ts";
export {
  type EncodeOptions,
  type ExternKind,
  type FunctionDeclaration,
  type GlobalDeclaration,
  type ImportName,
  type MemoryLimits,
  Module,
} from "./module.ts";
export { methodName, type OpcodeName, opcodeNames, opcodes } from "./opcodes.ts";
export type { BlockType, FunctionType, ValueType } from "./types.ts";
