/**
 * Does `run` allocate? The heap in use after 10,000 runs of a module, less that before, both after a
 * collection. 64 kB are allowed, because the engine itself keeps something (optimised code, feedback),
 * whatever the number of runs. Takes a few minutes.
 *
 *     npm run bench allocation
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { compile, load } from "shapecast";
import { examples } from "../test/support/examples.ts";
import { kilobytes, printTable, verdict } from "./table.ts";

const warmUp = 50;
const runs = 10_000;
const allowed = 64 * 1024;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const rows = examples.map(({ name, model, sample }) => {
  const { code, format, weights, weightsMode } = compile(model, { sample, format: "js", weights: "file" });
  const module = load({ code, format, ...(weights && { weights }) });
  const instance = module.instantiate();
  const inputs = Object.fromEntries(
    Object.entries(module.signature.inputs).map(([input, { dtype, shape }]) => {
      const length = shape.map(Number).reduce((a, b) => a * b, 1);
      return [input, dtype === "int32" ? new Int32Array(length) : new Float32Array(length).fill(0.5)];
    }),
  );
  for (let i = 0; i < warmUp; i++) instance.run(inputs);
  const before = heapInUse();
  for (let i = 0; i < runs; i++) instance.run(inputs);
  const growth = heapInUse() - before;
  return [name, weightsMode, runs, kilobytes(growth), verdict(growth, allowed)];
});

printTable(["example", "weights", "runs", "heap growth", `<= ${kilobytes(allowed)}`], rows);

function heapInUse(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
