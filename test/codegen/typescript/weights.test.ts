/** How weights travel: in the module, beside it, or as the seed they came from. */
import { describe, expect, test } from "vitest";
import { constant, sub, symbol } from "../../../compiler/dims/index.ts";
import type { Kernel } from "../../../compiler/ir/loop.ts";
import type { Program, Weight } from "../../../compiler/ir/program.ts";
import { type InitializerSpec, initialize } from "../../../runtime/initializers/index.ts";
import { load } from "../../../runtime/load.ts";
import { emit, outputsOf, runEmitted } from "../../support/emitted.ts";
import { buffer, load as loadOf, loop } from "../../support/nests.ts";
import { call, mlp, program } from "../../support/programs.ts";
import { runProgram } from "../../support/run-program.ts";
import { checkEmitted } from "../../support/typecheck.ts";

const small = mlp(1, 6, 4, 3);
const inputs = { x: Float32Array.of(1, -2, 3, -4, 5, -6) };
const expected = runProgram(small, inputs);

describe("weights in a file", () => {
  const emitted = emit(small, { weights: "file" });
  const bytes = emitted.weights!;

  test("come back beside the code, and only there", () => {
    expect(emitted.weightsMode).toBe("file");
    expect(bytes.byteLength).toBe(8 * (12 + 2 + 6 + 2));
    expect(emitted.code).not.toContain("base64");
    expect(emit(small, { weights: "inline" })).not.toHaveProperty("weights");
  });

  test.each([
    ["an array", bytes],
    ["the bytes of a buffer", bytes.slice().buffer],
    ["a view that is not aligned", shifted(bytes, 3)],
    ["an aligned view inside a larger buffer", shifted(bytes, 16)],
    ["a Buffer", Buffer.from(bytes)],
  ])("may be given as %s", (_, given) => {
    const { instantiate } = evaluate(emitted.code);
    expect(outputsOf(instantiate(given), inputs)).toEqual(expected);
  });

  test("are loaded once and shared by instances made from the same object", () => {
    const { instantiate, loadWeights } = evaluate(emitted.code);
    const weights = loadWeights(bytes);
    expect(outputsOf(instantiate(weights), inputs)).toEqual(expected);
    expect(outputsOf(instantiate(weights), inputs)).toEqual(expected);
    expect(outputsOf(load(emitted).instantiate(), inputs)).toEqual(expected);
  });

  test("are refused when their length or their content is another's", () => {
    const { loadWeights } = evaluate(emitted.code);
    expect(() => loadWeights(bytes.subarray(8))).toThrow(
      new RangeError("mlp: expected 176 bytes of weights, got 168"),
    );
    for (const given of [undefined, null, "mlp.bin", 5])
      for (const make of [loadWeights, evaluate(emitted.code).instantiate])
        expect(() => make(given as never)).toThrow(
          new RangeError("mlp: expected 176 bytes of weights, got undefined"),
        );
    const changed = bytes.slice();
    changed[100]! ^= 1;
    expect(() => loadWeights(changed)).toThrow("mlp: these weights belong to another model or version");
    expect(() => load(emitted, changed).instantiate()).toThrow("another model");
  });
});

describe("auto", () => {
  test("keeps up to 1 MB in the module and puts more beside it", () => {
    expect(emit(mlp(1, 784, 256, 10), { weights: "auto" }).weightsMode).toBe("inline");
    expect(emit(mlp(1, 784, 400, 10), { weights: "auto" }).weightsMode).toBe("file");
  });
});

describe("init", () => {
  const kinds: readonly InitializerSpec[] = [
    { kind: "glorotUniform" },
    { kind: "zeros" },
    { kind: "truncatedNormal", mean: 0, stddev: 0.1 },
  ];
  const seeded = (weight: Weight, spec: InitializerSpec): Weight => ({
    ...weight,
    data: initialize(spec, weight.shape, 42, weight.name),
    initializer: { spec, seed: 42, path: weight.name },
  });
  const p: Program = {
    ...small,
    weights: small.weights.map((weight, i) => (kinds[i] ? seeded(weight, kinds[i]) : weight)),
  };

  test("ships the seeded initialiser instead of its numbers, and inlines only the others", () => {
    const { code, weightsMode } = emit(p, { weights: "init", format: "ts" });
    expect(weightsMode).toBe("init");
    expect(code).toMatch(/fillUniform\(denseKernel, 42, 0, .*\);/);
    expect(code).toContain("fillConstant(denseBias, 0);");
    expect(code.match(/const base64 = "(.*)";/)![1]).toHaveLength(24);
    expect(checkEmitted(code)).toEqual([]);
  });

  test("keeps the sign of a constant zero", () => {
    const [, bias] = small.weights;
    const weights = small.weights.map((weight) =>
      weight === bias ? seeded(weight, { kind: "constant", value: -0 }) : weight,
    );
    expect(emit({ ...small, weights }, { weights: "init" }).code).toContain("fillConstant(denseBias, -0);");
  });

  test("gives the same outputs, bit for bit", () => {
    const module = load(emit(p, { weights: "init" }));
    expect(outputsOf(module.instantiate(), inputs)).toEqual(runProgram(p, inputs));
  });
});

describe("packed weights", () => {
  const [w, packed] = [buffer("w", 6, "weight"), buffer("panel", 6, "packed", "float64")];
  const [x, y] = [buffer("x", 6, "input"), buffer("y", 6, "output")];
  const i = symbol("i");
  const backwards: Kernel = {
    name: "pack",
    reads: [w],
    writes: [packed],
    parameters: [],
    body: [loop("i", 6, true, [{ kind: "store", buffer: packed, index: sub(5, i), value: loadOf(w, i) }])],
    comment: "w backwards",
  };
  const apply: Kernel = {
    name: "apply",
    reads: [x, packed],
    writes: [y],
    parameters: [],
    body: [
      loop("i", 6, true, [
        {
          kind: "store",
          buffer: y,
          index: i,
          value: { kind: "binary", fn: "mul", a: loadOf(x, i), b: loadOf(packed, i), dtype: "float32" },
        },
      ]),
    ],
    comment: "x times the panel",
  };
  const p = program({ prepare: [call(backwards)], steps: [call(apply)] });

  test("are made once, and the weights only they need are not kept", () => {
    const { code } = emit(p, { format: "ts" });
    expect(code).toContain("shared = { panel };");
    expect(code).not.toContain("weights.w");
    expect(checkEmitted(code)).toEqual([]);
    const given = { x: Float32Array.of(1, 2, 3, 4, 5, 6) };
    expect(runEmitted(p, given)).toEqual(runProgram(p, given));
  });
});

test("weights may be called what the module calls its own things", () => {
  const names = [
    "shared",
    "buffer",
    "hash",
    "words",
    "bytes",
    "packed",
    "i",
    "given",
    "byteLength",
    "weights",
  ];
  const y = buffer("y", names.length, "output");
  const all = names.map((name) => buffer(name, 1, "weight"));
  const gather: Kernel = {
    name: "instantiate",
    reads: all,
    writes: [y],
    parameters: [],
    body: all.map((w, n) => ({
      kind: "store",
      buffer: y,
      index: constant(n),
      value: loadOf(w, constant(0)),
    })),
    comment: "one number of each",
  };
  const p = program({ steps: [call(gather)] });
  for (const weights of ["inline", "file"] as const) {
    expect(outputsOf(load(emit(p, { weights })).instantiate(), {})).toEqual(runProgram(p, {}));
    expect(checkEmitted(emit(p, { weights, format: "ts" }).code)).toEqual([]);
  }
});

test("a program without weights needs none and carries no code for them", () => {
  const [x, y] = [buffer("x", 2, "input"), buffer("y", 2, "output")];
  const i = symbol("i");
  const copy: Kernel = {
    name: "copy",
    reads: [x],
    writes: [y],
    parameters: [],
    body: [loop("i", 2, true, [{ kind: "store", buffer: y, index: i, value: loadOf(x, i) }])],
    comment: "y = x",
  };
  const { code, weights } = emit(program({ steps: [call(copy)] }), { weights: "file", format: "ts" });
  expect(code).not.toMatch(/loadWeights|Weights\b|new ArrayBuffer/);
  expect(weights).toHaveLength(0);
  expect(checkEmitted(code)).toEqual([]);
});

function shifted(bytes: Uint8Array, by: number): Uint8Array {
  const larger = new Uint8Array(bytes.length + by + 5);
  larger.set(bytes, by);
  return larger.subarray(by, by + bytes.length);
}

interface Exports {
  readonly loadWeights: (bytes: ArrayBuffer | Uint8Array) => object;
  readonly instantiate: (weights: object) => ReturnType<ReturnType<typeof load>["instantiate"]>;
}

/** All exports of a module, as an import would give them. */
function evaluate(code: string): Exports {
  const body = code.replace(/^export /gm, "");
  return new Function(`${body}\nreturn { instantiate, loadWeights };`)() as Exports;
}
