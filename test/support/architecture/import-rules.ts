/*
 * Rules about who imports whom. Each is a function of a table, so that the table can be read alone and a
 * small in-memory project can show that the rule bites.
 */
import type { Rule, Source, Violation } from "./source.ts";

/**
 * A part of the project: what its path begins with, the parts and the packages it may import beside itself.
 */
export interface Part {
  readonly name: string;
  readonly path: string;
  readonly sees: readonly string[];
  readonly packages?: readonly (string | RegExp)[];
}

/** Parts are matched by the longest path, so a file or an inner folder may differ from what surrounds it. */
function partOf(parts: readonly Part[], path: string): Part | undefined {
  const matches = parts.filter((part) => path === part.path || path.startsWith(`${part.path}/`));
  return matches.sort((a, b) => b.path.length - a.path.length)[0];
}

/** Imports go only where the table says; a source outside every part has to be put into the table first. */
export function direction(parts: readonly Part[]): Rule {
  return (sources) => sources.flatMap((source) => partViolations(parts, source));
}

function partViolations(parts: readonly Part[], source: Source): Violation[] {
  const rule = "direction";
  const file = source.path;
  const own = partOf(parts, file);
  if (own === undefined)
    return [{ file, line: 1, rule, text: "belongs to no part in the table of the test" }];
  return source.imports.flatMap(({ line, file: target, specifier }) => {
    if (target === undefined) return [];
    const other = partOf(parts, target)?.name ?? `"${specifier}"`;
    if (other === own.name || own.sees.includes(other)) return [];
    return [{ file, line, rule, text: `${own.name} may not import ${other} (${target})` }];
  });
}

/** Packages and `node:` modules are imported only by the parts that name them. */
export function packages(parts: readonly Part[]): Rule {
  return (sources) =>
    sources.flatMap((source) => {
      const own = partOf(parts, source.path);
      const allowed = own?.packages ?? [];
      return source.imports
        .filter((each) => each.file === undefined && !allowed.some((name) => matches(name, each.specifier)))
        .map(({ line, specifier }) => ({
          file: source.path,
          line,
          rule: "packages",
          text: `${own?.name ?? "this file"} may not import the package "${specifier}"`,
        }));
    });
}

function matches(name: string | RegExp, specifier: string): boolean {
  return typeof name === "string" ? name === specifier : name.test(specifier);
}

/** No file reaches itself by imports, types included. Each cycle is reported at the import that closes it. */
export const cycles: Rule = (sources) => {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const violations: Violation[] = [];
  const visit = (source: Source, trail: readonly string[]): void => {
    const here = [...trail, source.path];
    for (const { file, line } of source.imports) {
      const next = file === undefined ? undefined : byPath.get(file);
      if (next === undefined || done.has(next.path)) continue;
      const start = here.indexOf(next.path);
      if (start < 0) visit(next, here);
      else violations.push(cycle(source.path, line, [...here.slice(start), next.path]));
    }
    done.add(source.path);
  };
  for (const source of sources) if (!done.has(source.path)) visit(source, []);
  return violations;
};

function cycle(file: string, line: number, path: readonly string[]): Violation {
  return { file, line, rule: "cycles", text: path.join(" -> ") };
}
