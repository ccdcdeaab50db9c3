/**
 * The files beside an ONNX model that its tensors lie in. A model says where they are, and a model may come
 * from anyone: only regular files inside the model's own folder are read, whatever their names and links say,
 * and only the parts that tensors name, when they are asked for. A data file may be larger than memory.
 */
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { fail } from "../diagnostics/index.ts";
import type { FileParts } from "../frontend/onnx/tensor.ts";

/** Throws E5002 for every path that leads outside, is no regular file, or does not exist. */
export function openExternalData(
  locations: readonly string[],
  folder: string,
): ReadonlyMap<string, FileParts> {
  return new Map(locations.map((location) => [location, new DataFile(location, pathOf(location, folder))]));
}

/**
 * Opened anew for each part: nobody has to close it, and what took its place in the meantime is looked at
 * again.
 */
class DataFile implements FileParts {
  readonly length: number;
  readonly #location: string;
  readonly #path: string;

  constructor(location: string, path: string) {
    this.#location = location;
    this.#path = path;
    this.length = this.#opened((_, length) => length);
  }

  read(offset: number, length: number): Uint8Array {
    return this.#opened((file) => {
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const count = readSync(file, bytes, done, length - done, offset + done);
        if (count === 0) refuse(this.#location, "became shorter while it was read");
        done += count;
      }
      return bytes;
    });
  }

  /** Without waiting for a pipe, and not through a link that was put there after the path was checked. */
  #opened<T>(body: (file: number, length: number) => T): T {
    const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);
    const file = orUndefined(() => openSync(this.#path, flags));
    if (file === undefined) return refuse(this.#location, "cannot be opened");
    try {
      const stats = fstatSync(file);
      if (!stats.isFile()) refuse(this.#location, "is no regular file");
      return body(file, stats.size);
    } finally {
      closeSync(file);
    }
  }
}

function pathOf(location: string, folder: string): string {
  const parts = location.split(/[/\\]/);
  if (location === "" || location.includes("\0") || isAbsolute(location) || /^[a-z]:/i.test(location))
    refuse(location, "is no relative path");
  if (parts.includes("..") || parts[0] === "") refuse(location, "leads out of the model's folder");
  const real = orUndefined(() => realpathSync(join(folder, location)));
  if (real === undefined) return refuse(location, "does not exist beside the model");
  const inside = relative(realpathSync(folder), real);
  if (inside === "" || inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside))
    refuse(location, "is a link out of the model's folder");
  return real;
}

function orUndefined<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch {
    return undefined;
  }
}

function refuse(location: string, why: string): never {
  return fail({
    code: "E5002",
    message: `the model keeps tensors in the file "${location}", which ${why}`,
    fix: "put the data file beside the model, under the name that the model gives it",
  });
}
