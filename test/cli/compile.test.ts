import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { dense, load, sequential } from "shapecast";
import { afterEach, describe, expect, test } from "vitest";
import { pipeline } from "../../compiler/passes/pipeline.ts";
import { numbersIn } from "../../runtime/elements.ts";
import { Workplace } from "../support/command.ts";
import { checkEmitted } from "../support/typecheck.ts";

const mlp = `import { dense, sequential } from "shapecast";

export const mlp = sequential([dense({ units: 6, activation: "relu" }), dense({ units: 3 })]);
`;

const places: Workplace[] = [];
function place(files: Readonly<Record<string, string>> = { "mlp.ts": mlp }): Workplace {
  places.push(new Workplace(files));
  return places.at(-1)!;
}
afterEach(() => {
  for (const each of places.splice(0)) each.remove();
});

/** The module in a file, run on zeros but for the first element. */
function firstOutput(code: string, weights?: Uint8Array): readonly number[] {
  const module = load({ code, format: "js", ...(weights && { weights }) });
  const x = new Float32Array(4);
  x[0] = 1;
  return [...numbersIn(Object.values(module.instantiate().run({ x }))[0]!)];
}

const line = (weights: string) => `compile mlp.ts --sample x=1,4 -o out.js --weights ${weights}`;

describe("a successful compile", () => {
  test("writes one typed module and says what it is in two lines", async () => {
    const here = place();
    const { code, out, err } = await here.shapecast("compile mlp.ts --sample x=1,4 -o mlp.gen.ts");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^mlp\.gen\.ts {3}ts {3}\d\.\d kB \(\d\.\d kB gzip\), weights inside\n/);
    expect(out).toContain("\nparameters 51   arena 32 B (lower bound 32 B)   42 MAC   compiled in 10 ms\n");
    expect(here.files()).toEqual(["mlp.gen.ts", "mlp.ts"]);
    expect(checkEmitted(here.read("mlp.gen.ts"))).toEqual([]);
  });

  test("writes what compile() gives", async () => {
    const here = place();
    await here.shapecast(line("inline"));
    const net = sequential([dense({ units: 6, activation: "relu" }), dense({ units: 3 })]);
    const x = Float32Array.of(1, 0, 0, 0);
    expect(firstOutput(here.read("out.js"))).toEqual([...net.predict(x, [1, 4]).data]);
  });

  test("gives the same bytes twice, whatever the folder", async () => {
    const [a, b] = [place(), place()];
    for (const here of [a, b]) await here.shapecast("compile mlp.ts --sample x=1,4 -o mlp.gen.ts");
    expect(b.read("mlp.gen.ts")).toBe(a.read("mlp.gen.ts"));
    expect(a.read("mlp.gen.ts")).not.toContain(a.path);
  });

  test("writes a header with version, source, hash, options and bound dims", async () => {
    const here = place();
    await here.shapecast("compile mlp.ts#mlp --sample x=1,4 --seed 7 --weights init -o mlp.gen.ts");
    const [header] = here.read("mlp.gen.ts").split("*/");
    expect(header).toContain("Made by shapecast 0.1.0 from mlp.ts#mlp; do not edit.");
    expect(header).toMatch(/source sha256 [0-9a-f]{64}\n/);
    expect(header).toContain("options: sample x=[1, 4], weights init, seed 7");
    expect(header).toContain("bound: batch = 1, x.1 = 4");
  });

  test("takes the module's name from the model, else from the export", async () => {
    const here = place({
      "nets.ts": `import { dense, sequential } from "shapecast";
export const small = sequential([dense({ units: 1 })]);
export const named = sequential([dense({ units: 1 })], { name: "chosen" });`,
    });
    await here.shapecast("compile nets.ts#small --sample x=1,2 -o a.gen.ts");
    await here.shapecast("compile nets.ts#named --sample x=1,2 -o b.gen.ts");
    expect(here.read("a.gen.ts")).toContain('name: "small"');
    expect(here.read("b.gen.ts")).toContain('name: "chosen"');
  });

  test("makes missing folders, and replaces an earlier output", async () => {
    const here = place({ "mlp.ts": mlp, "deep/er/out.js": "old" });
    expect((await here.shapecast("compile mlp.ts --sample x=1,4 -o deep/er/out.js")).code).toBe(0);
    expect((await here.shapecast("compile mlp.ts --sample x=1,4 -o new/out.js")).code).toBe(0);
    expect(here.read("deep/er/out.js")).toBe(here.read("new/out.js"));
    expect(here.files()).toEqual(["deep/er/out.js", "mlp.ts", "new/out.js"]);
  });

  test("takes bare sizes for the only input, and dims by name", async () => {
    const here = place({
      "a.ts": `import { dense, sequential } from "shapecast";
export const a = sequential([dense({ units: 2, inputShape: ["features"] })]);`,
    });
    const texts: string[] = [];
    for (const how of ["--sample 3,5", "--sample x=3x5", "--dim batch=3 --dim features=5"])
      texts.push((await here.shapecast(`compile a.ts ${how} --emit bound`)).out);
    expect(texts[0]).toContain("float32[3, 5]");
    expect(new Set(texts).size).toBe(1);
  });
});

describe("weights", () => {
  test("inline, as a file and as their seed give the same numbers", async () => {
    const here = place();
    await here.shapecast(line("inline"));
    const inline = here.read("out.js");
    await here.shapecast(line("init"));
    const init = here.read("out.js");
    expect(here.files()).toEqual(["mlp.ts", "out.js"]);
    const { out } = await here.shapecast(line("file"));
    expect(out).toMatch(/gzip\) \+ \d+ B weights in out\.bin\n/);
    expect(here.files()).toEqual(["mlp.ts", "out.bin", "out.js"]);
    const outputs = [inline, init].map((code) => firstOutput(code));
    outputs.push(firstOutput(here.read("out.js"), here.bytes("out.bin")));
    expect(outputs[1]).toEqual(outputs[0]);
    expect(outputs[2]).toEqual(outputs[0]);
    expect(init.length).toBeGreaterThan(0);
    expect(init).not.toContain("base64");
  });

  test("auto puts more than a megabyte beside the module", async () => {
    const here = place({
      "big.ts": `import { dense, sequential } from "shapecast";
export const big = sequential([dense({ units: 600 })]);`,
    });
    await here.shapecast("compile big.ts --sample x=1,600 -o big.gen.js");
    expect(here.files()).toEqual(["big.gen.bin", "big.gen.js", "big.ts"]);
  });

  test("follow --seed, unless the model's author set them", async () => {
    const here = place({
      "mlp.ts": mlp,
      "set.ts": `import { dense, sequential } from "shapecast";
export const net = sequential([dense({ units: 1, useBias: false })]);
net.bind([1, 2]);
net.setWeights([[[2], [3]]]);`,
    });
    const emit = async (rest: string) => (await here.shapecast(`compile ${rest} --emit js`)).out;
    const base64 = (code: string) => /base64 = "(.*)"/.exec(code)?.[1];
    const [zero, one, again] = [0, 1, 1].map((seed) => emit(`mlp.ts --sample 1,4 --seed ${seed}`));
    expect(base64((await one)!)).toBe(base64((await again)!));
    expect(base64((await zero)!)).not.toBe(base64((await one)!));
    const kept = [0, 1].map((seed) => emit(`set.ts --sample 1,2 --seed ${seed}`));
    expect(base64((await kept[0])!)).toBe(base64((await kept[1])!));
  });
});

describe("--emit", () => {
  test.each([
    ["graph", /^graph sequential\(%x: float32\[batch, x\.1\] @"x"\)/],
    ["bound", /^graph sequential\(%x: float32\[1, 4\] @"x"\)/],
    ["program", /^program mlp\n[\s\S]*\nkernel [\s\S]*\nrun\n/],
    ["ts", /^\/\*\*\n \* Made by shapecast[\s\S]*: Instance \{/],
    ["js", /^\/\*\*\n \* Made by shapecast[\s\S]*export function instantiate\(\) \{/],
  ])("%s prints that stage to stdout and writes nothing", async (stage, text) => {
    const here = place();
    const { code, out, err } = await here.shapecast(`compile mlp.ts --sample x=1,4 --emit=${stage}`);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(text);
    expect(out.endsWith("\n")).toBe(true);
    expect(here.files()).toEqual(["mlp.ts"]);
  });

  test("graph needs no sample", async () => {
    const { code, out } = await place().shapecast("compile mlp.ts --emit graph");
    expect(code).toBe(0);
    expect(out).toContain("param %dense.kernel: float32[?dense.in, 6]");
  });

  test("refuses to drop weights that need a file", async () => {
    const { code, out, err } = await place().shapecast(
      "compile mlp.ts --sample x=1,4 --weights file --emit ts",
    );
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain("go into a file of their own");
  });
});

describe("--target wasm", () => {
  const wasm = "compile mlp.ts --sample x=1,4 --target wasm";

  test("writes a module that computes what that of the ts target does", async () => {
    const here = place();
    const { code, out, err } = await here.shapecast(`${wasm} --weights file -o out.js`);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("weights in out.bin");
    await here.shapecast(line("inline").replace("out.js", "ts.js"));
    const weights = readFileSync(join(here.path, "out.bin"));
    const expected = firstOutput(here.read("ts.js"));
    for (const [i, value] of firstOutput(here.read("out.js"), weights).entries())
      expect(value).toBeCloseTo(expected[i]!, 6);
  });

  test("writes the binaries into files of their own where asked to", async () => {
    const here = place({ "mlp.ts": mlp.replace("units: 6", "units: 8") });
    const { code, out } = await here.shapecast(`${wasm} --wasm file -o out.ts`);
    expect(code).toBe(0);
    expect(here.files()).toEqual(["mlp.ts", "out.relaxed.wasm", "out.ts", "out.wasm"]);
    expect(out).toMatch(/\nout\.wasm {3}\S+ k?B\nout\.relaxed\.wasm {3}\S+ k?B\n/);
    expect(WebAssembly.validate(readFileSync(join(here.path, "out.wasm")))).toBe(true);
    const plain = await here.shapecast(`${wasm} --wasm file --simd plain -o plain.ts`);
    expect(plain.out).not.toContain("relaxed");
  });

  test.each([
    [
      "compile mlp.ts --sample x=1,4 --simd plain -o out.ts",
      "--simd is about WebAssembly, but the target is ts",
    ],
    [`${wasm} --wasm file --emit ts`, "this WebAssembly goes into a file of its own"],
    [`${wasm} --max-memory 100 -o out.ts`, "maxMemory (--max-memory) allows 100 at most"],
  ])("%s is refused", async (command, message) => {
    const here = place();
    const { code, err } = await here.shapecast(command);
    expect(code).toBeGreaterThan(0);
    expect(err).toContain(message);
    expect(here.files()).toEqual(["mlp.ts"]);
  });
});

describe("--print-after", () => {
  test("prints the graph after one pass, or after every pass, to stderr", async () => {
    const here = place();
    const one = await here.shapecast("compile mlp.ts --sample x=1,4 --emit bound --print-after canonicalise");
    expect(one.err).toMatch(/^\/\/ after canonicalise\ngraph [^/]*$/);
    const all = await here.shapecast("compile mlp.ts --sample x=1,4 --emit bound --print-after all");
    expect(all.err.match(/\/\/ after .*/g)).toEqual(pipeline.map(({ name }) => `// after ${name}`));
    expect(all.out).toBe(one.out);
  });

  test("is also taken from the environment, the option first", async () => {
    const here = place();
    const environment = { printAfter: "pad-once" };
    const command = "compile mlp.ts --sample x=1,4 --emit bound";
    expect((await here.shapecast(command, { environment })).err).toMatch(/^\/\/ after pad-once\n/);
    const both = await here.shapecast(`${command} --print-after canonicalise`, { environment });
    expect(both.err).toMatch(/^\/\/ after canonicalise\n/);
  });

  test("refuses a pass there is not", async () => {
    const { code, err } = await place().shapecast(
      "compile mlp.ts --sample x=1,4 --emit bound --print-after canonise",
    );
    expect(code).toBe(2);
    expect(err).toContain('E1002 there is no pass "canonise"; did you mean "canonicalise"?');
  });
});

describe("when something goes wrong", () => {
  test("no file is written and an earlier one stays", async () => {
    const here = place({ "mlp.ts": mlp, "out.js": "old" });
    const { code } = await here.shapecast("compile mlp.ts --sample x=1,NaN -o out.js");
    expect(code).toBe(1);
    expect(here.files()).toEqual(["mlp.ts", "out.js"]);
    expect(here.read("out.js")).toBe("old");
  });

  test("an output that cannot be written leaves nothing behind, not even its weights", async () => {
    const here = place({ "mlp.ts": mlp });
    mkdirSync(join(here.path, "out.js"));
    const { code, out, err } = await here.shapecast(line("file"));
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain("E1004 out.js cannot be written: it is a folder");
    expect(here.files()).toEqual(["mlp.ts"]);
  });

  test("a folder in the way of the path is named", async () => {
    const { code, err } = await place().shapecast("compile mlp.ts --sample x=1,4 -o mlp.ts/out.js");
    expect(code).toBe(2);
    expect(err).toContain("E1004 out.js cannot be written: a part of its path is a file");
  });

  test("the model itself is never overwritten", async () => {
    const here = place();
    const { code, err } = await here.shapecast("compile mlp.ts --sample x=1,4 -o ./mlp.ts");
    expect(code).toBe(2);
    expect(err).toContain("E1004 -o mlp.ts would overwrite the model itself");
    expect(here.read("mlp.ts")).toBe(mlp);
  });

  test.each([
    ["E2101", 1],
    ["E1002", 2],
    ["E4001", 3],
  ])("an error %s exits %i", async (code, status) => {
    const here = place({
      "net.ts": `import { CompileError, dense, sequential } from "shapecast";
export const net = sequential([dense({ units: 1 })]);
net.bind = () => { throw new CompileError([{ code: "${code}", message: "as told", fix: "none" }]); };`,
    });
    const result = await here.shapecast("compile net.ts --sample x=1,1 -o out.js");
    expect(result).toMatchObject({ code: status, out: "" });
    expect(result.err).toContain(`${code} as told`);
  });

  test("a defect of the compiler says so, exits 70 and hides its stack until asked", async () => {
    const files = {
      "broken.ts": `import { dense, sequential } from "shapecast";
export const net = sequential([dense({ units: 1 })]);
net.bind = () => { throw new Error("internal: the moon is full"); };`,
    };
    const here = place(files);
    const quiet = await here.shapecast("compile broken.ts --sample x=1,1 -o out.js");
    expect(quiet).toMatchObject({ code: 70, out: "" });
    expect(quiet.err).toMatch(/^internal error: Error: internal: the moon is full\n\n[\s\S]*report it/);
    expect(quiet.err).not.toContain("    at ");
    const environment = { debug: true };
    const loud = await here.shapecast("compile broken.ts --sample x=1,1 -o out.js", { environment });
    expect(loud.err).toContain("    at ");
  });
});

describe("on a terminal", () => {
  test("stages are shown on stderr while they run, and erased", async () => {
    const { out, err } = await place().shapecast("compile mlp.ts --sample x=1,4 -o out.js", { tty: true });
    for (const stage of ["load", "bind", "passes", "lower", "emit"]) expect(err).toContain(`${stage} ...`);
    expect(err.endsWith("\r\u001b[K")).toBe(true);
    expect(out).not.toContain("\u001b");
  });

  test("errors are coloured, but not with NO_COLOR", async () => {
    const here = place();
    const command = "compile mlp.ts --sample x=1,NaN -o out.js";
    expect((await here.shapecast(command, { tty: true })).err).toContain("\u001b[31mE2108");
    const plain = await here.shapecast(command, { tty: true, environment: { noColor: true } });
    expect(plain.err).toContain("E2108 ");
    expect(plain.err).not.toContain("\u001b[31m");
  });
});
