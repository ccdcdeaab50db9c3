/**
 * The numbered cases as whole networks: convolution, pooling and resampling, written with layers. A number
 * stands for the question, so a failure names it.
 */
import { describe, expect, test } from "vitest";
import { type Dim, decide, dim, range } from "../../compiler/dims/index.ts";
import {
  add,
  compile,
  concatenate,
  conv2d,
  conv2dTranspose,
  cropping2d,
  dense,
  depthwiseConv2d,
  flatten,
  globalAveragePooling2d,
  input,
  inspect,
  Layer,
  type LayerOps,
  maxPooling2d,
  model,
  dim as openDim,
  reshape,
  type Symbolic,
  sequential,
  upSampling2d,
  type Value,
  zeroPadding2d,
} from "../../compiler/index.ts";
import { only, refusal } from "../frontend/reference.ts";
import { ofModel } from "../support/inferred.ts";

const image = (channels: number | null = 8) =>
  input({ batchShape: ["batch", "H", "W", channels], name: "image" });

/** What a network over one image needs, and what it gives. */
function network(body: (x: Symbolic) => Symbolic, channels?: number | null) {
  const x = image(channels);
  const net = model({ inputs: x, outputs: body(x) });
  const { outputs, needs } = ofModel(net);
  return { net, output: Object.values(outputs)[0], needs };
}

const same = (options: object = {}) => conv2d({ filters: 8, kernelSize: 3, padding: "same", ...options });
/** A convolution k3 s2 p1. */
const halved = (x: Symbolic) =>
  conv2d({ filters: 8, kernelSize: 3, strides: 2 }).apply(zeroPadding2d({ padding: 1 }).apply(x));

describe("21. kernels that preserve", () => {
  test.each([
    ["k3 s1 p1", 1],
    ["k3 d4 p4", 4],
  ])("%s: the residual add needs no guard", (_, dilationRate) => {
    const { output, needs } = network((x) => {
      const padded = zeroPadding2d({ padding: dilationRate }).apply(x);
      return add().apply([x, conv2d({ filters: 8, kernelSize: 3, dilationRate }).apply(padded)]);
    });
    expect(output).toBe("[batch, H, W, 8]");
    expect(needs).toEqual([]);
  });
});

describe("22. halved by k3 s2 p1, transposed back, added", () => {
  const back = (kernelSize: number, outputPadding?: number) =>
    network((x) => {
      const up = { filters: 8, kernelSize, strides: 2, padding: "same" } as const;
      const given = outputPadding === undefined ? up : { ...up, outputPadding };
      return add({ name: "skip" }).apply([x, conv2dTranspose(given).apply(halved(x))]);
    });

  test.each([
    ["k4 s2 p1", 4, undefined],
    ["k3 s2 p1 op1", 3, 1],
  ])("by %s: iff H is even", (_, kernelSize, outputPadding) => {
    const { output, needs, net } = back(kernelSize, outputPadding);
    expect(output).toBe("[batch, H, W, 8]");
    expect(needs).toEqual(["H % 2 == 0", "W % 2 == 0"]);
    expect(refusal(() => net.bind([1, 7, 8, 8])).message).toContain("nearest 6, 8");
  });
  test("by k3 s2 p1 op0: iff H is odd, or what comes back is one row that is repeated", () => {
    const { needs, net } = back(3, 0);
    expect(needs).toEqual(["H % 2 == 1 or one is 1", "W % 2 == 1 or one is 1"]);
    expect(net.bind([1, 7, 9, 8]).symbols.get("H")).toBe(7);
    expect(refusal(() => net.bind([1, 8, 9, 8])).message).toContain("nearest 7, 9");
  });
});

describe("23. a U-Net with four pools", () => {
  const unet = (merge: (name: string) => Layer) => (image: Symbolic) => {
    const skips: Symbolic[] = [];
    let x = image;
    for (const level of [1, 2, 3, 4]) {
      skips.unshift(same({ name: `enc${level}` }).apply(x));
      x = maxPooling2d({ name: `pool${level}` }).apply(skips[0]!);
    }
    skips.forEach((skip, i) => {
      const up = upSampling2d({ name: `up${4 - i}` }).apply(x);
      x = same({ name: `conv${4 - i}` }).apply(merge(`dec${4 - i}`).apply([skip, up]));
    });
    return x;
  };

  test.each([
    ["concatenated", (name: string) => concatenate({ name })],
    ["added", (name: string) => add({ name })],
  ])("whose skips are %s needs H %% 16 == 0, one requirement for all four", (_, merge) => {
    const { output, needs, net } = network(unet(merge), 3);
    expect(output).toBe("[batch, H, W, 8]");
    expect(needs).toEqual(["H % 16 == 0", "W % 16 == 0"]);
    const { diagnostics } = refusal(() => net.bind([1, 230, 100, 3]));
    expect(diagnostics.map(({ code }) => code)).toEqual(["E2201", "E2201"]);
    expect(diagnostics[0]?.message).toContain("H % 16 == 0 is required; nearest 224, 240");
    expect(diagnostics[1]?.message).toContain("W % 16 == 0 is required; nearest 96, 112");
    expect(diagnostics[0]?.because).toContain("halved by pool1, pool2, pool3 and pool4");
  });
});

describe("25. a ResNet", () => {
  const block = (x: Symbolic, strides: number) => {
    const main = same({ strides }).apply(x);
    const cut = strides > 1 ? conv2d({ filters: 8, kernelSize: 1, strides }).apply(x) : x;
    return add().apply([same().apply(main), cut]);
  };

  test("with a stem and four stages is ceil(H/32), without a guard", () => {
    const { output, needs } = network((x) => {
      const stem = maxPooling2d({ poolSize: 3, strides: 2, padding: "same" });
      const start = stem.apply(same({ kernelSize: 7, strides: 2 }).apply(x));
      return [1, 2, 2, 2].reduce((y, strides) => block(block(y, strides), 1), start);
    }, 3);
    expect(output).toBe(`[batch, ${dim("ceildiv(H, 32)")}, ${dim("ceildiv(W, 32)")}, 8]`);
    expect(needs).toEqual([]);
  });
});

describe("28. padding that keeps ceil(H/2)", () => {
  test("of k3 s2 is an expression: 1 if H is even, 2 if odd, never negative", () => {
    const { net, output, needs } = network((x) => same({ strides: 2 }).apply(x));
    expect(output).toBe("[batch, floor((H + 1)/2), floor((W + 1)/2), 8]");
    expect(needs).toEqual([]);
    const conv = net.graph().nodes.find(({ op }) => op === "conv")!;
    const [[low, high]] = conv.attributes["padding"] as unknown as [[Dim, Dim]];
    const total = dim(`${low} + ${high}`);
    const asked = (n: number) => {
      const verdict = decide("==", total, dim(`${n}`));
      return verdict.kind === "iff" ? `${verdict.constraint}` : verdict.kind;
    };
    expect([asked(0), asked(1), asked(2)]).toEqual(["never", "H % 2 == 0", "H % 2 == 1"]);
    expect(range(total, () => ({ min: 1, max: 1000 }))).toEqual({ min: 1, max: 2 });
  });
});

describe("29. a kernel larger than its input", () => {
  const wide = (x: Symbolic) =>
    conv2d({ filters: 2, kernelSize: 7 }).apply(zeroPadding2d({ padding: 1 }).apply(x));

  test("is a bound on H + 2p, not a size clamped to 0", () => {
    const { output, needs, net } = network(wide);
    expect(output).toBe("[batch, H - 4, W - 4, 2]");
    expect(needs).toEqual(["H >= 5", "W >= 5"]);
    expect(only(() => net.bind([1, 4, 9, 8]))).toMatchObject({
      code: "E2106",
      message: "conv2d needs 7 elements along axis 1 of zero_padding2d, but the padded input has 6",
      layer: "conv2d",
    });
  });
});

describe("30. patches of 16", () => {
  test("by a convolution k16 s16 are floor(H/16), without a guard but that there is one", () => {
    const { output, needs } = network((x) => conv2d({ filters: 2, kernelSize: 16, strides: 16 }).apply(x));
    expect(output).toBe("[batch, floor(H/16), floor(W/16), 2]");
    expect(needs).toEqual(["H >= 16", "W >= 16"]);
  });
  test("by a reshape: iff H % 16 == 0", () => {
    const x = input({ batchShape: ["batch", "H", 32, 3], name: "image" });
    const net = model({ inputs: x, outputs: reshape({ targetShape: [-1, 16, 2, 16, 3] }).apply(x) });
    expect(ofModel(net)).toMatchObject({
      outputs: { reshape: "[batch, floor(H/16), 16, 2, 16, 3]" },
      needs: ["H % 16 == 0"],
    });
  });
});

describe("32. windows of 7 as in Swin", () => {
  /** Pads rows to a multiple of 7, cuts them into windows, puts them together and crops. */
  class Windows extends Layer {
    constructor() {
      super("windows");
    }
    call(ops: LayerOps, x: Value): Value {
      const [batch, rows, columns, channels] = ops.shape(x) as [Dim, Dim, Dim, Dim];
      const none = [0, 0] as const;
      const padded = ops.pad(x, [none, [0, dim(`mod(-(${rows}), 7)`)], none, none]);
      const windows = ops.reshape(padded, [batch, ops.unknown("windows"), 7, columns, channels]);
      const joined = ops.reshape(windows, [batch, ops.unknown("rows"), columns, channels]);
      return ops.slice(joined, 1, 0, rows);
    }
  }

  test("padded and cropped need no guard", () => {
    const { output, needs, net } = network((x) => add().apply([x, new Windows().apply(x)]));
    expect(output).toBe("[batch, H, W, 8]");
    expect(needs).toEqual([]);
    expect(net.bind([1, 10, 4, 8]).symbols.get("H")).toBe(10);
  });
});

describe("34. a grouped convolution", () => {
  const grouped = () => network((x) => conv2d({ filters: 8, kernelSize: 3, groups: 4 }).apply(x), null);

  test("needs Ci % g == 0, and its weight [k, k, Ci/g, Co] is solved for Ci", () => {
    const { net, needs } = grouped();
    expect(needs).toEqual(["image.3 % 4 == 0", "H >= 3", "W >= 3"].sort());
    expect(ofModel(net).parameters).toMatchObject({ "conv2d.kernel": "[3, 3, floor(image.3/4), 8]" });
    net.bind([1, 8, 8, 64]);
    expect(net.getWeights()[0]?.shape).toEqual([3, 3, 16, 8]);
    expect(refusal(() => grouped().net.bind([1, 8, 8, 6])).message).toContain("nearest 4, 8");
  });
  test("needs Co % g == 0", () => {
    expect(only(() => conv2d({ filters: 6, kernelSize: 3, groups: 4 })).message).toContain(
      "must divide filters",
    );
  });
  test("in a group for each channel leaves nothing to divide", () => {
    const { needs, output } = network(
      (x) => depthwiseConv2d({ kernelSize: 3, padding: "same" }).apply(x),
      null,
    );
    expect(output).toBe("[batch, H, W, image.3]");
    expect(needs).toEqual([]);
  });
});

describe("35. resized to be added", () => {
  /** The rows and columns of the first input, as many as the second has. */
  class ResizeTo extends Layer {
    constructor() {
      super("resizeTo");
    }
    call(ops: LayerOps, x: Value, like: Value): Value {
      return [1, 2].reduce((value, axis) => {
        const [have, want] = [ops.shape(x)[axis]!, ops.shape(like)[axis]!];
        const places = ops.cast(ops.iota("int32", [want]), "float32");
        const scaled = ops.div(ops.mul(places, ops.number(have, x)), ops.number(want, x));
        return ops.gather(value, ops.cast(ops.floor(scaled), "int32"), axis);
      }, x);
    }
  }

  test("to the size of the skip: never a guard", () => {
    const { output, needs, net } = network((x) =>
      add().apply([x, new ResizeTo().apply([maxPooling2d().apply(x), x])]),
    );
    expect(output).toBe("[batch, H, W, 8]");
    expect(needs).toEqual(["H >= 2", "W >= 2"]);
    expect(net.bind([1, 7, 5, 8]).symbols.get("H")).toBe(7);
  });
  test("by two after floor-halving: iff even", () => {
    const { needs } = network((x) => add().apply([x, upSampling2d().apply(maxPooling2d().apply(x))]));
    expect(needs).toEqual(["H % 2 == 0", "W % 2 == 0"]);
  });
});

describe("39. H and W are independent", () => {
  test("4(H//2)(W//2) = HW iff both are even, each told on its own", () => {
    const { needs } = network((x) => {
      const quarter = conv2d({ filters: 8 * 4, kernelSize: 2, strides: 2 }).apply(x);
      const column = reshape({ targetShape: [-1, 1] });
      return concatenate().apply([column.apply(x), column.apply(quarter)]);
    });
    expect(needs).toEqual(["H % 2 == 0", "W % 2 == 0"]);
  });
});

describe("44. flatten, then dense", () => {
  const classifier = (pool: Layer) => {
    const layers = [same({ strides: 2 }), pool, dense({ units: 10, name: "fc1" })];
    return sequential(layers, { batchInputShape: ["batch", "H", "W", 3] });
  };

  test("makes a parameter that varies with H and W, which is shown as such", () => {
    const { parameters } = ofModel(classifier(flatten()));
    expect(parameters["fc1.kernel"]).toBe("[8*floor((H + 1)/2)*floor((W + 1)/2), 10]");
  });
  test("is not silently specialised: a second size is refused, with who fixed the first", () => {
    const net = classifier(flatten());
    net.bind([1, 32, 32, 3]);
    const error = only(() => net.bind([1, 64, 64, 3]));
    expect(error.code).toBe("E2104");
    expect(error.message).toContain("needs fc1.kernel [8192, 10], not [2048, 10]");
    expect(error.facts?.[1]?.note).toContain("fixed by the sample [1, 32, 32, 3]");
  });
  test("with H and W left open is an error that names the size, what it varies with, and the way out", () => {
    const [H, W] = [openDim("H", { max: 64 }), openDim("W", { max: 64 })];
    const net = (pool: Layer) => {
      const layers = [same({ strides: 2 }), pool, dense({ units: 10, name: "fc1" })];
      return sequential(layers, { batchInputShape: [1, H, W, 3] });
    };
    expect(only(() => compile(net(flatten()), { sample: [1, 32, 32, 3] }))).toMatchObject({
      code: "E2101",
      message: "fc1.kernel[0] = 8*floor((H + 1)/2)*floor((W + 1)/2) varies with H, W",
      fix: "give H and W one size, or pool them away before the layer",
    });
    expect(only(() => inspect(net(flatten()))).message).toContain("varies with H, W");
    const { dims } = compile(net(globalAveragePooling2d()), { sample: [1, 32, 32, 3] }).stages.bound.open;
    expect(dims.map(({ name }) => name)).toEqual(["H", "W"]);
  });
  test("pooled instead, H and W stay free", () => {
    const net = classifier(globalAveragePooling2d());
    net.bind([1, 32, 32, 3]);
    expect(net.bind([1, 65, 64, 3]).symbols.get("H")).toBe(65);
  });
});

describe("cropping more than there is", () => {
  test("says how much is cut from how many rows", () => {
    const net = sequential([cropping2d({ cropping: 3 })], { batchInputShape: ["batch", "H", "W", 8] });
    expect(ofModel(net)).toMatchObject({
      outputs: { cropping2d: "[batch, H - 6, W - 6, 8]" },
      needs: ["H >= 6", "W >= 6"],
    });
    expect(only(() => net.bind([1, 5, 9, 8]))).toMatchObject({
      code: "E2201",
      message: "3 before and 3 after are cut from axis 1 of x, which has only 5",
      layer: "cropping2d",
    });
  });
});
