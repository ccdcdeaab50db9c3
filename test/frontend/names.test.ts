/** Names are the user's: whatever layers and inputs are called, their sizes are inferred. */
import { describe, expect, test } from "vitest";
import { add, conv2d, dense, dim, input, model, reshape, sequential } from "../../compiler/frontend/index.ts";
import { parseGraph } from "../../compiler/ir/graph-parse.ts";
import { printGraph } from "../../compiler/ir/graph-print.ts";
import { only } from "./reference.ts";

const names = ["block-1", "a+b", "f(x)", "a:b", "1st", "größe", "日本", "😀", "__proto__", "\ud800"];

describe.each(names)("the name %j", (name) => {
  test("may be a layer's, with sizes that a sample decides", () => {
    const net = sequential([
      conv2d({ filters: 2, kernelSize: 3, name }),
      reshape({ targetShape: [-1, 2], name: `${name}-flat` }),
      dense({ units: 4 }),
    ]);
    net.bind([1, 5, 5, 3]);
    expect(net.weights[0]).toMatchObject({ path: `${name}.kernel`, sizes: [3, 3, 3, 2] });
  });

  test("may be an input's", () => {
    const x = input({ shape: [null, null], name });
    const net = model({ inputs: x, outputs: dense({ units: 2 }).apply(x) });
    net.bind(Object.fromEntries([[name, [1, 4, 3]]]));
    expect(net.getWeights().map(({ shape }) => shape)).toEqual([[3, 2], [2]]);
  });

  test("survives printing and parsing", () => {
    const text = printGraph(sequential([dense({ units: 2, name })]).graph(2));
    expect(printGraph(parseGraph(text))).toBe(text);
  });
});

describe("names that look alike to a dim", () => {
  test("do not tie the sizes of two inputs", () => {
    const inputs = ["a-b", "a_b", "a+b", "a_b_"].map((name) => input({ shape: [null], name }));
    const outputs = inputs.map((x, i) => dense({ units: 2, name: `d${i}` }).apply(x));
    const net = model({ inputs, outputs: add().apply(outputs) });
    net.bind({ "a-b": [1, 3], a_b: [1, 4], "a+b": [1, 5], a_b_: [1, 6] });
    expect(net.getWeights().map(({ shape }) => shape[0])).toEqual([3, 2, 4, 2, 5, 2, 6, 2]);
  });

  test("do not tie the sizes of two layers", () => {
    const x = input({ shape: [3], name: "x" });
    const y = input({ shape: [4], name: "y" });
    const outputs = [dense({ units: 2, name: "a-b" }).apply(x), dense({ units: 2, name: "a_b" }).apply(y)];
    const net = model({ inputs: [x, y], outputs });
    net.bind({ x: [1, 3], y: [1, 4] });
    expect(net.getWeights().map(({ shape }) => shape[0])).toEqual([3, 2, 4, 2]);
  });
});

test.each(["time step", "*/", "", "2 *", "a-"])(
  "the named size %j is refused where it was written",
  (size) => {
    const x = input({ shape: [size, 3], name: "frames" });
    expect(only(() => model({ inputs: x, outputs: dense({ units: 2 }).apply(x) }).summary())).toMatchObject({
      code: "E3001",
      message: `input "frames" has the size ${JSON.stringify(size)} at axis 1, which is no name of a size`,
      at: { file: expect.stringMatching(/names\.test\.ts$/) },
    });
  },
);

test.each(["_", "?h", "!u", "a b", "2d", "", "__"])(
  "dim(%j) is refused, for it names no dim that stays open",
  (name) => {
    expect(only(() => dim(name, { max: 4 }))).toMatchObject({
      code: "E3001",
      message: `dim(${JSON.stringify(name)}) does not name a dim that stays open`,
      at: { file: expect.stringMatching(/names\.test\.ts$/) },
    });
  },
);
