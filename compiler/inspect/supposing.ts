/**
 * Looking at a model while something is said of its dims that binds nothing: shapes stay symbolic, and what
 * is said is one more demand. A dim that is said to be 1 is declared so: a broadcast stretches it.
 */
import { CompileError } from "../diagnostics/index.ts";
import { Store } from "../dims/index.ts";
import { Model, type Network } from "../frontend/index.ts";
import { onesIn } from "../frontend/parameters.ts";
import { contradiction, infer } from "../infer/bind.ts";
import { demandsOf } from "../infer/demands.ts";
import { refusedStatements } from "../infer/refused-statements.ts";
import type { Stated } from "../infer/stated.ts";
import type { Graph } from "../ir/graph.ts";
import { checkDims } from "../sample-dims.ts";

/**
 * What `look` sees, given the store of all that is known then.
 * @throws CompileError E1002 for a name that no input has, E2201 for what no sizes fulfil that pass.
 */
export function supposing<T>(model: Network, said: readonly Stated[], look: (store: Store) => T): T {
  if (said.length === 0) return look(model.inferred().store);
  checkDims(
    model.graph().inputs,
    said.flatMap(({ constraint }) => constraint.symbols()),
  );
  return model.under(onesIn({ constraints: said }), () => look(storeUnder(model, said)));
}

function storeUnder(model: Network, said: readonly Stated[]): Store {
  const { store } = model instanceof Model ? model.inferred() : inferred(model.graph());
  const refused = said.flatMap(({ constraint, origin }) => store.require(constraint, origin) ?? []);
  if (refused.length === 0) return store;
  const demands = demandsOf(model.graph());
  const told = demands ? refusedStatements(demands, said) : [];
  throw new CompileError(told.length > 0 ? told : refused.map(contradiction));
}

/** With a store of its own, to say more to. */
function inferred(graph: Graph): { readonly store: Store } {
  const store = new Store();
  infer(graph, store);
  return { store };
}
