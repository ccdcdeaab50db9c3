/*
 * Rules about a file by itself: how long things are, and what is not written at all. Lengths exclude doc
 * comments. A file whose opening comment says "this is a table" or "this is a generated file" may be long and
 * wide.
 */
import { ts } from "ts-morph";
import { lineOf, nodesOf, type Rule, type Source, type Violation } from "./source.ts";

/** At most `limit` lines. */
export function fileLength(limit: number): Rule {
  return perFile((source) => {
    const length = lineCount(source);
    if (length <= limit || isTable(source)) return [];
    return [finding(source, limit + 1, "file length", `${length} lines, at most ${limit}`)];
  });
}

/** No line wider than `limit` characters, but for text in template literals, where width is content. */
export function lineWidth(limit: number): Rule {
  return perFile((source) => {
    const lines = source.text.split("\n");
    if (isTable(source) || lines.every((line) => line.length <= limit)) return [];
    const inTemplate = templateLines(source);
    return lines.flatMap((line, index) => {
      if (line.length <= limit || inTemplate.has(index + 1)) return [];
      return [finding(source, index + 1, "line width", `${line.length} characters, at most ${limit}`)];
    });
  });
}

/**
 * At most `limit` lines from signature to closing brace; a test suite's callback is no function in this
 * sense.
 */
export function functionLength(limit: number): Rule {
  return perFile((source) =>
    functionsOf(source)
      .filter(({ lines }) => lines > limit)
      .map(({ line, lines }) => finding(source, line, "function length", `${lines} lines, at most ${limit}`)),
  );
}

/** The median over files and the median over named functions; a whole project's property, reported once. */
export function medians(limits: { readonly file: number; readonly function: number }): Rule {
  return (sources) => {
    const files = median(sources.map(lineCount));
    const functions = median(
      sources.flatMap((source) => functionsOf(source).flatMap((each) => (each.named ? [each.lines] : []))),
    );
    const violations: Violation[] = [];
    const report = (what: string, value: number, limit: number): void => {
      const text = `${value} lines in the median, at most ${limit}`;
      if (value > limit) violations.push({ file: "all files", line: 1, rule: `median ${what} length`, text });
    };
    report("file", files, limits.file);
    report("function", functions, limits.function);
    return violations;
  };
}

/** File names that say nothing attract everything; words are joined by hyphens, so that nobody has to guess. */
export const fileNames: Rule = perFile((source) => {
  const name = /[^/]*$/.exec(source.path)?.[0] ?? "";
  const problems: string[] = [];
  if (/^(utils?|helpers?|common|misc)\./.test(name)) problems.push("does not say what is in it");
  if (!/^[a-z0-9]+([-.][a-z0-9]+)*$/.test(name)) problems.push("is not lower-case words joined by hyphens");
  return problems.map((problem) => finding(source, 1, "file name", `${name} ${problem}`));
});

export const noAny: Rule = perNode("no any", (node) => node.kind === ts.SyntaxKind.AnyKeyword);

export const noEnum: Rule = perNode("no enum", ts.isEnumDeclaration);

/** Tools that read a default export look for it in a file named *.config.ts. */
export const noDefaultExport: Rule = (sources) =>
  perNode("no default export", isDefaultExport)(sources.filter(({ path }) => !path.endsWith(".config.ts")));

/** Globals that name their host, or that make the same input give other bytes. */
export function forbiddenGlobals(names: ReadonlySet<string>): Rule {
  return perFile((source) => {
    const declared = declaredNames(source);
    const uses: Violation[] = [];
    for (const node of nodesOf(source.tree)) {
      const name = ts.isPropertyAccessExpression(node) ? node.getText(source.tree) : freeName(node);
      if (name === undefined || !names.has(name) || declared.has(name)) continue;
      uses.push(finding(source, lineOf(source.tree, node), "globals", `${name} is not for this part`));
    }
    return uses;
  });
}

/** `process.env` is read in one file, so that every switch can be found there. */
export const oneEnvironment: Rule = (sources) => {
  const uses = sources.flatMap((source) =>
    [...nodesOf(source.tree)]
      .filter((node) => ts.isPropertyAccessExpression(node) && node.getText(source.tree) === "process.env")
      .map((node) => ({ source, line: lineOf(source.tree, node) })),
  );
  const home = uses[0]?.source;
  return uses
    .filter(({ source }) => source !== home)
    .map(({ source, line }) =>
      finding(source, line, "environment", `${home?.path} is the file that reads it`),
    );
};

function perFile(check: (source: Source) => readonly Violation[]): Rule {
  return (sources) => sources.flatMap(check);
}

function perNode(rule: string, forbidden: (node: ts.Node) => boolean): Rule {
  return perFile((source) =>
    [...nodesOf(source.tree)]
      .filter(forbidden)
      .map((node) => finding(source, lineOf(source.tree, node), rule, excerpt(node.getText(source.tree)))),
  );
}

function finding(source: Source, line: number, rule: string, text: string): Violation {
  return { file: source.path, line, rule, text };
}

function excerpt(text: string): string {
  const [first = ""] = text.split("\n");
  return first.length > 60 ? `${first.slice(0, 60)}…` : first;
}

function lineCount({ text }: Source): number {
  return text.replace(/\n$/, "").split("\n").length;
}

function isTable({ text, tree }: Source): boolean {
  const [comment] = ts.getLeadingCommentRanges(text, ts.getShebang(text)?.length ?? 0) ?? [];
  if (comment === undefined || tree.statements.length === 0) return false;
  return /\bthis is a (table|generated file)\b/i.test(
    text.slice(comment.pos, comment.end).replace(/[\s*/]+/g, " "),
  );
}

function templateLines({ tree }: Source): Set<number> {
  const lines = new Set<number>();
  for (const node of nodesOf(tree)) {
    if (!ts.isTemplateExpression(node) && !ts.isNoSubstitutionTemplateLiteral(node)) continue;
    const last = tree.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
    for (let line = lineOf(tree, node); line <= last; line++) lines.add(line);
  }
  return lines;
}

interface MeasuredFunction {
  readonly line: number;
  readonly lines: number;
  readonly named: boolean;
}

function functionsOf({ tree }: Source): MeasuredFunction[] {
  return [...nodesOf(tree)].flatMap((node) => {
    if (!ts.isFunctionLike(node) || !("body" in node) || node.body === undefined || isSuite(node)) return [];
    const line = lineOf(tree, node);
    const last = tree.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
    const inline = ts.isArrowFunction(node) || ts.isFunctionExpression(node);
    return [{ line, lines: last - line + 1, named: !inline || ts.isVariableDeclaration(node.parent) }];
  });
}

function isSuite(node: ts.Node): boolean {
  return ts.isCallExpression(node.parent) && /^describe\b/.test(node.parent.expression.getText());
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === "default";
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
  return modifiers.some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword);
}

/** The name a node reads from the scope around it, not a member's, a key's or a label's. */
function freeName(node: ts.Node): string | undefined {
  if (!ts.isIdentifier(node)) return undefined;
  const { parent } = node;
  const isKey =
    ("name" in parent && parent.name === node && !ts.isShorthandPropertyAssignment(parent)) ||
    ("propertyName" in parent && parent.propertyName === node) ||
    ts.isTypeReferenceNode(parent) ||
    ts.isLabeledStatement(parent);
  return isKey ? undefined : node.text;
}

function declaredNames({ tree }: Source): Set<string> {
  const names = new Set<string>();
  for (const node of nodesOf(tree)) {
    const binds =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isImportSpecifier(node);
    if (binds && node.name !== undefined && ts.isIdentifier(node.name)) names.add(node.name.text);
  }
  return names;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
