/**
 * TypeScript's view of emitted modules: many of them type-checked in one program, because a program of its
 * own for each would take a second, and the types stripped from one, by the compiler that ts-morph bundles.
 */
import { Project, ts } from "ts-morph";
import { strictest } from "./typecheck.ts";

/** Diagnostics of all modules together, each with the line it is about; `names[i]` says what module i is. */
export function checkAll(modules: readonly string[]): readonly string[] {
  const project = new Project({ useInMemoryFileSystem: true, compilerOptions: strictest });
  modules.forEach((code, i) => {
    project.createSourceFile(`/module${i}.ts`, code);
  });
  return project.getPreEmitDiagnostics().map((diagnostic) => {
    const file = diagnostic.getSourceFile();
    const line = diagnostic.getLineNumber() ?? 1;
    const message = ts.flattenDiagnosticMessageText(diagnostic.compilerObject.messageText, "\n");
    return `${file?.getBaseName()}:${line}: ${message}\n  ${file?.getFullText().split("\n")[line - 1]}`;
  });
}

/**
 * JavaScript without comments, formatted by the compiler: equal for texts that differ in types and layout
 * only.
 */
export function withoutTypes(code: string): string {
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    removeComments: true,
  };
  return ts.transpileModule(code, { compilerOptions }).outputText;
}
