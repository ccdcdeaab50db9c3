/** The commands in the comments of the examples are run as they stand. */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { Workplace } from "../support/command.ts";

const folder = new URL("../../examples/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".ts"));
const texts = new Map(files.map((name) => [name, readFileSync(new URL(name, folder), "utf8")]));

const commands = [...texts.values()].flatMap((text) => {
  const joined = text.replace(/\\\n \*\s+/g, "");
  return [...joined.matchAll(/^ \* +npx shapecast (.*)$/gm)].map((match) => match[1]!.replace(/ +/g, " "));
});

const place = new Workplace(Object.fromEntries([...texts].map(([name, text]) => [`examples/${name}`, text])));
afterAll(() => place.remove());

test("every example but the demo shows at least one command", () => {
  const shown = new Set(commands.map((command) => /examples\/([\w-]+\.ts)/.exec(command)?.[1]));
  expect([...shown].sort()).toEqual(files.filter((name) => !["demo.ts", "digit.ts"].includes(name)).sort());
});

test.each(commands)("npx shapecast %s", async (command) => {
  const { code, out, err } = await place.shapecast(command);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const output = / -o (\S+)/.exec(command)![1]!;
  expect(out).toContain(output.replace(/.*\//, ""));
  expect(place.files()).toContain(output);
});
