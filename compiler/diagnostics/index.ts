export { type Category, type Code, catalogue, type Entry } from "./catalogue.ts";
export type { CoreEntry, Diagnostic, Fact } from "./diagnostic.ts";
export { CompileError, DiagnosticBag, exitCode, fail } from "./error.ts";
export { callSite, printLocation, type SourceLocation } from "./location.ts";
export { type RenderOptions, render } from "./render.ts";
