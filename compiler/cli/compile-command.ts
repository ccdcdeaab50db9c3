/** `shapecast compile`: a model file to a module, or to any stage in between as text. */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { basename, extname, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { nearest } from "../../runtime/initializers/nearest.ts";
import { type CompiledModel, compile } from "../compile-model.ts";
import { fail } from "../diagnostics/index.ts";
import { rankOf } from "../frontend/sample.ts";
import type { Graph } from "../ir/graph.ts";
import { pipeline } from "../passes/pipeline.ts";
import { completeSample } from "../sample-dims.ts";
import { bytes, grouped, macs, milliseconds } from "./amounts.ts";
import { type Binding, readBinding } from "./binding.ts";
import type { Options } from "./command-line.ts";
import { detached } from "./detached.ts";
import { graphText } from "./graph-text.ts";
import type { Host } from "./host.ts";
import { type LoadedModel, loadModel } from "./load-model.ts";
import { writeNotes } from "./notes.ts";
import { writeFiles } from "./output-files.ts";
import { printFamily, printProgram } from "./print-program.ts";
import { progressOn } from "./progress.ts";
import { readBytes, readSeed, readWord } from "./values.ts";

const stages = ["graph", "bound", "program", "ts", "js"] as const;
type EmitStage = (typeof stages)[number];
type Format = "ts" | "js";

export async function runCompile(where: string, options: Options, host: Host): Promise<void> {
  const binding = readBinding(options, host.cwd);
  const seed = readSeed(options);
  const weights = readWord(options, "weights", ["auto", "inline", "file", "init"]);
  const emit = readWord(options, "emit", stages);
  const target = readTarget(options);
  const maxMemory = readBytes(options, "max-memory");
  const output = readOutput(options, emit, where, host);
  const progress = progressOn(host);
  progress.stage("load");
  try {
    const loaded = await loadModel(where, host.cwd);
    refuseOverwriting(loaded.file, output?.path);
    if (emit === "graph")
      return host.out.write(graphText(await detached(() => symbolicGraph(loaded.model, binding))));
    const start = host.now();
    const compiled = await detached(() =>
      compile(loaded.model, {
        ...binding(loaded.model),
        format: output?.format ?? (emit === "js" ? "js" : "ts"),
        ...(seed !== undefined && { seed }),
        ...(weights && { weights }),
        ...target,
        ...(maxMemory !== undefined && { maxMemory }),
        ...naming(loaded),
        ...printing(options, host),
        onStage: progress.stage,
      }),
    );
    progress.clear();
    if (emit) return host.out.write(stageText(compiled, emit));
    write(compiled, output!, host, host.now() - start);
    writeNotes(loaded.model, host);
  } finally {
    progress.clear();
  }
}

/** `--wasm` and `--simd` say something of the wasm target only. */
function readTarget(options: Options) {
  const target = readWord(options, "target", ["ts", "wasm"]);
  const wasm = readWord(options, "wasm", ["inline", "file"]);
  const simd = readWord(options, "simd", ["auto", "plain"]);
  const [idle] = (["wasm", "simd"] as const).filter((name) => options.has(name));
  if (idle !== undefined && target !== "wasm")
    fail({
      code: "E1002",
      message: `--${idle} is about WebAssembly, but the target is ts`,
      fix: `add --target wasm, or leave --${idle} out`,
    });
  return { ...(target && { target }), ...(wasm && { wasm }), ...(simd && { simd }) };
}

/** A sequential model that declares no input has the rank of its sample. */
function symbolicGraph(model: LoadedModel["model"], binding: Binding) {
  const sample = completeSample(model, binding(model).sample);
  return model.graph(rankOf(sample), sample);
}

interface Output {
  /** Absolute. */
  readonly path: string;
  readonly format: Format;
}

function readOutput(
  options: Options,
  emit: EmitStage | undefined,
  model: string,
  { cwd }: Host,
): Output | undefined {
  const format = readWord(options, "format", ["ts", "js"]);
  const given = options.get("output")?.[0];
  if (emit !== undefined && given !== undefined)
    fail({
      code: "E1002",
      message: `--emit ${emit} prints, and -o ${given} writes`,
      fix: "give one of the two; a shell can write what is printed: --emit ts > file",
    });
  if (emit !== undefined) return undefined;
  if (given === undefined)
    return fail({
      code: "E1002",
      message: "compile does not know where to write the module",
      fix: `add -o ${basename(model)
        .replace(/#.*$/, "")
        .replace(/\.\w+$/, "")}.gen.ts, or --emit ts to print it`,
    });
  return { path: resolve(cwd, given), format: formatOf(given, format) };
}

function formatOf(file: string, format: Format | undefined): Format {
  const extension = extname(file);
  const says = /^\.m?([tj]s)$/.exec(extension)?.[1] as Format | undefined;
  if (says === undefined)
    fail({
      code: "E1002",
      message: `-o ${file} ends in "${extension}", but a module is .ts or .js`,
      fix: `write -o ${file.slice(0, file.length - extension.length)}.${format ?? "ts"}`,
    });
  if (format !== undefined && format !== says)
    fail({
      code: "E1002",
      message: `-o ${file} is a .${says} file, but --format is ${format}`,
      fix: `leave --format out, or rename the file`,
    });
  return says;
}

function refuseOverwriting(file: string, output: string | undefined): void {
  if (file !== output) return;
  fail({
    code: "E1004",
    message: `-o ${basename(file)} would overwrite the model itself`,
    fix: `write to another file, such as ${basename(file, extname(file))}.gen.ts`,
  });
}

/** Of a file that may be large, read bit by bit. */
function sha256Of(file: string): string {
  const hash = createHash("sha256");
  const part = new Uint8Array(1 << 16);
  const opened = openSync(file, "r");
  try {
    for (let n = readSync(opened, part); n > 0; n = readSync(opened, part)) hash.update(part.subarray(0, n));
  } finally {
    closeSync(opened);
  }
  return hash.digest("hex");
}

/** Base name and hash, never a path: the same model gives the same bytes on every machine. */
function naming({ model, file, exportName }: LoadedModel) {
  const sha256 = sha256Of(file);
  const fallback = exportName === "default" ? basename(file).replace(/\.\w+$/, "") : exportName;
  const suffix = exportName === "default" ? "" : `#${exportName}`;
  return { name: model.givenName ?? fallback, source: { name: basename(file) + suffix, sha256 } };
}

/** Goes to stderr: it is for the developer of a pass, beside whatever the command itself prints. */
function printing(options: Options, { err, environment }: Host) {
  const wanted = options.get("print-after")?.[0] ?? environment.printAfter;
  if (wanted === undefined) return {};
  const names = pipeline.map(({ name }) => name);
  if (wanted !== "all" && !names.includes(wanted))
    fail({
      code: "E1002",
      message: `there is no pass "${wanted}"; did you mean "${nearest(wanted, names)[0]}"?`,
      fix: `write all, or one of ${names.join(", ")}`,
    });
  return {
    onPass(pass: string, graph: Graph) {
      if (wanted === "all" || wanted === pass) err.write(`// after ${pass}\n${graphText(graph)}\n`);
    },
  };
}

function stageText(
  { code, weights, wasm, stages }: CompiledModel,
  stage: Exclude<EmitStage, "graph">,
): string {
  if (stage === "bound") return graphText(stages.bound.graph);
  if (stage === "program")
    return `${stages.family ? printFamily(stages.family) : printProgram(stages.program)}\n`;
  if (wasm)
    fail({
      code: "E1002",
      message: `--emit ${stage} prints one text, but this WebAssembly goes into a file of its own`,
      fix: "leave --wasm file out, or write files with -o",
    });
  if (!weights) return code;
  return fail({
    code: "E1002",
    message: `--emit ${stage} prints one text, but these weights (${bytes(weights.length)}) go into a file of their own`,
    fix: "add --weights inline or --weights init, or write files with -o",
  });
}

function write(compiled: CompiledModel, { path, format }: Output, host: Host, elapsed: number): void {
  const { code, weights, wasm, report } = compiled;
  const stem = path.slice(0, path.length - extname(path).length);
  const sidecar = `${stem}.bin`;
  const binaries = [
    { path: `${stem}.wasm`, content: wasm?.plain },
    { path: `${stem}.relaxed.wasm`, content: wasm?.relaxed },
  ];
  writeFiles([
    ...(weights ? [{ path: sidecar, content: weights }] : []),
    ...binaries.flatMap(({ path, content }) => (content ? [{ path, content }] : [])),
    { path, content: code },
  ]);
  const gzip = gzipSync(code).length;
  const inside = compiled.weightsMode === "init" ? ", weights as their seed" : ", weights inside";
  const beside = weights ? ` + ${bytes(weights.length)} weights in ${basename(sidecar)}` : inside;
  host.out.write(
    `${basename(path)}   ${format}   ${bytes(report.codeBytes)} (${bytes(gzip)} gzip)${beside}\n`,
  );
  for (const { path, content } of binaries)
    if (content) host.out.write(`${basename(path)}   ${bytes(content.length)}\n`);
  host.out.write(
    `parameters ${grouped(report.parameters)}   arena ${bytes(report.arenaBytes)} (lower bound ${bytes(report.arenaLowerBound)})` +
      `   ${macs(report.macs)}   compiled in ${milliseconds(elapsed)}\n`,
  );
}
