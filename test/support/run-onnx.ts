/** One ONNX node, compiled and run; and its bytes, for another runtime to run. */
import { compile, fromOnnx } from "../../compiler/index.ts";
import { decode } from "../../runtime/elements.ts";
import { load } from "../../runtime/load.ts";
import { type Tensor, tensor } from "../../runtime/tensor.ts";
import { bytesOf, graph, node } from "./onnx.ts";

export interface NodeCase {
  /** "domain::Name" for other domains. */
  readonly type: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Names of operands, where some are left out (""). */
  readonly operands?: readonly string[];
  /** As `info` of support/onnx.ts reads them. */
  readonly outputs: readonly string[];
  readonly attributes?: Parameters<typeof node>[3];
  readonly opset?: number;
  readonly domains?: Readonly<Record<string, number>>;
}

export interface Result {
  readonly shape: readonly number[];
  readonly data: readonly (number | bigint)[];
}

export function floats(shape: readonly number[], ...values: readonly number[]): Tensor {
  return tensor(values, shape, "float32");
}

export function bytesOfNode({ type, inputs, operands, outputs, attributes, opset, domains }: NodeCase) {
  const declared = Object.entries(inputs).map(
    ([name, { dtype, shape }]) => `${name}: ${dtype}[${shape.join(", ")}]`,
  );
  const names = outputs.map((output) => output.split(":")[0]!);
  const made = node(type, operands ?? Object.keys(inputs), names, attributes);
  const written = names.flatMap((name, i) => (name === "" ? [] : [outputs[i]!]));
  return bytesOf(graph(declared, [made], written), opset ?? 17, [], domains ?? {});
}

/** The outputs of the emitted module, in order. Inputs give their elements where shapes ask for them. */
export function runNode(of: NodeCase): readonly Result[] {
  const network = fromOnnx(bytesOfNode(of), { values: of.inputs });
  const used = new Set(network.plan().inputs.map(({ name }) => name));
  const sample = Object.fromEntries(Object.entries(of.inputs).filter(([name]) => used.has(name)));
  const { signature, instantiate } = load(compile(network, { sample, format: "js", weights: "inline" }));
  const feed = Object.fromEntries(Object.entries(sample).map(([name, { data }]) => [name, data]));
  const made = instantiate().run(feed);
  return Object.entries(signature.outputs).map(([name, { dtype, shape }]) => ({
    shape: shape as readonly number[],
    data: Array.from(decode(dtype, made[name]!) as ArrayLike<number | bigint>),
  }));
}
