/**
 * What runs in the processes that `shapecast bench` measures, as the text of a module: each contender has a
 * process of its own, so that its first run is a first run and no runtime disturbs another. The process gets
 * a task (see bench-process.ts) and then orders to run, one of them working at a time.
 */

/** Everything that is timed starts after this text has been read and the inputs are in memory. */
export const childSource = `import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const task = JSON.parse(readFileSync(process.argv[2], "utf8"));
const inputs = {};
for (const { name, array, file } of task.inputs) {
  const bytes = readFileSync(file);
  inputs[name] = new globalThis[array](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
const load = (path) => import(pathToFileURL(path).href);

/** The module that shapecast emitted. Of instantiating, compiling WebAssembly is timed by itself. */
async function emitted() {
  let compile;
  if (task.wasm)
    WebAssembly.Module = class extends WebAssembly.Module {
      constructor(bytes) {
        const start = performance.now();
        super(bytes);
        compile = performance.now() - start;
      }
    };
  const start = performance.now();
  const module = await load(task.path);
  const imported = performance.now();
  const parts = task.files.map((file) => readFileSync(file));
  const instance = module.instantiate(...parts);
  return { start, imported, ready: performance.now(), compile, run: () => instance.run(inputs, task.dims) };
}

/** onnxruntime-web or -node, on one thread. */
async function onnxruntime() {
  const start = performance.now();
  const exports = await load(task.path);
  const ort = exports.default ?? exports;
  ort.env.logLevel = "fatal";
  if (ort.env.wasm) ort.env.wasm.numThreads = 1;
  const imported = performance.now();
  const options = { logSeverityLevel: 4, intraOpNumThreads: 1, interOpNumThreads: 1 };
  const session = await ort.InferenceSession.create(readFileSync(task.model), options);
  const feeds = {};
  for (const { name, dtype, shape } of task.inputs)
    if (session.inputNames.includes(name)) feeds[name] = new ort.Tensor(dtype, inputs[name], shape);
  return { start, imported, ready: performance.now(), run: () => session.run(feeds) };
}

/** Whatever else there is. */
async function script() {
  const start = performance.now();
  const { open } = await load(task.path);
  const imported = performance.now();
  const run = await open(task, inputs);
  return { start, imported, ready: performance.now(), run };
}

const subject = await { emitted, onnxruntime, script }[task.kind]();
const waits = task.kind !== "emitted";
if (waits) await subject.run();
else subject.run();
const first = performance.now();

/** Milliseconds of single runs until the time or the number of runs is used up; at least one. */
async function times({ milliseconds, runs }) {
  const list = [];
  const end = performance.now() + milliseconds;
  for (let now = performance.now(); list.length === 0 || (now < end && list.length < runs); ) {
    const start = now;
    if (waits) await subject.run();
    else subject.run();
    now = performance.now();
    list.push(now - start);
  }
  return list;
}

process.on("message", async (order) => {
  try {
    process.send({ times: await times(order) });
  } catch (error) {
    process.send({ error: String(error?.message ?? error) });
  }
});
process.send({
  started: {
    import: subject.imported - subject.start,
    instantiate: subject.ready - subject.imported,
    compile: subject.compile ?? 0,
    first: first - subject.ready,
  },
});
`;
