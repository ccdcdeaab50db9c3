/** The promises of every module: what it refuses, what it owns, what it costs. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { ts } from "ts-morph";
import { describe, expect, test } from "vitest";
import { constant, symbol } from "../../../compiler/dims/index.ts";
import type { Buffer, Kernel } from "../../../compiler/ir/loop.ts";
import type { Program } from "../../../compiler/ir/program.ts";
import type { Instance } from "../../../runtime/load.ts";
import { emit, loadPoisoned, outputsOf } from "../../support/emitted.ts";
import { binary, buffer, load, loop, number } from "../../support/nests.ts";
import { call, mlp, port, program } from "../../support/programs.ts";
import { runProgram } from "../../support/run-program.ts";
import { checkEmitted } from "../../support/typecheck.ts";

const small = mlp(2, 7, 5, 3);
const pixels = (phase: number, length = 14) => Float32Array.from({ length }, (_, i) => Math.sin(i + phase));

/** y = 2 x, elementwise. */
function twice(x: Buffer, y: Buffer, name = "twice"): Kernel {
  const i = symbol("i");
  const body = [
    loop("i", x.length, true, [
      { kind: "store" as const, buffer: y, index: i, value: binary("mul", load(x, i), number(2)) },
    ]),
  ];
  return { name, reads: [x], writes: [y], parameters: [], body, comment: "y = 2 x" };
}

describe("a module", () => {
  test("computes what its program computes, from memory full of rubbish", () => {
    const module = loadPoisoned(small);
    expect(outputsOf(module.instantiate(), { x: pixels(0) })).toEqual(runProgram(small, { x: pixels(0) }));
  });

  test("says names, dtypes and shapes in its signature", () => {
    expect(loadPoisoned(small).signature).toEqual({
      name: "mlp",
      inputs: { x: { dtype: "float32", shape: [2, 7] } },
      outputs: { logits: { dtype: "float32", shape: [2, 3] } },
    });
  });

  test("makes instances that do not disturb each other and share their weights", () => {
    const module = loadPoisoned(small);
    const [a, b] = [module.instantiate(), module.instantiate()];
    const first = a.run({ x: pixels(1) })["logits"]!;
    const kept = first.slice();
    const second = outputsOf(b, { x: pixels(2) });
    expect(first).toEqual(kept);
    expect(outputsOf(a, { x: pixels(2) })).toEqual(second);
    const { code } = emit(small);
    expect(code.match(/= decode\(base64\)/g)).toHaveLength(1);
    expect(code).toContain("if (shared) return shared;");
  });

  test("writes each run into the same outputs", () => {
    const instance = loadPoisoned(small).instantiate();
    expect(instance.run({ x: pixels(1) })).toBe(instance.run({ x: pixels(2) }));
  });

  test("allocates nothing in 10,000 runs", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const instance = loadPoisoned(small).instantiate();
    const inputs = { x: pixels(0) };
    const runs = () => {
      for (let i = 0; i < 10_000; i++) instance.run(inputs);
    };
    /**
     * Garbage included. Before V8 has optimised the kernels it boxes numbers, so several attempts are
     * allowed.
     */
    const growth = () => {
      collect();
      const before = process.memoryUsage();
      runs();
      const after = process.memoryUsage();
      return after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers;
    };
    let least = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 20 && least > 65_536; attempt++) least = Math.min(least, growth());
    expect(least).toBeLessThanOrEqual(65_536);
  });

  test("is the same text every time", () => {
    expect(emit(mlp(2, 7, 5, 3), { format: "ts" }).code).toBe(emit(small, { format: "ts" }).code);
  });

  test("passes the strictest compiler, with a consumer that uses its types", () => {
    const consumer = `
      import { instantiate, signature, type Inputs } from "./module.ts";
      const inputs: Inputs = { x: new Float32Array(14) };
      export const y: Float32Array = instantiate().run(inputs).logits;
      export const shape: readonly [2, 7] = signature.inputs.x.shape;
      // @ts-expect-error there is no input y
      instantiate().run({ y: inputs.x });
      // @ts-expect-error x is a Float32Array
      instantiate().run({ x: new Float64Array(14) });`;
    expect(checkEmitted(emit(small, { format: "ts" }).code, consumer)).toEqual([]);
  });

  test("differs between TypeScript and JavaScript in types only", () => {
    const strip = (code: string) =>
      ts.transpileModule(code, {
        compilerOptions: {
          target: ts.ScriptTarget.ESNext,
          module: ts.ModuleKind.ESNext,
          removeComments: true,
        },
      }).outputText;
    for (const weights of ["inline", "file"] as const) {
      const [typed, plain] = [emit(small, { format: "ts", weights }), emit(small, { weights })];
      expect(strip(typed.code)).toBe(strip(plain.code));
    }
  });

  test("costs at most 6 kB, 2 kB compressed, for the code of the MLP 784-256-10", () => {
    const { code } = emit(mlp(1, 784, 256, 10), { format: "ts", weights: "file" });
    expect(code.length).toBeLessThanOrEqual(6000);
    expect(gzipSync(code).length).toBeLessThanOrEqual(2000);
  });

  test("touches nothing but typed arrays and the language", () => {
    const { code } = emit(small);
    const names = new Set(
      code.replace(/\/\*[\s\S]*?\*\/|"[^"]*"|`[^`]*`/g, "").match(/(?<![\w.])[A-Z]\w+|\batob\b/g),
    );
    const allowed = [
      "ArrayBuffer",
      "Float32Array",
      "Uint8Array",
      "Math",
      "Object",
      "TypeError",
      "RangeError",
      "atob",
    ];
    expect([...names].filter((name) => !allowed.includes(name))).toEqual([]);
    expect(code).not.toMatch(/\b(?:eval|Function|fetch|process|globalThis|require|import)\b/);
  });
});

describe("run", () => {
  const instance = loadPoisoned(small).instantiate();
  const run = (x: unknown) => () => instance.run({ x } as Parameters<Instance["run"]>[0]);

  test("refuses a missing input, naming it, its class and its shape", () => {
    expect(run(undefined)).toThrow(
      new TypeError('input "x" is missing, expected Float32Array of shape [2, 7]'),
    );
  });

  test("refuses another class", () => {
    const expected = "expected Float32Array of shape [2, 7]";
    expect(run(new Float64Array(14))).toThrow(new TypeError(`input "x" is Float64Array, ${expected}`));
    expect(run([1, 2])).toThrow(new TypeError(`input "x" is Array, ${expected}`));
    expect(run(null)).toThrow(new TypeError(`input "x" is Null, ${expected}`));
  });

  test("refuses another length, with both lengths", () => {
    const message = (n: number) => new RangeError(`input "x" has ${n} elements, expected 14, shape [2, 7]`);
    expect(run(new Float32Array(15))).toThrow(message(15));
    expect(run(new Float32Array(0))).toThrow(message(0));
  });

  test("takes its own output as the next input, even while a kernel overwrites it", () => {
    const [state, flipped] = [buffer("state", 3, "input"), buffer("next", 3, "output")];
    const reverse: Kernel = {
      name: "reverse",
      reads: [state],
      writes: [flipped],
      parameters: [],
      body: [0, 1, 2].map((n) => ({
        kind: "store" as const,
        buffer: flipped,
        index: constant(n),
        value: load(state, constant(2 - n)),
      })),
      comment: "next = state backwards",
    };
    const p = program({ steps: [call(reverse)] });
    const recurrent = loadPoisoned(p).instantiate();
    const { next } = recurrent.run({ state: Float32Array.of(1, 2, 3) });
    expect([...next!]).toEqual([3, 2, 1]);
    expect([...recurrent.run({ state: next! })["next"]!]).toEqual([1, 2, 3]);
    expect(checkEmitted(emit(p, { format: "ts" }).code)).toEqual([]);
  });
});

describe("hostile names", () => {
  const names = [
    "__proto__",
    "constructor",
    "*/ throw 1 /*",
    "a\u2028b",
    "`$\u007b1}`",
    '"',
    "\\",
    "</script>",
    "",
    "run",
    "class",
    "x y",
    "1",
    "Math",
    "weights",
    "checkInput",
    "\u202eevil\n",
  ];

  test("reach code as data only", () => {
    const steps = names.map((name) => {
      const [x, y] = [buffer(name, 2, "input"), buffer(name, 2, "output")];
      return { name, x, y, step: call({ ...twice(x, y, name), comment: `${name} */ throw 2\n throw 3` }) };
    });
    const p: Program = program({
      name: '`$\u007bx}` */ \u2028 " __proto__',
      inputs: steps.map(({ name, x }) => port(name, x)),
      outputs: steps.map(({ name, y }) => port(name, y)),
      steps: steps.map(({ step }) => step),
      bindings: [{ symbol: "*/ throw 4", value: 1 }],
    });
    const header = ["*/ throw 5 /*", "\n throw 6", "\u2029 throw 7"];
    const module = loadPoisoned(p, { header });
    const inputs = Object.fromEntries(names.map((name, i) => [name, Float32Array.of(i, -i)]));
    const given = Object.assign(Object.create(null), inputs, { ["__proto__"]: undefined });
    Object.defineProperty(given, "__proto__", { value: Float32Array.of(0, -0), enumerable: true });
    const outputs = module.instantiate().run(given);
    expect(Object.keys(outputs).toSorted()).toEqual(names.toSorted());
    for (const [i, name] of names.entries()) expect(outputs[name]).toEqual(Float32Array.of(2 * i, -2 * i));
    expect(module.signature.name).toBe(p.name);
    expect(() =>
      module.instantiate().run(Object.assign(Object.create(null), { ...given, "</script>": 1 })),
    ).toThrow('input "</script>" is Number');
    const typed = emit(p, { format: "ts", header }).code;
    expect(typed).not.toContain("</script>");
    expect(checkEmitted(typed)).toEqual([]);
  });

  test("of inputs that every object has are missing all the same", () => {
    const [x, y] = [buffer("constructor", 2, "input"), buffer("y", 2, "output")];
    const instance = loadPoisoned(program({ steps: [call(twice(x, y))] })).instantiate();
    expect(() => instance.run({})).toThrow(/input "constructor" is Function, expected Float32Array/);
  });
});
