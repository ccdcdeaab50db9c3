/** What `shapecast bench` prints. */
import { milliseconds } from "./amounts.ts";
import type { KernelTiming } from "./bench-kernels.ts";
import type { Dropped, Timing } from "./bench-measure.ts";

export interface BenchReport {
  readonly model: string;
  readonly target: string;
  /** The engine that ran it: "Node 20.20.2". */
  readonly engine: string;
  /** Multiply-accumulates of one run. */
  readonly macs: number;
  /** GFLOP/s of one core, measured in the same run: a multiply-add counts as two. */
  readonly peak: { readonly kind: "relaxed_madd" | "mul + add"; readonly gflops: number };
  readonly contenders: readonly (Timing | Dropped)[];
  readonly kernels?: readonly KernelTiming[];
}

type Row = readonly string[];

export function benchText(report: BenchReport): string {
  const { macs, target, peak, contenders, kernels } = report;
  const head = ["", "import", "instantiate", "first run", "median", "p99", "GFLOP/s", "share of peak"];
  const timings = contenders.filter((each) => "median" in each);
  const rows = timings.map((timing): Row => {
    const gflops = rate(macs, timing.median);
    const { startup, median, p99 } = timing;
    const times = [startup.import, startup.instantiate, startup.first, median, p99].map(milliseconds);
    return [timing.name, ...times, gflops.toFixed(2), percent(gflops / peak.gflops)];
  });
  const [own, ...peers] = timings;
  const compiling =
    own && target === "wasm" ? [`compiles WebAssembly in ${milliseconds(own.startup.compile)}`] : [];
  const faster = peers.map(({ name, median }) => `${ratio(median, own!.median)} ${name}`);
  const dropped = contenders.flatMap((each) =>
    "reason" in each ? [`${each.name} cannot run it: ${each.reason}`] : [],
  );
  const peakText = `peak ${peak.gflops.toFixed(1)} GFLOP/s (${peak.kind} in WebAssembly, one core)`;
  return [
    ...table([head, ...rows]),
    "",
    [report.engine, `target ${target}`, ...compiling, peakText].join("   "),
    ...(faster.length > 0 ? [`shapecast runs ${faster.join(" and ")}`] : []),
    ...dropped,
    ...(kernels ? ["", ...kernelTable(kernels, peak.gflops)] : []),
  ].join("\n");
}

function kernelTable(kernels: readonly KernelTiming[], peak: number): readonly string[] {
  const whole = kernels.reduce((sum, { calls, median }) => sum + calls * median, 0);
  const rows = kernels.map(({ name, calls, median, operations }): Row => {
    const gflops = operations / (median * 1e6);
    const share = percent((calls * median) / whole);
    return [name, `${calls}`, milliseconds(median), share, gflops.toFixed(2), percent(gflops / peak)];
  });
  return table([["kernel", "calls", "median", "of the sum", "GFLOP/s", "share of peak"], ...rows]);
}

const rate = (macs: number, ms: number): number => (2 * macs) / (ms * 1e6);
const percent = (x: number): string => `${(100 * x).toFixed(x < 0.1 ? 1 : 0)} %`;

/** "2.1 x as fast as" */
const ratio = (theirs: number, ours: number): string => `${(theirs / ours).toFixed(2)} x as fast as`;

/** Columns padded to their widest cell, the first to the left. */
function table(rows: readonly Row[]): readonly string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const pad = (cell: string, i: number) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!));
  return rows.map((row) => row.map(pad).join("   ").trimEnd());
}
