/**
 * Files are written under temporary names and then renamed, the module last, so that a reader never sees half
 * of one, and what fails leaves the old files as they were.
 */
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CompileError, fail } from "../diagnostics/index.ts";

export interface OutputFile {
  /** Absolute. */
  readonly path: string;
  readonly content: string | Uint8Array;
}

/**
 * Throws E1004 when a file cannot be written; then none has been replaced, unless the disk failed at a
 * rename.
 */
export function writeFiles(files: readonly OutputFile[]): void {
  const written: string[] = [];
  try {
    for (const { path } of files) refuseFolder(path);
    for (const { path, content } of files) {
      mkdirSync(dirname(path), { recursive: true });
      const temporary = temporaryName(path);
      written.push(temporary);
      writeFileSync(temporary, content);
    }
    for (const { path } of files) renameSync(temporaryName(path), path);
  } catch (error) {
    for (const temporary of written) rmSync(temporary, { force: true });
    if (error instanceof CompileError) throw error;
    const { code = "", path = files[0]!.path } = error as NodeJS.ErrnoException;
    if (code === "") throw error;
    refuse(code, path);
  }
}

function refuseFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) refuse("EISDIR", path);
}

function refuse(code: string, path: string): never {
  return fail({
    code: "E1004",
    message: `${basename(path).replace(/^\.|\.\d+\.tmp$/g, "")} cannot be written: ${reasons[code] ?? code}`,
    fix: "give a file in a folder you may write to with -o",
  });
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission is denied",
  EPERM: "permission is denied",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  ENOENT: "its folder cannot be made",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is a file",
  EEXIST: "a part of its path is a file",
};

/** Beside the file, so that the rename stays on one disk; of this process, so that two runs do not meet. */
const temporaryName = (path: string): string => join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
