/** `shapecast verify` as its user sees it, beside onnxruntime-web where a run needs it. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { Workplace } from "../support/command.ts";
import { bytesOf, floats, graph, node } from "../support/onnx.ts";

const place = new Workplace();
afterAll(() => place.remove());

const installed = fileURLToPath(new URL("../../node_modules", import.meta.url));

function write(path: string, bytes: Uint8Array): void {
  const file = join(place.path, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
}

/** y = relu(x + w). */
const model = bytesOf(
  graph(
    ["x: float32[n, 2]"],
    [node("Add", ["x", "w"], ["sum"]), node("Relu", ["sum"], ["y"])],
    ["y: float32[n, 2]"],
    [floats("w", [2], [1, -2])],
  ),
);
write("plain/model.onnx", model);
write("good/model.onnx", model);
write("good/test_data_set_0/input_0.pb", floats("x", [2, 2], [1, 2, 3, 4]).bytes);
write("good/test_data_set_0/output_0.pb", floats("y", [2, 2], [2, 0, 4, 2]).bytes);
write("bad/model.onnx", model);
write("bad/test_data_set_0/input_0.pb", floats("x", [1, 2], [1, 2]).bytes);
write("bad/test_data_set_0/output_0.pb", floats("y", [1, 2], [2, 0.5]).bytes);
write("beside/model.onnx", model);
symlinkSync(installed, join(place.path, "beside/node_modules"), "junction");
write("beside/test_data_set_0/input_0.pb", floats("x", [1, 2], [1, 2]).bytes);
write("beside/test_data_set_0/output_0.pb", floats("y", [1, 1], [2]).bytes);

describe("verify", () => {
  test("compares with the vectors that lie beside the model", async () => {
    expect(await place.shapecast("verify good/model.onnx")).toEqual({
      code: 0,
      out: "y   max abs 0   max rel 0   0 ulp      against 1 stored data set\n",
      err: "",
    });
  });

  test("takes a folder of vectors by name", async () => {
    const { code, out } = await place.shapecast("verify plain/model.onnx --data good");
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining("1 stored data set") });
  });

  test("ends with 1 on a mismatch and says which element, and how to learn the node", async () => {
    const { code, out } = await place.shapecast("verify bad/model.onnx");
    expect(code).toBe(1);
    expect(out).toContain('"y" does not agree: element 1 is 0, expected 0.5\n');
    expect(out).toContain("npm install onnxruntime-web");
  });

  test("says that a shape is another one", async () => {
    const { code, out } = await place.shapecast("verify beside/model.onnx");
    expect(code).toBe(1);
    expect(out).toContain('"y" is float32 [1, 2] where float32 [1, 1] is expected');
    expect(out).toContain("no single value inside the graph was found that differs");
  });

  test("compares with a runtime that is installed beside the model, on random inputs", async () => {
    const line = "verify beside/model.onnx --against onnxruntime-web --data good --sample x=3,2 --runs 4";
    const { code, out, err } = await place.shapecast(`${line} --json out/report.json`);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("against onnxruntime-web, 4 random inputs\n");
    const { comparisons } = JSON.parse(place.read("out/report.json"));
    expect(comparisons.map(({ against }: { against: string }) => against)).toEqual([
      "1 stored data set",
      "onnxruntime-web, 4 random inputs",
    ]);
    expect(comparisons[1].outputs[0]).toMatchObject({ name: "y", outside: 0 });
  });

  test("draws sizes of dims that are left open", async () => {
    const { code, out } = await place.shapecast(
      "verify beside/model.onnx --against onnxruntime-web --data good --dim n=1..8 --runs 3",
    );
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining("3 random inputs") });
  });

  test("runs every folder of a suite and counts", async () => {
    const { code, out } = await place.shapecast("verify --suite . --json suite.json");
    expect(code).toBe(1);
    expect(out).toBe(`differs      bad  "y" element 1 is 0, expected 0.5
differs      beside  "y" is float32 [1, 2] where float32 [1, 1] is expected
1 of 3 passed
`);
    const { passed, of, results } = JSON.parse(place.read("suite.json"));
    expect({ passed, of }).toEqual({ passed: 1, of: 3 });
    expect(results.map(({ name }: { name: string }) => name)).toEqual(["bad", "beside", "good"]);
  });

  test.each([
    ["verify plain/model.onnx", 2, "E1004 there is nothing to compare model.onnx with"],
    ["verify plain/model.onnx --against onnxruntime-node", 2, "E1004 onnxruntime-node is found neither"],
    ["verify plain/model.onnx --data plain", 2, "E1004 --data plain holds no test vectors"],
    ["verify --suite plain", 2, "E1004 --suite plain holds no folder with a model.onnx"],
    ["verify good/model.onnx --runs 0", 2, 'E1002 --runs is "0"'],
    ["verify --suite good --timeout 0", 2, 'E1002 --timeout is "0"'],
    ["verify good/model.onnx --target gpu", 2, 'E1002 --target is "gpu"'],
    ["verify good/test_data_set_0/input_0.pb", 2, "E1004 input_0.pb is neither ONNX"],
    ["verify", 2, "E1002 verify needs a model file"],
    ["verify beside/model.onnx --against onnxruntime-web", 1, 'E2102 no sample for input "x"'],
  ])("refuses %s", async (line, code, message) => {
    const result = await place.shapecast(line);
    expect({ code: result.code, out: result.out }).toEqual({ code, out: "" });
    expect(result.err).toContain(message);
  });
});
