/** `--dim` as a user types it, through the command. */
import { load } from "shapecast";
import { afterAll, describe, expect, test } from "vitest";
import { Workplace } from "../support/command.ts";

const place = new Workplace({
  "encoder.ts": `import { dense, input, model } from "shapecast";
const x = input({ shape: "batch, seq, 4", name: "x" });
export const encoder = model({ inputs: x, outputs: { y: dense({ units: 2 }).apply(x) } });
`,
  "table.ts": `import { Layer, sequential } from "shapecast";
class Positions extends Layer {
  constructor() { super("positions"); }
  build([, time, width]) { this.table = this.addWeight("table", [time, width]); }
  call(ops, x) { return ops.add(x, this.table); }
}
export const net = sequential([new Positions()]);
net.graph(3);
`,
  "unet.ts": `import { add, averagePooling2d, conv2d, input, model, upSampling2d } from "shapecast";
const image = input({ shape: "batch, H, W, 3", name: "image" });
const enc = conv2d({ filters: 4, kernelSize: 3, padding: "same", name: "enc" }).apply(image);
const low = averagePooling2d({ name: "low" }).apply(enc);
const mask = add({ name: "mask" }).apply([enc, upSampling2d({ name: "up" }).apply(low)]);
export default model({ inputs: image, outputs: { mask } });
`,
});
afterAll(() => place.remove());

describe("--dim", () => {
  test("with several sizes writes one module that takes any that fits", async () => {
    const { code, out, err } = await place.shapecast(
      "compile encoder.ts --dim batch=2 --dim seq=16,64 -o encoder.gen.js",
    );
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("parameters 10 ");
    const instance = load({ code: place.read("encoder.gen.js"), format: "js" }).instantiate();
    const run = (seq: number) => instance.run({ x: new Float32Array(2 * seq * 4) })["y"]!.length;
    expect([1, 16, 17, 64].map(run)).toEqual([64, 64, 256, 256]);
    expect(() => run(65)).toThrow(/^seq is 65 in input "x" .* \(buckets 16, 64\); nearest 64$/);
  });

  test("with several sizes of one dim may leave another one open", async () => {
    const { code, err } = await place.shapecast(
      "compile encoder.ts --dim batch=1..3 --dim seq=16,64 -o open.gen.js",
    );
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const instance = load({ code: place.read("open.gen.js"), format: "js" }).instantiate();
    instance.run({ x: new Float32Array(3 * 20 * 4) }, { seq: 20 });
    expect(instance.shapes).toEqual({ y: [3, 64, 2] });
    const { out } = await place.shapecast("inspect encoder.ts --dim batch=1..3 --dim seq=16,64");
    expect(out).toContain("open   1 <= batch <= 3\nopen   1 <= seq <= 64 (buckets 16, 64)");
  });

  test("as a bound alone leaves the dim to be given, and says how", async () => {
    const { err } = await place.shapecast("compile encoder.ts --dim batch=1 --dim seq<=9 -o no.gen.js");
    expect(err).toContain("x   [1, seq, 4]   missing: seq");
    expect(err).toContain("these dims by name, as in --dim seq=1..9");
  });

  test("with several sizes shows every program", async () => {
    const { out } = await place.shapecast("compile encoder.ts --dim batch=2 --dim seq=16,64 --emit program");
    expect(out.match(/^\/\/ seq = \d+$/gm)).toEqual(["// seq = 16", "// seq = 64"]);
    expect(out.match(/^kernel \w+/gm)).toHaveLength(2);
  });

  test("as a constraint is checked against the sample", async () => {
    const line = "compile unet.ts --sample image=1,100,96,3 --dim H%32==0 --emit bound";
    const { code, err } = await place.shapecast(line);
    expect(code).toBe(1);
    expect(err).toContain('E2201 input "image" has 100 at axis 1, which is H, but --dim says H%32==0');
    expect(err).toContain("nearest 96, 128");
  });

  test("as a constraint is part of what inspect knows", async () => {
    const needs = async (...dims: readonly string[]) => {
      const options = dims.map((dim) => ` --dim ${dim}`).join("");
      const { out, err } = await place.shapecast(`inspect unet.ts --symbolic${options}`);
      return (
        err ||
        out
          .split("\n")
          .filter((line) => /^needs|^ {7} \S/.test(line))
          .map((line) => line.slice(8, 18).trim())
      );
    };
    expect(await needs()).toEqual(["H % 2 == 0", "W % 2 == 0"]);
    expect(await needs("H%32==0")).toEqual(["W % 2 == 0"]);
    expect(await needs("H%4==1")).toContain("--dim   H%4==1");
  });

  test("of a size that no sample completes asks for the rest, whatever the buckets", async () => {
    const { err } = await place.shapecast("compile encoder.ts --dim seq=16,64 -o a.gen.ts");
    expect(err).toContain('E2102 no sample for input "x"');
    expect(err).not.toContain("bucket");
  });

  test("names the dim that was meant", async () => {
    const { code, err } = await place.shapecast(
      "compile encoder.ts --dim batch=1 --dim sq=16,64 -o a.gen.ts",
    );
    expect(code).toBe(2);
    expect(err).toContain('E1002 no input has a dim "sq"; did you mean "seq"?');
  });

  test("with sizes that a parameter is made of names the parameter and the bucket", async () => {
    const { code, err } = await place.shapecast(
      "compile table.ts --sample x=1,8,4 --dim x.1=8,16 -o a.gen.ts",
    );
    expect(code).toBe(1);
    expect(err).toContain("positions.table expects 8");
    expect(err).toContain("x.1               16           one of its buckets");
  });
});
