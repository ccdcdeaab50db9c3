/** Values of inputs on which shapes depend, given on the command line. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Workplace } from "../support/command.ts";
import { checkEmitted } from "../support/typecheck.ts";

const here = new Workplace({
  "net.ts": `import { input, model, repeatVector, reshape } from "shapecast";
const x = input({ shape: [12], name: "x" });
const shape = input({ batchShape: [2], dtype: "int32", name: "shape" });
export default model({ inputs: [x, shape], outputs: { y: reshape().apply([x, shape]) } });
const n = input({ batchShape: [], dtype: "int32", name: "n" });
export const repeated = model({ inputs: [x, n], outputs: { y: repeatVector().apply([x, n]) } });
const n64 = input({ batchShape: [1], dtype: "int64", name: "n" });
export const wide = model({ inputs: [x, n64], outputs: { y: repeatVector().apply([x, n64]) } });
`,
  "shape.json": "[3, 4]\n",
  "broken.json": "[3, ",
});
afterAll(() => here.remove());

/** What `numpy.save` writes for a vector. */
function npy(type: string, shape: string, data: Uint8Array): Buffer {
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': ${shape}, }`;
  const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, padded.length & 255, padded.length >> 8]);
  return Buffer.concat([head, Buffer.from(padded, "latin1"), data]);
}

const bytesOf = ({ buffer }: { readonly buffer: ArrayBufferLike }) => new Uint8Array(buffer);
writeFileSync(join(here.path, "shape.npy"), npy("<i8", "(2,)", bytesOf(BigInt64Array.of(6n, 2n))));
writeFileSync(join(here.path, "n64.npy"), npy("<i8", "(1,)", bytesOf(BigInt64Array.of(2n))));
writeFileSync(join(here.path, "five.npy"), npy("<f8", "()", bytesOf(Float64Array.of(5))));
writeFileSync(join(here.path, "big.npy"), npy(">i8", "(2,)", bytesOf(BigInt64Array.of(6n, 2n))));
writeFileSync(join(here.path, "short.npy"), npy("<i8", "(3,)", bytesOf(BigInt64Array.of(6n, 2n))));

const emitted = async (model: string, sample: string) => {
  const { code, out, err } = await here.shapecast(
    `compile ${model} --sample x=2,12 --sample ${sample} --emit ts`,
  );
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return out;
};

describe("--sample takes the values of an input", () => {
  test.each([
    ["net.ts", "shape=int32:[3,4]", "values: [3, 4]", 'y: { dtype: "float32", shape: [2, 3, 4] }'],
    ["net.ts", "shape=int32:[-1,6]", "values: [-1, 6]", 'y: { dtype: "float32", shape: [2, 2, 6] }'],
    ["net.ts", "shape=shape.json", "values: [3, 4]", 'y: { dtype: "float32", shape: [2, 3, 4] }'],
    ["net.ts", "shape=shape.npy", "values: [6, 2]", 'y: { dtype: "float32", shape: [2, 6, 2] }'],
    [
      "net.ts#repeated",
      "n=int32:[3]",
      "shape: [], values: [3]",
      'y: { dtype: "float32", shape: [2, 3, 12] }',
    ],
    ["net.ts#repeated", "n=five.npy", "shape: [], values: [5]", 'y: { dtype: "float32", shape: [2, 5, 12] }'],
    ["net.ts#wide", "n=int64:[3]", "values: [3n]", 'y: { dtype: "float32", shape: [2, 3, 12] }'],
    ["net.ts#wide", "n=n64.npy", "values: [2n]", 'y: { dtype: "float32", shape: [2, 2, 12] }'],
  ])("%s with %s", async (model, sample, values, output) => {
    const code = await emitted(model, sample);
    expect(code).toContain(values);
    expect(code).toContain(output);
  });

  test("beside inputs whose sizes are declared as dims that are numbers", async () => {
    here.write(
      "dims.ts",
      `import { input, model, reshape } from "shapecast";
import { parse } from "shapecast/dims";
const x = input({ batchShape: [parse("2"), parse("3*4")], name: "x" });
const shape = input({ batchShape: [parse("2")], dtype: "int32", name: "shape" });
export default model({ inputs: [x, shape], outputs: { y: reshape().apply([x, shape]) } });
`,
    );
    const { code, out } = await here.shapecast("compile dims.ts --sample shape=int32:[6,2] --emit ts");
    expect(code).toBe(0);
    expect(out).toContain('y: { dtype: "float32", shape: [2, 6, 2] }');
  });

  test("and its module passes the strictest compiler, and names them in its header", async () => {
    const code = await emitted("net.ts", "shape=int32:[3,4]");
    const consumer = `import { instantiate, signature } from "./module.ts";
const values: readonly [3, 4] = signature.inputs.shape.values;
instantiate().run({ x: new Float32Array(24), shape: Int32Array.from(values) });`;
    expect(checkEmitted(code, consumer)).toEqual([]);
    expect(code).toContain("options: sample x=[2, 12] shape=int32:[3, 4]");
  });

  test.each([
    ["shape=2", 1, 'E2113 shapes depend on the values of input "shape", which no sample gives'],
    ["shape=int32:[3,x]", 2, "E1002 --sample shape=int32:[3,x] holds no list of numbers"],
    ["shape=int32:[[3],[4,5]]", 2, "E1002 --sample shape=int32:[[3],[4,5]] has rows of different lengths"],
    ["shape=int32:[3,[4]]", 2, "E1002 --sample shape=int32:[3,[4]] has rows of different lengths"],
    [
      "shape=int32:[3,2.5]",
      2,
      "E1002 --sample shape cannot be taken: element 1 is 2.5, which int32 cannot hold",
    ],
    [
      "shape=int32:[3,9007199254740993]",
      2,
      "E1002 --sample shape cannot be taken: element 1 is 9007199254740993, which int32 cannot hold",
    ],
    ['shape=int32:["3",4]', 2, 'E1002 --sample shape=int32:["3",4] holds no list of numbers'],
    ["shape=int32:[3,4,1]", 1, "E2104"],
    ["shape=float32:[3,4]", 1, "E2107"],
    ["shape=none.npy", 2, "E1004 the sample none.npy cannot be read (ENOENT: no such file or directory)"],
    ["shape=broken.json", 2, "E1002 --sample shape=broken.json holds no list of numbers"],
    ["shape=big.npy", 2, "E1004 the sample big.npy has the header {'descr': '>i8'"],
    ["shape=short.npy", 2, "E1004 the sample short.npy has 144 bytes, which do not fit its header"],
  ])("refusing %s", async (sample, code, message) => {
    const result = await here.shapecast(`compile net.ts --sample x=2,12 --sample ${sample} --emit ts`);
    expect(result.code).toBe(code);
    expect(result.err).toContain(message);
  });
});
