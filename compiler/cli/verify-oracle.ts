/**
 * Another runtime to ask: onnxruntime-node or onnxruntime-web, where the user has installed one. It is never
 * a dependency and never installed from here; it is looked for as a file in the model's folder, or in the
 * current one, would find it.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type DType, isDType } from "../../runtime/dtype.ts";
import type { Tensor } from "../../runtime/tensor.ts";
import { fail } from "../diagnostics/index.ts";
import type { FileParts } from "../frontend/onnx/tensor.ts";
import type { OnnxFile } from "./load-onnx.ts";

export type Tensors = ReadonlyMap<string, Tensor>;

export interface Oracle {
  /** Its package. */
  readonly name: string;
  /** A model to run; throws what the runtime throws for one it cannot. */
  open(file: Pick<OnnxFile, "bytes" | "externalData">): Promise<OracleSession>;
}

export interface OracleSession {
  run(inputs: Tensors): Promise<Tensors>;
  close(): Promise<void>;
}

/** In the order they are tried. */
const packages = ["onnxruntime-node", "onnxruntime-web"] as const;
export type OracleName = (typeof packages)[number];
export const oracleNames: readonly OracleName[] = packages;

/** As much of the runtime's API as is used. */
interface Runtime {
  readonly env: { logLevel?: string; readonly wasm?: { numThreads?: number } };
  readonly Tensor: new (type: string, data: Tensor["data"], dims: readonly number[]) => RuntimeTensor;
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<RuntimeSession>;
  };
}

interface RuntimeTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: Tensor["data"];
}

interface RuntimeSession {
  readonly inputNames: readonly string[];
  run(feeds: Readonly<Record<string, RuntimeTensor>>): Promise<Readonly<Record<string, RuntimeTensor>>>;
  release(): Promise<void>;
}

/** The first one that one of the folders resolves. */
export async function findOracle(
  folders: readonly string[],
  names: readonly OracleName[] = packages,
): Promise<Oracle | undefined> {
  for (const name of names) {
    const path = resolveOracle(name, folders);
    if (path !== undefined) return oracleOf(name, await runtimeAt(path));
  }
  return undefined;
}

/** The file that importing the package from the first of the folders that has it would load. */
export function resolveOracle(name: OracleName, folders: readonly string[]): string | undefined {
  return folders.map((folder) => resolved(name, folder)).find((path) => path !== undefined);
}

export function missingOracle(name: string): never {
  return fail({
    code: "E1004",
    message: `${name} is found neither from the model's folder nor from this one`,
    fix: `npm install ${name}`,
  });
}

function resolved(name: string, folder: string): string | undefined {
  try {
    return createRequire(join(folder, "_")).resolve(name);
  } catch {
    return undefined;
  }
}

async function runtimeAt(path: string): Promise<Runtime> {
  const exports: Runtime & { readonly default?: Runtime } = await import(pathToFileURL(path).href);
  const runtime = exports.default ?? exports;
  runtime.env.logLevel = "fatal";
  if (runtime.env.wasm) runtime.env.wasm.numThreads = 1;
  return runtime;
}

function oracleOf(name: string, runtime: Runtime): Oracle {
  return {
    name,
    async open({ bytes, externalData }) {
      const whole = (data: Uint8Array | FileParts) => ("read" in data ? data.read(0, data.length) : data);
      const files = [...externalData].map(([path, data]) => ({ path, data: whole(data) }));
      // As written: its optimiser computes and rounds quantised graphs in other steps than the file says.
      const options = {
        graphOptimizationLevel: "disabled",
        logSeverityLevel: 4,
        ...(files.length > 0 && { externalData: files }),
      };
      const session = await runtime.InferenceSession.create(bytes, options);
      return {
        run: async (inputs) => results(await session.run(feeds(runtime, session, inputs))),
        close: () => session.release(),
      };
    },
  };
}

function feeds(runtime: Runtime, { inputNames }: RuntimeSession, inputs: Tensors) {
  return Object.fromEntries(
    inputNames.flatMap((name) => {
      const tensor = inputs.get(name);
      return tensor ? [[name, new runtime.Tensor(tensor.dtype, tensor.data, tensor.shape)]] : [];
    }),
  );
}

function results(outputs: Readonly<Record<string, RuntimeTensor>>): Tensors {
  return new Map(
    Object.entries(outputs).map(([name, { type, dims, data }]) => {
      if (!isDType(type)) throw new Error(`the output ${name} is of ${type}`);
      const dtype: DType = type;
      return [name, { dtype, shape: [...dims], data }];
    }),
  );
}

/**
 * The bytes of the model with other values of its graph as outputs as well. Protocol buffers merge a message
 * that occurs twice, so a second `graph` (field 7) that holds nothing but outputs (field 12, of which only
 * the name is needed) is put behind the first; nothing else of the file is touched.
 */
export function withOutputs(bytes: Uint8Array, names: readonly string[]): Uint8Array {
  const utf8 = new TextEncoder();
  const graph = names.flatMap((name) => [...field(12, field(1, [...utf8.encode(name)]))]);
  return concat(bytes, Uint8Array.from(field(7, graph)));
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

/** A field of bytes: its key, its length, itself. */
const field = (number: number, content: readonly number[]): readonly number[] => [
  ...varint(number * 8 + 2),
  ...varint(content.length),
  ...content,
];

function varint(n: number): readonly number[] {
  return n < 128 ? [n] : [(n % 128) + 128, ...varint(Math.floor(n / 128))];
}
