/**
 * The values of an input, where shapes depend on them: `--sample shape=int32:[2,3]` writes them out,
 * `--sample axes=axes.json` and `--sample axes=axes.npy` read nested lists or a NumPy array (format 1 to 3, C
 * order, little endian) from a file. Throws E1002 for text that holds no numbers, E1004 for a file that
 * cannot be read so.
 */
import { readFileSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { DType, Scalar } from "../../runtime/dtype.ts";
import { type Tensor, tensor } from "../../runtime/tensor.ts";
import { fail } from "../diagnostics/index.ts";

/** Values as they were written; which dtype they get is the input's business where none was named. */
export interface GivenData {
  readonly shape: readonly number[];
  readonly elements: readonly Scalar[];
}

/** Larger files hold data, not sizes. */
const MOST_BYTES = 1 << 20;

/** Nothing where `value` is no data but a shape: sizes, with or without brackets. */
export function readData(option: string, value: string, named: boolean, cwd: string): GivenData | undefined {
  if (/\.json$/i.test(value)) return nested(option, textOf(value, cwd));
  if (/\.npy$/i.test(value)) return readNpy(value, bytesOf(value, cwd));
  return named && value.startsWith("[") ? nested(option, value) : undefined;
}

/** A scalar input takes a list of one value. */
export function toTensor(option: string, { shape, elements }: GivenData, dtype: DType, rank: number): Tensor {
  const sizes = rank === 0 && elements.length === 1 ? [] : shape;
  try {
    return tensor(elements, sizes, dtype);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return fail({
      code: "E1002",
      message: `--sample ${option} cannot be taken: ${error.message}`,
      fix: `give values that ${dtype} can hold`,
    });
  }
}

function nested(option: string, text: string): GivenData {
  const elements: Scalar[] = [];
  const shape: number[] = [];
  const visit = (value: unknown, depth: number): void => {
    if (typeof value === "string" || typeof value === "boolean") {
      if (shape.length > depth) ragged(option);
      elements.push(scalar(value));
    } else if (Array.isArray(value)) {
      if (elements.length > 0 && shape[depth] === undefined) ragged(option);
      shape[depth] ??= value.length;
      if (shape[depth] !== value.length) ragged(option);
      for (const one of value) visit(one, depth + 1);
    } else noNumbers(option);
  };
  visit(parsed(option, text), 0);
  return { shape, elements };
}

/** Integers of any length are exact. */
function scalar(text: string | boolean): Scalar {
  const number = Number(text);
  return Number.isSafeInteger(number) || !/^-?\d+$/.test(String(text)) ? number : BigInt(text);
}

/** Numbers come as their text: what a double cannot hold must not be lost. Strings are no numbers. */
function parsed(option: string, text: string): unknown {
  if (text.includes('"')) noNumbers(option);
  try {
    return JSON.parse(text.replace(/-?\d[\d.eE+-]*/g, '"$&"'));
  } catch {
    return noNumbers(option);
  }
}

function noNumbers(option: string): never {
  return fail({
    code: "E1002",
    message: `--sample ${option} holds no list of numbers`,
    fix: "write the values as JSON, as in --sample shape=int32:[2,3]",
  });
}

function ragged(option: string): never {
  return fail({
    code: "E1002",
    message: `--sample ${option} has rows of different lengths`,
    fix: "give every row as many values as the others",
  });
}

function bytesOf(path: string, cwd: string): Buffer {
  const file = resolve(cwd, path);
  try {
    const { size } = statSync(file);
    if (size > MOST_BYTES) unreadable(path, `has ${size} bytes`, `give at most ${MOST_BYTES}`);
    return readFileSync(file);
  } catch (error) {
    if (error instanceof Error && "syscall" in error)
      return unreadable(path, `cannot be read (${error.message.split(",")[0]})`, "check the path");
    throw error;
  }
}

const textOf = (path: string, cwd: string): string => bytesOf(path, cwd).toString("utf8");

function unreadable(path: string, why: string, fix: string): never {
  return fail({ code: "E1004", message: `the sample ${basename(path)} ${why}`, fix });
}

const npyTypes: Readonly<Record<string, (bytes: Buffer, at: number) => Scalar>> = {
  "|b1": (bytes, at) => bytes.readUInt8(at),
  "|i1": (bytes, at) => bytes.readInt8(at),
  "|u1": (bytes, at) => bytes.readUInt8(at),
  "<i2": (bytes, at) => bytes.readInt16LE(at),
  "<u2": (bytes, at) => bytes.readUInt16LE(at),
  "<i4": (bytes, at) => bytes.readInt32LE(at),
  "<u4": (bytes, at) => bytes.readUInt32LE(at),
  "<i8": (bytes, at) => bytes.readBigInt64LE(at),
  "<u8": (bytes, at) => bytes.readBigUInt64LE(at),
  "<f4": (bytes, at) => bytes.readFloatLE(at),
  "<f8": (bytes, at) => bytes.readDoubleLE(at),
};

/** The header is a Python literal behind the magic, the version and its length. */
function readNpy(path: string, bytes: Buffer): GivenData {
  if (bytes.length < 12 || bytes.toString("latin1", 0, 6) !== "\x93NUMPY")
    unreadable(path, "is no NumPy file", "save it with numpy.save");
  const [long, start] = bytes[6] === 1 ? [false, 10] : [true, 12];
  const length = long ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const header = bytes.toString("latin1", start, Math.min(start + length, bytes.length));
  const type = /'descr': *'([^']+)'/.exec(header)?.[1] ?? "";
  const sizes = /'shape': *\(([\d, ]*)\)/.exec(header)?.[1];
  const read = Object.hasOwn(npyTypes, type) ? npyTypes[type] : undefined;
  if (!read || sizes === undefined || !/'fortran_order': *False/.test(header))
    return unreadable(path, `has the header ${header.trim()}`, "save little-endian numbers in C order");
  const shape = sizes.split(",").flatMap((n) => (n.trim() === "" ? [] : [Number(n)]));
  const count = shape.reduce((product, n) => product * n, 1);
  const width = Number(type.slice(2));
  if (bytes.length - start - length !== count * width)
    unreadable(path, `has ${bytes.length} bytes, which do not fit its header`, "save it again");
  const elements = Array.from({ length: count }, (_, i) => read(bytes, start + length + i * width));
  return { shape, elements };
}
