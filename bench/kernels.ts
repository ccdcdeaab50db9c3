/**
 * Does the loop IR carry the speed? In one run, alternating, medians: the kernels that schedules make of
 * naive nests, emitted as plain JavaScript, beside the best written by hand and the loops people write
 * (bench/hand-written.ts), and as WebAssembly beside the peak of one core. Time is processor time, so that
 * neighbours on a shared machine cost less; clocks still move: only the ratios mean anything.
 *
 * Run with Node 24 for WebAssembly's fused multiply-add; Node 20 measures multiply and add.
 */
import { emitTypeScript } from "../codegen/typescript/index.ts";
import { featureDetect } from "../codegen/wasm/assembler/index.ts";
import { measurePeak } from "../compiler/cli/bench-peak.ts";
import type { Kernel } from "../compiler/ir/loop.ts";
import { type Target, targets } from "../compiler/ir/target.ts";
import { coalesce } from "../compiler/lower/coalesce.ts";
import { schedule } from "../compiler/lower/schedule/index.ts";
import { load } from "../runtime/load.ts";
import { conv2d, matmul } from "../test/support/nests.ts";
import { call, program } from "../test/support/programs.ts";
import { noise } from "../test/support/results.ts";
import { wasmMachine } from "../test/support/wasm.ts";
import { type Candidate, type HandWritten, handWritten } from "./hand-written.ts";
import { type Peer, tfjsConv, tfjsMatmul } from "./tfjs.ts";

interface Case {
  readonly name: string;
  readonly kernel: (target: Target) => Kernel;
  readonly macs: number;
  readonly hand: HandWritten;
  readonly tfjs: Peer;
}

const cases: readonly Case[] = [
  {
    name: "GEMM 256x256x256",
    kernel: (target) => matmul(256, 256, 256, target),
    macs: 256 ** 3,
    hand: handWritten.gemm,
    tfjs: tfjsMatmul(256, 256, 256),
  },
  {
    name: "GEMV 1x784x256",
    kernel: (target) => matmul(1, 784, 256, target),
    macs: 784 * 256,
    hand: handWritten.gemv,
    tfjs: tfjsMatmul(1, 784, 256),
  },
  {
    name: "conv 3x3 56x56 64 -> 64",
    kernel: (target) =>
      conv2d({ size: [56, 56], channels: [64, 64], kernel: [3, 3], space: "input" }, target),
    macs: 56 * 56 * 64 * 64 * 9,
    hand: handWritten.conv,
    tfjs: tfjsConv(58, 64),
  },
];

const rounds = 40;
/** The peak is the best of its runs; many short ones give kernels the same chance of an idle neighbour. */
const wasmRounds = 200;
const warmUps = 6;
const macsPerSample = 1e7;

interface Subject {
  readonly name: string;
  readonly run: () => void;
}

/** Sorted milliseconds of each subject; each round times all of them, one after the other. */
function race(subjects: readonly Subject[], macs: number, rounds: number): readonly (readonly number[])[] {
  const repeats = Math.max(1, Math.round(macsPerSample / macs));
  const times = subjects.map((): number[] => []);
  for (let round = 0; round < rounds + warmUps; round++)
    subjects.forEach(({ run }, i) => {
      const start = processorTime();
      for (let r = 0; r < repeats; r++) run();
      if (round >= warmUps) times[i]!.push((processorTime() - start) / repeats);
    });
  return times.map((list) => list.sort((a, b) => a - b));
}

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function median(sorted: readonly number[]): number {
  return sorted[sorted.length >> 1]!;
}

/** The scheduled kernel as an emitted module, run through its door. */
function emitted(test: Case): { readonly subject: Subject; readonly output: () => Float32Array } {
  const { kernel, panels } = schedule(coalesce(test.kernel(targets.ts)), targets.ts);
  const prepare = panels.map((panel) => call(panel.prepare));
  const module = emitTypeScript(program({ prepare, steps: [call(kernel)] }), {
    format: "js",
    weights: "file",
    header: [],
  });
  const instance = load(module).instantiate();
  const inputs = { x: noise(kernel.reads[0]!, 1) };
  const output = () => instance.run(inputs)["y"] as Float32Array;
  return { subject: { name: "emitted", run: output }, output };
}

function operands(test: Case): readonly [x: Float32Array, w: Float32Array, b: Float32Array] {
  const [x, w, b] = test.kernel(targets.ts).reads.map((each) => noise(each, 1) as Float32Array);
  return [x!, w!, b!];
}

/** tfjs sums in another order, so its result is only close. */
function tfjsSubject(test: Case, expected: Float32Array): Subject {
  const run = test.tfjs(...operands(test));
  const far = run().findIndex((value, i) => Math.abs(value - expected[i]!) > 1e-3);
  if (far >= 0) throw new Error(`${test.name}: tfjs differs at ${far}`);
  return { name: "tfjs cpu", run };
}

function handSubjects(test: Case): readonly { readonly subject: Subject; readonly y: Float32Array }[] {
  const kernel = test.kernel(targets.ts);
  const [x, w, b] = operands(test);
  const subjectOf = ({ name, bind }: Candidate) => {
    const y = new Float32Array(kernel.writes[0]!.length);
    return { subject: { name, run: bind(x, w, b, y) }, y };
  };
  return [subjectOf(test.hand.naive), ...test.hand.blocked.map(subjectOf)];
}

function benchPlain(test: Case): void {
  const ours = emitted(test);
  const hand = handSubjects(test);
  // Equal sums in equal order: what is compared is the same result, bit for bit.
  const expected = ours.output();
  for (const { subject, y } of hand) {
    subject.run();
    const wrong = y.findIndex((value, i) => value !== expected[i]);
    if (wrong >= 0) throw new Error(`${test.name}, ${subject.name}: ${y[wrong]} != ${expected[wrong]}`);
  }
  const tfjs = tfjsSubject(test, expected);
  const subjects = [ours.subject, tfjs, ...hand.map(({ subject }) => subject)];
  const medians = race(subjects, test.macs, rounds).map(median);
  const [mine, peer, naive, ...blocked] = medians as [number, number, number, ...number[]];
  const best = Math.min(...blocked);
  const rate = (ms: number) => `${((2 * test.macs) / ms / 1e6).toFixed(2)} GFLOP/s`;
  const { name } = subjects[blocked.indexOf(best) + 3]!;
  const rates = `emitted ${rate(mine)}, by hand ${rate(best)} (${name}), naive ${rate(naive)}, tfjs cpu ${rate(peer)}`;
  const ratios = `${(best / mine).toFixed(2)} x by hand, ${(naive / mine).toFixed(1)} x naive, ${(peer / mine).toFixed(1)} x tfjs`;
  console.log(`${test.name.padEnd(26)} ${rates}: ${ratios}`);
}

function benchWasm(test: Case, target: Target): void {
  const fused = target.numerics.accumulate === "float32-fma";
  const { kernel } = schedule(coalesce(test.kernel(target)), target);
  const machine = wasmMachine([kernel], target.numerics, (b) => noise(b, 1));
  const subject = { name: "wasm", run: machine.bound(kernel) };
  const before = measurePeak();
  const [times] = race([subject], test.macs, wasmRounds) as [readonly number[]];
  const after = measurePeak();
  const peak = fused ? Math.max(before.fma!, after.fma!) : Math.max(before.mulAdd, after.mulAdd);
  const rate = (ms: number) => (2 * test.macs) / ms / 1e6;
  const [best, typical] = [rate(times[0]!), rate(median(times))];
  const how = fused ? "fused" : "mul + add";
  const rates = `best ${best.toFixed(1)}, median ${typical.toFixed(1)} of ${peak.toFixed(1)} GFLOP/s ${how}`;
  const ratios = `${(best / peak).toFixed(2)} x peak, median ${(typical / peak).toFixed(2)}`;
  console.log(`${test.name.padEnd(26)} ${rates}: ${ratios}`);
}

console.log(`Node ${process.versions.node}, one core, medians of ${rounds}\n\nPlain JavaScript`);
for (const test of cases) benchPlain(test);
console.log("\nWebAssembly");
for (const test of cases) {
  if (featureDetect("relaxedSimd")) benchWasm(test, targets["wasm-relaxed"]);
  benchWasm(test, targets.wasm);
}
