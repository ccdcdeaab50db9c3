import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { featureDetect, Module } from "../../../codegen/wasm/assembler/index.ts";
import { type MathFn, mathFunction, takesTwo, ulpBounds } from "../../../codegen/wasm/math/index.ts";
import { erf } from "../../../runtime/math/erf.ts";
import { ulpDistance } from "../../../runtime/ulp.ts";

const block = 4096;
const page = 65_536;

interface Machine {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly result: Float32Array;
  /** Computes `result` from the first `count` of x and y. */
  run(count: number): void;
}

function machineFor(fn: MathFn, fma: boolean): Machine {
  const module = new Module();
  module.memory({ initial: 3 });
  const callee = mathFunction(module, fn);
  const f = module.func({ name: "run", params: ["i32"], exported: true });
  const at = f.local("i32");
  f.loop().local_get(at).local_get(at).v128_load(0);
  if (takesTwo(fn)) f.local_get(at).v128_load(page);
  f.call(callee).v128_store(2 * page);
  f.local_get(at).i32_const(16).i32_add().local_tee(at);
  f.local_get(0).i32_lt_s().br_if(0).end().end();
  module.export("memory", "memory");
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.encode({ fused: fma })));
  const { memory, run } = exports as { memory: WebAssembly.Memory; run: (bytes: number) => void };
  const view = (offset: number) => new Float32Array(memory.buffer, offset, block);
  return { x: view(0), y: view(page), result: view(2 * page), run: (count) => run(4 * count) };
}

const exact = (fn: MathFn) =>
  fn === "erf" ? erf : fn === "pow" ? (x: number, y: number) => x ** y : (Math[fn] as typeof Math.atan2);

/** Fails at the first result beyond the bound, of another sign, or that should have been another NaN. */
function expectClose(fn: MathFn, { x, y, result }: Machine, count: number): void {
  const reference = exact(fn);
  for (let i = 0; i < count; i++) {
    const wanted = Math.fround(reference(x[i]!, y[i]!));
    if (Object.is(result[i], wanted)) continue;
    const distance = ulpDistance(result[i]!, wanted, "float32");
    const sameSign = Object.is(Math.sign(result[i]!), Math.sign(wanted)) || distance > 0;
    if (distance > ulpBounds[fn] || !sameSign)
      expect.fail(`${fn}(${x[i]}, ${y[i]}) = ${result[i]}, not ${wanted}: ${distance} ulp`);
  }
}

const largest = 3.4028234663852886e38;
const landmarks = [
  ...[0, 2 ** -149, 2 ** -130, 2 ** -126, 2 ** -26, 2 ** -13, 0.25, 0.5, 1, 1 + 2 ** -23, 1.5, 2, 2.5, 3],
  ...[Math.PI / 2, Math.PI, 3.93, 9.02, 88.72284, 89, 103.97, 128, 150, 2 ** 20, 2 ** 20 + 1, 2 ** 24],
  ...[1e22, largest, Number.POSITIVE_INFINITY, Number.NaN],
].flatMap((v) => [v, -v]);

const names = Object.keys(ulpBounds) as MathFn[];
const forms = featureDetect("relaxedSimd") ? [false, true] : [false];

describe.each(forms)("with fused multiply-add: %s", (fma) => {
  test.each(names)("%s stays within its bound over all of float32", (fn) => {
    const machine = machineFor(fn, fma);
    const [xs, ys] = [machine.x, machine.y].map(
      (view) => new Uint32Array(view.buffer, view.byteOffset, block),
    );
    // Strides that share no factor with 2^32 visit every exponent, sign and low bit.
    for (let start = 0; start < 2 ** 32; start += block * 40_009) {
      for (let i = 0; i < block; i++) xs![i] = start + i * 40_009;
      for (let i = 0; i < block; i++) ys![i] = Math.imul(start + i, 2_654_435_761);
      machine.run(block);
      expectClose(fn, machine, block);
    }
  });

  test.each(names)("%s is right at the landmarks", (fn) => {
    const machine = machineFor(fn, fma);
    for (const second of takesTwo(fn) ? landmarks : [0]) {
      machine.x.set(landmarks);
      machine.y.fill(second);
      machine.run(landmarks.length);
      expectClose(fn, machine, landmarks.length);
    }
  });

  const everyday = fc.float({ noNaN: true, min: -30, max: 30 });

  test.each(names)("%s stays within its bound where networks use it", (fn) => {
    const machine = machineFor(fn, fma);
    const four = fc.array(fc.tuple(everyday, everyday), { minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(four, (pairs) => {
        machine.x.set(pairs.map(([x]) => x));
        machine.y.set(pairs.map(([, y]) => y));
        machine.run(pairs.length);
        expectClose(fn, machine, pairs.length);
      }),
      { numRuns: 200 },
    );
  });

  test("whole exponents of negative bases have the right sign", () => {
    const machine = machineFor("pow", fma);
    for (let i = 0; i < block; i++) {
      machine.x[i] = ((i % 61) - 30) / 4;
      machine.y[i] = Math.floor(i / 61) - 33;
    }
    machine.run(block);
    expectClose("pow", machine, block);
  });
});

test("saturated values are exact", () => {
  for (const fn of ["tanh", "erf"] as const) {
    const machine = machineFor(fn, false);
    machine.x.set([9.1, 30, largest, Number.POSITIVE_INFINITY]);
    machine.run(4);
    expect([...machine.result.subarray(0, 4)]).toEqual([1, 1, 1, 1]);
  }
});

test("what an attempt that failed has added is added again when it is next asked for", () => {
  const module = new Module();
  const fail = () => {
    mathFunction(module, "exp");
    throw new Error("refused");
  };
  expect(() => module.attempt(fail)).toThrow("refused");
  const f = module.func({ name: "other" });
  f.end();
  expect(mathFunction(module, "exp")).toBe(f.index + 1);
  expect(WebAssembly.validate(module.encode())).toBe(true);
});
