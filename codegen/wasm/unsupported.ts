/** The error for loop IR that this target has no code for yet. */
import { fail } from "../../compiler/diagnostics/index.ts";

/** Throws E4001; `what` follows "the WebAssembly target cannot emit". */
export function unsupported(what: string): never {
  return fail({
    code: "E4001",
    message: `the WebAssembly target cannot emit ${what}`,
    fix: "compile this model for the ts target",
  });
}
