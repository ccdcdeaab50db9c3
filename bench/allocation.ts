/**
 * Does `run` allocate? The heap in use after up to 10,000 runs of a module, less that before, both after a collection. 64 kB
 * are allowed, because the engine itself keeps something (optimised code, feedback), whatever the number of runs. A large
 * module runs as often as 20 seconds allow, 100 times at least: a float a run would already show.
 *
 *     npm run bench allocation
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { compile, load } from "shapecast";
import { examples } from "../test/support/examples.ts";
import { kilobytes, printTable, verdict } from "./table.ts";

const runs = 10_000;
const allowed = 64 * 1024;
/** Seconds that one module may take. */
const patience = 20;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const rows = examples.map(({ name, model, sample }) => {
  const { code, format, weights, weightsMode } = compile(model, { sample, format: "js", weights: "file" });
  const module = load({ code, format, ...(weights && { weights }) });
  const instance = module.instantiate();
  const inputs = Object.fromEntries(
    Object.entries(module.signature.inputs).map(([input, { dtype, shape }]) => {
      const length = shape.reduce((a, b) => a * b, 1);
      return [input, dtype === "int32" ? new Int32Array(length) : new Float32Array(length).fill(0.5)];
    }),
  );
  const start = performance.now();
  const warmUp = 50;
  for (let i = 0; i < warmUp; i++) instance.run(inputs);
  const each = (performance.now() - start) / warmUp;
  const count = Math.max(100, Math.min(runs, Math.floor((patience * 1000) / each)));
  const before = heapInUse();
  for (let i = 0; i < count; i++) instance.run(inputs);
  const growth = heapInUse() - before;
  return [name, weightsMode, count, kilobytes(growth), verdict(growth, allowed)];
});

printTable(["example", "weights", "runs", "heap growth", `<= ${kilobytes(allowed)}`], rows);

function heapInUse(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
