/**
 * ONNX's backend tests through emitted modules: imports the model with the built compiler, compiles it for
 * the test's inputs, writes the module to a file and imports that, as a user's bundler would. The sample
 * gives the inputs with their elements: modules are made for those that decide shapes (axes, a target shape,
 * pads), and check them when they run; of all others only the shape counts.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { CompileError, compile, fromOnnx } from "../../dist/compiler/index.js";

const folder = mkdtempSync(join(tmpdir(), "shapecast-conformance-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const target = process.env.SHAPECAST_CONFORMANCE_TARGET ?? "ts";
let count = 0;

/** Called by the runner for each data set; `given` and the result are in the runner's forms. */
export async function runModel(bytes, given) {
  const inputs = new Map(Object.entries(given));
  try {
    const network = fromOnnx(bytes);
    const fed = network.plan().inputs.map(({ name }) => name);
    const sample = Object.fromEntries(fed.map((name) => [name, tensorOf(inputs.get(name))]));
    const { code } = compile(network, { sample, target, format: "js", weights: "inline" });
    const { signature, instantiate } = await imported(code);
    return run(signature, instantiate(), inputs);
  } catch (error) {
    if (error instanceof CompileError) error.unsupported = /^E4/.test(error.code);
    throw error;
  }
}

const tensorOf = ({ dtype, dims, data }) => ({ dtype, shape: dims, data });
async function imported(code) {
  const file = join(folder, `module-${count++}.mjs`);
  writeFileSync(file, code);
  return import(pathToFileURL(file).href);
}

function run(signature, instance, inputs) {
  const door = Object.entries(signature.inputs).map(([name, port]) => [name, atDoor(inputs.get(name), port)]);
  const results = instance.run(Object.fromEntries(door));
  return Object.entries(signature.outputs).map(([name, { dtype, shape }]) => ({
    name,
    dtype,
    dims: [...(instance.shapes?.[name] ?? shape)],
    data: results[name].slice(),
  }));
}

/** An int64 input that is only an index is an Int32Array at the door. */
function atDoor({ data }, { array }) {
  if (array === "Int32Array" && data instanceof BigInt64Array) return Int32Array.from(data, Number);
  return data;
}
