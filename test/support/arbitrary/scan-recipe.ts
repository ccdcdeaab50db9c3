/**
 * A random scan: the body is a small draft of its own, whose new states are made to have the types of the old
 * ones.
 */
import type { GraphBuilder } from "../../../compiler/infer/builder.ts";
import type { Output, Value } from "../../../compiler/ir/graph.ts";
import type { DType } from "../../../runtime/dtype.ts";
import { Draft, sameShape } from "./draft.ts";
import { recipes } from "./recipes.ts";

const ALL: readonly DType[] = ["float32", "int32", "bool"];

export function addScan(draft: Draft, op: string): void {
  const sequences = [draft.some(ALL, 1)];
  const steps = sequences[0]!.type.shape[0]!;
  if (draft.coin())
    sequences.push(
      draft.pick(
        ({ type }) => type.shape[0] === steps,
        () => sequences[0]!,
      ),
    );
  const conditional = draft.coin();
  const states: Value[] = conditional ? [draft.into("bool", [])] : [];
  for (let left = draft.choose(3); left > 0; left--)
    states.push(anotherState(draft, states.slice(Number(conditional))));
  const invariants = Array.from({ length: draft.choose(2) }, () => draft.some(ALL));
  const body = draft.builder.subgraph("body", (inner) =>
    growBody(draft, inner, states, sequences, invariants),
  );
  const counts = { states: states.length, sequences: sequences.length };
  const attributes = { body, ...counts, reverse: draft.coin(), conditional };
  draft.node(op, [...states, ...sequences, ...invariants], attributes);
}

/** Often of the type of the one before, so that a step may exchange them. */
function anotherState(draft: Draft, [first]: readonly Value[]): Value {
  if (!first || draft.choose(4) === 0) return draft.some(ALL);
  const { dtype, shape } = first.type;
  return draft.coin() ? draft.exact(dtype, shape) : draft.source(dtype, shape);
}

function growBody(
  outer: Draft,
  builder: GraphBuilder,
  states: readonly Value[],
  sequences: readonly Value[],
  invariants: readonly Value[],
): readonly Output[] {
  const { choose, sizeOf, dims } = outer;
  const draft = new Draft({ builder, choose, sizeOf, dims, closed: true });
  const ofState = states.map(({ type }, i) => builder.input(`state${i}`, type));
  const ofStep = sequences.map(({ type }, i) =>
    builder.input(`step${i}`, { dtype: type.dtype, shape: type.shape.slice(1) }),
  );
  const constants = invariants.map(({ type }, i) => builder.input(`fixed${i}`, type));
  draft.values.push(...constants, ...ofStep, ...ofState);
  const names = [...recipes.keys()].filter((name) => name !== "scan");
  for (let left = draft.choose(4); left > 0; left--) {
    const name = draft.one(names);
    recipes.get(name)!(draft, name);
  }
  const outputs = ofState.map((state, i) => ({ name: `next${i}`, value: nextState(draft, state, ofState) }));
  const stacked = Array.from({ length: states.length === 0 ? 1 : draft.choose(3) }, (_, i) => ({
    name: `out${i}`,
    value: draft.one([...draft.values].reverse()),
  }));
  return [...outputs, ...stacked];
}

/**
 * Something of the state's type: another state, another value that has it, or the state combined with
 * whatever broadcasts into it.
 */
function nextState(draft: Draft, state: Value, states: readonly Value[]): Value {
  const { dtype, shape } = state.type;
  const alike = ({ type }: Value) => type.dtype === dtype && sameShape(type.shape, shape);
  const others = states.filter((other) => other !== state && alike(other));
  if (others.length > 0 && draft.coin()) return draft.one(others);
  const fitting = draft.values.filter(alike);
  if (draft.coin()) return draft.one([...fitting].reverse());
  return draft.node(dtype === "bool" ? "xor" : "max", [state, draft.into(dtype, shape)])[0]!;
}
