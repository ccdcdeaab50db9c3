/**
 * Conflicts of dims as diagnostics. A conflict's core holds the statements that cannot hold together; those
 * that came with a sample say which call brought a size, those known from earlier say what fixed a parameter,
 * the rest are clauses of ops. The message names the two sizes in the user's words, the table shows where
 * each came from.
 */
import type { Diagnostic, Fact } from "../diagnostics/index.ts";
import type { Conflict, Origin, Store } from "../dims/index.ts";
import type { Node, Source, Value } from "../ir/graph.ts";
import { chainOf, coreOf, madeAt, type Side, sidesOf } from "./conflict-sides.ts";
import { isSampleOrigin, type SampleOrigin } from "./origins.ts";

/** What the statements of one node are made under. */
export interface Site {
  readonly source: Source;
  readonly op: string;
  readonly operands: readonly Value[];
}

/** `nodes`: what is there of the graph, so that sizes can be followed back to what made them. */
export function diagnose(
  conflict: Conflict,
  site: Site | undefined,
  store: Store,
  nodes: Iterable<Node> = [],
): Diagnostic {
  const fromSamples = conflict.core.filter(isSampleOrigin);
  const call = fromSamples.find((origin) => origin.kind === "sample");
  const known = fromSamples.find((origin) => origin.kind === "known");
  const clauses = conflict.core.filter((origin) => !isSampleOrigin(origin));
  const layer = site && (site.source.path || site.op);
  const at = call?.at ?? site?.source.at ?? conflict.core.find((origin) => origin.at)?.at;
  const because = clauses.map((origin) => `${origin.subject}: ${origin.clause}`).join("\n");
  const sides = sidesOf(conflict, nodes, store);
  const facts = [
    ...[...fromSamples]
      .sort((a, b) => Number(b === call) - Number(a === call))
      .map((o) => ({ subject: shortSubject(o), value: o.shape, note: withPlace(o) })),
    ...(site ? operandFacts(site, store) : []),
    ...(sides ?? []).flatMap(makerFact),
  ];
  return {
    code: call ? "E2104" : merging.has(conflict.relation) ? "E2103" : "E2201",
    message: message(conflict, call, known, layer),
    facts: facts.filter((fact, i) => facts.findIndex((other) => other.subject === fact.subject) === i),
    ...(because && { because }),
    fix: fix(conflict, call, known, sides),
    ...(at && { at }),
    ...(layer && { layer }),
    ...(sides && { chains: sides.map((side) => chainOf(side, layer ?? "")) }),
    core: coreOf(conflict, sides),
  };
}

/** The layer that made a size what it is, and the line it was written on. */
function makerFact({ maker, dim }: Side): readonly Fact[] {
  if (!maker) return [];
  return [{ subject: maker.path, value: `${dim}`, note: madeAt(maker) }];
}

/** Relations between two shapes; any other is a constraint on one. */
const merging = new Set(["==", "broadcasts with"]);

/** The statement that cannot hold. What refuses a size is the whole of it: "H % 8 == 0". */
function needed({ left, right, relation }: Conflict): string {
  if (relation === "broadcasts with") return `${left} and ${right} to be equal, or one of them to be 1`;
  return operators.has(relation) ? `${left} ${relation} ${right}` : relation;
}

const operators: ReadonlySet<string> = new Set(["==", ">=", "divisible by"]);

function message(
  conflict: Conflict,
  call: SampleOrigin | undefined,
  known: SampleOrigin | undefined,
  layer: string | undefined,
): string {
  const { left, right, suggestion } = conflict;
  const hint = suggestion ? `; ${suggestion}` : "";
  if (call && known && call.value !== undefined)
    return `${call.subject} has ${sizeInWords(call)}, but ${known.subject} expects ${known.value ?? otherSide(left, right, call)}`;
  if (call)
    return `${call.subject} ${call.shape} cannot pass ${layer ?? "the model"}, which needs ${needed(conflict)}${hint}`;
  return `${layer ?? "the model"} needs ${needed(conflict)}${hint}`;
}

function fix(
  conflict: Conflict,
  call: SampleOrigin | undefined,
  known: SampleOrigin | undefined,
  sides: readonly [Side, Side] | undefined,
): string {
  const { left, right, suggestion } = conflict;
  if (call && known) {
    const wanted = known.value ?? otherSide(left, right, call);
    return `feed ${isLast(call) ? `${wanted} features` : wanted}, or net.reset() to bind another size`;
  }
  if (call)
    return suggestion
      ? `feed another size: ${suggestion}`
      : "feed a sample of another size, or change the layer";
  const [one, other] = (sides ?? []).flatMap(({ maker }) => maker ?? []);
  if (one && other && one.path !== other.path && merging.has(conflict.relation))
    return `give ${one.path} (${left}) and ${other.path} (${right}) the same size, or bring one to the other between them and here`;
  if (merging.has(conflict.relation)) return "change one of the two sizes so that they agree";
  return `change one of the two so that ${needed(conflict)} holds${suggestion ? ` (${suggestion})` : ""}`;
}

/** "30 features" for the last axis, "30 at axis 1" for others. */
function sizeInWords(origin: SampleOrigin): string {
  return isLast(origin) ? `${origin.value} features` : `${origin.value} at axis ${origin.axis}`;
}

const isLast = ({ shape, axis }: SampleOrigin): boolean =>
  axis !== undefined && axis > 0 && axis === shape.split(",").length - 1;

function otherSide(left: Conflict["left"], right: Conflict["right"], call: SampleOrigin): string {
  return String(left) === String(call.value) ? String(right) : String(left);
}

/** `input "x"` is `x` in the table. */
const shortSubject = ({ subject }: Origin): string => /^input "(.*)"$/.exec(subject)?.[1] ?? subject;

function withPlace({ clause, at, kind }: SampleOrigin): string {
  return kind === "known" && at ? `${clause} at ${at.file}:${at.line}` : clause;
}

function operandFacts(site: Site, store: Store): readonly Fact[] {
  return site.operands.map((operand) => ({
    subject: operand.name,
    value: `[${operand.type.shape.map((d) => store.resolve(d)).join(", ")}]`,
    ...(operand.source.path && operand.source.path !== operand.name && { note: operand.source.path }),
  }));
}
