/**
 * Why a network demands something of a size, in words: what the layers on the way made of the size, then the
 * statements that tie the results together.
 */
import {
  ceilDiv,
  constantOf,
  type Dim,
  floorDiv,
  kindOf,
  mul,
  type Origin,
  sub,
  symbol,
  symbolsOf,
} from "../dims/index.ts";
import type { Need } from "./needs.ts";
import { isOpOrigin } from "./origins.ts";
import type { Place } from "./probe.ts";
import { isChange, type Provenance, type Step } from "./provenance.ts";

const NAMES_SHOWN = 6;
/** Longer ones explain nothing. */
const EQUATION_SHOWN = 60;
/** Strides beyond this are not recognised; the expression itself tells. */
const FACTORS = 64;

/** One line for what the layers did, then one for each statement. */
export function reasonsFor(need: Need, provenance: Provenance): readonly string[] {
  const places = need.origins.flatMap((origin) => sidesOf(origin, provenance).flat());
  const several = need.constraint.symbols().length > 1;
  const origins = new Set([...(several ? provenance.deciding(places) : []), ...need.origins]);
  const symbols = need.constraint.symbols();
  const ours = (step: Step) => isChange(step) && symbolsOf(step.dim).some((name) => symbols.includes(name));
  const steps = provenance.steps(...places).filter((step) => ours(step) && step.from.length > 0);
  const made = symbols.length === 1 ? whatLayersDid(symbols[0]!, steps) : undefined;
  const demands = [...origins].map((origin) => demand(origin, need, provenance));
  return [...(made ? [made] : []), ...new Set(demands)];
}

/** "is halved", "is doubled": what became of a size, where that has a name. */
export function verb({ from, dim }: Step): string | undefined {
  const [before, ...more] = from;
  if (!before && isFree(dim)) return "found in the data of a run";
  if (!before || more.length > 0) return undefined;
  for (let q = 2; q <= FACTORS; q++) {
    if (floorDiv(before, q) === dim) return q === 2 ? "halved" : `divided by ${q}`;
    if (ceilDiv(before, q) === dim) return q === 2 ? "halved rounding up" : `divided by ${q} rounding up`;
    if (mul(before, q) === dim) return q === 2 ? "doubled" : `multiplied by ${q}`;
  }
  const more1 = constantOf(sub(dim, before));
  if (more1 === undefined) return undefined;
  return more1 > 0 ? `made ${more1} longer` : `made ${-more1} shorter`;
}

const isFree = (d: Dim): boolean =>
  symbolsOf(d).some((name) => symbol(name) === d && kindOf(name) === "free");

function sidesOf(origin: Origin, provenance: Provenance): readonly (readonly Place[])[] {
  if (!isOpOrigin(origin)) return [];
  const { node, clause } = origin.statement;
  return provenance.sides(node, clause) ?? [];
}

/** "H is halved by pool1 and pool2, doubled by up2 and up1". */
function whatLayersDid(symbol: string, steps: readonly Step[]): string | undefined {
  const deeds = new Map<string, string[]>();
  for (const step of steps) {
    const deed = verb(step);
    if (deed === undefined) continue;
    const names = deeds.get(deed) ?? [];
    deeds.set(deed, names.includes(step.path) ? names : [...names, step.path]);
  }
  if (deeds.size === 0) return undefined;
  return `${symbol} is ${[...deeds].map(([deed, names]) => `${deed} by ${listed(names)}`).join(", ")}`;
}

export function listed(names: readonly string[]): string {
  if (names.length > NAMES_SHOWN)
    return `${names.slice(0, NAMES_SHOWN - 2).join(", ")}, … and ${names.at(-1)} (${names.length} layers)`;
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** "join1: concat along axis 3 needs axis 1 of enc1 and up1 to agree, H == 2*floor(H/2)". */
function demand(origin: Origin, need: Need, provenance: Provenance): string {
  const text = `${origin.subject}: ${origin.clause}`;
  if (!isOpOrigin(origin)) return text;
  const { relation, left, right } = origin.statement;
  const [a, b] = [provenance.resolve(left), provenance.resolve(right)];
  const equation = `${a} ${signs[relation]} ${b}`;
  const short = equation.length <= EQUATION_SHOWN && equation !== String(need.constraint);
  const isNews = short && [a, b].some((d) => symbolsOf(d).length > 0);
  return isNews ? `${text}: ${equation}` : text;
}

const signs = {
  "==": "==",
  ">=": ">=",
  "divisible by": "is a multiple of",
  "broadcasts with": "==",
} as const;
