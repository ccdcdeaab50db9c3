import { fileURLToPath } from "node:url";
import { Project } from "ts-morph";
import { describe, expect, test } from "vitest";
import { cycles, direction, type Part, packages } from "./support/architecture/import-rules.ts";
import { print, type Rule, type Source, sourcesOf } from "./support/architecture/source.ts";
import * as style from "./support/architecture/style-rules.ts";

const BASE = ["diagnostics", "dims", "ir"];
const GRAPHS = [...BASE, "runtime", "ops", "infer", "frontend", "passes"];
const WHOLE = [...GRAPHS, "lower", "compile", "codegen", "source", "typescript", "wasm"];

/** Who may import whom: the invariant. A new folder gets a line here, once it has its place in the design. */
const parts: readonly Part[] = [
  { name: "diagnostics", path: "compiler/diagnostics", sees: [] },
  { name: "dims", path: "compiler/dims", sees: ["diagnostics"] },
  { name: "ir", path: "compiler/ir", sees: ["diagnostics", "dims", "runtime"] },
  { name: "ops", path: "compiler/ops", sees: [...BASE, "runtime"] },
  { name: "infer", path: "compiler/infer", sees: [...BASE, "runtime", "ops"] },
  {
    name: "frontend",
    path: "compiler/frontend",
    sees: [...BASE, "runtime", "ops", "infer"],
    packages: ["@bufbuild/protobuf/wire"],
  },
  { name: "passes", path: "compiler/passes", sees: [...BASE, "runtime", "ops", "infer", "frontend"] },
  { name: "lower", path: "compiler/lower", sees: GRAPHS },
  { name: "compile", path: "compiler/compile.ts", sees: WHOLE },
  { name: "compile", path: "compiler/compile-model.ts", sees: WHOLE },
  { name: "compile", path: "compiler/bind-model.ts", sees: WHOLE },
  { name: "compile", path: "compiler/compile-buckets.ts", sees: WHOLE },
  { name: "compile", path: "compiler/compile-options.ts", sees: WHOLE },
  { name: "compile", path: "compiler/sample-dims.ts", sees: WHOLE },
  { name: "compile", path: "compiler/memory-limit.ts", sees: WHOLE },
  { name: "compile", path: "compiler/execute.ts", sees: WHOLE },
  { name: "compile", path: "compiler/version.ts", sees: [] },
  { name: "inspect", path: "compiler/inspect", sees: WHOLE },
  { name: "public index", path: "compiler/index.ts", sees: [...WHOLE, "inspect"] },
  {
    name: "cli",
    path: "compiler/cli",
    sees: [...WHOLE, "inspect", "public index"],
    packages: [/^node:/, "cac", "jiti"],
  },
  {
    name: "plugin",
    path: "compiler/plugin",
    sees: [...WHOLE, "public index"],
    packages: [/^node:/],
  },
  { name: "source", path: "codegen/source", sees: BASE, packages: ["ts-morph"] },
  {
    name: "typescript",
    path: "codegen/typescript",
    sees: [...BASE, "runtime", "source"],
    packages: ["ts-morph"],
  },
  { name: "wasm", path: "codegen/wasm", sees: [...BASE, "runtime", "source", "typescript"] },
  { name: "codegen", path: "codegen", sees: [...BASE, "source", "typescript", "wasm"] },
  { name: "runtime", path: "runtime", sees: [] },
  { name: "fuzz", path: "runtime/fuzz", sees: ["runtime"], packages: ["fast-check"] },
];

/** What a browser lacks, and what would let the same input give other bytes. */
const globals = new Set(
  "process Buffer require global setImmediate __dirname __filename Date performance Math.random".split(" "),
);

const aliases = {
  shapecast: "compiler/index.ts",
  "shapecast/dims": "compiler/dims/index.ts",
  "shapecast/fuzz": "runtime/fuzz/index.ts",
};

const isSource = (path: string) => /^(compiler|codegen|runtime)\//.test(path);
const runsAnywhere = (path: string) => isSource(path) && !/^compiler\/(cli|plugin)\//.test(path);
const everything = () => true;

interface Check {
  readonly name: string;
  readonly applies: (path: string) => boolean;
  readonly rule: Rule;
}

const checks: readonly Check[] = [
  { name: "imports point the way of the design", applies: isSource, rule: direction(parts) },
  { name: "imports make no cycle", applies: isSource, rule: cycles },
  { name: "packages are imported where they belong", applies: isSource, rule: packages(parts) },
  { name: "only entry points know their host", applies: runsAnywhere, rule: style.forbiddenGlobals(globals) },
  { name: "one file reads the environment", applies: isSource, rule: style.oneEnvironment },
  { name: "no file is longer than 400 lines", applies: everything, rule: style.fileLength(400) },
  { name: "no function is longer than 80 lines", applies: everything, rule: style.functionLength(80) },
  { name: "no line is wider than 110", applies: everything, rule: style.lineWidth(110) },
  { name: "medians stay small", applies: isSource, rule: style.medians({ file: 120, function: 8 }) },
  { name: "nothing is any", applies: everything, rule: style.noAny },
  { name: "nothing is exported by default", applies: everything, rule: style.noDefaultExport },
  { name: "there are no enums", applies: everything, rule: style.noEnum },
  { name: "file names say what is inside", applies: everything, rule: style.fileNames },
];

describe("in this repository", () => {
  const root = fileURLToPath(new URL("../", import.meta.url)).replaceAll("\\", "/");
  const sources = repositorySources(root);

  for (const { name, applies, rule } of checks) {
    test(name, () => {
      expect(rule(sources.filter(({ path }) => applies(path))).map(print)).toEqual([]);
    });
  }

  test("there are sources to check", () => {
    expect(sources.filter(({ path }) => isSource(path)).length).toBeGreaterThan(10);
  });
});

function repositorySources(root: string): readonly Source[] {
  const project = new Project({ skipAddingFilesFromTsConfig: true, skipFileDependencyResolution: true });
  const folders = ["compiler", "codegen", "runtime", "test", "examples", "bench", "scripts", "bin"];
  const inside = folders.map((folder) => `${root}${folder}/**/*.{ts,js,mjs}`);
  project.addSourceFilesAtPaths([`${root}*.ts`, ...inside, `!${root}{examples,bench}/out/**`]);
  return sourcesOf(project, root, aliases);
}

function findings(rule: Rule, files: Readonly<Record<string, string>>): string[] {
  const project = new Project({ useInMemoryFileSystem: true });
  for (const [path, text] of Object.entries(files)) project.createSourceFile(`/${path}`, text);
  return rule(sourcesOf(project, "/", aliases)).map(print);
}

describe("the rule on import direction", () => {
  const found = (files: Readonly<Record<string, string>>) => findings(direction(parts), files);

  test("lets a later part import an earlier one, and any part itself", () => {
    const files = {
      "compiler/ops/add.ts": 'import { Dim } from "../dims/index.ts";\nimport "./sub.ts";',
      "compiler/lower/a.ts": 'export * from "../passes/index.ts";',
      "codegen/wasm/emit.ts": 'import { Code } from "../source/index.ts";',
      "runtime/fuzz/index.ts": 'import "../tensor.ts";',
    };
    expect(found(files)).toEqual([]);
  });

  test.each([
    ["an import", "compiler/dims/a.ts", 'import { x } from "../ir/x.ts";', "dims may not import ir"],
    ["a type", "compiler/ir/a.ts", 'import type { x } from "../ops/x.ts";', "ir may not import ops"],
    ["a re-export", "compiler/ops/a.ts", 'export * from "../infer/x.ts";', "ops may not import infer"],
    ["an import()", "compiler/passes/a.ts", 'await import("../lower/x.ts");', "passes may not import lower"],
    [
      "an import type",
      "compiler/lower/a.ts",
      'type T = import("../compile.ts").T;',
      "lower may not import compile",
    ],
    ["a sibling", "compiler/infer/a.ts", 'import "../frontend/x.ts";', "infer may not import frontend"],
    ["codegen", "compiler/lower/a.ts", 'import "../../codegen/wasm/x.ts";', "lower may not import wasm"],
    [
      "a second target",
      "codegen/typescript/a.ts",
      'import "../wasm/x.ts";',
      "typescript may not import wasm",
    ],
    ["lowering", "codegen/wasm/a.ts", 'import "../../compiler/lower/x.ts";', "wasm may not import lower"],
    ["the compiler", "runtime/a.ts", 'import "../compiler/dims/x.ts";', "runtime may not import dims"],
    ["the own package", "runtime/fuzz/a.ts", 'import "shapecast";', "fuzz may not import public index"],
    ["the tests", "runtime/a.ts", 'import "../test/x.ts";', 'runtime may not import "../test/x.ts"'],
  ])("reports %s against the direction with its place", (_, file, text, message) => {
    const [finding = "", ...more] = found({ [file]: `\n${text}` });
    expect(finding.startsWith(`${file}:2 direction: ${message} (`)).toBe(true);
    expect(more).toEqual([]);
  });

  test("asks for a place in the table for a file that has none", () => {
    const text = "compiler/novel/a.ts:1 direction: belongs to no part in the table of the test";
    expect(found({ "compiler/novel/a.ts": "" })).toEqual([text]);
  });
});

describe("the rule on cycles", () => {
  test("reports the files of each cycle, through types too", () => {
    const files = {
      "a.ts": 'import "./b.ts";\nimport "./d.ts";',
      "b.ts": 'import type { C } from "./c.ts";',
      "c.ts": '\nexport { a } from "./a.ts";',
      "d.ts": 'import "./d.ts";',
    };
    expect(findings(cycles, files)).toEqual([
      "c.ts:2 cycles: a.ts -> b.ts -> c.ts -> a.ts",
      "d.ts:1 cycles: d.ts -> d.ts",
    ]);
  });

  test("accepts two ways to the same file", () => {
    const files = { "a.ts": 'import "./b.ts";\nimport "./c.ts";', "b.ts": 'import "./c.ts";', "c.ts": "" };
    expect(findings(cycles, files)).toEqual([]);
  });
});

describe("the rule on packages", () => {
  test("reports a package or a node: module outside the parts that may use it", () => {
    const files = {
      "compiler/cli/main.ts": 'import "node:fs";\nimport "cac";',
      "compiler/compile.ts": 'import "node:path";',
      "runtime/fuzz/index.ts": 'import "fast-check";',
      "runtime/tensor.ts": 'import fc from "fast-check";',
    };
    expect(findings(packages(parts), files)).toEqual([
      'compiler/compile.ts:1 packages: compile may not import the package "node:path"',
      'runtime/tensor.ts:1 packages: runtime may not import the package "fast-check"',
    ]);
  });
});

describe("the rules on a file by itself", () => {
  const found = (rule: Rule, text: string, path = "a.ts") => findings(rule, { [path]: text });
  const body = "  f();\n".repeat(4);

  test("report the length of a file that is not a table", () => {
    const rule = style.fileLength(2);
    expect(found(rule, "f();\nf();\n")).toEqual([]);
    expect(found(rule, "f();\nf();\nf();\n")).toEqual(["a.ts:3 file length: 3 lines, at most 2"]);
    expect(found(rule, "// Opcodes. This is a table.\nf();\nf();")).toEqual([]);
    expect(found(rule, "/*\n * Fills. This is a\n * generated file.\n */\nf();")).toEqual([]);
    expect(found(rule, "f();\n// This is a table.\nf();")).toEqual([
      "a.ts:3 file length: 3 lines, at most 2",
    ]);
  });

  test.each([
    ["declaration", `function g() {\n${body}}`],
    ["method", `class A { g() {\n${body}} }`],
    ["accessor", `class A { get g() {\n${body}} }`],
    ["arrow", `const g = () => {\n${body}};`],
    ["callback", `g(() => {\n${body}});`],
  ])("report the length of a long %s", (_, text) => {
    expect(found(style.functionLength(5), text)).toEqual(["a.ts:1 function length: 6 lines, at most 5"]);
    expect(found(style.functionLength(6), text)).toEqual([]);
  });

  test("leave out a suite's callback and the comment above a function", () => {
    expect(found(style.functionLength(5), `describe("it", () => {\n${body}});`)).toEqual([]);
    expect(found(style.functionLength(5), `/**\n * Long\n * text.\n */\nfunction g() {\n  f();\n}`)).toEqual(
      [],
    );
  });

  test("report a wide line outside a template literal", () => {
    expect(found(style.lineWidth(8), "f();\nf(12345);")).toEqual([
      "a.ts:2 line width: 9 characters, at most 8",
    ]);
    expect(found(style.lineWidth(8), "f(`\n123456789\n`);")).toEqual([]);
  });

  test("report medians", () => {
    const files = { "a.ts": "", "b.ts": `function g() {\n${body}}`, "c.ts": `const g = () => {\n${body}};` };
    expect(findings(style.medians({ file: 5, function: 5 }), files)).toEqual([
      "all files:1 median file length: 6 lines in the median, at most 5",
      "all files:1 median function length: 6 lines in the median, at most 5",
    ]);
    expect(findings(style.medians({ file: 6, function: 6 }), files)).toEqual([]);
  });

  test("report any", () => {
    expect(found(style.noAny, 'const any = "any";\nf(x as any);')).toEqual(["a.ts:2 no any: any"]);
  });

  test.each([
    ["default function", "export default function f() {}"],
    ["default class", "export default class {}"],
    ["expression", "export default 1;"],
    ["renamed export", "export { f as default };"],
    ["assignment", "export = f;"],
  ])("report a default export by %s", (_, text) => {
    expect(found(style.noDefaultExport, text)).toHaveLength(1);
    expect(found(style.noDefaultExport, text, "vitest.config.ts")).toEqual([]);
  });

  test("report enums", () => {
    expect(found(style.noEnum, "\nenum A { X }")).toEqual(["a.ts:2 no enum: enum A { X }"]);
    expect(found(style.noEnum, "declare const enum A { X }")).toHaveLength(1);
  });

  test.each(["utils.ts", "a/helpers.ts", "common.test.ts", "util.ts"])("report the file name %s", (path) => {
    expect(found(style.fileNames, "", path)).toHaveLength(1);
  });

  test.each(["a/loop_print.ts", "loopPrint.ts", "Loop.ts", "loop--print.ts"])(
    "want hyphens in %s",
    (path) => {
      expect(found(style.fileNames, "", path)).toHaveLength(1);
    },
  );

  test.each(["common-subexpressions.ts", "graph-text.test.ts", "3d.js"])("let %s pass", (path) => {
    expect(found(style.fileNames, "", path)).toEqual([]);
  });
});

describe("the rules on what surrounds the program", () => {
  const rule = style.forbiddenGlobals(globals);

  test("report globals of one host and sources of chance", () => {
    const text = "f(Math.random());\nnew Date();\nconst e = process.env.X;\nf({ Buffer });";
    expect(findings(rule, { "a.ts": text }).map((each) => each.replace(" is not for this part", ""))).toEqual(
      [
        "a.ts:1 globals: Math.random",
        "a.ts:2 globals: Date",
        "a.ts:3 globals: process",
        "a.ts:4 globals: Buffer",
      ],
    );
  });

  test("leave alone what is declared in the file, or is a member or a key", () => {
    const text = "function f(global: number, o: { process: 1 }) { return { process: global + o.process }; }";
    expect(findings(rule, { "a.ts": text })).toEqual([]);
  });

  test("report a second file that reads the environment", () => {
    const text = "export const a = process.env.A;";
    expect(findings(style.oneEnvironment, { "a.ts": `${text}\n${text}`, "b.ts": text })).toEqual([
      "b.ts:1 environment: a.ts is the file that reads it",
    ]);
  });
});
