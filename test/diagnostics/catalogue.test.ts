import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { catalogue } from "../../compiler/diagnostics/index.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The codes in each text file below a folder, by a plain scan: a code is text wherever it is promised. */
function codesUnder(folder: string, skipped: RegExp): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" }).sort()) {
    const path = `${folder}/${entry.replaceAll("\\", "/")}`;
    if (!/\.(ts|txt|json|snap)$/.test(path) || skipped.test(path)) continue;
    for (const code of readFileSync(root + path, "utf8").match(/\bE\d{4}\b/g) ?? []) {
      if (!found.has(code)) found.set(code, path);
    }
  }
  return found;
}

describe("each diagnostic code", () => {
  test("is triggered by a test other than those of the diagnostics themselves", () => {
    const tested = codesUnder("test", /^test\/(diagnostics|support\/architecture)\//);
    const untested = Object.entries(catalogue).filter(([code]) => !tested.has(code));
    expect(untested.map(([code, { title }]) => `${code} ${title}`)).toEqual([]);
  });

  test("that the sources use is in the catalogue", () => {
    const used = ["compiler", "codegen", "runtime"].flatMap((folder) => [
      ...codesUnder(folder, /^compiler\/diagnostics\/catalogue\.ts$/),
    ]);
    const unknown = used.filter(([code]) => !(code in catalogue));
    expect(unknown.map(([code, path]) => `${path}: ${code}`)).toEqual([]);
  });
});
