/**
 * The condition that the proven parts of a question make, if it can be said of its symbols one by one: as
 * residues, with bounds where these are needed, or as a short list of values. What is said holds in every
 * part that was proven to hold; the shortest way is taken that no part that fails can meet.
 */
import { anything, type Clause, type Domain, intersect, listed } from "./constraint.ts";
import type { Box, Part } from "./explore.ts";
import { lcm, remainder } from "./integer.ts";

/** As many residues or values as are looked at. */
const most = 4096;

export function condition(parts: readonly Part[]): readonly Clause[] | undefined {
  const names = [...(parts[0]?.boxes.keys() ?? [])];
  const boxesOf = (name: string, list = parts) => list.map(({ boxes }) => boxes.get(name)!);
  const holding = parts.filter(({ outcome }) => outcome === "all");
  const varying = names.filter((name) => boxesOf(name).some(differs));
  const ways = varying.map((name) => waysToSay(boxesOf(name, holding)));
  for (let i = 0; i < 5; i++) {
    const domains = ways.flatMap((way) => way[i] ?? []);
    const clauses = domains.map((domain, j) => ({ kind: "domain", symbol: varying[j]!, ...domain }) as const);
    const isRefuted = ({ outcome, boxes }: Part) =>
      outcome === "all" || clauses.some((c) => isOutside(boxes.get(c.symbol)!, c));
    if (clauses.length === varying.length && parts.every(isRefuted)) return clauses.filter(saysSomething);
  }
  return undefined;
}

const differs = (box: Box, _: number, [first]: readonly Box[]): boolean =>
  box.start !== first!.start || box.step !== first!.step || box.top !== first!.top;

const saysSomething = ({ min, max, modulus }: Domain): boolean =>
  modulus > 1 || min > anything.min || max < anything.max;

const lastOf = ({ start, step, top }: Box): number => start + step * top;

/** Domains that all of the boxes are in: by residues, by these and bounds, by values. */
function waysToSay(boxes: readonly Box[]): readonly (Domain | undefined)[] {
  const step = boxes.reduce((n, box) => Number(lcm(n, box.step)), 1);
  if (boxes.reduce((n, box) => n + step / box.step, 0) > most) return [];
  const residues = [
    ...new Set(boxes.flatMap((box) => valuesOf(box, step).map((n) => Number(remainder(n, step))))),
  ];
  const [min, max] = [Math.min(...boxes.map(({ start }) => start)), Math.max(...boxes.map(lastOf))];
  const within = (bounds: Partial<Domain>) =>
    intersect(anything, { ...anything, modulus: step, residues: residues.sort((x, y) => x - y), ...bounds });
  const few = max - min < 256 ? [...new Set(boxes.flatMap((box) => valuesOf(box, Infinity)))] : [];
  const values = few.length > 0 && few.length <= 64 ? listed(few.sort((x, y) => x - y)) : undefined;
  const single = min === max ? { ...anything, min, max } : undefined;
  return [within({}), within({ min }), within({ max }), single ?? within({ min, max }), values];
}

/** The values of a box, as far as they differ by less than `span`. */
function valuesOf({ start, step, top }: Box, span: number): readonly number[] {
  return Array.from({ length: Math.min(Math.ceil(span / step), top + 1) }, (_, i) => start + i * step);
}

/** Whether no value of the box is in the domain; false where that is not seen. */
function isOutside(box: Box, { min, max, modulus, residues }: Domain): boolean {
  const span = Number(lcm(modulus, box.step));
  if (box.start > max || lastOf(box) < min) return true;
  return (
    span / box.step <= most &&
    valuesOf(box, span).every((n) => !residues.includes(Number(remainder(n, modulus))))
  );
}
