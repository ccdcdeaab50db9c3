import { readFileSync } from "node:fs";
import { Project, ts } from "ts-morph";
import { describe, expect, test } from "vitest";
import { initializerNames, initializerSource } from "../../codegen/typescript/initializers.source.ts";
import {
  type FillName,
  type InitializerKind,
  initialize,
  parseInitializer,
  planFill,
} from "../../runtime/initializers/index.ts";
import { fillsOfKind } from "../../runtime/initializers/plan.ts";
import { generate } from "../../scripts/initializer-text.ts";

const kinds = Object.keys(fillsOfKind) as InitializerKind[];
const exporting = (kind: InitializerKind) => `export { ${fillsOfKind[kind].join(", ")} };\n`;

describe("the embedded initialisers", () => {
  test("are up to date: npx jiti scripts/embed-initializers.ts", () => {
    const committed = new URL("../../codegen/typescript/initializers.source.ts", import.meta.url);
    expect(readFileSync(committed, "utf8")).toBe(generate());
  });

  test.each(kinds)("give the very bits of the runtime for %s", async (kind) => {
    const text = `${initializerSource([kind], "js")}\n${exporting(kind)}`;
    const module: Record<FillName, (out: Float32Array, ...args: readonly number[]) => void> = await import(
      /* @vite-ignore */ `data:text/javascript,${encodeURIComponent(text)}`
    );
    for (const shape of [
      [17, 9],
      [9, 30],
    ]) {
      const spec = parseInitializer(kind);
      const { fill, args } = planFill(spec, shape, -123456789012345, "encoder.0.kernel");
      const out = new Float32Array(shape[0]! * shape[1]!).fill(Number.NaN);
      module[fill](out, ...args);
      expect(out).toEqual(initialize(spec, shape, -123456789012345, "encoder.0.kernel"));
    }
  });

  test("compile under the strictest flags, and hold nothing that is not needed", () => {
    const project = new Project({
      useInMemoryFileSystem: true,
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ESNext,
        lib: ["lib.es2022.d.ts"],
        strict: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        noPropertyAccessFromIndexSignature: true,
        noImplicitReturns: true,
        noUnusedLocals: true,
        noUnusedParameters: true,
        noFallthroughCasesInSwitch: true,
        isolatedModules: true,
        verbatimModuleSyntax: true,
        erasableSyntaxOnly: true,
      },
    });
    for (const kind of kinds)
      project.createSourceFile(`${kind}.ts`, `${initializerSource([kind], "ts")}\n${exporting(kind)}`);
    const problems = project.getPreEmitDiagnostics();
    expect(project.formatDiagnosticsWithColorAndContext(problems)).toBe("");
  });

  test("fills can be asked for by name, and several kinds share their functions", () => {
    expect(initializerNames(["fillUniform"])).toEqual(["mulHigh", "philox", "fillUniform"]);
    expect(initializerNames(["glorotUniform", "heUniform", "zeros"])).toEqual([
      "mulHigh",
      "philox",
      "fillUniform",
      "fillConstant",
    ]);
    expect(() => initializerNames(["glorot"])).toThrow("no initializer or fill is called glorot");
  });

  test("a model with only uniform weights carries little text", () => {
    expect(initializerSource(["glorotUniform"], "js").length).toBeLessThanOrEqual(1200);
    expect(initializerSource(["glorotUniform"], "ts").length).toBeLessThanOrEqual(1400);
  });

  test("every kind plans only fills it is said to need", () => {
    for (const distribution of ["normal", "truncatedNormal", "untruncatedNormal", "uniform"])
      expect(fillsOfKind.varianceScaling).toContain(
        planFill(parseInitializer({ kind: "varianceScaling", distribution }), [2, 2], 1, "w").fill,
      );
    for (const kind of kinds)
      expect(fillsOfKind[kind]).toContain(planFill(parseInitializer(kind), [2, 2], 1, "w").fill);
  });
});
