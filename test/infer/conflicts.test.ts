/** Sizes that cannot agree are told from both sides, with the layers that made them and what would do. */
import {
  add,
  averagePooling2d,
  CompileError,
  compile,
  concatenate,
  conv1d,
  cropping2d,
  type Diagnostic,
  dense,
  dim,
  dot,
  input,
  inspect,
  model,
  reshape,
  type Symbolic,
  upSampling2d,
} from "shapecast";
import { describe, expect, test } from "vitest";

function problems(build: () => unknown): readonly Diagnostic[] {
  try {
    build();
  } catch (error) {
    if (error instanceof CompileError) return error.diagnostics;
    throw error;
  }
  throw new Error("nothing was refused");
}

const layersOf = ({ core = [] }: Diagnostic) => core.map(({ layer }) => layer);

/** Layers that keep a size. */
function kept(x: Symbolic, count: number): Symbolic {
  let y = x;
  for (let i = 0; i < count; i++) y = add().apply([y, y]);
  return y;
}

function units(count: number, x: Symbolic, name: string): Symbolic {
  return dense({ units: count, name }).apply(x);
}

describe("a conflict between layers", () => {
  test("73: of an addition forty layers below its cause is the two producers and the addition", () => {
    const x = input({ shape: [5], name: "x" });
    const three = kept(units(3, x, "three"), 39);
    const four = kept(units(4, x, "four"), 39);
    const net = model({ inputs: x, outputs: add({ name: "sum" }).apply([three, four]) });
    const [error, ...more] = problems(() => net.graph());
    expect(more).toEqual([]);
    expect(error).toMatchObject({
      code: "E2103",
      message: "sum needs 3 and 4 to be equal, or one of them to be 1",
      at: { file: expect.stringMatching(/conflicts\.test\.ts$/) },
    });
    expect(layersOf(error!)).toEqual(["three", "four", "sum"]);
    for (const { at } of error!.core!) expect(at?.file).toMatch(/conflicts\.test\.ts$/);
    expect(error!.chains).toEqual([
      ["three = 3", "(39 layers)", "sum"],
      ["four = 4", "(39 layers)", "sum"],
    ]);
    expect(error!.fix).toContain("give three (3) and four (4) the same size");
    expect(new CompileError([error!]).message).toMatch(/four +4 +made there, at .*conflicts\.test\.ts:\d+/);
  });

  test("of a concatenation follows both sizes through what changed them", () => {
    const x = input({ shape: ["batch", 16, 8, 1], name: "x" });
    const half = averagePooling2d({ name: "half" }).apply(x);
    const cut = cropping2d({ cropping: 1, name: "cut" }).apply(x);
    const net = model({ inputs: x, outputs: concatenate({ name: "join" }).apply([half, cut]) });
    const [error] = problems(() => net.graph());
    expect(error!.chains).toEqual([
      ["x = 16", "half = 8", "join"],
      ["x = 16", "cut = 14", "join"],
    ]);
    expect(layersOf(error!)).toEqual(["half", "cut", "join"]);
  });

  test("comes with all others that do not depend on it", () => {
    const x = input({ shape: [5], name: "x" });
    const clash = (name: string) => add({ name }).apply([units(2, x, `${name}2`), units(3, x, `${name}3`)]);
    const found = problems(() => model({ inputs: x, outputs: [clash("a"), clash("b")] }).graph());
    expect(found.map(layersOf)).toEqual([
      ["a2", "a3", "a"],
      ["b2", "b3", "b"],
    ]);
  });

  test("of an input's own declared size names the input", () => {
    const x = input({ shape: [5], name: "x" });
    const y = input({ shape: [7], name: "y" });
    const net = model({ inputs: [x, y], outputs: dot({ axes: 1, name: "product" }).apply([x, y]) });
    const [error] = problems(() => net.graph());
    expect(layersOf(error!)).toEqual(["x", "y", "product"]);
  });
});

describe("a sample that cannot pass", () => {
  const image = input({ shape: ["batch", "H", "W", 1], name: "image" });
  const small = averagePooling2d({ name: "small" }).apply(image);
  const large = upSampling2d({ name: "large" }).apply(small);
  const net = model({ inputs: image, outputs: add({ name: "sum" }).apply([image, large]) });

  test("through an addition is told the nearest sizes that can", () => {
    const [error, ...more] = problems(() => net.bind([1, 101, 8, 1]));
    expect(more).toEqual([]);
    expect(error).toMatchObject({
      code: "E2201",
      message: "101 rows cannot pass this network: H % 2 == 0 is required; nearest 100, 102",
      fix: "feed H = 100 or 102",
    });
    expect(error!.because).toBe(
      "H is halved by small, doubled by large\n" +
        "sum: add pairs the last axes of image with those of large (axis -3): H == 2*floor(H/2)",
    );
  });

  test("along several axes is told of each", () => {
    const found = problems(() => net.bind([1, 101, 9, 1]));
    expect(found.map(({ message }) => message)).toEqual([
      "101 rows cannot pass this network: H % 2 == 0 is required; nearest 100, 102",
      "9 columns cannot pass this network: W % 2 == 0 is required; nearest 8, 10",
    ]);
  });

  test("for two dims that have to agree is told both", () => {
    const [a, b] = ["a", "b"].map((name) => input({ shape: ["batch", name], name }));
    const product = model({ inputs: [a!, b!], outputs: dot({ axes: 1 }).apply([a!, b!]) });
    const [error] = problems(() => product.bind({ a: [1, 5], b: [1, 6] }));
    expect(error).toMatchObject({
      code: "E2201",
      message: "a = 5 and b = 6 cannot pass this network: a == b is required; nearest a = 6, or b = 5",
    });
    expect(error!.facts!.map(({ subject }) => subject)).toEqual(["a", "a declared", "b", "b declared"]);
  });
});

describe("what is said of dims", () => {
  const image = input({ shape: ["batch", "H", "W", 1], name: "image" });
  const small = averagePooling2d({ name: "small" }).apply(image);
  const large = upSampling2d({ name: "large" }).apply(small);
  const net = model({ inputs: image, outputs: add({ name: "sum" }).apply([image, large]) });
  const fixed = { batch: 1, W: 8 };

  test("as a range without a size that can pass is told both chains, the lines and the nearest sizes", () => {
    const [error, ...more] = problems(() => compile(net, { dims: { ...fixed, H: { min: 5, max: 5 } } }));
    expect(more).toEqual([]);
    expect(error).toMatchObject({
      code: "E2201",
      message: "no size with 5 <= H <= 5 passes this network: H % 2 == 0 is required; nearest 4, 6",
      fix: "allow H = 4 or 6, or change the layers that demand this",
      chains: [
        ["image = H", "sum"],
        ["image = H", "small = floor(H/2)", "large = 2*floor(H/2)", "sum"],
      ],
      at: { file: expect.stringMatching(/conflicts\.test\.ts$/) },
    });
    expect(layersOf(error!)).toEqual(["image", "large", "sum"]);
    expect(new CompileError([error!]).message).toMatch(/large +2\*floor\(H\/2\) = 4 +made there, at .*:\d+/);
  });

  test("as a constraint is told the same", () => {
    const [error, ...more] = problems(() => compile(net, { dims: fixed, constraints: ["H == 7"] }));
    expect(more).toEqual([]);
    expect(error!.message).toBe(
      "no size with H == 7 passes this network: H % 2 == 0 is required; nearest 6, 8",
    );
    expect(error!.facts![0]).toEqual({ subject: "constraints", value: "H == 7" });
  });

  test("of several dims is told of each, beside a size given by name", () => {
    const found = problems(() => compile(net, { dims: { batch: 1, H: { min: 3, max: 3 }, W: 5 } }));
    expect(found.map(({ message }) => message)).toEqual([
      "no size with 3 <= H <= 3 passes this network: H % 2 == 0 is required; nearest 2, 4",
      "no size with W = 5 passes this network: W % 2 == 0 is required; nearest 4, 6",
    ]);
  });

  test("that only contradicts the network together is told together", () => {
    const [a, b] = ["a", "b"].map((name) => input({ shape: ["batch", name], name }));
    const product = model({ inputs: [a!, b!], outputs: dot({ axes: 1 }).apply([a!, b!]) });
    const dims = { batch: 1, a: { min: 1, max: 3 }, b: { min: 5, max: 8 } };
    const [error, ...more] = problems(() => compile(product, { dims }));
    expect(more).toEqual([]);
    expect(error!.message).toBe(
      "no size with 1 <= a <= 3 and 5 <= b <= 8 passes this network: a == b is required",
    );
  });

  test("is checked by inspect as well", () => {
    const [error] = problems(() => inspect(net, { constraints: ["H == 7"] }));
    expect(error!.message).toBe(
      "no size with H == 7 passes this network: H % 2 == 0 is required; nearest 6, 8",
    );
  });

  test("twice in different words is refused before the network is asked", () => {
    const dims = { ...fixed, H: { min: 2, max: 6 } };
    const [error] = problems(() => compile(net, { dims, constraints: ["H == 7"] }));
    expect(error).toMatchObject({ code: "E2201", message: "no sizes satisfy 2 <= H <= 6 and H == 7" });
  });

  test("by the model itself is told like what is said when it is compiled", () => {
    const x = input({ shape: [dim("n", { min: 5, max: 7 }), 3], name: "x" });
    const blocks = model({ inputs: x, outputs: reshape({ targetShape: [-1, 8, 3] }).apply(x) });
    const [error, ...more] = problems(() => inspect(blocks));
    expect(more).toEqual([]);
    expect(error!.message).toBe(
      "no size with 5 <= n <= 7 passes this network: n % 8 == 0 is required; nearest 8",
    );
    expect(error!.facts![0]).toMatchObject({
      subject: 'dim("n")',
      note: expect.stringContaining("conflicts"),
    });
  });

  test("as an expression that the sample cannot be is told the sizes next to it", () => {
    const x = input({ shape: ["2*h", 3], name: "x" });
    const [error] = problems(() => model({ inputs: x, outputs: add().apply([x, x]) }).bind([1, 9, 3]));
    expect(error!.fix).toBe("feed 8 or 10 (2*h) at axis 1, or change the declared shape");
  });
});

test("a window that does not fit is told by the names of the layers", () => {
  const x = input({ shape: ["T", 4], name: "signal" });
  const first = conv1d({ filters: 2, kernelSize: 9, strides: 3, name: "first" }).apply(x);
  const net = model({
    inputs: x,
    outputs: conv1d({ filters: 2, kernelSize: 5, name: "second" }).apply(first),
  });
  const [error] = problems(() => net.bind([1, 12, 4]));
  expect(error!.message).toBe("second needs 5 elements along axis 1 of first, but the padded input has 2");
});
