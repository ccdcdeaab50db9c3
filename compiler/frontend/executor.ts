/**
 * How `predict` runs a bound graph. The layers API may not know the stages after it (lowering, code), so
 * whoever puts the package together hands in the function that compiles and runs; tests hand in the reference
 * evaluation.
 */
import type { Tensor } from "../../runtime/tensor.ts";
import type { BoundModel } from "../infer/bind.ts";

/** Inputs by name to outputs by name. */
export type Run = (inputs: ReadonlyMap<string, Tensor>) => ReadonlyMap<string, Tensor>;

/** Makes a bound graph runnable; `weights` holds every parameter by its path. */
export interface Executor {
  (bound: Pick<BoundModel, "graph" | "open">, weights: ReadonlyMap<string, Tensor>): Run;
  /** Whether dims of the graph may be open, so that one run serves all of their sizes. */
  readonly takesOpen?: boolean;
}

let provided: Executor | undefined;

/** Sets what models without an executor of their own predict with. */
export function provideExecutor(executor: Executor): void {
  provided = executor;
}

export function providedExecutor(): Executor {
  if (!provided) throw new Error("internal: no executor was provided for predict");
  return provided;
}
