/**
 * Each kernel of a program timed by itself: a program of one call is emitted for the same target, loaded, and
 * run on resident buffers. What it costs in the whole is that times its calls; what is missing from the sum
 * is the door and colder caches.
 */
import { allocate, dtypes, type TypedArray } from "../../runtime/dtype.ts";
import { copyElements } from "../../runtime/elements.ts";
import { type Instance, load } from "../../runtime/load.ts";
import { fill } from "../../runtime/random/noise.ts";
import { constant, constantOf, type Dim, substitute } from "../dims/index.ts";
import type { Buffer, Kernel } from "../ir/loop.ts";
import { dtypeOf, expressionOf, visitExpr, visitStmts } from "../ir/loop-rewrite.ts";
import { nothingOpen } from "../ir/open-dims.ts";
import type { Call, Port, Program, Step, Weight } from "../ir/program.ts";
import type { EmittedModule } from "../ir/target.ts";

export interface KernelTiming {
  readonly name: string;
  /** Value, shapes, source layers. */
  readonly comment: string;
  /** Of one run of the model. */
  readonly calls: number;
  /** Milliseconds of one call, the median. */
  readonly median: number;
  /** Floating-point operations of one call. */
  readonly operations: number;
}

/** Milliseconds that each kernel runs for before anything counts, and then. */
const WARM_UP = 60;
const SPAN = 60;

/**
 * By kernel, the most expensive first. `emit` makes a module of format "js" for the target in question.
 */
export function timeKernels(
  program: Program,
  emit: (program: Program) => EmittedModule,
): readonly KernelTiming[] {
  const sizes = new Map(program.open.dims.map(({ name, max }) => [name, constant(max)]));
  const calls = countCalls(program.steps, 1, sizes);
  return [...calls]
    .map(([kernel, { call, count }]) => ({
      name: kernel.name,
      comment: kernel.comment,
      calls: count,
      median: timeOf(load(emit(programOf(program, call, sizes))).instantiate(), call),
      operations: operationsOf(kernel),
    }))
    .sort((x, y) => y.median * y.calls - x.median * x.calls);
}

type Sizes = ReadonlyMap<string, Dim>;
type Calls = Map<Kernel, { readonly call: Call; count: number }>;

function countCalls(steps: readonly Step[], times: number, sizes: Sizes, calls: Calls = new Map()): Calls {
  for (const step of steps) {
    if (step.kind === "repeat") {
      const extent = constantOf(substitute(step.extent, sizes)) ?? 1;
      countCalls(step.body, times * extent, sizes, calls);
    } else if (step.kind === "call") {
      const known = calls.get(step.kernel);
      if (known) known.count += times;
      else calls.set(step.kernel, { call: step, count: times });
    }
  }
  return calls;
}

/** One call, with the first time step and the largest open sizes as arguments. */
function programOf(whole: Program, call: Call, sizes: Sizes): Program {
  const { kernel } = call;
  const own = (b: Buffer, space: Buffer["space"]): Buffer => ({
    name: b.name,
    dtype: b.dtype,
    length: b.length,
    space,
  });
  const isWeight = (b: Buffer) => b.space === "weight" || b.space === "packed";
  const reads = kernel.reads.map((b) => own(b, isWeight(b) ? "weight" : "input"));
  const writes = kernel.writes.map((b) => own(b, "output"));
  const args = call.args.map((arg) => constantOf(substitute(arg, sizes)) ?? 0).map((n) => constant(n));
  return {
    name: whole.name,
    inputs: reads.filter(({ space }) => space === "input").map((b, i) => portOf(`x${i}`, b)),
    outputs: writes.map((b, i) => portOf(`y${i}`, b)),
    weights: reads.filter(isWeight).map(weightOf),
    kernels: [kernel],
    prepare: [],
    packed: [],
    widened: [],
    steps: [{ kind: "call", kernel, buffers: [...reads, ...writes], args }],
    arena: { bytes: 0, lowerBound: 0, offsets: new Map() },
    macs: 0,
    open: nothingOpen,
    bindings: [],
  };
}

const portOf = (name: string, buffer: Buffer): Port => ({
  name,
  dtype: buffer.dtype,
  shape: [constant(buffer.length)],
  buffer,
});

const weightOf = (buffer: Buffer): Weight => ({
  name: buffer.name,
  shape: [buffer.length],
  buffer,
  data: contents(buffer),
});

/** Floats between -1 and 1; integers are 0, because they may be positions in a table. */
function contents({ dtype, length }: Pick<Buffer, "dtype" | "length">): TypedArray {
  const data = allocate(dtype, length);
  if (dtypes[dtype].kind === "float") fill(data, dtype, { min: -1, max: 1 }, "uniform", length);
  return data;
}

function timeOf(instance: Instance, { kernel }: Call): number {
  const read = kernel.reads.filter(({ space }) => space !== "weight" && space !== "packed");
  const contentsByName = Object.fromEntries(read.map((b, i) => [`x${i}`, contents(b)]));
  const inputs = instance.inputs ?? contentsByName;
  // Where they lie in the memory of the instance, nothing is copied.
  for (const [name, data] of Object.entries(contentsByName)) copyElements(inputs[name]!, data);
  const times: number[] = [];
  const from = performance.now() + WARM_UP;
  for (let now = performance.now(); times.length < 3 || now < from + SPAN; ) {
    const start = now;
    instance.run(inputs);
    now = performance.now();
    if (start >= from) times.push(now - start);
  }
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

/** Floating-point operations of one call; a multiply-add counts as two, an exponential as one. */
export function operationsOf(kernel: Kernel): number {
  let operations = 0;
  visitStmts(kernel.body, (s, loops) => {
    const value = expressionOf(s);
    if (!value) return;
    let each = 0;
    visitExpr(value, (e) => {
      if ((e.kind === "unary" || e.kind === "binary") && dtypes[dtypeOf(e)].kind === "float") each++;
    });
    operations += loops.reduce((n, l) => n * Math.ceil((constantOf(l.extent) ?? 1) / l.step), each);
  });
  return operations;
}
