/**
 * Every model of a folder on random inputs beside onnxruntime, as `shapecast verify` does it, whatever time
 * it takes: `node test/onnx/zoo.mjs [--runs 20] [--only RE] FOLDER...`. Sizes that a file leaves open are
 * those of `manifest.json` beside it, or of the table below. Exits with 1 where something does not agree.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: "string", default: "20" }, only: { type: "string", default: "" } },
});
const root = fileURLToPath(new URL("../../", import.meta.url));

/** Samples of models that no manifest speaks of. */
const samples = {
  keras_example: ["3,100"],
  micro_kws_m_static_qdq: ["1,1960"],
  silero_vad_16k_op15: ["input=1,576", "state=2,1,128", "sr=int64:[16000]"],
  tfl_helloworld: ["5,1"],
};

let failed = 0;
for (const folder of positionals) {
  const manifest = join(folder, "manifest.json");
  const shapes = existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")) : {};
  for (const file of readdirSync(folder).filter(
    (name) => name.endsWith(".onnx") && new RegExp(values.only).test(name),
  )) {
    const name = basename(file, ".onnx");
    const given = shapes[name] ? [shapes[name].in_shape.join()] : (samples[name] ?? []);
    const line = [
      "verify",
      resolve(folder, file),
      "--runs",
      values.runs,
      ...given.flatMap((one) => ["--sample", one]),
    ];
    const start = performance.now();
    const { status, stdout, stderr } = spawnSync(process.execPath, ["bin/shapecast.js", ...line], {
      cwd: root,
      encoding: "utf8",
    });
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    if (status !== 0) failed++;
    console.log(
      `${status === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)\n${(stdout + stderr).trimEnd()}`,
    );
  }
}
process.exitCode = failed > 0 ? 1 : 0;
