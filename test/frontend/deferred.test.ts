/** Deferred initialisation, line by line as the documentation promises it. */
import { describe, expect, test } from "vitest";
import { dense, sequential } from "../../compiler/frontend/index.ts";
import { only } from "./reference.ts";

const mlp = (units = 256) => sequential([dense({ units, activation: "relu" }), dense({ units: 10 })]);
const shapes = (net: ReturnType<typeof mlp>) => net.getWeights().map(({ shape }) => shape);
const ones = (...shape: number[]) => new Float32Array(shape.reduce((n, d) => n * d, 1)).fill(1);

describe("before any data", () => {
  test("getWeights is empty and summary prints symbolic shapes", () => {
    const net = mlp();
    expect(net.getWeights()).toEqual([]);
    expect(net.summary()).toBe(
      [
        "layer    output        parameters",
        "dense    [batch, 256]  kernel [?, 256]  bias [256]",
        "dense_1  [batch, 10]   kernel [256, 10] bias [10]",
        "? is decided by the first sample",
      ].join("\n"),
    );
  });

  test("summary can also be printed", () => {
    const printed: string[] = [];
    const text = mlp().summary({ print: (line) => printed.push(line) });
    expect(printed).toEqual([text]);
  });

  test("after initialize, asking for values names the unknown dim and says how to bind it", () => {
    const net = mlp();
    net.initialize({ seed: 1 });
    const error = only(() => net.getWeights());
    expect(error.code).toBe("E2101");
    expect(error.message).toContain("dense.kernel");
    expect(error.message).toContain("[?, 256]");
    expect(error.message).toContain("x.1");
    expect(error.facts).toEqual([{ subject: "x.1", value: "?", note: 'axis 1 of input "x" [batch, x.1]' }]);
    expect(error.fix).toContain("net.bind({ x: [n, n] })");
  });

  test("one weight can be asked for by itself", () => {
    const [kernel, bias] = mlp().weights;
    expect(String(kernel?.shape)).toBe("x.1,256");
    expect(only(() => kernel?.tensor()).code).toBe("E2101");
    expect(bias?.tensor().shape).toEqual([256]);
  });
});

describe("the first sample", () => {
  test.each([
    ["a shape", (net: ReturnType<typeof mlp>) => net.bind([2, 20])],
    ["a shape by input name", (net: ReturnType<typeof mlp>) => net.bind({ x: [2, 20] })],
    ["a typed array with a shape", (net: ReturnType<typeof mlp>) => net.bind(ones(2, 20), [2, 20])],
    ["nested arrays", (net: ReturnType<typeof mlp>) => net.bind([[...ones(20)], [...ones(20)]])],
    [
      "a tensor",
      (net: ReturnType<typeof mlp>) => net.bind({ dtype: "float32", shape: [2, 20], data: ones(2, 20) }),
    ],
    ["predict", (net: ReturnType<typeof mlp>) => net.predict(ones(2, 20), [2, 20])],
  ])("given as %s it fixes every parameter shape", (_, show) => {
    const net = mlp();
    show(net);
    expect(shapes(net)).toEqual([[20, 256], [256], [256, 10], [10]]);
    expect(net.summary()).toContain("kernel [20, 256]");
    expect(net.summary()).not.toContain("?");
  });

  test("another batch works with the same parameters", () => {
    const net = mlp();
    net.bind([2, 20]);
    const before = net.getWeights();
    expect(net.predict(ones(3, 20), [3, 20]).shape).toEqual([3, 10]);
    expect(net.getWeights()).toEqual(before);
  });

  test("other features are refused, naming input, parameter, both sizes and who fixed one", () => {
    const net = mlp();
    net.bind({ x: [2, 20] });
    const error = only(() => net.predict(ones(3, 30), [3, 30]));
    expect(error).toMatchObject({
      code: "E2104",
      message: 'input "x" has 30 features, but dense.kernel expects 20',
      because: "dense multiplies x[.., k] by kernel[k, 256], so k must be both 30 and 20.",
      fix: "feed 20 features, or net.reset() to bind another size.",
    });
    expect(error.facts?.[0]).toEqual({ subject: "x", value: "[3, 30]", note: "this call" });
    expect(error.facts?.[1]).toMatchObject({ subject: "dense.kernel", value: "[20, 256]" });
    expect(error.facts?.[1]?.note).toMatch(/^20 fixed by the sample \[2, 20\] at .*deferred\.test\.ts:\d+$/);
    expect(error.at?.file).toContain("deferred.test.ts");
  });

  test("the model stays usable after a refused sample", () => {
    const net = mlp();
    net.bind([2, 20]);
    const weights = net.getWeights();
    only(() => net.bind([3, 30]));
    expect(net.getWeights()).toEqual(weights);
    expect(net.predict(ones(1, 20), [1, 20]).shape).toEqual([1, 10]);
  });
});

describe("without data", () => {
  test("build binds at once", () => {
    const net = mlp();
    net.build([null, 20]);
    expect(shapes(net)).toEqual([[20, 256], [256], [256, 10], [10]]);
    const error = only(() => net.bind([3, 30]));
    expect(error.message).toBe('input "x" has 30 features, but dense.kernel expects 20');
    expect(error.facts?.[1]?.note).toMatch(/^20 fixed by build\(\[null,20\]\) at /);
  });

  test("inputShape on the first layer binds at once", () => {
    const net = sequential([dense({ units: 4, inputShape: [3] }), dense({ units: 2 })]);
    expect(shapes(net)).toEqual([[3, 4], [4], [4, 2], [2]]);
    expect(net.summary()).toContain("kernel [3, 4]");
  });

  test("a layer may be added to a model that is built already", () => {
    const net = mlp(8);
    net.build([null, 20]);
    net.add(dense({ units: 3 }));
    expect(shapes(net)).toEqual([[20, 8], [8], [8, 10], [10], [10, 3], [3]]);
    expect(net.predict(ones(2, 20), [2, 20]).shape).toEqual([2, 3]);
  });

  test("building a bound model for another size is refused", () => {
    const net = mlp();
    net.bind([2, 20]);
    expect(only(() => net.build([null, 30])).code).toBe("E2104");
    expect(shapes(net)[0]).toEqual([20, 256]);
  });
});

describe("values", () => {
  test("a parameter's depend on the seed and its path only", () => {
    const [one, other] = [mlp(), mlp()];
    one.initialize({ seed: 7 });
    one.bind([2, 20]);
    const kernel = one.getWeights()[0];
    const last = other.getWeights.bind(other);
    other.bind([5, 20]);
    other.initialize({ seed: 7 });
    expect(last()[2]).toEqual(one.getWeights()[2]);
    expect(last()[0]).toEqual(kernel);
    other.initialize({ seed: 8 });
    expect(last()[0]).not.toEqual(kernel);
  });

  test("changing one number is the only edit that another size needs", () => {
    const net = mlp(512);
    net.bind([2, 20]);
    expect(shapes(net)).toEqual([[20, 512], [512], [512, 10], [10]]);
  });
});

describe("reset", () => {
  test("forgets shapes and values so that other sizes can be bound", () => {
    const net = mlp();
    net.bind([2, 20]);
    net.reset();
    expect(net.getWeights()).toEqual([]);
    net.bind([3, 30]);
    expect(shapes(net)[0]).toEqual([30, 256]);
  });

  test("forgets what build declared", () => {
    const net = mlp();
    net.build([null, 20]);
    net.reset();
    net.build([null, 30]);
    expect(shapes(net)[0]).toEqual([30, 256]);
  });
});
