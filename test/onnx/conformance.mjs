/**
 * `npm run conformance [-- --filter RE --jobs 2 --json FILE]`: builds the compiler and runs ONNX's backend
 * tests with the runner beside their data (`--data DIR`; default: ../shared/onnx-conformance). `--write`
 * makes docs/onnx-support.md of a run of all tests.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const write = process.argv.includes("--write");
const given = process.argv.slice(2).filter((word) => word !== "--write");
const at = given.indexOf("--data");
const data = resolve(at < 0 ? join(root, "../shared/onnx-conformance") : given[at + 1]);
const rest = at < 0 ? given : given.toSpliced(at, 2);
const runner = join(data, "run-conformance.mjs");

if (write && rest.some((word) => ["--filter", "--list", "--json"].includes(word))) {
  console.error("--write is for a run of all tests, without --filter, --list and --json");
  process.exitCode = 2;
} else if (!existsSync(runner)) {
  console.error(`no conformance data: there is no ${runner}; name their folder with --data`);
  process.exitCode = 2;
} else {
  execFileSync("npm", ["run", "build", "--silent"], { cwd: root, stdio: "inherit" });
  const adapter = join(root, "test/onnx/adapter.mjs");
  const folder = mkdtempSync(join(tmpdir(), "shapecast-conformance-"));
  const json = join(folder, "report.json");
  const report = write ? ["--json", json] : [];
  const command = [runner, "--data", data, "--adapter", adapter, ...report, ...rest];
  process.exitCode = spawnSync(process.execPath, command, { stdio: "inherit" }).status ?? 1;
  if (existsSync(json)) {
    const { writeSupport } = await import("./support-page.mjs");
    writeSupport(JSON.parse(readFileSync(json, "utf8")), data, join(root, "docs/onnx-support.md"));
  }
  rmSync(folder, { recursive: true, force: true });
}
