/** What an emitted WebAssembly module promises to those who load it. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  compile,
  conv2d,
  dense,
  embedding,
  flatten,
  input,
  load,
  lstm,
  model,
  type Network,
  sequential,
} from "shapecast";
import { afterEach, describe, expect, test, vi } from "vitest";
import wabt from "wabt";
import { featureDetect } from "../../../codegen/wasm/assembler/index.ts";
import { type CompileError, fail } from "../../../compiler/diagnostics/index.ts";
import type { Instance } from "../../../runtime/load.ts";

const noise = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * i));
const mlp = sequential([dense({ units: 24, activation: "tanh" }), dense({ units: 5 })]);
const wasm = { target: "wasm", format: "js" } as const;
const sample = { x: [2, 9] };
const x = noise(18);

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("an instance", () => {
  test("has a memory of its own, whose size is fixed", () => {
    const module = load(compile(mlp, { ...wasm, sample }));
    const [one, other] = [module.instantiate(), module.instantiate()];
    const first = Object.values(one.run({ x }))[0]!;
    const before = first.slice();
    other.run({ x: noise(36).subarray(18) });
    expect(first).toEqual(before);
    expect(first.buffer).not.toBe(Object.values(other.inputs!)[0]!.buffer);
    expect(first.buffer.byteLength % 65_536).toBe(0);
  });

  test("comes from a promise as well", async () => {
    for (const mode of ["inline", "file"] as const) {
      const module = load(compile(mlp, { ...wasm, sample, wasm: mode, weights: "file" }));
      const instance = await module.instantiateAsync();
      expect(instance.run({ x })).toEqual(module.instantiate().run({ x }));
    }
    const plain = load(compile(mlp, { sample, format: "js" }));
    expect((await plain.instantiateAsync()).run({ x })).toEqual(plain.instantiate().run({ x }));
  });

  test.each<[string, Network, readonly number[]]>([
    ["an MLP", mlp, [2, 9]],
    ["a convolution", sequential([conv2d({ filters: 4, kernelSize: 3 }), flatten()]), [1, 6, 6, 2]],
    ["a loop over time", sequential([lstm({ units: 4 })]), [1, 5, 3]],
  ])("of %s allocates at most 64 kB in 10,000 runs", (_, net, shape) => {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    const instance = load(compile(net, { ...wasm, sample: { x: shape } })).instantiate();
    const feed = { x: noise(shape.reduce((a, b) => a * b, 1)) };
    const growth = () => {
      collect();
      const before = process.memoryUsage();
      for (let i = 0; i < 5000; i++) {
        instance.run(feed);
        instance.run();
      }
      const after = process.memoryUsage();
      return after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers;
    };
    let least = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 20 && least > 65_536; attempt++) least = Math.min(least, growth());
    expect(least).toBeLessThanOrEqual(65_536);
  });

  test("refuses an index from data in the words of the ts target, and runs again after it", () => {
    const words = sequential([embedding({ inputDim: 7, outputDim: 5 }), flatten(), dense({ units: 2 })]);
    const options = { sample: { x: [1, 3] }, format: "js" } as const;
    const refusal = (of: Instance) => {
      try {
        of.run({ x: Int32Array.of(0, 7, 1) });
      } catch (error) {
        return error as Error;
      }
      throw new Error("the index is accepted");
    };
    const ts = load(compile(words, options)).instantiate();
    const compiled = compile(words, { ...options, target: "wasm" });
    expect(compiled.code).not.toContain("TypeScript: ");
    const module = load(compiled).instantiate();
    expect(refusal(module)).toBeInstanceOf(RangeError);
    expect(refusal(module).message).toBe(refusal(ts).message);
    const fine = { x: Int32Array.of(6, 0, 1) };
    const [found, wanted] = [module, ts].map((of) => Object.values(of.run(fine))[0] as Float32Array);
    wanted!.forEach((value, i) => {
      expect(found![i]).toBeCloseTo(value, 5);
    });
  });
});

describe("both binaries", () => {
  const net = sequential([conv2d({ filters: 8, kernelSize: 3, activation: "relu" }), dense({ units: 5 })]);
  const { wasm: binaries } = compile(net, { ...wasm, sample: [1, 8, 8, 3], wasm: "file" });

  test("are read by wabt, which finds relaxed instructions in one of them only", async () => {
    const { readWasm } = await wabt();
    const options = { readDebugNames: false, simd: true, relaxed_simd: true } as never;
    const [plain, relaxed] = [binaries!.plain, binaries!.relaxed!].map((bytes) => {
      const read = readWasm(bytes, options);
      read.validate();
      const text = read.toText({});
      read.destroy();
      return text;
    });
    expect(plain).not.toContain("relaxed");
    expect(relaxed).toContain("f32x4.relaxed_madd");
  });

  test("are one in the module, which makes the other where relaxed SIMD validates", () => {
    const { instantiate } = load(compile(net, { ...wasm, sample: [1, 8, 8, 3] }));
    const compiled: Uint8Array[] = [];
    class Module {
      constructor(bytes: Uint8Array) {
        compiled.push(bytes);
        throw new Error("seen");
      }
    }
    for (const validates of [true, false]) {
      vi.stubGlobal("WebAssembly", { Module, validate: () => validates });
      expect(instantiate).toThrow(expect.objectContaining({ code: "ERR_WEBASSEMBLY" }));
    }
    // Files have a mark behind the same bytes.
    const unmarked = compiled[0]!.length;
    expect(compiled).toEqual([binaries!.relaxed, binaries!.plain].map((file) => file!.subarray(0, unmarked)));
    expect(compiled[0]).not.toEqual(compiled[1]);
  });

  test("export a memory that cannot grow and nothing but what a run calls", async () => {
    const { instance } = await WebAssembly.instantiate(binaries!.plain, {});
    expect(Object.keys(instance.exports).sort()).toEqual(["memory", "run"]);
    const memory = instance.exports["memory"] as WebAssembly.Memory;
    expect(() => memory.grow(1)).toThrow(RangeError);
  });

  test.runIf(featureDetect("relaxedSimd"))("agree to the last places", () => {
    const options = { ...wasm, sample: [1, 8, 8, 3] };
    const image = noise(8 * 8 * 3);
    const [relaxed, plain] = [{}, { simd: "plain" } as const].map((simd) => {
      const instance = load(compile(net, { ...options, ...simd })).instantiate();
      return Object.values(instance.run({ x: image }))[0] as Float32Array;
    });
    plain!.forEach((value, i) => {
      expect(relaxed![i]).toBeCloseTo(value, 5);
    });
  });
});

describe("an engine", () => {
  const { instantiate } = load(compile(mlp, { ...wasm, sample }));

  test.each([
    ["without WebAssembly", undefined, /test: this engine has no WebAssembly \(.*\(--target ts\)$/],
    [
      "without SIMD",
      { Module: refusing("invalid opcode"), validate: (): boolean => false },
      /has no WebAssembly SIMD \(invalid opcode\); .*ts\)/,
    ],
    [
      "that forbids compilation",
      { Module: refusing("violates the following Content Security Policy"), validate: (): boolean => true },
      /does not compile WebAssembly here \(violates .*Policy\); compile the model for the ts target/,
    ],
    [
      "without the memory",
      {
        Module: Object,
        Instance: refusing("Out of memory: Cannot allocate Wasm memory", RangeError),
        validate: (): boolean => true,
      },
      /an instance needs [\d,]+ bytes \(Out of memory.*\); keep fewer instances/,
    ],
    [
      "whose main thread compiles little",
      { Module: refusing("disallowed on the main thread"), validate: (): boolean => true },
      /; await instantiateAsync\(\)$/,
    ],
  ])("%s is told apart, and what to do", (_, stub, message) => {
    const { instantiate } = load(compile(mlp, { ...wasm, sample, name: "test" }));
    vi.stubGlobal("WebAssembly", stub);
    expect(instantiate).toThrow(message);
    expect(instantiate).toThrow(expect.objectContaining({ code: "ERR_WEBASSEMBLY" }));
  });

  test("is asked nothing until a module is instantiated", () => {
    vi.stubGlobal("WebAssembly", undefined);
    expect(load(compile(mlp, { ...wasm, sample })).signature.inputs).toHaveProperty("x");
    expect(instantiate).toBeTypeOf("function");
  });
});

describe("a .wasm file", () => {
  const files = { ...wasm, sample, name: "test", wasm: "file" } as const;
  const compiled = compile(mlp, files);
  const { plain } = compiled.wasm!;
  const from = (bytes: unknown) =>
    load({ ...compiled, wasm: { plain: bytes as Uint8Array, relaxed: bytes as Uint8Array } });
  const engine =
    /^test: this is not its \.wasm, or not for this engine \(.*\); pass the bytes of the \.wasm file/;

  test.each<[string, unknown]>([
    ["that ends too early", plain.subarray(0, plain.length - 40)],
    ["without a byte", new Uint8Array(0)],
    ["that is text", new TextEncoder().encode("<!doctype html>")],
    ["of another model", compile(sequential([dense({ units: 2 })]), { ...files, sample }).wasm!.plain],
    ["of the same model, otherwise compiled", compile(mlp, { ...files, sample: { x: [3, 9] } }).wasm!.plain],
    ["of another tool", Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)],
    ["that is its address", "./test.wasm"],
    ["that is missing", undefined],
  ])("%s is refused, at once and later", async (_, bytes) => {
    const { instantiate, instantiateAsync } = from(bytes);
    expect(instantiate).toThrow(engine);
    await expect(instantiateAsync()).rejects.toThrow(engine);
    expect(instantiate).toThrow(expect.objectContaining({ code: "ERR_WEBASSEMBLY" }));
  });

  test("may be a module, and belongs to its own only", async () => {
    const own = new WebAssembly.Module(plain);
    const wanted = load(compile(mlp, { ...wasm, sample, simd: "plain" }))
      .instantiate()
      .run({ x });
    for (const each of [own, plain, plain.slice().buffer])
      expect(from(each).instantiate().run({ x })).toEqual(wanted);
    expect((await from(own).instantiateAsync()).run({ x })).toEqual(wanted);
    const other = compile(mlp, { ...files, sample: { x: [3, 9] } }).wasm!.plain;
    expect(from(new WebAssembly.Module(other)).instantiate).toThrow(/another model or version/);
  });

  test("asks an engine without WebAssembly for nothing, and says so", () => {
    vi.stubGlobal("WebAssembly", undefined);
    expect(from(plain).instantiate).toThrow(/no WebAssembly \(.*--target ts/);
  });
});

/** A class whose constructor throws. */
function refusing(message: string, Type = Error) {
  return class {
    constructor() {
      throw new Type(message);
    }
  };
}

describe("memory", () => {
  const refusal = (options: Parameters<typeof compile>[1]) => {
    try {
      compile(mlp, options);
    } catch (error) {
      return (error as CompileError).diagnostics[0]!;
    }
    return fail({ code: "E1002", message: "it compiled", fix: "" });
  };

  test("over 4 GiB is refused when compiling, with what needs it", () => {
    const { code, message, facts } = refusal({ ...wasm, sample: { x: [2 ** 26, 9] } });
    expect(code).toBe("E2303");
    expect(message).toMatch(/^a run needs \d+ bytes, and a WebAssembly memory has 4294967296 at most$/);
    expect(facts!.map(({ subject }) => subject)).toEqual(["weights", "arena", "inputs and outputs"]);
  });

  test("that fits only as long as nothing is aligned is refused as well", () => {
    // 152 bytes a row and 1460 of weights leave 36 of 4 GiB.
    const { code, message } = refusal({ ...wasm, sample: { x: [28_256_354, 9] } });
    expect(code).toBe("E2303");
    expect(Number(/needs (\d+) bytes/.exec(message)![1]) - 2 ** 32).toBeLessThan(1024);
  });

  test.each(["ts", "wasm"] as const)("over the user's limit is refused for %s", (target) => {
    expect(refusal({ target, sample, maxMemory: 1000 }).message).toMatch(
      /maxMemory \(--max-memory\) allows 1000/,
    );
    const x = input({ batchShape: [2, 9], name: "x" });
    const small = model({ inputs: x, outputs: dense({ units: 1 }).apply(x) });
    expect(compile(small, { target, maxMemory: 1000 }).code).toContain("export function instantiate(");
  });
});
