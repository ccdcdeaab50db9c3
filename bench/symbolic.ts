/**
 * How long it takes to know all there is to know of a network before any data: the layers are traced, every
 * relation is run on symbolic sizes, what remains is demanded of the inputs. Each network runs in a process
 * of its own: its first time is that of somebody who inspects one model, the median of the later ones that of
 * a server or a test suite. Times are the processor's, which neighbours on the machine do not lengthen.
 *
 *     npm run bench symbolic
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { inspect, type Model } from "shapecast";
import { needsOf } from "../compiler/infer/needs.ts";
import { networks } from "../test/support/networks/index.ts";
import { milliseconds, printTable, verdict } from "./table.ts";

interface Measured {
  readonly define: number;
  readonly infer: number;
  readonly needs: number;
}

interface Result {
  readonly nodes: number;
  readonly first: Measured;
  readonly warm: Measured;
  readonly demands: string;
}

const ALLOWED = 50;
const RUNS = 25;

function timed<T>(task: () => T): readonly [ms: number, result: T] {
  const [before, start] = [process.cpuUsage(), performance.now()];
  const result = task();
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return [Math.min(wall, (user + system) / 1000), result];
}

function once(make: () => Model<unknown>): readonly [Measured, Model<unknown>] {
  const [define, model] = timed(make);
  const [infer, { trace }] = timed(() => model.traced());
  const [needs] = timed(() => needsOf(trace.builder.store));
  return [{ define, infer, needs }, model];
}

function measure(name: string): Result {
  const make = networks[name]!;
  const [first, model] = once(make);
  const later = Array.from({ length: RUNS }, () => once(make)[0]);
  const median = (of: (one: Measured) => number) => later.map(of).sort((a, b) => a - b)[RUNS >> 1]!;
  return {
    nodes: model.graph().nodes.length,
    first,
    warm: {
      define: median(({ define }) => define),
      infer: median(({ infer }) => infer),
      needs: median(({ needs }) => needs),
    },
    demands: inspect(model)
      .needs.map(({ constraint }) => constraint)
      .join(", "),
  };
}

const [asked] = process.argv.slice(2).filter((name) => name in networks);
if (asked !== undefined) console.log(JSON.stringify(measure(asked)));
else {
  const rows = Object.keys(networks).map((name) => {
    const args = [fileURLToPath(import.meta.url), name];
    const { nodes, first, warm, demands } = JSON.parse(
      execFileSync(process.execPath, args, { encoding: "utf8" }),
    ) as Result;
    const [cold, total] = [first, warm].map(({ infer, needs }) => infer + needs) as [number, number];
    const times = [first.define, cold, warm.define, warm.infer, warm.needs, total].map(milliseconds);
    return [name, nodes, ...times, verdict(total, ALLOWED), demands || "nothing"];
  });
  printTable(
    [
      ...["network", "nodes", "first: define", "first: infer and needs"],
      ...["later: define", "infer", "needs", "infer and needs", `<= ${ALLOWED} ms`, "it demands"],
    ],
    rows,
  );
}
