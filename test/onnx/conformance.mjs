/**
 * `npm run conformance [-- --filter RE --jobs 2 --json FILE]`: builds the compiler and runs ONNX's backend
 * tests with the runner beside their data (`--data DIR`; default: ../shared/onnx-conformance).
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const given = process.argv.slice(2);
const at = given.indexOf("--data");
const data = resolve(at < 0 ? join(root, "../shared/onnx-conformance") : given[at + 1]);
const rest = at < 0 ? given : given.toSpliced(at, 2);
const runner = join(data, "run-conformance.mjs");

if (!existsSync(runner)) {
  console.error(`no conformance data: there is no ${runner}; name their folder with --data`);
  process.exitCode = 2;
} else {
  execFileSync("npm", ["run", "build", "--silent"], { cwd: root, stdio: "inherit" });
  const adapter = join(root, "test/onnx/adapter.mjs");
  const command = [runner, "--data", data, "--adapter", adapter, ...rest];
  process.exitCode = spawnSync(process.execPath, command, { stdio: "inherit" }).status ?? 1;
}
