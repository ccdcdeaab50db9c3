/**
 * `npm run bench [-- name...]`: builds the repository with its benches into bench/out and runs them there
 * with plain Node, so that no loader stands between what is measured and the engine. Each bench prints its
 * own table.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const benches = [
  "models",
  "kernels",
  "gemm",
  "quantised",
  "scale",
  "allocation",
  "start",
  "dims",
  "open",
  "symbolic",
];
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !benches.includes(name));
if (unknown.length > 0) {
  console.error(`no bench called ${unknown.join(", ")}; there are ${benches.join(", ")}`);
  process.exit(2);
}

const root = fileURLToPath(new URL("../", import.meta.url));
const out = `${root}bench/out/`;
const tsc = [`${root}node_modules/typescript/bin/tsc`, "-p", `${root}tsconfig.json`];
const emit = ["--noEmit", "false", "--noCheck", "--declaration", "false", "--rootDir", root, "--outDir", out];
execFileSync(process.execPath, [...tsc, ...emit], { stdio: "inherit" });
const exports = {
  ".": "./compiler/index.js",
  "./dims": "./compiler/dims/index.js",
  "./fuzz": "./runtime/fuzz/index.js",
};
mkdirSync(out, { recursive: true });
writeFileSync(`${out}package.json`, JSON.stringify({ name: "shapecast", type: "module", exports }));

for (const name of asked.length > 0 ? asked : benches) {
  console.log(`\n${name}`);
  execFileSync(process.execPath, [`${out}bench/${name}.js`], { stdio: "inherit" });
}
