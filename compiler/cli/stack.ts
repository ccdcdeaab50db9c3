/** Reading V8 stacks of errors that user code may have thrown: whose line was it? */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { SourceLocation } from "../diagnostics/index.ts";

/** The folder that holds compiler/, runtime/ and codegen/: the checkout, or dist. */
const own = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const parts = ["compiler", "runtime", "codegen"].map((part) => `${own}/${part}/`.replaceAll("\\", "/"));

/** The topmost frame of a file, if it is not shapecast's own: then the user's code threw. */
export function thrownAt(error: Error): SourceLocation | undefined {
  const [top] = framesOf(error);
  return top && !isOwn(top.file) ? top : undefined;
}

/** The topmost frame outside shapecast and outside installed packages. */
export function nearestUserFrame(error: Error): SourceLocation | undefined {
  return framesOf(error).find(({ file }) => !isOwn(file) && !file.includes("/node_modules/"));
}

const isOwn = (file: string): boolean => parts.some((part) => file.startsWith(part));

function framesOf({ stack = "" }: Error): readonly SourceLocation[] {
  return stack.split("\n").flatMap((line) => {
    const [, url, row, column] =
      /^\s*at (?:.*\()?(file:.+?|\/.+?|[A-Za-z]:[\\/].+?):(\d+):(\d+)\)?$/.exec(line) ?? [];
    if (url === undefined) return [];
    const file = (url.startsWith("file:") ? fileURLToPath(url) : url).replaceAll("\\", "/");
    return [{ file, line: Number(row), column: Number(column) }];
  });
}
