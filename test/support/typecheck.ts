/**
 * Type-checks generated code as the strictest consumer would, with the TypeScript that ts-morph bundles. The
 * file system is in memory; only TypeScript's own libraries are read, from that bundle. One program is kept
 * and its source replaced, so a second check costs milliseconds.
 */
import { ModuleKind, ModuleResolutionKind, Project, ScriptTarget } from "ts-morph";

let project: Project | undefined;

/**
 * The diagnostics of a module, and of `consumer`, a file that imports it from "./module.ts"; empty when all
 * is well.
 */
export function checkEmitted(code: string, consumer = ""): readonly string[] {
  project ??= new Project({ useInMemoryFileSystem: true, compilerOptions: strictest });
  project.createSourceFile("/module.ts", code, { overwrite: true });
  project.createSourceFile("/consumer.ts", `${consumer}\nexport {};\n`, { overwrite: true });
  return project.getPreEmitDiagnostics().map((diagnostic) => {
    const text = diagnostic.getMessageText();
    const message = typeof text === "string" ? text : text.getMessageText();
    const line = diagnostic.getLineNumber() ?? 1;
    const file = diagnostic.getSourceFile();
    const source = file?.getFullText().split("\n")[line - 1];
    return `${file?.getBaseName()}:${line}: ${message}\n  ${source}`;
  });
}

export const strictest = {
  target: ScriptTarget.ES2022,
  lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
  module: ModuleKind.ESNext,
  moduleResolution: ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  noEmit: false,
  emitDeclarationOnly: true,
  declaration: true,
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitReturns: true,
  noImplicitOverride: true,
  noFallthroughCasesInSwitch: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  allowUnreachableCode: false,
  allowUnusedLabels: false,
  isolatedDeclarations: true,
  isolatedModules: true,
  erasableSyntaxOnly: true,
  verbatimModuleSyntax: true,
  skipLibCheck: true,
  types: [],
};
