/** What is known of six networks before any data: exact shapes, and exactly what sizes they demand. */
import { CompileError, inspect, type Model, tensor } from "shapecast";
import { describe, expect, test } from "vitest";
import { codec } from "../support/networks/codec.ts";
import { gptBlock } from "../support/networks/gpt.ts";
import { resnet50 } from "../support/networks/resnet50.ts";
import { swin } from "../support/networks/swin.ts";
import { unet } from "../support/networks/unet.ts";
import { vit } from "../support/networks/vit.ts";

type Sizes = Readonly<Record<string, readonly number[]>>;

interface Expected {
  readonly name: string;
  readonly make: () => Model<unknown>;
  readonly outputs: Readonly<Record<string, string>>;
  readonly needs: readonly string[];
  /** A layer in the middle, and its shape. */
  readonly layer: readonly [path: string, shape: string];
  readonly legal: Sizes;
  readonly bound: Sizes;
  /** Sizes that cannot pass, and what is said of them. */
  readonly illegal?: readonly [sample: Sizes, message: string];
}

const networks: readonly Expected[] = [
  {
    name: "ResNet-50",
    make: resnet50,
    outputs: { classes: "[batch, 1000]" },
    needs: [],
    layer: ["activation_48", "[batch, floor((rows + 31)/32), floor((columns + 31)/32), 2048]"],
    legal: { image: [2, 223, 97, 3] },
    bound: { classes: [2, 1000] },
  },
  {
    name: "U-Net",
    make: unet,
    outputs: { mask: "[batch, H, W, 2]" },
    needs: ["H % 16 == 0", "W % 16 == 0"],
    layer: ["pool4", "[batch, floor(H/16), floor(W/16), 512]"],
    legal: { image: [1, 48, 16, 3] },
    bound: { mask: [1, 48, 16, 2] },
    illegal: [{ image: [1, 48, 24, 3] }, "W % 16 == 0"],
  },
  {
    name: "ViT-B/16",
    make: vit,
    outputs: { encoded: "[batch, floor(H/16)*floor(W/16) + 1, 768]", classes: "[batch, 1000]" },
    needs: ["H >= 16", "W >= 16"],
    layer: ["sequence", "[batch, floor(H/16)*floor(W/16), 768]"],
    legal: { image: [1, 40, 33, 3] },
    bound: { encoded: [1, 5, 768], classes: [1, 1000] },
    illegal: [{ image: [1, 15, 33, 3] }, "15"],
  },
  {
    name: "Swin-T",
    make: swin,
    outputs: {
      features: "[batch, floor((H + 31)/32), floor((W + 31)/32), 768]",
      classes: "[batch, 1000]",
    },
    needs: [],
    layer: ["stage1_block1_attention", "[batch, floor((H + 7)/8), floor((W + 7)/8), 192]"],
    legal: { image: [1, 225, 1, 3] },
    bound: { features: [1, 8, 1, 768], classes: [1, 1000] },
  },
  {
    name: "GPT block with a cache",
    make: gptBlock,
    outputs: { out: "[batch, S, 768]", keys: "[batch, P + S, 12, 64]", values: "[batch, P + S, 12, 64]" },
    needs: ["1024 >= P + S"],
    layer: ["up", "[batch, S, 3072]"],
    legal: { x: [1, 5, 768], past_keys: [1, 1019, 12, 64], past_values: [1, 1019, 12, 64] },
    bound: { out: [1, 5, 768], keys: [1, 1024, 12, 64], values: [1, 1024, 12, 64] },
    illegal: [{ x: [1, 6, 768], past_keys: [1, 1019, 12, 64], past_values: [1, 1019, 12, 64] }, "1024"],
  },
  {
    name: "convolutional codec",
    make: codec,
    outputs: {
      frames: "[batch, floor(T/320), 128]",
      decoded: "[batch, T, 1]",
      error: "[batch, T, 1]",
    },
    needs: ["T % 320 == 0"],
    layer: ["dec3", "[batch, floor(T/8), 128]"],
    legal: { audio: [3, 640, 1] },
    bound: { frames: [3, 2, 128], decoded: [3, 640, 1], error: [3, 640, 1] },
    illegal: [{ audio: [3, 639, 1] }, "T % 320 == 0"],
  },
];

const text = (shape: readonly string[] = []) => `[${shape.join(", ")}]`;

describe.each(networks)("$name", ({ make, outputs, needs, layer, legal, bound, illegal }) => {
  const net = make();

  test("has exactly these shapes and demands before any data", () => {
    const known = inspect(net);
    expect(Object.fromEntries(known.outputs.map(({ name, shape }) => [name, text(shape)]))).toEqual(outputs);
    expect(known.needs.map(({ constraint }) => constraint)).toEqual(needs);
    const [path, shape] = layer;
    expect(text(known.layers.find((one) => one.path === path)?.outputs[0]?.shape)).toBe(shape);
  });

  test("has the same sizes when a sample is bound", () => {
    const { graph } = make().bind(legal);
    const sizes = graph.outputs.map(({ name, value }) => [
      name,
      value.type.shape.map((d) => Number(String(d))),
    ]);
    expect(Object.fromEntries(sizes)).toEqual(bound);
  });

  test.runIf(illegal)("refuses sizes that cannot pass, saying what is demanded", () => {
    const [sample, message] = illegal!;
    expect(() => make().bind(sample)).toThrow(CompileError);
    expect(() => make().bind(sample)).toThrow(message);
  });
});

test("a block with a cache gives for the last tokens what it gives without", () => {
  const net = gptBlock({ width: 8, heads: 2, context: 16 });
  const x = Float32Array.from({ length: 5 * 8 }, (_, i) => Math.sin(i));
  const none = tensor(new Float32Array(0), [1, 0, 2, 4]);
  const cut = (from: number, to: number) => tensor(x.slice(from * 8, to * 8), [1, to - from, 8]);
  type Results = Readonly<Record<"out" | "keys" | "values", ReturnType<typeof tensor>>>;
  const run = (tokens: ReturnType<typeof cut>, past_keys = none, past_values = none) =>
    net.predict({ x: tokens, past_keys, past_values }) as unknown as Results;
  const whole = run(cut(0, 5));
  const first = run(cut(0, 3));
  const second = run(cut(3, 5), first.keys, first.values);
  expect(second.keys).toEqual(whole.keys);
  const wanted = [...whole.out.data].slice(3 * 8).map(Number);
  for (const [i, value] of [...second.out.data].entries()) expect(Number(value)).toBeCloseTo(wanted[i]!, 5);
});
