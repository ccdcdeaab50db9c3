/**
 * The roof that every kernel is compared with: how many f32 multiply-adds one core can do in WebAssembly. A
 * loop keeps twelve independent accumulators of four lanes busy, which covers the latency of two FMA units
 * and still fits the sixteen vector registers of x86 (fourteen spill on Node 20). It touches no memory, so
 * nothing but arithmetic is measured. Machines are shared and clocks move: who compares with it measures it
 * next to his own timing and reports the ratio.
 */
import { type FunctionAssembler, featureDetect, Module } from "../../codegen/wasm/assembler/index.ts";

/** GFLOP/s, a multiply-add counting as two; `fma` is absent where the engine lacks relaxed SIMD. */
export interface Peak {
  readonly fma?: number;
  readonly mulAdd: number;
}

const accumulators = 12;
/**
 * Steps in the loop. Equal code was seen to run mul + add a quarter slower in some processes: the best of
 * three counts.
 */
const unrolls = [4, 6, 8];
/**
 * One run takes half a millisecond, short enough to fall between interruptions; the first ones precede V8's
 * optimiser.
 */
const steps = 200_000;
const runs = 80;

type Kernel = (iterations: number) => number;
type Step = (f: FunctionAssembler, sum: number, x: number, y: number) => void;

/**
 * sum = sum * x + y for each accumulator. x keeps the sums bounded, so no infinity or subnormal slows them
 * down.
 */
function buildKernel(step: Step, unroll: number): Kernel {
  const module = new Module();
  const f = module.func({ name: "peak", params: ["i32"], results: ["f32"], exported: true });
  const sums = Array.from({ length: accumulators }, () => f.local("v128"));
  const [x, y] = [f.local("v128"), f.local("v128")];
  f.v128_const(new Float32Array(4).fill(0.75)).local_set(x);
  f.v128_const(new Float32Array(4).fill(0.5)).local_set(y);
  sums.forEach((sum, i) => {
    // Different starts, or the engine could compute equal sums once.
    f.v128_const(new Float32Array(4).fill(i)).local_set(sum);
  });
  f.loop();
  for (let i = 0; i < unroll; i++) for (const sum of sums) step(f, sum, x, y);
  f.local_get(0).i32_const(1).i32_sub().local_tee(0).br_if(0).end();
  f.v128_const(new Float32Array(4));
  for (const sum of sums) f.local_get(sum).f32x4_add();
  f.f32x4_extract_lane(0).end();
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.encode()));
  const { peak } = exports as { readonly peak: Kernel };
  // 2 is the fixed point of 0.75 x + 0.5, so twelve sums add up to 24 if every step was really done.
  const result = peak(steps);
  if (Math.abs(result - 2 * accumulators) > 1e-3)
    throw new Error(`internal: the peak kernel returned ${result}`);
  return peak;
}

/** The best run, in GFLOP/s. */
function measureKernel(kernel: Kernel, unroll: number): number {
  const iterations = Math.round(steps / unroll);
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    kernel(iterations);
    best = Math.min(best, performance.now() - start);
  }
  return (iterations * unroll * accumulators * 4 * 2) / (best * 1e6);
}

const measureStep = (step: Step) =>
  Math.max(...unrolls.map((unroll) => measureKernel(buildKernel(step, unroll), unroll)));

/** Measures for about a fifth of a second. */
export function measurePeak(): Peak {
  const mulAdd = measureStep((f, sum, x, y) => {
    f.local_get(sum).local_get(x).f32x4_mul().local_get(y).f32x4_add().local_set(sum);
  });
  if (!featureDetect("relaxedSimd")) return { mulAdd };
  const fma = measureStep((f, sum, x, y) => {
    f.local_get(sum).local_get(x).local_get(y).f32x4_relaxed_madd().local_set(sum);
  });
  return { fma, mulAdd };
}
