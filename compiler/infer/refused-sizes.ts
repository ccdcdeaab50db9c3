/**
 * What a network demands of its input's sizes, asked only after a sample has failed. The demands follow from
 * the symbolic graph alone ("H % 8 == 0"); giving that store the sample's sizes one by one tells which of
 * them no layer can mend, with the layers that demand it and the nearest sizes that would do. It knows more
 * than the node that failed, which sees two numbers.
 */
import { CompileError, type Diagnostic, DiagnosticBag, type SourceLocation } from "../diagnostics/index.ts";
import { type Conflict, constant, constantOf, type Dim, isConstant, Store } from "../dims/index.ts";
import type { Graph, Value } from "../ir/graph.ts";
import type { SampleOrigin } from "./diagnose.ts";
import { inferNode, Relations } from "./relations.ts";

/** E2201 for each size that is not the multiple it has to be, E2104 for one the layers decide alone. */
export function refusedSizes(
  graph: Graph,
  shapes: ReadonlyMap<Value, readonly number[]>,
  at: SourceLocation | undefined,
): readonly Diagnostic[] {
  const store = demandsOf(graph);
  if (!store) return [];
  const bag = new DiagnosticBag();
  // Before any size of the sample, which would decide the sizes of other inputs.
  const decided = new Map(
    graph.inputs.flatMap(({ type }) => type.shape.map((d) => [d, constantOf(store.resolve(d))] as const)),
  );
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
      const only = isConstant(declared) ? undefined : decided.get(declared);
      const conflict = store.equal(declared, constant(size), origin);
      if (conflict && only !== undefined) bag.add(noChoice(conflict, only, input, origin, at));
      else if (conflict?.suggestion && isDivisibility(conflict))
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

/** The layers decide a size among themselves: one that is applied to its own output, say. */
function noChoice(
  { core }: Conflict,
  only: number,
  input: Value,
  { shape, value, axis }: SampleOrigin,
  at: SourceLocation | undefined,
): Diagnostic {
  return {
    code: "E2104",
    message: `input "${input.name}" has ${value} at axis ${axis}, but the layers can only take ${only}`,
    facts: [
      { subject: input.name, value: shape, note: "this call" },
      { subject: `${input.name} declared`, value: `[${input.type.shape.join(", ")}]` },
    ],
    because: reasons(core),
    fix: `feed ${only} at axis ${axis}, or change one of these layers`,
    ...(at && { at }),
  };
}

const reasons = (core: Conflict["core"]): string =>
  core
    .filter((origin) => !("kind" in origin))
    .map((origin) => `${origin.subject}: ${origin.clause}`)
    .join("\n");

function refusal(
  { relation, suggestion, core }: Conflict,
  input: Value,
  declared: Dim,
  { shape, value, axis }: SampleOrigin,
  at: SourceLocation | undefined,
): Diagnostic {
  const because = reasons(core);
  return {
    code: "E2201",
    message: `input "${input.name}" has ${value} at axis ${axis}, but ${relation} is required; ${suggestion}`,
    facts: [
      { subject: input.name, value: shape, note: "this call" },
      { subject: `${input.name} declared`, value: `[${input.type.shape.join(", ")}]` },
    ],
    ...(because && { because }),
    fix: `feed another ${declared}: ${suggestion}`,
    ...(at && { at }),
  };
}
