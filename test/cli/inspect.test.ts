import { afterAll, describe, expect, test } from "vitest";
import { Workplace } from "../support/command.ts";

const place = new Workplace({
  "mlp.ts": `import { dense, sequential } from "shapecast";
export const mlp = sequential([dense({ units: 256, activation: "relu" }), dense({ units: 10 })]);
`,
  "unet.ts": `import { add, averagePooling2d, conv2d, input, model, upSampling2d } from "shapecast";

const image = input({ shape: ["batch", "H", "W", 3], name: "image" });
const enc1 = conv2d({ filters: 4, kernelSize: 3, padding: "same", name: "enc1" }).apply(image);
const enc2 = averagePooling2d({ name: "enc2" }).apply(enc1);
const dec1 = upSampling2d({ name: "dec1" }).apply(enc2);
const mask = add({ name: "mask" }).apply([enc1, dec1]);
export default model({ inputs: image, outputs: { mask } });
`,
  "pair.ts": `import { add, input, model } from "shapecast";
const x = input({ batchShape: ["a", 4], name: "x" });
const y = input({ batchShape: ["b", 4], name: "y" });
export default model({ inputs: [x, y], outputs: { z: add({ name: "sum" }).apply([x, y]) } });
`,
  "stateful.ts": `import { gru, sequential } from "shapecast";
export const net = sequential([gru({ units: 5, stateful: true, batchInputShape: [1, null, 3] })]);
`,
  "rnn.ts": `import { lstm, sequential } from "shapecast";
export const rnn = sequential([lstm({ units: 5 })]);
`,
});
afterAll(() => place.remove());

const inspect = async (line: string) => {
  const { code, out, err } = await place.shapecast(`inspect ${line}`);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return out;
};

describe("inspect", () => {
  test("shows what is known before any data", async () => {
    expect(await inspect("mlp.ts")).toMatchInlineSnapshot(`
      "input  x         [batch, x.1]
        dense          [batch, 256]   kernel [?, 256]  bias [256]
        dense_1        [batch, 10]    kernel [256, 10]  bias [10]
      output dense_1   [batch, 10]

      sizes that are not numbers are decided by a sample: --sample x=n,n
      "
    `);
  });

  test("shows what sizes a network demands, and why", async () => {
    expect(await inspect("unet.ts")).toMatchInlineSnapshot(`
      "input  image   [batch, H, W, 3]
        enc1         [batch, H, W, 4]                     kernel [3, 3, 3, 4]  bias [4]
        enc2         [batch, floor(H/2), floor(W/2), 4]
        dec1         [batch, H, W, 4]
        mask         [batch, H, W, 4]
      output mask    [batch, H, W, 4]

      needs   H % 2 == 0   H is halved by enc2, doubled by dec1
                           mask: add pairs the last axes of enc1 with those of dec1 (axis -3): H == 2*floor(H/2)
              W % 2 == 0   the same as for H

      sizes that are not numbers are decided by a sample: --sample image=n,n,n,3
      "
    `);
  });

  test("shows sizes, work and memory under a sample", async () => {
    expect(await inspect("mlp.ts --sample x=1,784")).toMatchInlineSnapshot(`
      "input  x         [1, 784]
        dense          [1, 256]   kernel [784, 256]  bias [256]   201 kMAC
        dense_1        [1, 10]    kernel [256, 10]  bias [10]     2.6 kMAC
      output dense_1   [1, 10]

      parameters 203,530 (814 kB)   arena 1.0 kB (lower bound 1.0 kB)   203 kMAC
      "
    `);
  });

  test("assumes what is said of dims where shapes stay symbolic", async () => {
    const out = await inspect("unet.ts --symbolic --dim H=1..64 --dim W=16");
    expect(out).toContain("enc2         [batch, floor(H/2), 8, 4]");
    expect(out).toContain("H % 2 == 0");
  });

  test("stretches a broadcast where a dim is said to be 1", async () => {
    expect(await inspect("pair.ts --symbolic")).toContain("a == b, or one is 1");
    const out = await inspect("pair.ts --symbolic --dim a=1");
    expect(out).toContain("input  x   [1, 4]");
    expect(out).toContain("output z   [b, 4]");
    expect(out).not.toContain("needs");
  });

  test("shows expressions under a sample when asked", async () => {
    const out = await inspect("unet.ts --sample image=1,8,8,3 --symbolic");
    expect(out).toContain("[batch, floor(H/2), floor(W/2), 4]");
    expect(out).toContain("H % 2 == 0   H is halved by enc2, doubled by dec1");
    expect(out).toMatch(/arena .* \(lower bound .*\)/);
  });

  test("counts the work of a loop once per step", async () => {
    const [short, long] = [
      await inspect("rnn.ts --sample 1,4,3 --json"),
      await inspect("rnn.ts --sample 1,8,3 --json"),
    ];
    const work = (text: string) => JSON.parse(text).layers[0].macs;
    expect(work(short)).toBe(4 * (3 * 20 + 5 * 20));
    expect(work(long)).toBe(2 * work(short));
  });

  test("shows what a stateful layer carries as a state, not as an input to sample", async () => {
    const out = await inspect("stateful.ts --sample x=1,4,3");
    expect(out).toContain("\noutput gru         [1, 5]\nstate  gru.state   [1, 5]\n");
    expect(out.match(/^input/gm)).toHaveLength(1);
  });

  test("gives the work of all layers together as the total", async () => {
    for (const line of ["mlp.ts --sample 3,20", "unet.ts --sample image=1,6,6,3", "rnn.ts --sample 2,7,3"]) {
      const { layers, totals } = JSON.parse(await inspect(`${line} --json`));
      const sum = layers.reduce((total: number, { macs }: { macs?: number }) => total + (macs ?? 0), 0);
      expect(sum).toBe(totals.macs);
      expect(sum).toBeGreaterThan(0);
    }
  });

  test("gives the same as JSON", async () => {
    const data = JSON.parse(await inspect("mlp.ts --sample x=1,784 --json"));
    expect(data.layers[0]).toEqual({
      path: "dense",
      kind: "dense",
      outputs: [{ shape: ["batch", "256"], sizes: [1, 256] }],
      parameters: [
        { name: "kernel", shape: ["x.1", "256"], sizes: [784, 256] },
        { name: "bias", shape: ["256"], sizes: [256] },
      ],
      shared: false,
      macs: 784 * 256,
    });
    expect(data.totals).toEqual({
      parameters: 203530,
      parameterBytes: 814120,
      macs: 203264,
      arenaBytes: 1024,
      arenaLowerBound: 1024,
    });
    const symbolic = JSON.parse(await inspect("mlp.ts --json"));
    expect(symbolic.totals).toBeUndefined();
    expect(symbolic.layers[0].outputs).toEqual([{ shape: ["batch", "256"] }]);
  });

  test("says which sizes would do when those of the sample do not", async () => {
    const { code, err } = await place.shapecast("inspect unet.ts --sample image=1,7,8,3");
    expect(code).toBe(1);
    expect(err).toContain("image");
    expect(err).toContain("7");
  });
});

describe("inspect --why", () => {
  test("follows a size back through the layers that made it, to what it demands", async () => {
    expect((await inspect("unet.ts --why dec1.H")).replace(/:\d+$/gm, ":n")).toMatchInlineSnapshot(`
      "dec1.1 is 2*floor(H/2), H for sizes that can pass

        image   H                        unet.ts:n
        enc1    H              kept
        enc2    floor(H/2)     halved    unet.ts:n
        dec1    2*floor(H/2)   doubled   unet.ts:n

      needs   H % 2 == 0   H is halved by enc2, doubled by dec1
                           mask: add pairs the last axes of enc1 with those of dec1 (axis -3): H == 2*floor(H/2)
      "
    `);
  });

  test("explains with what is said of dims, however little that is", async () => {
    const out = await inspect("unet.ts --why dec1.H --dim H=64");
    expect(out).toContain("dec1.1 is 2*floor(H/2) = 64, H for sizes that can pass");
    expect(out).toContain("enc2    floor(H/2) = 32     halved");
    expect(await inspect("unet.ts --why dec1.W --dim H=64")).toContain("dec1.2 is 2*floor(W/2), W for sizes");
    expect(await inspect("pair.ts --why z.0 --dim a=1")).toContain("z.0 is b\n");
    const { code, err } = await place.shapecast("inspect unet.ts --why dec1.H --dim H=63");
    expect(code).toBe(1);
    expect(err).toContain("H == 63 passes this network: H % 2 == 0 is required; nearest 62, 64");
  });

  test("says only for a sample what the sizes are", async () => {
    const out = await inspect("unet.ts --why mask.1 --sample image=1,8,6,3");
    expect(out).toContain("mask.1 is H = 8");
  });

  test("gives the same as JSON", async () => {
    const { value, axis, dim, simplified, steps, needs } = JSON.parse(
      await inspect("unet.ts --why dec1.-2 --json"),
    );
    expect({ value, axis, dim, simplified }).toEqual({
      value: "dec1",
      axis: 2,
      dim: "2*floor(W/2)",
      simplified: "W",
    });
    expect(steps.map(({ layer, verb }: { layer: string; verb?: string }) => [layer, verb])).toEqual([
      ["image", undefined],
      ["enc1", undefined],
      ["enc2", "halved"],
      ["dec1", "doubled"],
    ]);
    expect(steps[2].at).toMatch(/unet\.ts:\d+$/);
    expect(needs.map(({ constraint }: { constraint: string }) => constraint)).toEqual(["W % 2 == 0"]);
  });

  test.each([
    ["dec9.1", 'the model has no value "dec9"; did you mean "dec1"?'],
    ["dec1.4", "dec1 has no axis 4: it is [batch, 2*floor(H/2), 2*floor(W/2), 4]"],
    ["dec1.Q", 'dec1 has no axis made of "Q"'],
    ["dec1", '"dec1" names a value, but no axis of it'],
  ])("refuses %s, naming what there is", async (asked, message) => {
    const { code, err } = await place.shapecast(`inspect unet.ts --why ${asked}`);
    expect(code).toBe(2);
    expect(err).toContain(`E1002 ${message}`);
    expect(err).toContain("Fix: write ");
  });
});

describe("inspect --nodes", () => {
  test("shows the values inside the layers, where they belong", async () => {
    expect(await inspect("mlp.ts --nodes")).toMatchInlineSnapshot(`
      "input  x                 [batch, x.1]
        dense                  [batch, 256]
          dense.dotGeneral     [batch, 256]
          dense.add            [batch, 256]
          dense.constant       []
          dense.max            [batch, 256]
        dense_1                [batch, 10]
          dense_1.dotGeneral   [batch, 10]
          dense_1.add          [batch, 10]
      output dense_1           [batch, 10]
      "
    `);
  });
});
