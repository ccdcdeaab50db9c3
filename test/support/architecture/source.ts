/*
 * The sources of a project as the architecture rules see them: parsed files under their path from the root,
 * and what each imports. Imports are resolved by path alone (every relative import here carries its
 * extension), so that a rule needs no type checker and an in-memory project behaves as the real one.
 */
import { type Project, ts } from "ts-morph";

export interface Source {
  /** Path from the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
  readonly imports: readonly Import[];
}

export interface Import {
  readonly line: number;
  readonly specifier: string;
  /** Path from the root for a file of the project, undefined for a package. */
  readonly file: string | undefined;
}

export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  readonly text: string;
}

export type Rule = (sources: readonly Source[]) => readonly Violation[];

export function print({ file, line, rule, text }: Violation): string {
  return `${file}:${line} ${rule}: ${text}`;
}

/** The project's files by path; `aliases` says which file stands behind a package's own name. */
export function sourcesOf(
  project: Project,
  root: string,
  aliases: Readonly<Record<string, string>>,
): Source[] {
  const sources = project.getSourceFiles().map((file): Source => {
    const path = file.getFilePath().slice(root.length);
    const tree = file.compilerNode;
    return { path, text: tree.text, tree, imports: importsOf(tree, path, aliases) };
  });
  return sources.sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}

export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  const pending: ts.Node[] = [node];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    yield next;
    const children: ts.Node[] = [];
    ts.forEachChild(next, (child) => {
      children.push(child);
    });
    pending.push(...children.reverse());
  }
}

function importsOf(tree: ts.SourceFile, path: string, aliases: Readonly<Record<string, string>>): Import[] {
  const imports: Import[] = [];
  for (const node of nodesOf(tree)) {
    const specifier = specifierOf(node);
    if (specifier === undefined) continue;
    const file = specifier.startsWith(".") ? resolved(path, specifier) : aliases[specifier];
    imports.push({ line: lineOf(tree, node), specifier, file });
  }
  return imports;
}

/**
 * Import and export declarations, import("…") and import types alike: a type tied to a layer is tied to it
 * too.
 */
function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literal(node.moduleSpecifier);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return literal(node.argument.literal);
  const dynamic = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  return dynamic ? literal(node.arguments[0]) : undefined;
}

function literal(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined;
}

function resolved(from: string, specifier: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
