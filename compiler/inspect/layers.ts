/** The nodes of a model's graph by the layers that its user knows: the rows of its summary. */
import type { Network } from "../frontend/index.ts";
import { Provenance } from "../infer/provenance.ts";

/** The innermost of `paths` that `path` is or lies in; `path` itself where there is none. */
export function ownerAmong(paths: ReadonlySet<string>): (path: string) => string {
  return (path) => {
    let owner = path;
    while (owner !== "" && !paths.has(owner)) owner = owner.slice(0, Math.max(0, owner.lastIndexOf(".")));
    return owner || path;
  };
}

/** How the sizes of a model came about, told by its layers. */
export function provenanceOf(model: Network): Provenance {
  const { graph, trace } = model.traced();
  const paths = new Set(model.describe().map(({ path }) => path));
  return new Provenance(graph.nodes, trace.builder.store, ownerAmong(paths));
}
