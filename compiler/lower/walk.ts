/** Traversals of loop IR that every step of lowering needs: all expressions, all index dims, and rebuilding with other dims. */
import type { Dim } from "../dims/index.ts";
import type { Expr, Stmt } from "../ir/loop.ts";

/** Direct subexpressions. */
export function children(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case "unary":
    case "cast":
      return [e.x];
    case "binary":
      return [e.a, e.b];
    case "select":
      return [e.condition, e.a, e.b];
    case "guard":
      return [e.inside, e.outside];
    default:
      return [];
  }
}

function ownDims(node: Expr | Stmt): readonly Dim[] {
  switch (node.kind) {
    case "load":
    case "store":
    case "index":
      return typeof node.index === "object" ? [node.index] : [];
    case "guard":
      return node.tests;
    case "let":
    case "set":
    case "register":
      return node.index;
    case "for":
    case "bind":
      return [node.extent];
    default:
      return [];
  }
}

/** Every index, extent and guard test in the statements. */
export function dimsOf(body: readonly Stmt[]): readonly Dim[] {
  const found: Dim[] = [];
  const visitExpr = (e: Expr): void => {
    found.push(...ownDims(e));
    for (const child of children(e)) visitExpr(child);
  };
  const visit = (s: Stmt): void => {
    found.push(...ownDims(s));
    if ("value" in s) visitExpr(s.value);
    if (s.kind === "if") visitExpr(s.condition);
    if ("body" in s) s.body.forEach(visit);
  };
  body.forEach(visit);
  return found;
}

export function mapExprDims(e: Expr, f: (d: Dim) => Dim): Expr {
  const again = (x: Expr) => mapExprDims(x, f);
  switch (e.kind) {
    case "load":
    case "index":
      return { ...e, index: f(e.index) };
    case "register":
      return e.index.length === 0 ? e : { ...e, index: e.index.map(f) };
    case "unary":
    case "cast":
      return { ...e, x: again(e.x) };
    case "binary":
      return { ...e, a: again(e.a), b: again(e.b) };
    case "select":
      return { ...e, condition: again(e.condition), a: again(e.a), b: again(e.b) };
    case "guard":
      return { ...e, tests: e.tests.map(f), inside: again(e.inside), outside: again(e.outside) };
    default:
      return e;
  }
}

/** The same statements with every dim replaced. Registers and buffers stay the same objects. */
export function mapDims(body: readonly Stmt[], f: (d: Dim) => Dim): readonly Stmt[] {
  return body.map((s): Stmt => {
    switch (s.kind) {
      case "for":
        return { ...s, extent: f(s.extent), body: mapDims(s.body, f) };
      case "if":
        return { ...s, condition: mapExprDims(s.condition, f), body: mapDims(s.body, f) };
      case "bind":
        return { ...s, extent: f(s.extent), value: mapExprDims(s.value, f) };
      case "store":
        return { ...s, index: f(s.index), value: mapExprDims(s.value, f) };
      default:
        return { ...s, index: s.index.map(f), value: mapExprDims(s.value, f) };
    }
  });
}
