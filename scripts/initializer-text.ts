/**
 * Makes the text of codegen/typescript/initializers.source.ts: the runtime's seeded initialisers, for modules
 * that ship a seed instead of weights. The text is cut out of runtime/random and runtime/initializers,
 * function by function, so a module and the runtime cannot drift apart; a test compares the committed file
 * with what this makes.
 *
 * It accepts only what it can carry over faithfully: top-level functions that refer to each other and to
 * standard globals. Any other top-level statement, a type inside a body or text that needs escaping is
 * refused.
 */
import { fileURLToPath } from "node:url";
import { type FunctionDeclaration, Project, SyntaxKind, ts } from "ts-morph";
import { fillsOfKind } from "../runtime/initializers/plan.ts";

const root = new URL("../", import.meta.url);
const sources = [
  "random/philox",
  "random/uniform",
  "random/normal",
  "initializers/fills",
  "initializers/orthogonal",
];
const widest = 110;

interface EmbeddedFunction {
  readonly name: string;
  /** The other embedded functions it calls. */
  readonly uses: readonly string[];
  readonly ts: string;
  readonly js: string;
}

/** The text of the generated file. */
export function generate(): string {
  const functions = readFunctions();
  return [
    "/**",
    " * The seeded initialisers as text, for modules that ship a seed instead of weights.",
    " * `initializerSource` picks the functions that the given kinds need; callers print the calls that",
    " * runtime's `planFill` works out. This is a generated file: `npx jiti scripts/embed-initializers.ts`",
    " * cuts it out of runtime/random and runtime/initializers.",
    " */",
    "",
    "interface EmbeddedFunction {",
    "  readonly uses: readonly string[];",
    "  readonly ts: string;",
    "  readonly js: string;",
    "}",
    "",
    "/** Callees before callers. */",
    `const functions: Readonly<Record<string, EmbeddedFunction>> = {`,
    ...functions.map(printFunction),
    "};",
    "",
    "/** The fills each kind of initialiser may call. */",
    `const fillsOfKind: Readonly<Record<string, readonly string[]>> = {`,
    ...Object.entries(fillsOfKind).map(([kind, fills]) => `  ${kind}: ${printNames(fills)},`),
    "};",
    "",
    tail,
  ].join("\n");
}

const tail = `/**
 * The names of the functions that the given kinds (or fills) need, callees first: what
 * \`initializerSource\` declares at the top level of the module, and the caller must keep free. Throws for a
 * name that is neither a kind nor a fill.
 */
export function initializerNames(kinds: readonly string[]): readonly string[] {
  const needed = new Set<string>();
  const need = (name: string): void => {
    const found = functions[name];
    if (found === undefined) throw new Error(\`internal: no initializer or fill is called \${name}\`);
    needed.add(name);
    found.uses.forEach(need);
  };
  for (const kind of kinds) (fillsOfKind[kind] ?? [kind]).forEach(need);
  return Object.keys(functions).filter((name) => needed.has(name));
}

/**
 * The functions that initialisers of the given kinds need, as source text without imports or exports. A kind
 * is an initialiser ("glorotUniform", all it might call) or a fill of runtime's FillCall ("fillUniform",
 * exactly that). The \`ts\` text compiles under tsc's strictest flags.
 */
export function initializerSource(kinds: readonly string[], format: "ts" | "js"): string {
  return initializerNames(kinds)
    .map((name) => functions[name]![format])
    .join("\\n");
}
`;

function printFunction({ name, uses, ts: typed, js }: EmbeddedFunction): string {
  return `  ${name}: {\n    uses: ${printNames(uses)},\n    ts: \`${typed}\`,\n    js: \`${js}\`,\n  },`;
}

function printNames(names: readonly string[]): string {
  return `[${names.map((name) => `"${name}"`).join(", ")}]`;
}

function readFunctions(): readonly EmbeddedFunction[] {
  const project = new Project({ useInMemoryFileSystem: false, skipAddingFilesFromTsConfig: true });
  const files = sources.map((name) =>
    project.addSourceFileAtPath(fileURLToPath(new URL(`runtime/${name}.ts`, root))),
  );
  const declared = files.flatMap((file) => {
    for (const statement of file.getStatements())
      if (![SyntaxKind.FunctionDeclaration, SyntaxKind.ImportDeclaration].includes(statement.getKind()))
        throw new Error(
          `${file.getBaseName()} has a top-level ${statement.getKindName()}, which cannot be embedded`,
        );
    return file.getFunctions();
  });
  const names = new Set(declared.map((declaration) => declaration.getNameOrThrow()));
  return declared.map((declaration) => embed(declaration, names));
}

function embed(declaration: FunctionDeclaration, names: ReadonlySet<string>): EmbeddedFunction {
  const name = declaration.getNameOrThrow();
  const mentioned = declaration
    .getDescendantsOfKind(SyntaxKind.Identifier)
    .map((identifier) => identifier.getText());
  const uses = [...names].filter((other) => other !== name && mentioned.includes(other));
  const parameters = declaration.getParameters();
  const typed = header(
    name,
    parameters.map((parameter) => parameter.getText()),
    `: ${declaration.getReturnTypeNodeOrThrow().getText()}`,
  );
  const untyped = header(
    name,
    parameters.map((parameter) => parameter.getName()),
    "",
  );
  const body = bodyWithoutComments(declaration);
  return { name, uses, ts: `${typed} ${body}\n`, js: `${untyped} ${withoutTypes(body)}\n` };
}

function header(name: string, parameters: readonly string[], result: string): string {
  const line = `function ${name}(${parameters.join(", ")})${result}`;
  return line.length + 2 <= widest ? line : `function ${name}(\n  ${parameters.join(",\n  ")},\n)${result}`;
}

/** The body's text with every comment cut out, and the whitespace before it. */
function bodyWithoutComments(declaration: FunctionDeclaration): string {
  const text = declaration.getBodyOrThrow().getText();
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, false, ts.LanguageVariant.Standard, text);
  let result = "";
  for (let token = scanner.scan(); token !== ts.SyntaxKind.EndOfFileToken; token = scanner.scan()) {
    const isComment =
      token === ts.SyntaxKind.SingleLineCommentTrivia || token === ts.SyntaxKind.MultiLineCommentTrivia;
    result = isComment ? result.trimEnd() : result + scanner.getTokenText();
  }
  if (/[`\\]|\$\{/.test(result)) throw new Error(`${declaration.getName()} holds text that needs escaping`);
  return result;
}

/**
 * Bodies hold no type but the `!` of an index; anything more is refused, because the result would not be
 * JavaScript.
 */
function withoutTypes(body: string): string {
  const file = new Project({ useInMemoryFileSystem: true }).createSourceFile(
    "body.ts",
    `function f() ${body}`,
  );
  for (
    let asserted = file.getFirstDescendantByKind(SyntaxKind.NonNullExpression);
    asserted !== undefined;
    asserted = file.getFirstDescendantByKind(SyntaxKind.NonNullExpression)
  )
    asserted.replaceWithText(asserted.getExpression().getText());
  const typed = file.getFirstDescendant((node) => ts.isTypeNode(node.compilerNode));
  if (typed !== undefined) throw new Error(`cannot strip the type in ${typed.getText()}`);
  return file.getFullText().slice("function f() ".length);
}
