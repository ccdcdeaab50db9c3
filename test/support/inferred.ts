/** What inference says of a whole network before any sample, as text that a test can compare. */
import { constant, type Dim, dim, Store } from "../../compiler/dims/index.ts";
import type { Model } from "../../compiler/frontend/index.ts";
import { infer } from "../../compiler/infer/bind.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import { needsOf } from "../../compiler/infer/needs.ts";
import type { Graph, TensorType, Value } from "../../compiler/ir/graph.ts";

export interface Known {
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, string>>;
  /** What the sizes have to satisfy. */
  readonly needs: readonly string[];
}

const shapeText = ({ type }: Value): string => `[${type.shape.join(", ")}]`;

function known(graph: Graph, store: Store): Known {
  const shapes = (list: readonly { readonly name: string; readonly value: Value }[]) =>
    Object.fromEntries(list.map(({ name, value }) => [name, shapeText(value)]));
  const named = (values: readonly Value[]) => values.map((value) => ({ name: value.name, value }));
  return {
    inputs: shapes(named(graph.inputs)),
    outputs: shapes(graph.outputs),
    parameters: shapes(named(graph.parameters.map(({ value }) => value))),
    needs: needsOf(store).map(
      ({ constraint, alternative }) => `${constraint}${alternative ? ` ${alternative}` : ""}`,
    ),
  };
}

/** Of a model of layers. */
export function ofModel(model: Model<unknown>): Known {
  const { graph, store } = model.inferred();
  return known(graph, store);
}

/** Of a graph; what it is built of is inferred once more, as it is for one that was read from text. */
export function ofGraph(graph: Graph): Known {
  const store = new Store();
  return known(infer(graph, store), store);
}

/** A graph from what `body` makes: its outputs by name. */
export function built(
  body: (g: GraphBuilder) => Readonly<Record<string, Value>>,
  store: Store = new Store(),
): Graph {
  const g = new GraphBuilder("case", store);
  const outputs = Object.entries(body(g));
  return g.finish(outputs.map(([name, value]) => ({ name, value })));
}

/** float32 of these sizes; a string is an expression of dims. */
export function float(...sizes: readonly (number | string | Dim)[]): TensorType {
  const shape = sizes.map((size) =>
    typeof size === "number" ? constant(size) : typeof size === "string" ? dim(size) : size,
  );
  return { dtype: "float32", shape };
}
