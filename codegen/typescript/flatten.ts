/**
 * From loop IR to what is printed: `unroll` and `vector` loops, and loops of one turn, are replaced by copies
 * of their body with the axis substituted by numbers; only serial loops remain. A symbol bound in several
 * copies gets a name of its own in each, because a straight line has one scope.
 */
import { constant, constantOf, type Dim, substitute, symbol } from "../../compiler/dims/index.ts";
import type { Expr, For, Stmt } from "../../compiler/ir/loop.ts";

type Substitution = ReadonlyMap<string, Dim>;

/** How often each bound symbol has occurred in the kernel. */
type Occurrences = Map<string, number>;

export function flatten(
  body: readonly Stmt[],
  known: Substitution = new Map(),
  occurrences: Occurrences = new Map(),
): readonly Stmt[] {
  let scope = known;
  return body.flatMap((stmt) => {
    if (stmt.kind === "for") return flattenLoop(stmt, scope, occurrences);
    if (stmt.kind === "if")
      return [
        {
          ...stmt,
          condition: substituteIn(stmt.condition, scope),
          body: flatten(stmt.body, scope, occurrences),
        },
      ];
    const value = substituteIn(stmt.value, scope);
    if (stmt.kind === "store") return [{ ...stmt, value, index: substitute(stmt.index, scope) }];
    if (stmt.kind !== "bind")
      return [{ ...stmt, value, index: stmt.index.map((index) => substitute(index, scope)) }];
    const extent = substitute(stmt.extent, scope);
    const name = freshName(stmt.symbol, occurrences);
    if (name !== stmt.symbol) scope = new Map(scope).set(stmt.symbol, symbol(name));
    return [{ ...stmt, symbol: name, value, extent }];
  });
}

function flattenLoop(loop: For, scope: Substitution, occurrences: Occurrences): readonly Stmt[] {
  const extent = substitute(loop.extent, scope);
  const turns = constantOf(extent);
  const straight = loop.mode !== "serial" || (turns !== undefined && turns <= loop.step);
  if (!straight) return [{ ...loop, extent, body: flatten(loop.body, scope, occurrences) }];
  if (turns === undefined)
    throw new Error(`internal: the ${loop.mode} loop ${loop.axis} has no fixed extent`);
  const copies: Stmt[] = [];
  for (let turn = 0; turn < turns; turn += loop.step)
    copies.push(...flatten(loop.body, new Map(scope).set(loop.axis, constant(turn)), occurrences));
  return copies;
}

function freshName(name: string, occurrences: Occurrences): string {
  const count = (occurrences.get(name) ?? 0) + 1;
  occurrences.set(name, count);
  return count === 1 ? name : `${name}.${count}`;
}

/** `expr` with the substitution applied to every index in it. */
function substituteIn(expr: Expr, scope: Substitution): Expr {
  if (scope.size === 0) return expr;
  const known = new Map<Expr, Expr>();
  const visit = (e: Expr): Expr => {
    const made = known.get(e) ?? rebuild(e, visit, scope);
    known.set(e, made);
    return made;
  };
  return visit(expr);
}

function rebuild(e: Expr, visit: (e: Expr) => Expr, scope: Substitution): Expr {
  switch (e.kind) {
    case "constant":
      return e;
    case "load":
    case "index":
      return { ...e, index: substitute(e.index, scope) };
    case "register":
      return e.index.length === 0 ? e : { ...e, index: e.index.map((index) => substitute(index, scope)) };
    case "unary":
    case "cast":
    case "bits":
      return { ...e, x: visit(e.x) };
    case "binary":
      return { ...e, a: visit(e.a), b: visit(e.b) };
    case "select":
      return { ...e, condition: visit(e.condition), a: visit(e.a), b: visit(e.b) };
    case "guard":
      return {
        ...e,
        tests: e.tests.map((test) => substitute(test, scope)),
        inside: visit(e.inside),
        outside: visit(e.outside),
      };
  }
}
