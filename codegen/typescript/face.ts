/**
 * A family as its users see it: one program whose bucketed dims are open, though what runs is a program of
 * fixed sizes. An output whose first axis is a bucketed dim alone has as many rows as the inputs had; any
 * other size is that of the bucket ("seq.bucket"), because what stands behind the rows of a sequence may be
 * results too (of a reversed one, say), and nobody but the model's author knows.
 */
import { constantOf, product, type Shape, substitute, symbol } from "../../compiler/dims/index.ts";
import type { BucketDim, Family, FamilyPort } from "../../compiler/ir/family.ts";
import type { OpenDim } from "../../compiler/ir/open-dims.ts";
import type { Port, Program } from "../../compiler/ir/program.ts";

/** The dim that has the size of the bucket in use. */
export const bucketOf = (name: string): string => `${name}.bucket`;

/** Dims that follow from the program that was chosen. */
export function derivedDims({ dims, tables }: Family): readonly OpenDim[] {
  const derived = (name: string, sizes: readonly number[]) =>
    openDim(name, Math.min(...sizes), Math.max(...sizes));
  return [
    ...dims.map(({ name, sizes }) => derived(bucketOf(name), sizes)),
    ...tables.map(({ name, sizes }) => derived(name, sizes)),
  ];
}

const openDim = (name: string, min: number, max: number): OpenDim => ({
  name,
  min,
  max,
  modulus: 1,
  residues: [0],
});

export function faceOf(family: Family): Program {
  const { dims, members, inputs, outputs, name, weights, kernels, prepare, packed, widened } = family;
  const last = members.at(-1)!;
  const most = (list: readonly number[]) => Math.max(...list);
  const bucketed = new Set(dims.map((dim) => dim.name));
  const buckets = dims.map(
    ({ name, sizes }): OpenDim => ({ ...openDim(name, 1, sizes.at(-1)!), buckets: sizes }),
  );
  return {
    name,
    weights,
    kernels,
    prepare,
    packed,
    widened,
    inputs: inputs.map(({ shape }, i) =>
      facePort(
        shape,
        members.map((member) => member.inputs[i]!),
      ),
    ),
    outputs: outputs.map((port, i) =>
      facePort(
        outputShape(port, dims),
        members.map((member) => member.outputs[i]!),
      ),
    ),
    steps: members.flatMap(({ steps }) => steps),
    arena: {
      bytes: most(members.map(({ arena }) => arena.bytes)),
      lowerBound: most(members.map(({ arena }) => arena.lowerBound)),
      offsets: new Map(),
    },
    macs: most(members.map(({ macs }) => macs)),
    open: { dims: [...buckets, ...last.open.dims], relations: last.open.relations },
    bindings: last.bindings.filter(({ symbol }) => !bucketed.has(symbol)),
  };
}

function outputShape({ shape }: FamilyPort, dims: readonly BucketDim[]): Shape {
  const inBucket = new Map(dims.map(({ name }) => [name, symbol(bucketOf(name))]));
  const isRows = shape[0] && dims.some(({ name }) => shape[0] === symbol(name));
  return shape.map((d, axis) => (axis === 0 && isRows ? d : substitute(d, inBucket)));
}

/** The port of all members, with memory for any of them. */
function facePort(shape: Shape, ports: readonly Port[]): Port {
  const [first] = ports as readonly [Port];
  const length = Math.max(...ports.map(({ buffer }) => buffer.length));
  const size = product(shape);
  const open = constantOf(size) === undefined ? { size } : {};
  return { ...first, shape, buffer: { ...first.buffer, length, ...open } };
}
