/** The models that lie beside the repository (`../shared`), and what binds each. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type OnnxFile, readOnnxFile } from "../compiler/cli/load-onnx.ts";
import { type Tensor, tensor } from "../runtime/tensor.ts";

export interface Bound {
  readonly name: string;
  readonly path: string;
  readonly file: OnnxFile;
  readonly sample: Readonly<Record<string, readonly number[] | Tensor>>;
}

interface Row {
  readonly in_shape: readonly number[];
}

export const shared = resolve(process.env["SHAPECAST_SHARED"] ?? join(process.cwd(), "../shared"));

const trained: Readonly<Record<string, Bound["sample"]>> = {
  silero_vad_16k_op15: {
    input: [1, 576],
    state: [2, 1, 128],
    sr: tensor(BigInt64Array.of(16000n), [], "int64"),
  },
  micro_kws_m_static_fp32: {},
  micro_kws_m_static_qdq: { "serving_default_input:0": [1, 1960] },
  keras_example: { main_input_input: [3, 100] },
  mnist_cntk: {},
  mnist_pytorch_cnn: {},
  tfl_helloworld: { dense_2_input: [5, 1] },
};

/** By name; all of them where no name is given. */
export function zoo(names: readonly string[]): readonly Bound[] {
  if (!existsSync(join(shared, "zoo"))) throw new Error(`there are no models in ${shared}`);
  const rows: Readonly<Record<string, Row>> = JSON.parse(
    readFileSync(join(shared, "zoo/manifest.json"), "utf8"),
  );
  const exported = Object.entries(rows).map(([name, { in_shape }]): Bound => {
    const path = join(shared, `zoo/${name}.onnx`);
    const file = readOnnxFile(path);
    return { name, path, file, sample: { [file.model.graph.inputs[0]!.name]: in_shape } };
  });
  const others = Object.entries(trained).map(([name, sample]): Bound => {
    const path = join(shared, `models/${name}.onnx`);
    return { name, path, file: readOnnxFile(path), sample };
  });
  return [...exported, ...others].filter(({ name }) => names.length === 0 || names.includes(name));
}
