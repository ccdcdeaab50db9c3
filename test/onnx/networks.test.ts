import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { compile, fromOnnx, load, type Tensor } from "../../compiler/index.ts";
import { runInOnnxRuntime } from "../support/onnxruntime.ts";

const shared = fileURLToPath(new URL("../../../shared/", import.meta.url));
const models = existsSync(`${shared}models`) ? readdirSync(`${shared}models`) : [];
const trained = models.filter((name) => name.endsWith(".onnx")).sort();
/** Small networks of every kind; `npm run conformance` and the benches have the large ones. */
const exported = ["mlp_dyn", "lenet5_dyn", "gru"].filter((name) => existsSync(`${shared}zoo/${name}.onnx`));

/** Sizes for dims that a file leaves open, by the file's name; 1 where nothing is said. */
const sizes: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  "silero_vad_16k_op15.onnx": { input: [1, 576], state: [2, 1, 128], sr: [] },
};

const bytesOf = (path: string) => new Uint8Array(readFileSync(shared + path));

function numbers(count: number): Float32Array {
  let state = 7;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x3fffffff - 1;
  });
}

function inputsFor(file: string, net: ReturnType<typeof fromOnnx>): ReadonlyMap<string, Tensor> {
  return new Map(
    net.inputs().map(({ name, type }): [string, Tensor] => {
      const shape = sizes[file]?.[name] ?? type.shape.map((d) => (Number.isNaN(Number(d)) ? 1 : Number(d)));
      const count = shape.reduce((product, n) => product * n, 1);
      if (type.dtype === "int64") return [name, { dtype: "int64", shape, data: BigInt64Array.of(16000n) }];
      return [name, { dtype: "float32", shape, data: numbers(count) }];
    }),
  );
}

/** The largest difference, in parts of the largest value. */
function distance(found: Tensor, wanted: Tensor): number {
  const [a, b] = [found.data, wanted.data].map((data) => Array.from<number | bigint, number>(data, Number));
  const range = Math.max(...b!.map(Math.abs), 1e-30);
  return Math.max(...b!.map((x, i) => Math.abs(x - a![i]!))) / range;
}

describe.runIf(trained.length > 0)("trained models agree with onnxruntime-web", () => {
  test.each(trained)("%s", async (file) => {
    const bytes = bytesOf(`models/${file}`);
    const net = fromOnnx(bytes);
    const inputs = inputsFor(file, net);
    const found = net.predict(Object.fromEntries(inputs));
    // As written: its optimiser rounds quantised graphs elsewhere.
    const wanted = await runInOnnxRuntime(bytes, inputs, { graphOptimizationLevel: "disabled" });
    expect([...found.keys()]).toEqual([...wanted!.keys()]);
    for (const [name, tensor] of wanted!) {
      expect(found.get(name)!.shape).toEqual(tensor.shape);
      expect(distance(found.get(name)!, tensor)).toBeLessThan(1e-4);
    }
  });
});

describe.runIf(exported.length > 0)("exported networks give the outputs recorded with them", () => {
  const manifest = () => JSON.parse(readFileSync(`${shared}zoo/manifest.json`, "utf8"));

  test.each(exported)("%s", (name) => {
    const { in_shape: shape, out_shape } = manifest()[name];
    const floats = (path: string) => new Float32Array(bytesOf(path).buffer);
    const net = fromOnnx(bytesOf(`zoo/${name}.onnx`));
    const module = load(compile(net, { sample: shape, format: "js" }));
    const [input] = Object.keys(module.signature.inputs);
    const [output] = Object.values(module.instantiate().run({ [input!]: floats(`zoo/${name}.in.bin`) }));
    const wanted: Tensor = { dtype: "float32", shape: out_shape, data: floats(`zoo/${name}.out.bin`) };
    expect(output).toHaveLength(wanted.data.length);
    expect(distance({ ...wanted, data: output! }, wanted)).toBeLessThan(1e-4);
  });
});

test.skipIf(trained.length > 0)(
  "the models to compare with are not beside the project: nothing compared",
  () => {
    expect(trained).toEqual([]);
  },
);
