/** Every line of the code in docs/dims.md does what the comment behind it says. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CompileError } from "../../compiler/diagnostics/index.ts";
import * as dims from "../../compiler/dims/index.ts";

const page = readFileSync(new URL("../../docs/dims.md", import.meta.url), "utf8");
const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1]!).slice(1);

/** What a line gives as text, or the code and message of what it throws. */
function told(line: () => unknown): string {
  try {
    return String(line());
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return `${error.code}: ${error.diagnostics[0]!.message}`;
  }
}

test("the page is found with its examples", () => {
  expect(blocks.length).toBeGreaterThanOrEqual(5);
});

test.each(blocks)("what the page shows is so: %s", (block) => {
  const lines = block.replace(/^(.+) \/\/ (.*)$/gm, (_, line: string, said: string) => {
    const code = line.replace(/;$/, "");
    return code.startsWith("const ") ? `${code};` : `compare(() => ${code}, ${JSON.stringify(said)});`;
  });
  let compared = 0;
  const compare = (line: () => unknown, said: string) => {
    expect(told(line)).toBe(said);
    compared++;
  };
  new Function("compare", ...Object.keys(dims), lines)(compare, ...Object.values(dims));
  expect(compared).toBeGreaterThan(2);
});
