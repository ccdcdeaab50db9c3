/** What a network demands of its sizes: merged, with no more reasons than there have to be. */
import * as fc from "fast-check";
import {
  add,
  averagePooling2d,
  concatenate,
  conv1d,
  conv2d,
  cropping2d,
  dense,
  dim,
  input,
  inspect,
  Layer,
  type LayerOps,
  type Model,
  model,
  reshape,
  type Shape,
  type Symbolic,
  sequential,
  upSampling2d,
  type Value,
  zeroPadding2d,
} from "shapecast";
import { describe, expect, test } from "vitest";
import { CompileError } from "../../compiler/diagnostics/index.ts";
import { needsOf } from "../../compiler/infer/needs.ts";

/** Adds learned positions of a context of `length` steps. */
class Positions extends Layer {
  readonly #length: number;
  #table: Value | undefined;

  constructor(length: number) {
    super("positions");
    this.#length = length;
  }

  override build([, , features]: Shape): void {
    this.#table = this.addWeight("table", [this.#length, features!]);
  }

  override call(ops: LayerOps, x: Value): Value {
    return ops.add(x, ops.slice(this.#table!, 0, 0, ops.shape(x)[1]!));
  }
}

const constraints = (net: Model<unknown>) => inspect(net).needs.map(({ constraint }) => constraint);

describe("the demands of a network", () => {
  test("on one dim from both ends are one", () => {
    const x = input({ shape: ["batch", "T", 4], name: "x" });
    const wide = conv1d({ filters: 4, kernelSize: 8, name: "wide" }).apply(x);
    const placed = new Positions(512).apply(x);
    const net = model({ inputs: x, outputs: [wide, placed] });
    const [need, ...more] = inspect(net).needs;
    expect(more).toEqual([]);
    expect(need?.constraint).toBe("8 <= T <= 512");
    expect(need?.because).toEqual([
      "wide: the window fits into the padded input along axis 1 of x: T >= 8",
      expect.stringContaining("512 >= T"),
    ]);
  });

  test("of a deep network have a reason for each that counts, and no more", () => {
    const image = input({ shape: ["batch", "H", 32, 1], name: "image" });
    const half = (x: Symbolic, name: string) => averagePooling2d({ name }).apply(x);
    const one = half(image, "one");
    const two = half(one, "two");
    const back = upSampling2d({ size: 4, name: "back" }).apply(two);
    const again = upSampling2d({ size: 2, name: "again" }).apply(one);
    const net = model({ inputs: image, outputs: concatenate({ name: "all" }).apply([image, back, again]) });
    expect(inspect(net).needs).toEqual([
      {
        constraint: "H % 4 == 0",
        because: [
          "H is halved by one and two, multiplied by 4 by back",
          "all: concat along axis 3 needs axis 1 of image and back to agree: H == 4*floor(H/4)",
        ],
      },
    ]);
  });

  test("to divide a dim are told in its own terms", () => {
    const x = input({ shape: ["batch", "T", 6], name: "x" });
    const net = model({ inputs: x, outputs: reshape({ targetShape: [-1, 4] }).apply(x) });
    expect(constraints(net)).toEqual(["T % 2 == 0"]);
  });

  test("of two dims that are added are told with what else would do", () => {
    const [a, b] = ["a", "b"].map((name) => input({ shape: ["batch", name], name }));
    const net = model({ inputs: [a!, b!], outputs: add().apply([a!, b!]) });
    expect(inspect(net).needs).toMatchObject([{ constraint: "a == b", alternative: "or one is 1" }]);
  });

  test("are none where every size passes", () => {
    const image = input({ shape: ["batch", "H", "W", 1], name: "image" });
    const half = averagePooling2d({ padding: "same" }).apply(image);
    expect(constraints(model({ inputs: image, outputs: half }))).toEqual([]);
  });
});

describe("a size that nothing determines", () => {
  const net = () => sequential([dense({ units: null, name: "hidden" }), dense({ units: 3, name: "head" })]);

  test("is named before any data, with what would fix it", () => {
    expect(inspect(net()).undetermined).toEqual([
      {
        symbol: "?head.in",
        value: "hidden.kernel",
        shape: ["x.1", "?head.in"],
        fix: "give hidden that size, declare the shape of an output that depends on it, or load its weights",
      },
    ]);
  });

  test("is refused when a sample comes, with the statements it occurs in", () => {
    expect(() => net().bind([1, 4])).toThrow("E2101 ?head.in is underdetermined");
    expect(() => net().bind([1, 4])).toThrow(
      "head: axis 1 of hidden is contracted with axis 0 of head.kernel",
    );
  });
});

interface Level {
  readonly factor: number;
  /** Rows added before it is made smaller, and taken off again. */
  readonly margin: number;
  readonly skip: boolean;
}

/** An encoder and its decoder, joined where `skip` says. */
function hourglass(levels: readonly Level[]): Model<unknown> {
  const image = input({ shape: ["batch", "H", 1296, 1], name: "image" });
  const descend = (x: Symbolic, depth: number): Symbolic => {
    const level = levels[depth];
    if (!level) return x;
    const { factor, margin, skip } = level;
    const rows = [
      [margin, 0],
      [0, 0],
    ] as const;
    const padded = zeroPadding2d({ padding: rows }).apply(x);
    const small = averagePooling2d({ poolSize: [factor, 1], strides: [factor, 1] }).apply(padded);
    const large = upSampling2d({ size: [factor, 1] }).apply(descend(small, depth + 1));
    const cut = cropping2d({ cropping: rows }).apply(large);
    return skip ? concatenate().apply([x, cut]) : cut;
  };
  return model({ inputs: image, outputs: descend(image, 0) });
}

test("sizes pass a network exactly when they meet its demands", () => {
  const level = fc.record({
    factor: fc.integer({ min: 2, max: 3 }),
    margin: fc.integer({ min: 0, max: 2 }),
    skip: fc.boolean(),
  });
  const sizes = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 5, maxLength: 5 });
  const seen = new Set<boolean>();
  const property = fc.property(fc.array(level, { minLength: 1, maxLength: 3 }), sizes, (levels, list) => {
    const net = hourglass(levels);
    const needs = needsOf(net.traced().trace.builder.store);
    for (const H of list) {
      const meets = needs.every(({ constraint }) => constraint.holds(new Map([["H", H]])));
      let passes = true;
      try {
        hourglass(levels).bind([1, H, 1296, 1]);
      } catch (error) {
        if (!(error instanceof CompileError)) throw error;
        passes = false;
      }
      expect({ H, passes }).toEqual({ H, passes: meets });
      seen.add(meets);
    }
  });
  fc.assert(property, { numRuns: 20 });
  expect(seen.size).toBe(2);
});

describe("two open sizes that broadcast", () => {
  const [x, y] = ["a", "b"].map((size, i) => input({ batchShape: [size, 4], name: "xy"[i]! }));
  const net = model({ inputs: [x!, y!], outputs: add({ name: "sum" }).apply([x!, y!]) });
  const shapes = (options: object) => inspect(net, options).outputs.map(({ shape, sizes }) => sizes ?? shape);

  test("are told with both sizes that may follow", () => {
    const [need] = inspect(net).needs;
    expect(need).toMatchObject({ constraint: "a == b", alternative: "or one is 1" });
    expect(need!.because.at(-1)).toBe(
      "what follows is a (b may be 1 for it), or b where a is 1, which has to be said: --dim a=1",
    );
  });

  test("may both stay open, and then are equal or one is repeated", () => {
    const dims = { a: { min: 1, max: 8 }, b: { min: 1, max: 8 } };
    expect(inspect(net, { dims }).open).toEqual(["1 <= a <= 8", "1 <= b <= 8", "a == b or b == 1"]);
  });

  test.each([
    [{ a: 1, b: 5 }, [5, 4]],
    [{ a: 5, b: 1 }, [5, 4]],
    [{ a: 1, b: { min: 1, max: 8 } }, ["b", "4"]],
    [{ a: { min: 1, max: 8 }, b: 1 }, ["a", "4"]],
  ])("are stretched where one is said to be 1: %j", (dims, output) => {
    expect(shapes({ dims })).toEqual([output]);
  });

  test("are not narrowed to 1 by a sample that is", () => {
    expect(() => inspect(net, { sample: { x: [1, 4], y: [5, 4] }, dims: { b: { min: 1, max: 8 } } })).toThrow(
      "sum takes a and b to be equal, but b may be more than 1 and a is 1 here: declare a = 1 or a = b",
    );
  });

  test("that no name tells apart follow the sample, in what is printed too", () => {
    const [p, q] = ["p", "q"].map((name) => input({ shape: [null, 4], name }));
    const loose = model({ inputs: [p!, q!], outputs: add().apply([p!, q!]) });
    const { outputs } = inspect(loose, { sample: { p: [2, 1, 4], q: [2, 5, 4] } });
    expect(outputs[0]!.sizes).toEqual([2, 5, 4]);
  });
});

test("sizes that are never equal are broadcast where the one is 1", () => {
  const image = input({ shape: ["H", 8, 3], name: "image" });
  const valid = conv2d({ filters: 3, kernelSize: [3, 1], name: "valid" }).apply(image);
  const net = model({ inputs: image, outputs: add({ name: "join" }).apply([image, valid]) });
  expect(inspect(net).needs.map(({ constraint }) => constraint)).toEqual(["H == 3"]);
});

test("an equality that a broadcast took for granted, and something else requires, has no alternative", () => {
  const [a, b] = ["a", "b"].map((name) => input({ batchShape: [name, 4], name }));
  const sum = add({ name: "sum" }).apply([a!, b!]);
  const both = concatenate({ name: "both", axis: 1 }).apply([a!, b!]);
  const { needs } = inspect(model({ inputs: [a!, b!], outputs: { sum, both } }));
  expect(needs.map(({ constraint, alternative }) => [constraint, alternative])).toEqual([
    ["a == b", undefined],
  ]);
});

test("what a model declares of its dims is told beside what its layers demand", () => {
  const x = input({ shape: [dim("seq", { min: 2, max: 64 }), 6], name: "x" });
  const net = model({ inputs: x, outputs: reshape({ targetShape: [-1, 4] }).apply(x) });
  expect(inspect(net)).toMatchObject({
    declared: ["2 <= seq <= 64"],
    needs: [{ constraint: "seq % 2 == 0" }],
  });
});
