/**
 * How compile time and memory grow: bind and compile of ResNet-50 at 224 x 224, and shape inference alone of
 * long chains. Each runs in a process of its own, so that peaks are its own. Memory is the growth of the
 * resident set from just before to the peak the system reports, on top of the loaded program; parameters
 * count as they are, four bytes each.
 *
 *     npm run bench scale
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { compile } from "shapecast";
import { constant, symbol } from "../compiler/dims/index.ts";
import { infer } from "../compiler/infer/bind.ts";
import { GraphBuilder } from "../compiler/infer/builder.ts";
import type { Graph } from "../compiler/ir/graph.ts";
import { resnet50 } from "../test/support/networks/resnet50.ts";
import { megabytes, milliseconds, printTable, verdict } from "./table.ts";

interface Measured {
  readonly ms: number;
  readonly bytes: number;
  readonly note: number;
}

const tasks: Readonly<Record<string, () => Measured>> = {
  resnet: () => {
    const net = resnet50();
    net.graph();
    return measured(() => {
      const stages: [string, number][] = [];
      const { report } = compile(net, {
        sample: [1, 224, 224, 3],
        weights: "file",
        onStage: (stage) => stages.push([stage, processorTime()]),
      });
      stages.push(["end", processorTime()]);
      for (const [i, [stage, at]] of stages.slice(0, -1).entries())
        console.error(`  ${stage.padEnd(8)} ${milliseconds(stages[i + 1]![1] - at)}`);
      return report.parameterBytes;
    });
  },
  ...Object.fromEntries(
    [1000, 10_000, 100_000].map((nodes) => [
      `infer${nodes}`,
      () => {
        const graph = chain(nodes);
        infer(chain(100));
        return measured(() => infer(graph).nodes.length);
      },
    ]),
  ),
};

/** Dense layers with a symbolic batch: a product, a bias and a nonlinearity each. */
function chain(nodes: number): Graph {
  const g = new GraphBuilder("chain");
  let x = g.input("x", { dtype: "float32", shape: [symbol("batch"), constant(64)] });
  for (let i = 0; i < nodes; i += 3) {
    const kernel = g.parameter(
      `k${i}`,
      { dtype: "float32", shape: [g.unknown(`k${i}`), constant(64)] },
      { kind: "zeros" },
    );
    const bias = g.parameter(`b${i}`, { dtype: "float32", shape: [constant(64)] }, { kind: "zeros" });
    const product = g.node("dotGeneral", [x, kernel], { batch: [[], []], contract: [[1], [0]] });
    x = g.node("tanh", g.node("add", [product[0]!, bias]))[0]!;
  }
  return g.finish([{ name: "y", value: x }]);
}

function measured(task: () => number): Measured {
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const [processor, wall] = [processorTime(), performance.now()];
  const note = task();
  const ms = Math.min(processorTime() - processor, performance.now() - wall);
  // Kilobytes on every system Node reports it for.
  const bytes = process.resourceUsage().maxRSS * 1024 - before;
  return { ms, bytes, note };
}

/**
 * Milliseconds of all threads. It counts the engine's compiler and collector, which run beside the program on
 * an idle machine; neighbours make the clock run longer: the smaller of the two is nearest to the time on a
 * machine of one's own.
 */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function inProcess(task: string): Measured {
  const args = ["--expose-gc", fileURLToPath(import.meta.url), task];
  const text = execFileSync(process.execPath, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(text) as Measured;
}

const [task] = process.argv.slice(2).filter((argument) => argument in tasks);
if (task) console.log(JSON.stringify(tasks[task]!()));
else {
  const { ms, bytes, note } = inProcess("resnet");
  printTable(
    ["ResNet-50 at 224 x 224", "found", "allowed", ""],
    [
      ["bind and compile", milliseconds(ms), milliseconds(3000), verdict(ms, 3000)],
      ["memory", megabytes(bytes), megabytes(3 * note), verdict(bytes, 3 * note)],
      ["parameters", megabytes(note), "", ""],
    ],
  );
  console.log();
  const rows = [1000, 10_000, 100_000].map((nodes) => {
    const { ms } = inProcess(`infer${nodes}`);
    const most = (200 * nodes) / 10_000;
    return [nodes, milliseconds(ms), milliseconds(most), verdict(ms, most)];
  });
  printTable(["nodes inferred", "time", "allowed", ""], rows);
}
