/** jax-js on WebAssembly, for models that its ONNX loader reads. `files`: a folder with the packages. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export const open = async ({ files: [folder], model, inputs }, arrays) => {
  const from = createRequire(join(folder, "_"));
  const load = (name) => import(pathToFileURL(from.resolve(name).replace(/\.cjs$/, ".js")).href);
  const { init, defaultDevice, jit, numpy } = await load("@jax-js/jax");
  const { ONNXModel } = await load("@jax-js/onnx");
  await init("wasm");
  defaultDevice("wasm");
  const { run } = new ONNXModel(new Uint8Array(readFileSync(model)));
  const compiled = jit(run);
  return async () => {
    const feeds = inputs.map(({ name, shape }) => [name, numpy.array(arrays[name]).reshape(shape)]);
    const outputs = compiled(Object.fromEntries(feeds));
    await Promise.all(Object.values(outputs).map((output) => output.data()));
  };
};
