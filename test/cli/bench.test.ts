/** `shapecast bench` as its user sees it. No time is asserted: machines differ. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import type { BenchReport } from "../../compiler/cli/bench-text.ts";
import { Workplace } from "../support/command.ts";
import { bytesOf, floats, graph, node } from "../support/onnx.ts";

const place = new Workplace();
afterAll(() => place.remove());

const installed = fileURLToPath(new URL("../../node_modules", import.meta.url));

function write(path: string, content: Uint8Array | string): void {
  const file = join(place.path, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

/** y = relu(x w). */
const model = bytesOf(
  graph(
    ["x: float32[n, 2]"],
    [node("MatMul", ["x", "w"], ["product"]), node("Relu", ["product"], ["y"])],
    ["y: float32[n, 2]"],
    [floats("w", [2, 2], [1, -2, 3, 4])],
  ),
);
write("plain/model.onnx", model);
write("broken/model.onnx", model);
write("broken/node_modules/onnxruntime-node/index.js", 'throw new Error("no binary for this platform");\n');
write(
  "net.ts",
  'import { dense, sequential } from "shapecast";\nexport default sequential([dense({ units: 3 })]);\n',
);
symlinkSync(installed, join(place.path, "node_modules"), "junction");

async function report(command: string): Promise<BenchReport> {
  const { code, out, err } = await place.shapecast(`${command} --json`);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out);
}

describe("bench", () => {
  test("times starting up and running, as a share of the core's peak", async () => {
    const { code, out } = await place.shapecast("bench plain/model.onnx --dim n=4 --runs 50");
    expect(code).toBe(0);
    expect(out).toMatch(
      /^ +import +instantiate +first run +median +p99 +GFLOP\/s +share of peak\nshapecast +/,
    );
    expect(out).toMatch(/Node \d+\.\d+\.\d+ {3}target ts {3}peak \d+\.\d GFLOP\/s/);
  });

  test("says how long an engine compiles WebAssembly", async () => {
    const command = "bench plain/model.onnx --dim n=4 --runs 5 --target wasm";
    expect((await place.shapecast(command)).out).toMatch(
      /target wasm {3}compiles WebAssembly in \d+\.?\d* .s {3}peak/,
    );
    const { contenders } = await report(command);
    expect(contenders).toEqual([
      expect.objectContaining({ startup: expect.objectContaining({ compile: expect.any(Number) }) }),
    ]);
  });

  test("runs as often as it is told", async () => {
    const { contenders, macs, model } = await report("bench plain/model.onnx --dim n=4 --runs 24");
    expect({ macs, model }).toEqual({ macs: 16, model: "model.onnx" });
    expect(contenders).toEqual([expect.objectContaining({ name: "shapecast", runs: 24 })]);
  });

  test("runs another runtime beside it, which gets a model of layers as ONNX", async () => {
    const command = "bench net.ts --sample x=2,5 --runs 24 --against onnxruntime-web";
    const { contenders } = await report(command);
    expect(contenders).toEqual([
      expect.objectContaining({ name: "shapecast", runs: 24, median: expect.any(Number) }),
      expect.objectContaining({ name: "onnxruntime-web", runs: 24, median: expect.any(Number) }),
    ]);
  });

  test("times each kernel, with its calls and operations", async () => {
    const { kernels } = await report("bench plain/model.onnx --dim n=4 --runs 5 --kernels");
    expect(kernels).toHaveLength(1);
    // 16 multiply-adds, and 8 comparisons of relu.
    expect(kernels![0]).toMatchObject({ calls: 1, operations: 40, median: expect.any(Number) });
  });

  test("says of a runtime that does not start what it says, and times the rest", async () => {
    const { code, out } = await place.shapecast(
      "bench broken/model.onnx --dim n=4 --runs 5 --against onnxruntime-node",
    );
    expect(code).toBe(0);
    expect(out).toContain("\nonnxruntime-node cannot run it: Error: no binary for this platform\n");
    expect(out).toMatch(/^shapecast +\d/m);
  });

  test("refuses a runtime it does not know, one that is not installed, and no runs", async () => {
    const refusal = async (options: string) =>
      (await place.shapecast(`bench plain/model.onnx ${options}`)).err;
    expect(await refusal("--dim n=4 --against tfjs")).toContain('E1002 --against is "tfjs"');
    expect(await refusal("--dim n=4 --runs 0")).toContain("E1002 --runs is");
    expect(await refusal("--dim n=4 --against onnxruntime-node")).toContain("npm install onnxruntime-node");
  });
});
