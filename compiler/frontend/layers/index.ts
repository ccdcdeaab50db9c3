/** Every layer, by family. */
export * from "./activation.ts";
export * from "./attention.ts";
export * from "./conv.ts";
export * from "./dense.ts";
export * from "./embedding.ts";
export * from "./gru.ts";
export * from "./identity.ts";
export * from "./lstm.ts";
export * from "./merging.ts";
export * from "./normalization.ts";
export * from "./pooling.ts";
export type { RecurrentOptions } from "./recurrent.ts";
export * from "./reshaping.ts";
export * from "./simple-rnn.ts";
export * from "./wrappers.ts";
