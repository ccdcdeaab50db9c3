/**
 * Inputs whose values decide shapes, from the layers to the module: a sample gives the values, the graph is
 * built for them, the module refuses others.
 */

import * as fc from "fast-check";
import {
  CompileError,
  compile,
  dense,
  input,
  Layer,
  type LayerOps,
  load,
  model,
  repeatVector,
  reshape,
  tensor,
  type Value,
} from "shapecast";
import { checkModule, inputs } from "shapecast/fuzz";
import { describe, expect, test } from "vitest";

const ints = (...list: number[]) => tensor(list, [list.length], "int32");

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CompileError || error instanceof RangeError) return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** x [batch, 12] to [batch, ...shape], where shape is an input. */
function reshaping() {
  const x = input({ shape: [12], name: "x" });
  const shape = input({ batchShape: [2], dtype: "int32", name: "shape" });
  return model({ inputs: [x, shape], outputs: { y: reshape().apply([x, shape]) } });
}

describe("a reshape to a shape that is an input", () => {
  test("has sizes named after the elements before there is a sample", () => {
    expect(reshaping().summary()).toContain("[batch, shape.0, shape.1]");
  });

  test("is bound by the sample's values, one of which may be -1", () => {
    const net = reshaping();
    expect(
      net.bind({ x: [2, 12], shape: ints(3, 4) }).graph.outputs[0]?.value.type.shape.map(Number),
    ).toEqual([2, 3, 4]);
    const { shape, data } = net.predict({
      x: tensor(new Float32Array(24).fill(1), [2, 12]),
      shape: ints(-1, 2),
    }).y;
    expect(shape).toEqual([2, 6, 2]);
    expect(data).toEqual(new Float32Array(24).fill(1));
  });

  test("asks for values where only a shape is given", () => {
    expect(refusal(() => reshaping().bind({ x: [2, 12], shape: [2] }))).toMatch(
      /^E2113 shapes depend on the values of input "shape", which no sample gives\n/,
    );
  });

  test("takes 0, of an empty input too", () => {
    class Front extends Layer {
      constructor() {
        super("front");
      }
      override call(ops: LayerOps, x: Value, n: Value) {
        return ops.slice(x, 0, 0, ops.sizesIn(n)[0]!);
      }
    }
    const x = input({ batchShape: [0], name: "x" });
    const n = input({ batchShape: [1], dtype: "int32", name: "n" });
    const net = model({ inputs: [x, n], outputs: { y: new Front().apply([x, n]) } });
    expect(net.summary()).toContain("front  [0]");
    const { graph } = net.bind({ x: [0], n: ints(0) });
    expect(graph.outputs[0]?.value.type.shape.map(Number)).toEqual([0]);
  });

  test("names what cannot be reshaped so", () => {
    expect(refusal(() => reshaping().bind({ x: [2, 12], shape: ints(5, 2) }))).toMatch(
      /E2105 reshape of .*12/,
    );
  });

  const emitted = compile(reshaping(), { sample: { x: [2, 12], shape: ints(3, 4) }, format: "js" });
  const module = load(emitted);

  test("says in its module's signature what it was compiled for", () => {
    expect(module.signature.inputs).toEqual({
      x: { dtype: "float32", shape: [2, 12] },
      shape: { dtype: "int32", shape: [2], values: [3, 4] },
    });
    expect(module.signature.outputs).toEqual({ y: { dtype: "float32", shape: [2, 3, 4] } });
  });

  test("is refused at the door for other values", () => {
    const instance = module.instantiate();
    const x = new Float32Array(24).fill(1);
    expect(instance.run({ x, shape: Int32Array.of(3, 4) })["y"]).toEqual(x);
    expect(refusal(() => instance.run({ x, shape: Int32Array.of(4, 3) }))).toBe(
      'input "shape" is [4, 3], but this module was compiled for [3, 4]; compile it again with such a sample',
    );
    expect(refusal(() => instance.run({ x, shape: Int32Array.of(3) }))).toContain('"shape" has 1 elements');
  });

  test("keeps its promises for the values it is for", () => {
    fc.assert(
      fc.property(inputs(module.signature), (given) => {
        expect(given["shape"]).toEqual(Int32Array.of(3, 4));
        checkModule(module, given);
      }),
      { numRuns: 20, seed: 1 },
    );
  });
});

test("64-bit values are exact, at the door too", () => {
  const x = input({ shape: [12], name: "x" });
  const shape = input({ batchShape: [2], dtype: "int64", name: "shape" });
  const net = model({ inputs: [x, shape], outputs: { y: reshape().apply([x, shape]) } });
  const values = tensor([3n, -1n], [2], "int64");
  expect(net.predict({ x: tensor(new Float32Array(12), [1, 12]), shape: values }).y.shape).toEqual([1, 3, 4]);
  const module = load(compile(net, { sample: { x: [2, 12], shape: values }, format: "js" }));
  expect(module.signature.inputs["shape"]?.values).toEqual([3n, -1n]);
  fc.assert(
    fc.property(inputs(module.signature), (given) => checkModule(module, given)),
    { numRuns: 5, seed: 1 },
  );
  const other = { x: new Float32Array(24), shape: BigInt64Array.of(3n, 4n) };
  expect(refusal(() => module.instantiate().run(other))).toBe(
    'input "shape" is [3, 4], but this module was compiled for [3, -1]; compile it again with such a sample',
  );
});

describe("an input that declares what its values are", () => {
  function repeating() {
    const x = input({ shape: [3], name: "x" });
    const n = input({ batchShape: [], dtype: "int32", name: "n", values: ["times"] });
    const mask = input({ shape: ["times", 1], name: "mask" });
    const y = repeatVector().apply([x, n]);
    return model({ inputs: [x, n, mask], outputs: { y: merged.apply([y, mask]) } });
  }
  class Times extends Layer {
    constructor() {
      super("times");
    }
    override call(ops: LayerOps, a: Value, b: Value) {
      return ops.mul(a, b);
    }
  }
  const merged = new Times();
  const scalar = (n: number) => tensor([n], [], "int32");

  test("shares them with the shapes of other inputs", () => {
    expect(repeating().summary()).toContain("[batch, times, 3]");
    const { symbols } = repeating().bind({ x: [2, 3], n: scalar(5), mask: [2, 5, 1] });
    expect(symbols.get("times")).toBe(5);
  });

  test("has them from those shapes where the sample gives none", () => {
    const { guards } = repeating().bind({ x: [2, 3], n: [], mask: [2, 5, 1] }).graph;
    expect(guards.map(({ elements }) => elements.map(Number))).toEqual([[5]]);
  });

  test("is refused where they differ", () => {
    const text = refusal(() => repeating().bind({ x: [2, 3], n: scalar(4), mask: [2, 5, 1] }));
    expect(text).toMatch(/^E2104 .*4/);
    expect(text).toMatch(/5/);
  });

  test.each([
    [
      "an open size",
      { min: 1, max: 8 },
      /^E4001 element 0 of input "n" is the size times, which is left open/,
    ],
    ["one of several sizes", [3, 5], /^E4001 input "n" says sizes that the module would have several of/],
  ] as const)("cannot be %s of a module", (_what, times, message) => {
    expect(refusal(() => compile(repeating(), { dims: { batch: 2, times } }))).toMatch(message);
  });

  test("may be 0, like a size", () => {
    const shape = repeating().bind({ x: [2, 3], n: scalar(0), mask: [2, 0, 1] }).graph.outputs[0]?.value.type
      .shape;
    expect(shape?.map(Number)).toEqual([2, 0, 3]);
  });

  test("cannot be negative", () => {
    const text = refusal(() => repeating().bind({ x: [2, 3], n: scalar(-1), mask: [2, 5, 1] }));
    expect(text).toMatch(/-1/);
  });

  test.each([
    ["floats", () => input({ batchShape: [1], values: ["k"], name: "k" })],
    ["another number of values", () => input({ batchShape: [2], dtype: "int32", values: ["k"], name: "k" })],
  ])("is refused for %s", (_what, make) => {
    const k = make();
    expect(refusal(() => model({ inputs: k, outputs: dense({ units: 1 }).apply(k) }).summary())).toMatch(
      /^E1002 input "k" of type .* declares 1 values/,
    );
  });
});

/** Sums over the axes that an input names: they decide the rank of the result. */
class SumOver extends Layer {
  constructor() {
    super("sumOver");
  }
  override call(ops: LayerOps, x: Value, axes: Value) {
    return ops.reduceSum(x, ops.numbersIn(axes));
  }
}

describe("values that decide the form of the graph", () => {
  const summing = () => {
    const x = input({ shape: [3, 4], name: "x" });
    const axes = input({ batchShape: [1], dtype: "int32", name: "axes" });
    return model({ inputs: [x, axes], outputs: { y: new SumOver().apply([x, axes]) } });
  };

  test("are asked for where there is no sample", () => {
    expect(refusal(() => summing().summary())).toMatch(/^E2113 shapes depend on the values of input "axes"/);
  });

  test("make another graph of each sample", () => {
    const net = summing();
    const x = tensor(
      Float32Array.from({ length: 12 }, (_, i) => i),
      [1, 3, 4],
    );
    expect(net.predict({ x, axes: ints(1) }).y).toMatchObject({
      shape: [1, 4],
      data: Float32Array.of(12, 15, 18, 21),
    });
    expect(net.predict({ x, axes: ints(-1) }).y).toMatchObject({
      shape: [1, 3],
      data: Float32Array.of(6, 22, 38),
    });
    expect(net.summary()).toContain("[batch, 3]");
  });

  test("are computed with before they decide", () => {
    class SumBehind extends Layer {
      constructor() {
        super("sumBehind");
      }
      override call(ops: LayerOps, x: Value, axes: Value) {
        return ops.reduceSum(x, ops.numbersIn(ops.add(axes, 1)));
      }
    }
    const x = input({ shape: [3, 4], name: "x" });
    const axes = input({ batchShape: [1], dtype: "int32", name: "axes" });
    const net = model({ inputs: [x, axes], outputs: { y: new SumBehind().apply([x, axes]) } });
    const emitted = compile(net, { sample: { x: [1, 3, 4], axes: ints(0) }, format: "js" });
    expect(load(emitted).signature).toMatchObject({
      inputs: { axes: { values: [0] } },
      outputs: { y: { shape: [1, 4] } },
    });
  });
});

/** An op that takes an input of the model as its second operand. */
class Using extends Layer {
  readonly #apply: (ops: LayerOps, x: Value, sizes: Value) => Value;
  constructor(apply: (ops: LayerOps, x: Value, sizes: Value) => Value) {
    super("using");
    this.#apply = apply;
  }
  override call(ops: LayerOps, x: Value, sizes: Value) {
    return this.#apply(ops, x, sizes);
  }
}

describe("ops take sizes as tensors", () => {
  test.each<readonly [string, readonly number[], readonly number[], Using, string, readonly number[]]>([
    [
      "reshape",
      [3],
      [2, -1, 2],
      new Using((ops, x, sizes) => ops.reshape(x, sizes)),
      "[values.0, values.1, values.2]",
      [1, 2, 3, 4, 5, 6, 7, 8],
    ],
    [
      "tile",
      [2],
      [2, 1],
      new Using((ops, x, times) => ops.tile(x, times)),
      "[2*values.0, 4*values.1]",
      [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8],
    ],
    [
      "pad",
      [2, 2],
      [0, 1, 2, 0],
      new Using((ops, x, padding) => ops.pad(x, padding, 9)),
      "[values.0 + values.1 + 2, values.2 + values.3 + 4]",
      [9, 9, 1, 2, 3, 4, 9, 9, 5, 6, 7, 8, 9, 9, 9, 9, 9, 9],
    ],
    ["topK", [1], [2], new Using((ops, x, k) => ops.topK(x, k, 1)[0]), "[2, values.0]", [4, 3, 8, 7]],
    [
      "broadcast",
      [3],
      [2, 2, 4],
      new Using((ops, x, sizes) => ops.broadcast(x, sizes, [1, 2])),
      "[values.0, 2, 4]",
      [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8],
    ],
  ])("%s", (_name, shape, elements, layer, symbolic, result) => {
    const x = input({ batchShape: [2, 4], name: "x" });
    const values = input({ batchShape: shape, dtype: "int32", name: "values" });
    const net = model({ inputs: [x, values], outputs: { y: layer.apply([x, values]) } });
    expect(net.summary()).toContain(symbolic);
    const given = { x: tensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]), values: tensor(elements, shape, "int32") };
    expect([...net.predict(given).y.data]).toEqual(result);
  });
});

/** Repeats the first elements: as many as the input's length times a scale that is an input. */
class Stretch extends Layer {
  constructor() {
    super("stretch");
  }
  override call(ops: LayerOps, x: Value, scale: Value) {
    const length = ops.cast(ops.dimensions([ops.shape(x)[1]!]), "float32");
    const [n] = ops.sizesIn(ops.cast(ops.floor(ops.mul(length, ops.cast(scale, "float32"))), "int32"));
    return ops.broadcast(ops.slice(x, 1, 0, 1), [ops.shape(x)[0]!, n!], [0, 1]);
  }
}

describe("a float that decides shapes", () => {
  const stretching = (dtype: "float32" | "float16") => {
    const x = input({ shape: [4], name: "x" });
    const scale = input({ batchShape: [1], dtype, name: "scale" });
    return model({ inputs: [x, scale], outputs: { y: new Stretch().apply([x, scale]) } });
  };

  test.each(["float32", "float16"] as const)("is guarded, as %s", (dtype) => {
    const scale = tensor([1.5], [1], dtype);
    const module = load(compile(stretching(dtype), { sample: { x: [1, 4], scale }, format: "js" }));
    expect(module.signature.outputs).toEqual({ y: { dtype: "float32", shape: [1, 6] } });
    fc.assert(
      fc.property(inputs(module.signature), (given) => {
        expect(given["scale"]).toEqual(scale.data);
        checkModule(module, given);
      }),
      { numRuns: 5, seed: 1 },
    );
    const x = new Float32Array(4).fill(3);
    expect(module.instantiate().run({ x, scale: scale.data })["y"]).toEqual(new Float32Array(6).fill(3));
    const other = tensor([1.25], [1], dtype).data;
    expect(refusal(() => module.instantiate().run({ x, scale: other }))).toMatch(/^input "scale" is/);
  });

  test("has to be given", () => {
    expect(refusal(() => stretching("float32").bind({ x: [1, 4], scale: [1] }))).toMatch(
      /^E2113 shapes depend on the values of input "scale", which no sample gives\n/,
    );
  });
});

test("data that no shape depends on is no part of a module's guards", () => {
  const x = input({ shape: [4], name: "x" });
  const indices = input({ batchShape: [2], dtype: "int32", name: "indices" });
  class Take extends Layer {
    constructor() {
      super("take");
    }
    override call(ops: LayerOps, a: Value, at: Value) {
      return ops.gather(a, at, 1);
    }
  }
  const net = model({ inputs: [x, indices], outputs: { y: new Take().apply([x, indices]) } });
  const { code } = compile(net, { sample: { x: [1, 4], indices: ints(0, 1) } });
  expect(code).not.toContain("checkValues");
});
