import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { parseCommandLine } from "../../compiler/cli/command-line.ts";
import { commands, namesOf } from "../../compiler/cli/commands.ts";
import { VERSION } from "../../compiler/version.ts";
import { Workplace } from "../support/command.ts";

const place = new Workplace({
  "mlp.ts": `import { dense, sequential } from "shapecast";
export const mlp = sequential([dense({ units: 2 })]);
`,
});
afterAll(() => place.remove());

describe("help", () => {
  test("is printed by --help and when nothing is asked for, with an example to copy", async () => {
    const asked = await place.shapecast("--help");
    expect(asked).toMatchObject({ code: 0, err: "" });
    expect(asked.out).toContain("shapecast compile mlp.ts --sample x=1,784 -o mlp.gen.ts");
    expect(await place.shapecast("")).toEqual(asked);
    expect(await place.shapecast("-h")).toEqual(asked);
  });

  test.each(commands)(
    "of $name lists every option and an example for it",
    async ({ name, options, examples }) => {
      const { code, out } = await place.shapecast(`${name} --help`);
      expect(code).toBe(0);
      for (const option of options) expect(out).toContain(option.flag);
      for (const [line] of examples) expect(out).toContain(line);
      expect(out.split("\n").filter((line) => line.length > 120)).toEqual([]);
    },
  );

  test("is given even beside a model file that does not exist", async () => {
    expect(await place.shapecast("compile nothing.ts --help")).toMatchObject({ code: 0, err: "" });
  });
});

describe("the version", () => {
  test("is printed, and is the package's", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(VERSION).toBe(version);
    expect(await place.shapecast("--version")).toEqual({ code: 0, out: `${version}\n`, err: "" });
    expect(await place.shapecast("-v")).toEqual({ code: 0, out: `${version}\n`, err: "" });
  });
});

describe("a command line that cannot be understood", () => {
  test.each([
    [["compile", "mlp.ts", "-o", ""], "-o"],
    [["compile", "mlp.ts", "--weights", "", "-o", "a.ts"], "--weights"],
    [["compile", "mlp.ts", "--max-params=", "-o", "a.ts"], "--max-params"],
  ])("has an empty value: %j", (argv, name) => {
    expect(() => parseCommandLine(argv)).toThrow(`E1002 ${name} needs a value, but it is given an empty one`);
  });

  test.each([
    ["complie mlp.ts", 'E1003 there is no command "complie"; did you mean "compile"?'],
    ["mlp.ts", 'E1003 there is no command "mlp.ts"'],
    ["compile", "E1002 compile needs a model file"],
    ["compile a.ts b.ts -o c.ts", "E1003 compile takes one model, but got 2: a.ts b.ts"],
    ["compile mlp.ts --smaple x=1,2", "E1003 compile has no option --smaple; did you mean --sample?"],
    ["compile mlp.ts --max-parms 3", "E1003 compile has no option --max-parms; did you mean --max-params?"],
    ["inspect mlp.ts --emit ts", "E1003 inspect has no option --emit"],
    ["compile mlp.ts -x", "E1003 compile has no option -x"],
    ["compile mlp.ts -o", "E1002 --output needs a value"],
    ["compile mlp.ts -o a.ts -o b.ts", "E1002 --output is given 2 times: a.ts and b.ts"],
    ["inspect mlp.ts --no-json", "E1003 --json is a switch and takes no value"],
    ["compile mlp.ts", "E1002 compile does not know where to write the module"],
    ["compile mlp.ts -o out", 'E1002 -o out ends in "", but a module is .ts or .js'],
    ["compile mlp.ts -o out.js --format ts", "E1002 -o out.js is a .js file, but --format is ts"],
    ["compile mlp.ts -o out.ts --emit ts", "E1002 --emit ts prints, and -o out.ts writes"],
    ["compile mlp.ts --emit abc", 'E1002 --emit is "abc"'],
    ["compile mlp.ts -o o.ts --weights fiel", 'E1002 --weights is "fiel"; did you mean "file"?'],
    ["compile mlp.ts -o o.ts --seed 1.5", 'E1002 --seed is "1.5", but it must be a whole number'],
    ["compile mlp.ts -o o.ts --seed 99999999999999999", "E1002 --seed is"],
    [
      "compile mlp.ts -o o.ts --max-params lots",
      'E1002 --max-params is "lots", which is not a number of bytes',
    ],
    ["compile mlp.ts -o o.ts --sample x=2,y", 'E1002 --sample x=2,y has the size "y", which is not a number'],
    ["compile mlp.ts -o o.ts --sample x=2, ", 'E1002 --sample x=2, has the size "", which is not a number'],
    ["compile mlp.ts -o o.ts --sample x=2 --sample x=3", 'E1002 --sample gives input "x" twice'],
    [
      "compile mlp.ts -o o.ts --sample x=flaot32:2,3",
      'E1002 --sample has the dtype "flaot32"; did you mean "float32"?',
    ],
    ["compile mlp.ts -o o.ts --dim batch", 'E1002 --dim batch: "=" and its size expected at the end'],
    ["compile mlp.ts -o o.ts --dim batch=-1", 'E1002 --dim batch=-1: a whole size expected before "-"'],
    ["compile mlp.ts -o o.ts --dim batch=1 --dim batch=2", 'E1002 --dim gives "batch" twice'],
  ])("%s", async (line, message) => {
    const { code, out, err } = await place.shapecast(line.trimEnd());
    expect(err).toContain(message);
    expect(err).toContain("Fix: ");
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(place.files()).toEqual(["mlp.ts"]);
  });

  test("reports every unknown option at once", async () => {
    const { err } = await place.shapecast("compile mlp.ts --foo 1 --bar 2");
    expect(err).toMatch(/--foo[\s\S]*--bar[\s\S]*2 errors/);
  });
});

describe("the table of options", () => {
  test.each(commands)("of $name names each once", ({ options }) => {
    const names = options.flatMap(namesOf);
    expect(new Set(names).size).toBe(names.length);
  });
});
