/** Source text that cannot collide and cannot be injected. */
export * from "./code.ts";
export * from "./literal.ts";
export { identifier, Scope } from "./name.ts";
export { type Format, type Types, typesFor } from "./types.ts";
export { Writer } from "./writer.ts";
