/**
 * The whole story in one run (`npm run demo`): a model without sizes, a sample, one module, checked and run.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { compile, type Instance, type Model } from "shapecast";
import { checkEmitted } from "../test/support/typecheck.ts";
import { drawSeven, showPixels } from "./digit.ts";
import { mlp } from "./mlp.ts";

const out = fileURLToPath(new URL("./out/", import.meta.url));
const say = (text = "") => process.stdout.write(`${text}\n`);
const grouped = (n: number) => n.toLocaleString("en-US");
const shapesOf = (model: Model) =>
  model.weights.map(
    ({ path, shape, sizes }) => `  ${path.padEnd(14)} [${(sizes ?? shape.map(asUnknown)).join(", ")}]`,
  );
const asUnknown = (size: unknown) => (/^\d+$/.test(String(size)) ? String(size) : "?");

say("The model has no input size, so some parameter shapes are unknown:");
say(shapesOf(mlp).join("\n"));

const start = performance.now();
const module = compile(mlp, { sample: { x: [1, 784] }, weights: "file", name: "mlp" });
const compiled = performance.now() - start;

say("\nA sample of shape [1, 784] decides them:");
say(shapesOf(mlp).join("\n"));

mkdirSync(out, { recursive: true });
writeFileSync(`${out}mlp.gen.ts`, module.code);
writeFileSync(`${out}mlp.gen.bin`, module.weights!);
const { report } = module;
say(`\nWrote examples/out/mlp.gen.ts in ${compiled.toFixed(0)} ms:`);
say(
  `  code     ${grouped(report.codeBytes)} bytes (${grouped(gzipSync(module.code).length)} gzip), imports nothing`,
);
say(
  `  weights  ${grouped(report.weightBytes)} bytes in mlp.gen.bin, ${grouped(report.parameters)} parameters`,
);
say(`  arena    ${grouped(report.arenaBytes)} bytes (lower bound ${grouped(report.arenaLowerBound)})`);
say(`  work     ${grouped(report.macs)} multiply-accumulates a run`);

const problems = checkEmitted(module.code);
say(`  types    ${problems.length === 0 ? "no errors under the strictest flags" : problems.join("\n")}`);

const pixels = drawSeven(28);
say(`\nRun on a drawing of a seven:\n\n${showPixels(pixels, 28)}\n`);
const { instantiate } = (await import(`${out}mlp.gen.ts`)) as { instantiate(weights: Uint8Array): Instance };
const instance = instantiate(readFileSync(`${out}mlp.gen.bin`));
const { logits } = instance.run({ x: pixels });
say(`  logits   ${[...logits!].map((value) => Number(value).toFixed(3)).join(" ")}`);
say("           (weights are fresh from their initialiser: it has learned nothing yet)");
say(`  time     ${(1000 * medianTime(() => instance.run({ x: pixels }))).toFixed(0)} µs a run (median)`);

const same = mlp.predict(pixels, [1, 784]).data.every((value, i) => Object.is(value, logits![i]));
say(`  predict  gives ${same ? "the same bits" : "other numbers"} in process`);
if (problems.length > 0 || !same) process.exitCode = 1;

/** Milliseconds. */
function medianTime(run: () => void, runs = 2000): number {
  const times = Array.from({ length: runs }, () => {
    const before = performance.now();
    run();
    return performance.now() - before;
  });
  return times.sort((a, b) => a - b)[runs >> 1]!;
}
