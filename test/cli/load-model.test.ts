import { afterAll, describe, expect, test } from "vitest";
import { loadModel } from "../../compiler/cli/load-model.ts";
import { symbol } from "../../compiler/dims/index.ts";
import { Model } from "../../compiler/index.ts";
import { Workplace } from "../support/command.ts";

const net = (units: number) => `sequential([dense({ units: ${units} })])`;
const imports = 'import { dense, sequential } from "shapecast";\n';

const place = new Workplace({
  "default.ts": `${imports}export default ${net(1)};\nexport const other = ${net(2)};`,
  "one.ts": `${imports}export const units: number = 3;\nexport const net = ${net(3)};`,
  "two.ts": `${imports}export const first = ${net(1)};\nexport const second = ${net(2)};`,
  "none.ts": "export const units: number = 3;\nexport class Net {}\nexport const nothing = null;",
  "empty.ts": "",
  "script.mjs": `${imports}export const net = ${net(4)};`,
  "old.cjs": `const { dense, sequential } = require("shapecast");
module.exports = sequential([dense({ units: 5 })]);`,
  "later.ts": `${imports}const units = await Promise.resolve(6);\nexport const net = sequential([dense({ units })]);`,
  "parts/units.ts": "export const units = 7;",
  "parts.ts": `${imports}import { units } from "./parts/units.ts";\nexport const net = sequential([dense({ units })]);`,
  "dims.ts": `import { dense, input, model } from "shapecast";
import { mul, symbol } from "shapecast/dims";
const x = input({ batchShape: ["batch", mul(2, symbol("half"))], name: "x" });
export const net = model({ inputs: x, outputs: dense({ units: 1 }).apply(x) });`,
  "syntax.ts": "export const a = 1;\nexport const x = ;\n",
  "throws.ts": "\n\nexport const x = (null as unknown as string).length;\n",
  "word.ts": 'throw "no weights here";\n',
  "misspelt.ts":
    'import { dens, sequential } from "shapecast";\n\nexport default sequential([dens({ units: 1 })]);\n',
  "keras.ts": 'import { Dense } from "shapecast";\nexport default new Dense(10);\n',
  "missing.ts": 'import { layers } from "./not-there.ts";\nexport default layers;\n',
  "package.ts": 'import { layers } from "no-such-package-anywhere";\nexport default layers;\n',
  "wrong.ts": `${imports}\nexport const net = sequential([\n  dense({ units: 1, actvation: "relu" } as never),\n]);\n`,
  "custom.ts": `import { Layer, sequential } from "shapecast";
class Broken extends Layer {
  constructor() { super("broken"); }
  override call(): never {
    throw new TypeError("not today");
  }
}
export const net = sequential([new Broken()]);`,
  "weights.json": "{}",
  "odd#name.ts": `${imports}export const net = ${net(8)};`,
});
afterAll(() => place.remove());

describe("a model file", () => {
  test.each([
    ["default.ts", "default"],
    ["default.ts#other", "other"],
    ["one.ts", "net"],
    ["two.ts#second", "second"],
    ["script.mjs", "net"],
    ["old.cjs", "default"],
    ["later.ts", "net"],
    ["parts.ts", "net"],
    ["odd#name.ts", "net"],
    ["odd#name.ts#net", "net"],
  ])("%s gives its export %s", async (where, exportName) => {
    const loaded = await loadModel(where, place.path);
    expect(loaded.exportName).toBe(exportName);
    expect(loaded.model).toBeInstanceOf(Model);
  });

  test("shares the modules of the command: its dims are the same objects", async () => {
    const { model } = await loadModel("dims.ts", place.path);
    const [, twice] = model.graph().inputs[0]!.type.shape;
    expect(String(twice)).toBe("2*half");
    const { mul } = await import("../../compiler/dims/index.ts");
    expect(twice).toBe(mul(2, symbol("half")));
  });
});

describe("a file that has no model to give", () => {
  test.each([
    ["two.ts", "E1004 two.ts exports 2 models: first, second", "two.ts#first"],
    ["two.ts#third", 'E1004 two.ts has no export "third"', "export second   a model"],
    ["one.ts#units", 'E1004 one.ts exports "units", but it is no model', "write one.ts#net"],
    ["none.ts", "E1004 none.ts exports no model", "export nothing   null"],
    ["empty.ts", "E1004 empty.ts exports no model", "exports   none"],
    ["nothing.ts", 'E1004 there is no file nothing.ts; did you mean "missing.ts"?', "check the name"],
    ["no/such/folder.ts", "E1004 there is no file folder.ts", "there is no folder"],
    ["parts", "E1004 parts is a folder", "name the model file in it"],
    ["weights.json", "E1004 weights.json is neither ONNX, TypeScript nor JavaScript", ".ts"],
    ["syntax.ts", "E1004 syntax.ts fails: ParseError", "at syntax.ts:2:"],
    ["throws.ts", "E1004 throws.ts fails: TypeError: Cannot read properties of null", "at throws.ts:3:"],
    ["word.ts", 'E1004 word.ts fails: it throws "no weights here"', "repair the model file"],
    [
      "misspelt.ts",
      'imports dens, which shapecast does not have; did you mean "dense"?',
      "at misspelt.ts:3:",
    ],
    ["keras.ts", 'imports Dense, which shapecast does not have; did you mean "dense"?', "at keras.ts:2:"],
    ["missing.ts", "not-there.ts, which is not there", "install it, or correct the path"],
    ["package.ts", "E1004 package.ts imports no-such-package-anywhere, which is not there", "install it"],
  ])("%s: %s", async (where, message, detail) => {
    const { code, out, err } = await place.shapecast(`inspect ${where}`);
    expect(err).toContain(message);
    expect(err).toContain(detail);
    expect({ code, out }).toEqual({ code: 2, out: "" });
  });

  test("shows the user's own line for a layer that refuses its arguments", async () => {
    const { code, err } = await place.shapecast("inspect wrong.ts");
    expect(code).toBe(2);
    expect(err).toContain('E1001 dense has no argument "actvation"; did you mean "activation"?');
    expect(err).toContain('> 4 |   dense({ units: 1, actvation: "relu" } as never),');
  });

  test("blames a custom layer's own exception on its line, not on the compiler", async () => {
    const { code, err } = await place.shapecast("inspect custom.ts");
    expect(err).toContain("E1004 the model's own code fails: TypeError: not today");
    expect(err).toContain('> 5 |     throw new TypeError("not today");');
    expect(code).toBe(2);
  });
});
