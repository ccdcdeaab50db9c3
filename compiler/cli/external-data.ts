/**
 * The files beside an ONNX model that its tensors lie in. A model says where they are, and a model may come
 * from anyone: only regular files inside the model's own folder are read, whatever their names and links say,
 * and only the parts that tensors name.
 */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { fail } from "../diagnostics/index.ts";

/** Throws E5002 for every path that leads outside, is no regular file, or does not exist. */
export function readExternalData(
  locations: readonly string[],
  folder: string,
): ReadonlyMap<string, Uint8Array> {
  return new Map(locations.map((location) => [location, readFileSync(pathOf(location, folder))]));
}

function pathOf(location: string, folder: string): string {
  const parts = location.split(/[/\\]/);
  if (location === "" || location.includes("\0") || isAbsolute(location) || /^[a-z]:/i.test(location))
    refuse(location, "is no relative path");
  if (parts.includes("..") || parts[0] === "") refuse(location, "leads out of the model's folder");
  const path = join(folder, location);
  const real = orUndefined(() => realpathSync(path));
  if (real === undefined) return refuse(location, "does not exist beside the model");
  const inside = relative(realpathSync(folder), real);
  if (inside === "" || inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside))
    refuse(location, "is a link out of the model's folder");
  if (!statSync(real).isFile()) refuse(location, "is no regular file");
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
