/**
 * What a network demands of its input's sizes, asked only after a sample has failed. The demands follow from
 * the symbolic graph alone ("H % 8 == 0"); giving that store the sample's sizes one by one tells which of
 * them no layer can mend, with the layers that demand it and the nearest sizes that would do. It knows more
 * than the node that failed, which sees two numbers.
 */
import { CompileError, type Diagnostic, DiagnosticBag, type SourceLocation } from "../diagnostics/index.ts";
import { type Conflict, constant, type Dim, Store } from "../dims/index.ts";
import type { Graph, Value } from "../ir/graph.ts";
import type { SampleOrigin } from "./diagnose.ts";
import { inferNode, Relations } from "./relations.ts";

/** One E2201 for each size that is not the multiple it has to be. */
export function refusedSizes(
  graph: Graph,
  shapes: ReadonlyMap<Value, readonly number[]>,
  at: SourceLocation | undefined,
): readonly Diagnostic[] {
  const store = demandsOf(graph);
  if (!store) return [];
  const bag = new DiagnosticBag();
  for (const [input, shape] of shapes)
    shape.forEach((size, axis) => {
      const declared = input.type.shape[axis]!;
      const origin: SampleOrigin = {
        kind: "sample",
        subject: `input "${input.name}"`,
        shape: `[${shape.join(", ")}]`,
        axis,
        value: size,
        clause: "this call",
      };
      const conflict = store.equal(declared, constant(size), origin);
      if (conflict?.suggestion && isDivisibility(conflict))
        bag.add(refusal(conflict, input, declared, origin, at));
    });
  return bag.list;
}

/** Bounds are better told by the node that has them: its kernel, its window. */
const isDivisibility = ({ relation }: Conflict): boolean => relation.includes("%");

/** The store after symbolic inference; undefined when the network contradicts itself whatever the sizes. */
function demandsOf(graph: Graph): Store | undefined {
  const store = new Store();
  const relations = new Relations(store);
  try {
    for (const node of graph.nodes) inferNode(relations, node);
  } catch (error) {
    if (error instanceof CompileError) return undefined;
    throw error;
  }
  return store;
}

function refusal(
  { relation, suggestion, core }: Conflict,
  input: Value,
  declared: Dim,
  { shape, value, axis }: SampleOrigin,
  at: SourceLocation | undefined,
): Diagnostic {
  const because = core.filter((origin) => !("kind" in origin)).map((o) => `${o.subject}: ${o.clause}`);
  return {
    code: "E2201",
    message: `input "${input.name}" has ${value} at axis ${axis}, but ${relation} is required; ${suggestion}`,
    facts: [
      { subject: input.name, value: shape, note: "this call" },
      { subject: `${input.name} declared`, value: `[${input.type.shape.join(", ")}]` },
    ],
    ...(because.length > 0 && { because: because.join("\n") }),
    fix: `feed another ${declared}: ${suggestion}`,
    ...(at && { at }),
  };
}
