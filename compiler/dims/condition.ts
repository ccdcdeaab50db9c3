/**
 * The condition that the proven parts of a question make, if it can be said of its symbols one by one: as
 * residues and bounds, or a short list of values, of the only symbol that matters; as residues of several.
 */
import { anything, type Clause, type Domain, intersect, listed } from "./constraint.ts";
import type { Box, Domains, Part } from "./explore.ts";
import { lcm, remainder } from "./integer.ts";

/** The values first, first + step, ..., last, the step being one for all. */
interface Run {
  readonly first: number;
  readonly last: number;
}

export function condition(parts: readonly Part[], domains: Domains): readonly Clause[] | undefined {
  const boxesOf = (name: string, list = parts) => list.map(({ boxes }) => boxes.get(name)!);
  const holding = parts.filter(({ outcome }) => outcome === "all");
  const names = [...(parts[0]?.boxes.keys() ?? [])].filter((name) => boxesOf(name).some(differs));
  const found = names.map((name) => {
    const all = boxesOf(name, holding);
    return names.length === 1 ? asDomain(all, domains(name)) : asResidues(boxesOf(name), all, domains(name));
  });
  const clauses = found.flatMap((domain, i): Clause[] =>
    domain ? [{ kind: "domain", symbol: names[i]!, ...domain }] : [],
  );
  const isRefuted = ({ boxes, outcome }: Part) =>
    outcome === "all" || clauses.some((c) => c.kind === "domain" && isOutside(boxes.get(c.symbol)!, c));
  return clauses.length === names.length && parts.every(isRefuted)
    ? clauses.filter((c) => c.kind === "domain" && (names.length === 1 || c.modulus > 1))
    : undefined;
}

const differs = (box: Box, _: number, [first]: readonly Box[]): boolean =>
  box.start !== first!.start || box.step !== first!.step || box.top !== first!.top;

const lastOf = ({ start, step, top }: Box): number => start + step * top;

/** The boxes in steps that all of them can be told in, by residue; undefined where these are too many. */
function runsOf(boxes: readonly Box[], step: number): readonly Run[] | undefined {
  if (boxes.reduce((n, box) => n + step / box.step, 0) > 4096) return undefined;
  const runs = boxes.flatMap((box): Run[] => {
    const count = Math.min(step / box.step, box.top + 1);
    return Array.from({ length: count }, (_, i) => {
      const first = box.start + i * box.step;
      return { first, last: first + step * Math.floor((lastOf(box) - first) / step) };
    });
  });
  const residue = ({ first }: Run) => Number(remainder(first, step));
  const joined: Run[] = [];
  for (const run of runs.sort((x, y) => residue(x) - residue(y) || x.first - y.first)) {
    const before = joined.at(-1);
    if (before && before.last + step === run.first)
      joined[joined.length - 1] = { ...run, first: before.first };
    else joined.push(run);
  }
  return joined;
}

const stepOf = (boxes: readonly Box[]): number => boxes.reduce((step, box) => Number(lcm(step, box.step)), 1);

/** The boxes as one domain, if they are one. */
function asDomain(boxes: readonly Box[], within: Domain): Domain | undefined {
  const step = stepOf(boxes);
  const runs = runsOf(boxes, step);
  if (!runs) return undefined;
  const min = Math.min(...runs.map(({ first }) => first));
  const max = Math.max(...runs.map(({ last }) => last));
  if (min === max) return { ...anything, min, max };
  const residues = runs.map(({ first }) => Number(remainder(first, step)));
  const from = (limit: number) => runs.every(({ first }) => first - step < limit);
  const upTo = (limit: number) => runs.every(({ last }) => last === limit || last + step > limit);
  if (new Set(residues).size === runs.length && from(min) && upTo(max)) {
    const bounds = { min: from(within.min) ? anything.min : min, max: upTo(within.max) ? anything.max : max };
    return intersect(anything, { ...bounds, modulus: step, residues });
  }
  const count = runs.reduce((n, { first, last }) => n + (last - first) / step + 1, 0);
  if (max - min >= 256 || count > 64) return undefined;
  return listed(runs.flatMap(({ first, last }) => valuesOf(first, last, step)));
}

const valuesOf = (first: number, last: number, step: number): readonly number[] =>
  Array.from({ length: (last - first) / step + 1 }, (_, i) => first + i * step);

/** The residues that occur, if all of the boxes reach from end to end. */
function asResidues(all: readonly Box[], holding: readonly Box[], { min, max }: Domain): Domain | undefined {
  const modulus = stepOf(all);
  const isCut = (box: Box) =>
    box.start - box.step >= min || (max < Infinity ? lastOf(box) + box.step <= max : lastOf(box) < max);
  if (modulus > 32 || all.some(isCut)) return undefined;
  const residues = [...new Set(holding.flatMap((box) => classesOf(box, modulus)))];
  return intersect(anything, { ...anything, modulus, residues: residues.sort((x, y) => x - y) });
}

const classesOf = ({ start, step, top }: Box, modulus: number): readonly number[] =>
  valuesOf(0, Math.min(modulus - step, step * top), step).map((i) => Number(remainder(start + i, modulus)));

/** Whether no value of the box is in the domain; false where that is not seen. */
function isOutside(box: Box, { min, max, modulus, residues }: Domain): boolean {
  if (box.start > max || lastOf(box) < min) return true;
  const all = stepOf([box, { ...box, step: modulus }]);
  return classesOf(box, all).every((r) => !residues.includes(r % modulus));
}
