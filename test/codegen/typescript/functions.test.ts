/** The functions that modules carry as text are those of runtime/math. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { typesFor } from "../../../codegen/source/index.ts";
import { runtimeFunctions } from "../../../codegen/typescript/functions.ts";

test.each([
  ["erf", "erf"],
  ["roundEven", "rounding"],
  ["floorMod", "rounding"],
] as const)("the text of %s is that of runtime/math/%s.ts", (name, file) => {
  const path = new URL(`../../../runtime/math/${file}.ts`, import.meta.url);
  const source = readFileSync(path, "utf8");
  const start = source.indexOf(`export function ${name}(`) + "export ".length;
  const original = source.slice(start, source.indexOf("\n}", start) + 2);
  const text = runtimeFunctions[name](typesFor("ts"));
  expect(text.slice(text.indexOf(`function ${name}(`))).toBe(original);
});
