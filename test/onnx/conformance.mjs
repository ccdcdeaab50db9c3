/**
 * `npm run conformance [-- --target wasm --filter RE --jobs 2 --json FILE]`: builds the compiler and runs
 * ONNX's backend tests with the runner beside their data (`--data DIR`; default: ../shared/onnx-conformance),
 * for the target ts unless another is named. `--write` makes docs/onnx-support.md of a run of all tests.
 * `--known` holds a run of all tests to
 * known-failures.json: a test that fails and is not in the list is an error, and so is one of the list that
 * passes; without data it says so in one line, and all is well.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const modes = ["--write", "--known"];
const [write, known] = modes.map((mode) => process.argv.includes(mode));
const rest = process.argv.slice(2).filter((word) => !modes.includes(word));
const data = resolve(taken("--data") ?? join(root, "../shared/onnx-conformance"));
const target = taken("--target") ?? "ts";
const runner = join(data, "run-conformance.mjs");
/** Decoding files of images is nothing that a module of loops does: tests of ImageDecoder are left out. */
const ours = "^(?!.*/test_image_decoder_)";

if ((write || known) && rest.some((word) => ["--filter", "--list", "--json"].includes(word))) {
  console.error(`${modes.join(" and ")} are for a run of all tests, without --filter, --list and --json`);
  process.exitCode = 2;
} else if (!existsSync(runner)) {
  console.error(`no conformance data: there is no ${runner}; name their folder with --data`);
  process.exitCode = known ? 0 : 2;
} else {
  execFileSync("npm", ["run", "build", "--silent"], { cwd: root, stdio: "inherit" });
  process.exitCode = await runAll();
}

/** The value of an option that the runner is not told. */
function taken(option) {
  const at = rest.indexOf(option);
  return at < 0 ? undefined : rest.splice(at, 2)[1];
}

/** The exit code. */
async function runAll() {
  const folder = mkdtempSync(join(tmpdir(), "shapecast-conformance-"));
  const json = join(folder, "report.json");
  const adapter = join(root, "test/onnx/adapter.mjs");
  const report = write || known ? ["--json", json, "--timeout", "300"] : [];
  const filter = rest.some((word) => word === "--filter" || word === "--list") ? [] : ["--filter", ours];
  const command = [runner, "--data", data, "--adapter", adapter, ...report, ...filter, ...rest];
  // The runner starts processes of its own, to which only the environment goes through.
  const env = { ...process.env, SHAPECAST_CONFORMANCE_TARGET: target };
  const status = spawnSync(process.execPath, command, { stdio: "inherit", env }).status ?? 1;
  if (!existsSync(json)) return status;
  const results = JSON.parse(readFileSync(json, "utf8"));
  rmSync(folder, { recursive: true, force: true });
  if (write) {
    const { writeSupport } = await import("./support-page.mjs");
    writeSupport(results, data, join(root, "docs/onnx-support.md"));
  }
  return known ? comparedWithKnown(results) : status;
}

function comparedWithKnown({ results }) {
  const list = new Set(JSON.parse(readFileSync(join(root, "test/onnx/known-failures.json"), "utf8")));
  const wrong = results.filter(({ name, category }) => (category === "pass") === list.has(name));
  for (const { name, category, message } of wrong)
    console.error(category === "pass" ? `${name} passes: take it off the list` : `${name}: ${message}`);
  console.log(`${results.length} tests, ${list.size} known failures, ${wrong.length} against what is known`);
  return wrong.length === 0 ? 0 : 1;
}
