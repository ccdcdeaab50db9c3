/** Runs ONNX bytes in onnxruntime-web on one thread: an oracle that shares nothing with this project. */
import * as ort from "onnxruntime-web";
import type { DType } from "../../runtime/dtype.ts";
import type { Tensor } from "../../runtime/tensor.ts";

ort.env.logLevel = "fatal";
ort.env.wasm.numThreads = 1;

/**
 * The outputs by name; undefined where the runtime has no kernel for an operator of these element types,
 * which says nothing about the model. Throws what the runtime throws for anything else.
 */
export async function runInOnnxRuntime(
  model: Uint8Array,
  inputs: ReadonlyMap<string, Tensor>,
  options: ort.InferenceSession.SessionOptions = {},
): Promise<ReadonlyMap<string, Tensor> | undefined> {
  const session = await sessionOf(model, options);
  if (session === undefined) return undefined;
  const feeds = Object.fromEntries(
    session.inputNames.map((name) => {
      const { dtype, shape, data } = inputs.get(name)!;
      return [name, new ort.Tensor(dtype as "float32", data as Float32Array, shape)];
    }),
  );
  const results = await session.run(feeds);
  const outputs = Object.entries(results).map(([name, { type, dims, data }]) => {
    const tensor: Tensor = { dtype: type as DType, shape: [...dims], data: data as Tensor["data"] };
    return [name, tensor] as const;
  });
  await session.release();
  return new Map(outputs);
}

async function sessionOf(
  model: Uint8Array,
  options: ort.InferenceSession.SessionOptions,
): Promise<ort.InferenceSession | undefined> {
  try {
    return await ort.InferenceSession.create(model, { logSeverityLevel: 4, ...options });
  } catch (error) {
    if (/NOT_IMPLEMENTED|Could not find an implementation/.test(String(error))) return undefined;
    throw error;
  }
}
