/** Values of parameters, by name: what passes that compute with weights are given. They only read it. */
import type { TypedArray } from "../../runtime/dtype.ts";

export interface ParameterTable {
  get(name: string): { readonly data: TypedArray } | undefined;
}
