/**
 * The command as it is installed: built into a folder of its own, with the packages it depends on, and run as
 * a process. This is what shows that the built modules, the package's own name and the exit codes fit
 * together.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesOf, floats, graph, int64s, node } from "../support/onnx.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "shapecast-bin-"));

beforeAll(() => {
  const build = ["-p", join(root, "tsconfig.build.json"), "--noCheck", "--outDir", join(folder, "dist")];
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...build]);
  for (const name of ["bin", "package.json"])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
  mkdirSync(join(folder, "examples"));
  cpSync(join(root, "examples/mlp.ts"), join(folder, "examples/mlp.ts"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function shapecast(line: string, environment: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["bin/shapecast.js", ...line.split(" ")], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  return { status, stdout, stderr };
}

describe("the installed command", () => {
  test("compiles an example of the package, whose import is the package's own name", async () => {
    const result = shapecast("compile examples/mlp.ts --sample x=1,784 -o examples/out/mlp.gen.js");
    expect(result).toMatchObject({ status: 0, stderr: "" });
    expect(result.stdout).toMatch(
      /^mlp\.gen\.js {3}js {3}.* MB \(.* kB gzip\), weights inside\nparameters 203,530 /,
    );
    const module = await import(join(folder, "examples/out/mlp.gen.js"));
    expect(module.signature.outputs).toEqual({ logits: { dtype: "float32", shape: [1, 10] } });
    const { logits } = module.instantiate().run({ x: new Float32Array(784).fill(1) });
    expect(logits.some((value: number) => value !== 0)).toBe(true);
  });

  test("writes the same bytes as the sources do", async () => {
    shapecast("compile examples/mlp.ts --sample x=1,784 --weights init -o built.ts");
    const { run } = await import("../../compiler/cli/main.ts");
    const { processHost } = await import("../../compiler/cli/host.ts");
    const quiet = { isTTY: false, write: () => {} };
    const host = { ...processHost(), cwd: folder, out: quiet, err: quiet };
    const line = "compile examples/mlp.ts --sample x=1,784 --weights init -o sources.ts";
    expect(await run(line.split(" "), host)).toBe(0);
    expect(readFileSync(join(folder, "built.ts"), "utf8")).toBe(
      readFileSync(join(folder, "sources.ts"), "utf8"),
    );
  });

  test("prints only the text that was asked for, and no colours into a pipe", () => {
    const { stdout, stderr } = shapecast("inspect examples/mlp.ts --sample x=1,784 --json");
    expect(JSON.parse(stdout).totals.parameters).toBe(203530);
    expect(stderr).toBe("");
    const failed = shapecast("compile examples/mlp.ts --sample x=1,NaN -o out.ts");
    expect(failed).toMatchObject({ status: 1, stdout: "" });
    expect(failed.stderr).toMatch(/^E2108 /);
    expect(failed.stderr).not.toContain("bin/shapecast.js");
  });

  test("ends a model of a suite that takes too long, and goes on with the next in another thread", () => {
    const state = ["c: bool[]", "a: float32[2]"];
    const turn = [node("Identity", ["c"], ["d"]), node("Sin", ["a"], ["b"])];
    const body = graph(["i: int64[]", ...state], turn, ["d: bool[]", "b: float32[2]"]);
    const loop = node("Loop", ["n", "", "x"], ["y"], { body });
    for (const [name, turns] of Object.entries({ "slow/a": 2e9, "slow/b": 2e9, "fast/c": 3, "fast/d": 3 })) {
      const set = join(folder, `${name}/test_data_set_0`);
      mkdirSync(set, { recursive: true });
      const model = graph(["x: float32[2]"], [loop], ["y: float32[2]"], [int64s("n", [], [turns])]);
      writeFileSync(join(folder, `${name}/model.onnx`), bytesOf(model));
      for (const vector of ["input_0", "output_0"])
        writeFileSync(join(set, `${vector}.pb`), floats("x", [2], [0, 0]).bytes);
    }
    expect(shapecast("verify --suite slow --timeout 0.5 --json slow.json")).toEqual({
      status: 1,
      stdout: `timeout      a  takes longer than 0.5 s
timeout      b  takes longer than 0.5 s
0 of 2 passed
`,
      stderr: "",
    });
    const { results } = JSON.parse(readFileSync(join(folder, "slow.json"), "utf8"));
    expect(results.map(({ result }: { result: string }) => result)).toEqual(["timeout", "timeout"]);
    expect(shapecast("verify --suite fast").stdout).toBe("2 of 2 passed\n");
    const refused = shapecast("verify fast/c/model.onnx --data fast/c --sample 1,2,3");
    expect(refused).toMatchObject({ status: 1, stdout: "", stderr: expect.stringMatching(/^E2111 /) });
    expect(refused.stderr).not.toContain("bin/shapecast.js");
  });

  test("reads its switches from the environment", () => {
    writeFileSync(
      join(folder, "defect.ts"),
      `import { dense, sequential } from "shapecast";
export const net = sequential([dense({ units: 1 })]);
net.bind = () => { throw new Error("internal: as told"); };
`,
    );
    const line = "compile defect.ts --sample x=1,2 -o out.ts";
    expect(shapecast(line, { SHAPECAST_DEBUG: "1" })).toMatchObject({
      status: 70,
      stderr: expect.stringContaining("    at "),
    });
    const printed = shapecast("compile examples/mlp.ts --sample x=1,784 --emit bound", {
      SHAPECAST_PRINT_AFTER: "canonicalise",
    });
    expect(printed.stderr).toMatch(/^\/\/ after canonicalise\ngraph /);
  });

  test.skipIf(process.platform === "win32")("says nothing when its reader has seen enough", () => {
    const line = "node bin/shapecast.js compile examples/mlp.ts --sample x=1,784 --emit ts | head -c 3";
    const { stdout, stderr } = spawnSync("sh", ["-c", line], { cwd: folder, encoding: "utf8" });
    expect({ stdout, stderr }).toEqual({ stdout: "/**", stderr: "" });
  });

  test.each([
    ["--version", 0],
    ["--help", 0],
    ["compile examples/mlp.ts --sample x=1,2,3,NaN -o out.ts", 1],
    ["compile examples/mlp.ts --smaple x=1,2", 2],
    ["compile nothing.ts -o out.ts", 2],
  ])("%s exits %i", (line, status) => {
    expect(shapecast(line).status).toBe(status);
  });
});
