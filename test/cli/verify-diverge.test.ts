/** Where verify says that a module and another runtime part. The errors are planted. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { firstDivergence } from "../../compiler/cli/verify-diverge.ts";
import { findOracle } from "../../compiler/cli/verify-oracle.ts";
import { readModel } from "../../compiler/frontend/onnx/read-model.ts";
import { tensor } from "../../runtime/tensor.ts";
import { Workplace } from "../support/command.ts";
import { bytesOf, floats, graph, node } from "../support/onnx.ts";

const place = new Workplace();
afterAll(() => place.remove());

const LENGTH = 12;

/** v0 = x + 1, v1 = v0 + 1, ... y; at `planted` something else is added. */
function chain(planted?: number): Uint8Array {
  const names = Array.from({ length: LENGTH }, (_, i) => (i === LENGTH - 1 ? "y" : `v${i}`));
  const nodes = names.map((name, i) =>
    node("Add", [i === 0 ? "x" : names[i - 1]!, i === planted ? "wrong" : "one"], [name]),
  );
  const values = [floats("one", [2], [1, 1]), floats("wrong", [2], [1, 1.5])];
  return bytesOf(graph(["x: float32[2]"], nodes, ["y: float32[2]"], values));
}

/**
 * A package that computes the chain and adds a half to the second element from v`planted` on. With `single`
 * it gives no more than one value besides y, so that a search has to ask for them one by one.
 */
function fakeRuntime(planted: number, single: boolean): string {
  return `
const asked = [];
exports.asked = asked;
exports.env = {};
exports.Tensor = class { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } };
exports.InferenceSession = {
  async create(bytes) {
    const more = Buffer.from(bytes.subarray(${chain().length})).toString("latin1").match(/v\\d+/g) ?? [];
    if (${single} && more.length > 1) throw new Error("one output only");
    asked.push(more.join());
    return {
      inputNames: ["x"],
      async run({ x }) {
        const value = (steps) => [x.data[0] + steps, x.data[1] + steps + (steps > ${planted} ? 0.5 : 0)];
        const tensor = (steps) => new exports.Tensor("float32", Float32Array.from(value(steps)), [2]);
        const inner = more.map((name) => [name, tensor(Number(name.slice(1)) + 1)]);
        return Object.fromEntries([["y", tensor(${LENGTH})], ...inner]);
      },
      async release() {},
    };
  },
};`;
}

function beside(folder: string, planted: number, single = false): string {
  const home = join(place.path, folder, "node_modules/onnxruntime-node");
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "index.js"), fakeRuntime(planted, single));
  writeFileSync(join(place.path, folder, "model.onnx"), chain());
  return join(home, "index.js");
}

const asked = async (path: string): Promise<readonly string[]> => (await import(path)).asked;

describe("the first value to differ", () => {
  test("is found beside onnxruntime-web, whose model has another constant at one node", async () => {
    const oracle = (await findOracle(
      [fileURLToPath(new URL("../../", import.meta.url))],
      ["onnxruntime-web"],
    ))!;
    const file = { bytes: chain(7), model: readModel(chain()), externalData: new Map() };
    const inputs = new Map([["x", tensor(Float32Array.of(0, 0), [2])]]);
    const found = await firstDivergence({ file, oracle, inputs, options: {} });
    expect(found).toEqual({
      value: "v7",
      node: "v7_node",
      operator: "Add",
      index: 1,
      actual: 8,
      expected: 8.5,
    });
  });

  test("is found in one run of all values where a runtime gives them all", async () => {
    const path = beside("all", 4);
    const { code, out } = await place.shapecast("verify all/model.onnx --runs 2");
    expect(code).toBe(1);
    expect(out).toContain("against onnxruntime-node, 2 random inputs");
    expect(out).toContain('first to differ: "v4", made by v4_node (Add): element 1 is');
    expect((await asked(path)).length).toBe(2);
  });

  test.each([0, 5, 10])("is found by bisection where it gives one at a time: v%i", async (planted) => {
    const path = beside(`single${planted}`, planted, true);
    const { out } = await place.shapecast(`verify single${planted}/model.onnx --runs 1`);
    expect(out).toContain(`first to differ: "v${planted}", made by v${planted}_node (Add)`);
    expect((await asked(path)).length).toBeLessThan(LENGTH / 2);
  });

  test("is the output itself when all before it agree", async () => {
    beside("last", LENGTH - 1, true);
    const { out } = await place.shapecast("verify last/model.onnx --runs 1");
    expect(out).toContain('first to differ: "y", made by y_node (Add)');
  });
});

test("onnxruntime-node is preferred, gives all figures, and needs nothing but to be found", async () => {
  beside("agrees", LENGTH);
  const { code, out } = await place.shapecast("verify agrees/model.onnx --runs 3 --json agrees.json");
  expect({ code, out }).toEqual({
    code: 0,
    out: "y   max abs 0   max rel 0   0 ulp      against onnxruntime-node, 3 random inputs\n",
  });
  const { comparisons } = JSON.parse(place.read("agrees.json"));
  expect(comparisons[0].outputs).toEqual([
    { name: "y", absolute: 0, relative: 0, ulp: 0, outside: 0, run: 0 },
  ]);
});
