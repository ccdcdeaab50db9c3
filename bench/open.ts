/**
 * What leaving the batch open costs: one module for every batch from 1 to 32 beside the modules compiled for
 * one batch each, in plain TypeScript. Both run in one process and take turns; a figure is the median of the
 * ratios of neighbouring turns, so what slows the machine for a while slows both. 0.9 is asked for.
 */
import {
  compile,
  conv2d,
  dense,
  flatten,
  load,
  type Model,
  maxPooling2d,
  sequential,
} from "../compiler/index.ts";
import { encoder } from "../examples/transformer-encoder.ts";
import { milliseconds, printTable } from "./table.ts";

const batches = [1, 4, 7, 32];
const turns = 41;

interface Subject {
  readonly name: string;
  readonly model: Model<unknown>;
  /** Of one row. */
  readonly shape: readonly number[];
  readonly integers?: true;
}

const subjects: readonly Subject[] = [
  {
    name: "MLP 784-256-128-10",
    model: sequential([
      dense({ units: 256, activation: "relu" }),
      dense({ units: 128, activation: "relu" }),
      dense({ units: 10, activation: "softmax" }),
    ]),
    shape: [784],
  },
  {
    name: "conv net 28x28",
    model: sequential([
      conv2d({ filters: 16, kernelSize: 3, padding: "same", activation: "relu" }),
      maxPooling2d({ poolSize: 2 }),
      conv2d({ filters: 32, kernelSize: 3, padding: "same", activation: "relu" }),
      maxPooling2d({ poolSize: 2 }),
      flatten(),
      dense({ units: 10 }),
    ]),
    shape: [28, 28, 1],
  },
  { name: "transformer encoder, 32 tokens", model: encoder, shape: [32], integers: true },
];

function runner({ model, shape, integers }: Subject, batch: number, open: boolean): () => unknown {
  const options = open
    ? { sample: [1, ...shape], dims: { batch: { min: 1, max: 32 } } }
    : { sample: [batch, ...shape] };
  const module = load(compile(model, { ...options, format: "js" }));
  const instance = module.instantiate();
  const length = shape.reduce((n, size) => n * size, batch);
  const data = integers
    ? Int32Array.from({ length }, (_, i) => i % 50)
    : Float32Array.from({ length }, (_, i) => Math.sin(i));
  const inputs = { [Object.keys(module.signature.inputs)[0]!]: data };
  return () => instance.run(inputs);
}

/** Milliseconds of processor time of `times` runs. */
function timeOf(run: () => unknown, times: number): number {
  const start = process.cpuUsage();
  for (let i = 0; i < times; i++) run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e3;
}

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;

function measured(subject: Subject, batch: number): readonly (string | number)[] {
  const [fixed, open] = [runner(subject, batch, false), runner(subject, batch, true)];
  // Long enough for the engine to have done with compiling.
  for (let spent = 0; spent < 400; ) spent += timeOf(fixed, 1) + timeOf(open, 1);
  const times = Math.max(1, Math.round(100 / timeOf(fixed, 10)));
  const pairs = Array.from({ length: turns }, () => [timeOf(fixed, times), timeOf(open, times)] as const);
  const ratio = median(pairs.map(([a, b]) => a / b));
  const each = (i: 0 | 1) => milliseconds(median(pairs.map((pair) => pair[i])) / times);
  return [subject.name, batch, each(0), each(1), ratio.toFixed(2), ratio >= 0.9 ? "ok" : "MISSED"];
}

const rows = subjects.flatMap((subject) => batches.map((batch) => measured(subject, batch)));
printTable(["model", "batch", "one size", "open", "speed of one size", "0.9 asked for"], rows);
