/**
 * Lays weights out for their kernels at compile time, so that a module ships them in the order it reads them
 * and carries no code that packs. A weight qualifies when one packed copy is all that is read of it; one that
 * its seeded initialiser makes at run time does not, because that fills the original order. Packing moves
 * float32 numbers and changes none.
 */
import { constantOf } from "../dims/index.ts";
import { affineOf } from "../ir/affine.ts";
import type { Buffer, For, Kernel, Stmt } from "../ir/loop.ts";
import type { Program, Step, Weight } from "../ir/program.ts";
import { countUses } from "../ir/program-walk.ts";
import { weightBytes } from "../ir/weight-bytes.ts";

/** What packing looks at: a program, or what several share with the steps of all. */
type Packable = Pick<Program, "weights" | "packed" | "prepare" | "widened" | "steps">;

export function prepack<P extends Packable>(program: P): P {
  const uses = countUses([...program.prepare, ...program.steps]);
  const weights = new Map(program.weights.map((weight) => [weight.buffer, weight]));
  const packedWeights = new Map<Buffer, Weight>();
  const widened: { from: Buffer; to: Buffer }[] = [];
  const renamed = new Map<Buffer, Buffer>();
  const prepare = program.prepare.filter((step) => {
    if (step.kind !== "call" || step.buffers.length !== 2) return true;
    const [source, packed] = [step.buffers[0]!, step.buffers[1]!];
    const weight = weights.get(source);
    const write = weight && uses.get(source) === 1 ? writerOf(step.kernel, weight) : undefined;
    if (!weight || !write) return true;
    const buffer: Buffer = { ...source, length: packed.length };
    packedWeights.set(source, rewritten(weight, buffer, write));
    if (packed.dtype === source.dtype) renamed.set(packed, buffer);
    else widened.push({ from: buffer, to: packed });
    return false;
  });
  return {
    ...program,
    weights: program.weights.map((weight) => packedWeights.get(weight.buffer) ?? weight),
    packed: program.packed.filter((buffer) => !renamed.has(buffer)),
    prepare: prepare.map((step) => rename(step, renamed)),
    widened: [...program.widened, ...widened],
    steps: program.steps.map((step) => rename(step, renamed)),
  };
}

function rename(step: Step, renamed: ReadonlyMap<Buffer, Buffer>): Step {
  if (step.kind === "repeat") return { ...step, body: step.body.map((inner) => rename(inner, renamed)) };
  if (step.kind !== "call") return step;
  return { ...step, buffers: step.buffers.map((buffer) => renamed.get(buffer) ?? buffer) };
}

/** Written out, because a spread would make its data. */
function rewritten(weight: Weight, buffer: Buffer, write: Weight["write"]): Weight {
  const { name, shape, bytes } = weight;
  return {
    name,
    shape,
    buffer,
    get data() {
      return weight.data;
    },
    ...(bytes && { bytes }),
    ...(write && { write }),
  };
}

/** One rectangular copy of a packing kernel: how far both addresses move along each loop. */
interface Copy {
  readonly loops: readonly { readonly trips: number; readonly from: number; readonly to: number }[];
  readonly from: number;
  readonly to: number;
}

/** Does what the kernel would do, or undefined when it does more than copy along affine addresses. */
function writerOf(kernel: Kernel, weight: Weight): Weight["write"] {
  if (weight.buffer.dtype !== "float32" || weight.write) return undefined;
  const copies = kernel.body.map((statement) => copyOf(statement, []));
  if (!copies.every((copy) => copy !== undefined)) return undefined;
  return ({ buffer, byteOffset, length }) => {
    const bytes = weightBytes(weight);
    const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const target = new Int32Array(buffer, byteOffset, length);
    for (const { loops, from, to } of copies) copyAlong(loops, source, from, target, to);
  };
}

function copyOf(statement: Stmt, loops: readonly For[]): Copy | undefined {
  if (statement.kind === "for")
    return statement.body.length === 1 ? copyOf(statement.body[0]!, [...loops, statement]) : undefined;
  if (statement.kind !== "store" || statement.value.kind !== "load") return undefined;
  const from = affineOf(statement.value.index);
  const to = affineOf(statement.index);
  if (!from || !to) return undefined;
  return {
    loops: loops.map(({ axis, extent, step }) => ({
      trips: Math.ceil(constantOf(extent)! / step),
      from: (from.coefficients.get(axis) ?? 0) * step,
      to: (to.coefficients.get(axis) ?? 0) * step,
    })),
    from: from.constant,
    to: to.constant,
  };
}

type Along = Copy["loops"][number];

const once: Along = { trips: 1, from: 0, to: 0 };

/**
 * Moves words, not numbers: a weight of a file need not be aligned. The two innermost loops are one function:
 * the innermost is often no longer than a register tile.
 */
function copyAlong(loops: readonly Along[], source: DataView, from: number, target: Int32Array, to: number) {
  const [outer = once, ...inner] = loops;
  if (inner.length < 2) {
    copyPlane(outer, inner[0] ?? once, source, from, target, to);
    return;
  }
  for (let i = 0; i < outer.trips; i++)
    copyAlong(inner, source, from + i * outer.from, target, to + i * outer.to);
}

function copyPlane(
  outer: Along,
  inner: Along,
  source: DataView,
  from: number,
  target: Int32Array,
  to: number,
): void {
  for (let i = 0; i < outer.trips; i++) {
    const rowFrom = from + i * outer.from;
    const rowTo = to + i * outer.to;
    for (let j = 0; j < inner.trips; j++)
      target[rowTo + j * inner.to] = source.getInt32(4 * (rowFrom + j * inner.from), true);
  }
}
