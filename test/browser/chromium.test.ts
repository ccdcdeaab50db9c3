/**
 * Modules and the compiler itself in a real browser, under a strict Content-Security-Policy: the bytes of
 * outputs are Node's. The scripts of the pages lie beside this file.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { compile, conv2d, dense, flatten, fromOnnx, maxPooling2d, sequential } from "shapecast";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { featureDetect } from "../../codegen/wasm/assembler/index.ts";
import { type Answer, findChromium, Site } from "../support/chromium.ts";
import { bytesOf, graph, node } from "../support/onnx.ts";
import { rawTensor } from "../support/onnx-writer.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const executablePath = findChromium();
if (!executablePath) console.log("skipped: no Chromium was found; SHAPECAST_CHROMIUM may name one");

const quantised = () => {
  const scalar = (name: string, value: number) =>
    rawTensor(name, "float32", [], new Uint8Array(Float32Array.of(value).buffer));
  const byte = (name: string, dtype: "uint8" | "int8", value: number) =>
    rawTensor(name, dtype, [], Uint8Array.of(value));
  const weights = Uint8Array.from({ length: 32 * 16 }, (_, i) => Math.imul(i, 2_654_435_761) >>> 13);
  const constants = [
    ...[scalar("xs", 0.02), scalar("ws", 0.01), scalar("ys", 0.1), rawTensor("w", "int8", [32, 16], weights)],
    ...[byte("xz", "uint8", 128), byte("wz", "int8", 0), byte("yz", "uint8", 120)],
  ];
  const operands = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"];
  const made = node("QLinearMatMul", operands, ["y"]);
  return bytesOf(graph(["x: uint8[8, 32]"], [made], ["y: uint8[8, 16]"], constants));
};

const activation = "tanh";
const mlp = sequential([dense({ units: 24, activation }), dense({ units: 6, activation: "softmax" })]);
const convolutional = sequential([
  conv2d({ filters: 8, kernelSize: 3, padding: "same", activation: "relu" }),
  maxPooling2d({ poolSize: 2 }),
  flatten(),
  dense({ units: 5 }),
]);
const models = [
  { name: "mlp", model: mlp, sample: { x: [4, 20] } },
  { name: "conv", model: convolutional, sample: { x: [1, 12, 12, 3] } },
  { name: "int8", model: fromOnnx(quantised()), sample: {} },
];
const modes = ["ts", "wasm", "file"] as const;
const cases = models.flatMap(({ name }) => modes.map((mode) => ({ name, mode })));

const folder = mkdtempSync(join(tmpdir(), "shapecast-browser-"));
const emitted: string[] = [];
const site = new Site(policyOf, find, (code) => `/emitted/${emitted.push(code) - 1}.js`);
let browser: Browser;
let address = "";

function policyOf(path: string): string {
  const script = path === "/without" ? "'self'" : "'self' 'wasm-unsafe-eval'";
  return `default-src 'none'; script-src ${script}; worker-src 'self'; connect-src 'self'`;
}

function find(path: string): Answer | undefined {
  const page = '<!doctype html><script type="module" src="/assets/page.mjs"></script>';
  if (path === "/with" || path === "/without") return { type: "html", body: page };
  if (path === "/model.onnx") return { type: "octet-stream", body: quantised() };
  const [, place, ...rest] = path.split("/");
  const file = rest.join("/");
  if (place === "emitted") return { type: "javascript", body: emitted[Number.parseInt(file, 10)]! };
  const places: Readonly<Record<string, string>> = {
    assets: join(root, "test/browser"),
    modules: folder,
    dist: join(folder, "dist"),
    node_modules: join(root, "node_modules"),
  };
  if (!places[place!]) return undefined;
  const body = readFileSync(join(places[place!]!, file));
  if (!/js$/.test(file)) return { type: file.endsWith(".wasm") ? "wasm" : "octet-stream", body };
  // What a bundler does: a page knows no packages.
  const wire = "/node_modules/@bufbuild/protobuf/dist/esm/wire/index.js";
  return { type: "javascript", body: `${body}`.replaceAll('"@bufbuild/protobuf/wire"', `"${wire}"`) };
}

/** Node's outputs of all cases; Node 20 has relaxed SIMD behind a flag. */
function inNode(): unknown {
  const flags = featureDetect("relaxedSimd") ? [] : ["--experimental-wasm-relaxed-simd"];
  const task = JSON.stringify({ base: `${pathToFileURL(folder)}/`, cases });
  return JSON.parse(
    execFileSync(process.execPath, [...flags, join(root, "test/browser/node.mjs"), task]).toString(),
  );
}

/** What a page makes of a task. */
async function onPage<T>(path: "/with" | "/without", task: object): Promise<T> {
  const page = await browser.newPage();
  try {
    const complaints: string[] = [];
    page.on("pageerror", ({ message }) => complaints.push(message));
    await page.goto(`${address}${path}#${encodeURIComponent(JSON.stringify(task))}`);
    const { value, error } = (await page.evaluate("globalThis.result")) as { value: T; error?: string };
    expect({ error, complaints }).toEqual({ error: undefined, complaints: [] });
    return value;
  } finally {
    await page.close();
  }
}

describe.skipIf(!executablePath)("in Chromium", () => {
  beforeAll(async () => {
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    for (const { name, model, sample } of models)
      for (const mode of modes) {
        const target = mode === "ts" ? mode : "wasm";
        const how = {
          target,
          format: "js",
          weights: "inline",
          wasm: mode === "file" ? "file" : "inline",
        } as const;
        const { code, wasm } = compile(model, { sample, ...how });
        writeFileSync(join(folder, `${name}.${mode}.js`), code);
        if (wasm) writeFileSync(join(folder, `${name}.${mode}.wasm`), wasm.plain);
        if (wasm?.relaxed) writeFileSync(join(folder, `${name}.${mode}.relaxed.wasm`), wasm.relaxed);
      }
    const build = ["-p", join(root, "tsconfig.build.json"), "--noCheck", "--declaration", "false"];
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    execFileSync(process.execPath, [tsc, ...build, "--outDir", join(folder, "dist")]);
    address = await site.open();
    browser = await chromium.launch({ executablePath: executablePath! });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    site.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("modules of both targets give the bytes that Node gives, on a page and in a worker", async () => {
    const results = await onPage<Record<string, unknown>>("/with", { task: "cases", cases });
    const expected = inNode();
    // Both have relaxed SIMD, so products are not rounded in either.
    expect(results).toEqual({ relaxed: true, onPage: expected, later: expected, inWorker: expected });
  });

  test("a page without permission runs the ts target, and is told so by WebAssembly", async () => {
    const found = await onPage<readonly unknown[]>("/without", { task: "refusals", cases });
    const refusal = {
      code: "ERR_WEBASSEMBLY",
      message: expect.stringMatching(
        /does not compile WebAssembly here \(.*\); .*compile the model for the ts target/,
      ),
    };
    expect(found).toEqual(cases.flatMap(({ mode }) => (mode === "ts" ? [null, null] : [refusal, refusal])));
  });

  test("what a page cannot compile at once it is told to await, and a worker can", async () => {
    const large = { name: "mlp", bytes: 9_000_000 };
    const { atOnce, inWorker } = await onPage<Record<string, unknown>>("/with", { task: "large", large });
    expect(atOnce).toEqual({
      code: "ERR_WEBASSEMBLY",
      message: expect.stringMatching(/await instantiateAsync\(\)$/),
    });
    expect(inWorker).toBe(0);
  });

  test("the compiler makes of an ONNX file what it makes in Node, and the result runs there", async () => {
    const targets = ["ts", "wasm"] as const;
    const results = await onPage<readonly { readonly code: string; readonly outputs: unknown }[]>("/with", {
      task: "compiler",
      model: "/model.onnx",
      targets,
    });
    const network = fromOnnx(quantised());
    const codes = targets.map((target) => compile(network, { target, format: "js", weights: "inline" }).code);
    expect(results.map(({ code }) => code)).toEqual(codes);
    expect(results[0]!.outputs).toEqual(results[1]!.outputs);
  });
});
