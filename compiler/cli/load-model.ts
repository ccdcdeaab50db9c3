/**
 * The user's model file: an ONNX file, or TypeScript or JavaScript, which is run by jiti. Its `import ...
 * from "shapecast"` is answered with the very modules this command runs on, not with what resolution from the
 * file's folder would find: dims are interned, so a second copy of shapecast in the process would make two
 * dims of one, and a model of the other copy no model at all.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createJiti } from "jiti";
import { nearest } from "../../runtime/initializers/nearest.ts";
import { CompileError, fail, type SourceLocation } from "../diagnostics/index.ts";
import * as dims from "../dims/index.ts";
import * as shapecast from "../index.ts";
import { CollectedRefusals } from "./collected-refusals.ts";
import { loadOnnx } from "./load-onnx.ts";
import { nearestUserFrame } from "./stack.ts";

export interface LoadedModel {
  readonly model: shapecast.Network;
  /** Absolute. */
  readonly file: string;
  /** The export that was taken. */
  readonly exportName: string;
}

const extensions = new Set([".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".onnx"]);

/**
 * `where` is a path, with `#name` for one export. Throws E1004 when it has no model to give, and what the
 * model's code throws.
 */
export async function loadModel(
  where: string,
  cwd: string,
  options: shapecast.OnnxOptions = {},
): Promise<LoadedModel> {
  const { file, name } = locate(where, cwd);
  if (extname(file) === ".onnx") return { model: loadOnnx(file, options), file, exportName: "default" };
  const exports = await evaluate(file);
  const exportName = choose(exports, name, basename(file));
  return { model: exports[exportName] as shapecast.Network, file, exportName };
}

/** The file, and the export that is asked for. Throws E1004. */
export function locate(
  where: string,
  cwd: string,
): { readonly file: string; readonly name: string | undefined } {
  const hash = where.lastIndexOf("#");
  const whole = resolve(cwd, where);
  const named = hash > 0 && !existsSync(whole);
  const file = named ? resolve(cwd, where.slice(0, hash)) : whole;
  const name = named ? where.slice(hash + 1) : undefined;
  if (!existsSync(file)) missing(file);
  if (!statSync(file).isFile())
    fail({ code: "E1004", message: `${basename(file)} is a folder`, fix: "name the model file in it" });
  if (!extensions.has(extname(file)))
    fail({
      code: "E1004",
      message: `${basename(file)} is neither ONNX, TypeScript nor JavaScript`,
      fix: `give a file that exports a model (${[...extensions].join(", ")})`,
    });
  return { file, name };
}

function missing(file: string): never {
  const folder = dirname(file);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => extensions.has(extname(name))) : [];
  const [suggestion] = nearest(basename(file), names.sort());
  return fail({
    code: "E1004",
    message: `there is no file ${basename(file)}${suggestion === undefined ? "" : `; did you mean "${suggestion}"?`}`,
    fix: existsSync(folder)
      ? `check the name; the folder is ${folder}`
      : `check the path; there is no folder ${folder}`,
  });
}

async function evaluate(file: string): Promise<Readonly<Record<string, unknown>>> {
  const refusals = new CollectedRefusals();
  const jiti = createJiti(join(dirname(file), "_"), {
    fsCache: false,
    moduleCache: false,
    interopDefault: false,
    virtualModules: { shapecast: refusals.shapecast, "shapecast/dims": dims },
    // Keeps the user's line numbers, which errors show.
    transformOptions: { retainLines: true },
  });
  try {
    const exports: unknown = await jiti.import(file);
    refusals.throwIfAny();
    const isNamespace = typeof exports === "object" && exports !== null && !shapecast.isNetwork(exports);
    return isNamespace ? { ...exports } : { default: exports };
  } catch (error) {
    // What fails after a layer was refused may fail for that alone.
    refusals.throwIfAny();
    if (error instanceof CompileError) throw error;
    throw explained(error, file);
  }
}

function explained(error: unknown, file: string): unknown {
  if (!(error instanceof Error)) return failing(file, `it throws ${print(error)}`);
  const [message = ""] = error.message.split("\n");
  const at = syntaxErrorPlace(error) ?? nearestUserFrame(error);
  const missing = /^Cannot find (?:module|package) '([^']+)'/.exec(message)?.[1];
  const absent = absentExport(message);
  if (absent !== undefined) return withoutExport(file, absent, at);
  const what = /^ParseError: */.test(message) ? message.trim() : `${error.name}: ${message}`;
  if (missing === undefined) return failing(file, what, at);
  return new CompileError([
    {
      code: "E1004",
      message: `${basename(file)} imports ${missing}, which is not there`,
      fix: "install it, or correct the path",
      ...(at && { at }),
    },
  ]);
}

function failing(file: string, what: string, at?: SourceLocation): CompileError {
  return new CompileError([
    {
      code: "E1004",
      message: `${basename(file)} fails: ${what}`,
      fix: "repair the model file; it has to run before it can be compiled",
      ...(at && { at }),
    },
  ]);
}

function print(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** jiti turns `import { dens } from "shapecast"` into a call of a member that is not there. */
function absentExport(message: string): string | undefined {
  const name = /^(?:\(0 ?, ?)?_shapecast\.([\w$]+)\)? is not a (?:function|constructor)/.exec(message)?.[1];
  return name !== undefined && name in shapecast ? undefined : name;
}

function withoutExport(file: string, name: string, at: SourceLocation | undefined): CompileError {
  const [suggestion] = nearest(name, Object.keys(shapecast));
  return new CompileError([
    {
      code: "E1004",
      message: `${basename(file)} imports ${name}, which shapecast does not have; did you mean "${suggestion}"?`,
      fix: "correct the name in the import and where it is used",
      ...(at && { at }),
    },
  ]);
}

/** jiti puts the place of a syntax error into the message. */
function syntaxErrorPlace({ message }: Error) {
  const [, file, line, column] = /^ParseError:[^\n]*\n\s*(.+):(\d+):(\d+)/.exec(message) ?? [];
  if (file === undefined) return undefined;
  const path = file.startsWith("file:") ? fileURLToPath(file) : file;
  return { file: path, line: Number(line), column: Number(column) };
}

function choose(exports: Readonly<Record<string, unknown>>, name: string | undefined, file: string): string {
  const models = Object.keys(exports).filter((each) => shapecast.isNetwork(exports[each]));
  if (name !== undefined) return chooseNamed(exports, models, name, file);
  if (models.includes("default")) return "default";
  if (models.length === 1) return models[0]!;
  if (models.length > 1)
    return fail({
      code: "E1004",
      message: `${file} exports ${models.length} models: ${models.join(", ")}`,
      fix: `name one, as in ${file}#${models[0]}, or make one the default export`,
    });
  return fail({
    code: "E1004",
    message: `${file} exports no model`,
    facts: describeExports(exports),
    fix: "export what sequential([...]) or model({ ... }) returns, as the default export or under a name",
  });
}

function chooseNamed(
  exports: Readonly<Record<string, unknown>>,
  models: readonly string[],
  name: string,
  file: string,
): string {
  if (models.includes(name)) return name;
  const exists = Object.hasOwn(exports, name);
  const [suggestion] = nearest(name, models);
  return fail({
    code: "E1004",
    message: exists ? `${file} exports "${name}", but it is no model` : `${file} has no export "${name}"`,
    facts: describeExports(exports),
    fix: suggestion ? `write ${file}#${suggestion}` : "export a model under that name",
  });
}

function describeExports(exports: Readonly<Record<string, unknown>>) {
  const names = Object.keys(exports);
  if (names.length === 0) return [{ subject: "exports", value: "none" }];
  return names.map((name) => ({ subject: `export ${name}`, value: describe(exports[name]) }));
}

function describe(value: unknown): string {
  if (shapecast.isNetwork(value)) return "a model";
  if (typeof value === "object" && value !== null) return `an object (${value.constructor?.name ?? "plain"})`;
  return value === null ? "null" : `a ${typeof value}`;
}
