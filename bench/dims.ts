/**
 * How long the engine of symbolic dims takes to answer: the shared corpus of identities (where it is at
 * hand), input made to hurt, and what shape inference asks all day. Processor time, so that neighbours on a
 * shared machine cost less. A verdict never depends on any of this: budgets count steps.
 *
 *     npm run bench dims
 */
import { existsSync, readFileSync } from "node:fs";
import { CompileError } from "../compiler/diagnostics/index.ts";
import {
  add,
  constant,
  type Dim,
  decide,
  dim,
  floorDiv,
  max,
  min,
  mod,
  mul,
  type Origin,
  Store,
  sub,
  sum,
  symbol,
} from "../compiler/dims/index.ts";
import { milliseconds, printTable, verdict } from "./table.ts";

type Tree = readonly ["v", string] | readonly ["k", number] | readonly [string, Tree, Tree];

const corpus = "../shared/dims/identity-corpus.json";
const operators: Readonly<Record<string, (a: Dim, b: Dim) => Dim>> = {
  "+": add,
  "-": sub,
  "*": mul,
  "//": floorDiv,
  "%": mod,
  max,
  min,
};

function build([head, left, right]: Tree): Dim {
  if (head === "v") return symbol(left as string);
  if (head === "k") return constant(left as number);
  return operators[head]!(build(left as Tree), build(right as Tree));
}

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function timed<T>(task: () => T): readonly [ms: number, result: T] {
  const start = processorTime();
  const result = task();
  return [processorTime() - start, result];
}

function decideCorpus(): void {
  const entries: readonly { readonly e: Tree; readonly f: Tree; readonly truth: string }[] = JSON.parse(
    readFileSync(corpus, "utf8"),
  );
  const counts: Record<string, number> = {};
  let [worst, total, question] = [0, 0, ""];
  for (const { e, f, truth } of entries) {
    const [ms, { kind }] = timed(() => decide("==", build(e), build(f)));
    counts[`${truth}: ${kind}`] = (counts[`${truth}: ${kind}`] ?? 0) + 1;
    total += ms;
    if (ms > worst) [worst, question] = [ms, `${build(e)} == ${build(f)}`];
  }
  printTable(
    ["corpus", "found", "allowed", ""],
    [
      ["all queries", milliseconds(total), milliseconds(3000), verdict(total, 3000)],
      ["worst query", milliseconds(worst), milliseconds(50), verdict(worst, 50)],
    ],
  );
  console.log(`worst: ${question}`);
  printTable(["truth: verdict", "pairs"], Object.entries(counts).sort());
}

const many = 10_000;
const list = (make: (i: number) => Dim): readonly Dim[] => Array.from({ length: many }, (_, i) => make(i));
const because = (i: number): Origin => ({ subject: `op ${i}`, clause: "the bench wants it" });

function nestedFloors(): Dim {
  let d = symbol("n");
  for (let i = 0; i < 1000; i++) d = floorDiv(add(d, symbol(`x${i % 9}`)), 2 + (i % 3));
  return d;
}

/** What to prepare, what to time, and how many milliseconds it may take. */
const tasks: readonly (readonly [name: string, most: number, prepare: () => () => string])[] = [
  [
    "decide 10,000 terms == q",
    50,
    () => asked("==", () => sum(list((i) => mul(i, symbol(`y${i}`)))), symbol("q")),
  ],
  [
    "decide 10,000 terms >= q",
    50,
    () => asked(">=", () => sum(list((i) => mul(i, symbol(`y${i}`)))), symbol("q")),
  ],
  ["decide 1,000 nested floors == n", 50, () => asked("==", nestedFloors, symbol("n"))],
  ["decide 1,000 nested floors >= 1", 50, () => asked(">=", nestedFloors, constant(1))],
  ["decide 10,000 max == q", 50, () => asked("==", maxima, symbol("q"))],
  ["decide 10,000 max >= q", 50, () => asked(">=", maxima, symbol("q"))],
  [
    "decide 10,000 max in one symbol",
    50,
    () => asked("==", () => sum(list((i) => max(sub(symbol("n"), i), 0))), constant(7)),
  ],
  [
    "decide a max of 10,000 dims",
    50,
    () => asked(">=", () => max(...list((i) => symbol(`y${i % 99}`))), symbol("q")),
  ],
  [
    "build 10,000 terms one by one",
    2000,
    () => () => `${list((i) => symbol(`y${i}`)).reduce(grow).terms.length}`,
  ],
  ["parse 10,000 terms", 100, () => () => `${dim(list((i) => symbol(`y${i}`)).join(" + ")).terms.length}`],
  ["assert one equation of 10,000 terms", 50, equation],
  ["refute a second such equation", 200, contradiction],
  ["bind 10,000 flex symbols", 50, () => bound("?")],
  ["bind 10,000 rigid symbols", 50, () => bound("")],
  ["chain 10,000 flex symbols", 100, chained],
  ["assert and resolve 1,000,000 constants", 50, constants],
];

/** Times the decision, or what was refused while building the sides with a code. */
function asked(relation: "==" | ">=", a: () => Dim, b: Dim): () => string {
  const side = answered(a);
  return () => (typeof side === "string" ? side : decide(relation, side, b).kind);
}

function answered(make: () => Dim): Dim | string {
  try {
    return make();
  } catch (error) {
    if (error instanceof CompileError) return error.code;
    throw error;
  }
}

function maxima(): Dim {
  return sum(list((i) => max(symbol(`y${i}`), symbol(`z${i}`))));
}

function grow(total: Dim, next: Dim): Dim {
  return add(total, next);
}

function equation(): () => string {
  const all = sum(list((i) => symbol(`y${i}`)));
  return () => `${new Store().equal(all, symbol("q"), because(0)) === undefined}`;
}

function contradiction(): () => string {
  const all = sum(list((i) => symbol(`y${i}`)));
  const store = new Store();
  store.equal(all, symbol("q"), because(0));
  return () => {
    const conflict = store.equal(all, add(symbol("q"), 1), because(1));
    return `${conflict?.core.length} origins`;
  };
}

function bound(kind: string): () => string {
  const store = new Store();
  const symbols = list((i) => symbol(`${kind}k${i}`));
  return () => {
    const conflicts = symbols.filter((s, i) => store.equal(s, constant(i + 1), because(i)));
    return `${symbols.filter((s) => store.resolve(s) === s).length + conflicts.length} open`;
  };
}

function chained(): () => string {
  const store = new Store();
  const symbols = list((i) => symbol(`?c${i}`));
  return () => {
    for (let i = 1; i < many; i++) store.equal(symbols[i]!, symbols[i - 1]!, because(i));
    store.equal(symbols[0]!, constant(3), because(0));
    return `${store.resolve(symbols[many - 1]!)}`;
  };
}

function constants(): () => string {
  const store = new Store();
  const origin = because(0);
  return () => {
    let same = 0;
    for (let i = 0; i < 1e6; i++)
      if (!store.equal(constant(i & 1023), constant(i & 1023), origin))
        same += store.resolve(constant(i & 7)).id & 1;
    return same > 0 ? "done" : "none";
  };
}

if (existsSync(corpus)) decideCorpus();
else console.log("no corpus beside the repository: skipped");
console.log();
const rows = tasks.map(([name, most, prepare]) => {
  const task = prepare();
  const [ms, answer] = timed(task);
  return [name, milliseconds(ms), milliseconds(most), verdict(ms, most), answer];
});
printTable(["large input", "found", "allowed", "", "answer"], rows);
