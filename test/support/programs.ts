/**
 * Programs built by hand, for tests of targets that must not depend on lowering: one or more kernels over
 * named buffers, every arena buffer in a place of its own.
 */
import { constant, type Dim } from "../../compiler/dims/index.ts";
import type { Buffer, Expr, Kernel, Stmt } from "../../compiler/ir/loop.ts";
import { nothingOpen } from "../../compiler/ir/open-dims.ts";
import type { Port, Program, Step, Weight } from "../../compiler/ir/program.ts";
import { callsIn } from "../../compiler/ir/program-walk.ts";
import { targets } from "../../compiler/ir/target.ts";
import { byteSize, type TypedArray } from "../../runtime/dtype.ts";
import { buffer, matmul } from "./nests.ts";
import { noise } from "./results.ts";

export function kernel(
  name: string,
  parts: Partial<Kernel> & Pick<Kernel, "reads" | "writes" | "body">,
): Kernel {
  return { name, parameters: [], comment: `${name} of the test`, ...parts };
}

export function store(to: Buffer, index: Dim, value: Expr): Stmt {
  return { kind: "store", buffer: to, index, value };
}

/** A call with the kernel's own buffers. */
export function call(kernel: Kernel): Step {
  return { kind: "call", kernel, buffers: [...kernel.reads, ...kernel.writes], args: [] };
}

export function port(name: string, of: Buffer, shape: readonly number[] = [of.length]): Port {
  return { name, dtype: of.dtype, shape: shape.map((n) => constant(n)), buffer: of };
}

export function weight(name: string, of: Buffer, data: TypedArray, shape = [of.length]): Weight {
  return { name, shape, buffer: of, data };
}

export type ProgramParts = Partial<Program> & Pick<Program, "steps">;

/** Ports, kernels and the arena plan follow from the steps unless given. */
export function program(parts: ProgramParts): Program {
  const steps = [...(parts.prepare ?? []), ...parts.steps];
  const called = callsIn(steps);
  const buffers = [...new Set(called.flatMap((step) => step.buffers))];
  const inSpace = (space: Buffer["space"]) => buffers.filter((candidate) => candidate.space === space);
  const offsets = new Map<Buffer, number>();
  let bytes = 0;
  for (const arena of inSpace("arena")) {
    offsets.set(arena, bytes);
    bytes = Math.ceil((bytes + byteSize(arena.dtype, arena.length)) / 8) * 8;
  }
  return {
    name: "test",
    inputs: inSpace("input").map((b) => port(b.name, b)),
    outputs: inSpace("output").map((b) => port(b.name, b)),
    weights: inSpace("weight").map((b) => weight(b.name, b, noise(b, 1))),
    kernels: [...new Set(called.map((step) => step.kernel))],
    prepare: [],
    packed: inSpace("packed"),
    widened: [],
    arena: { bytes, lowerBound: bytes, offsets },
    macs: 0,
    open: nothingOpen,
    bindings: [],
    ...parts,
  };
}

/** The MLP of the README: [batch, inputs] -> relu dense -> dense, unscheduled. */
export function mlp(batch: number, inputs: number, hidden: number, outputs: number): Program {
  const first = matmul(batch, inputs, hidden, targets.ts);
  const second = matmul(batch, hidden, outputs, targets.ts);
  const x = buffer("x", batch * inputs, "input");
  const h = buffer("hidden", batch * hidden, "arena");
  const y = buffer("logits", batch * outputs, "output");
  const kernels = [
    { ...first, comment: `dense: [${batch}, ${inputs}] x [${inputs}, ${hidden}] + bias, relu` },
    { ...second, comment: `dense_1: [${batch}, ${hidden}] x [${hidden}, ${outputs}] + bias, relu` },
  ] as const;
  const parameters = (layer: string, k: number, n: number) => [
    buffer(`${layer}.kernel`, k * n, "weight"),
    buffer(`${layer}.bias`, n, "weight"),
  ];
  const [w1, b1] = parameters("dense", inputs, hidden) as [Buffer, Buffer];
  const [w2, b2] = parameters("dense_1", hidden, outputs) as [Buffer, Buffer];
  const shapes = [[inputs, hidden], [hidden], [hidden, outputs], [outputs]];
  return program({
    name: "mlp",
    inputs: [port("x", x, [batch, inputs])],
    outputs: [port("logits", y, [batch, outputs])],
    weights: [w1, b1, w2, b2].map((b, i) => weight(b.name, b, noise(b, 7), shapes[i])),
    steps: [
      { kind: "call", kernel: kernels[0], buffers: [x, w1, b1, h], args: [] },
      { kind: "call", kernel: kernels[1], buffers: [h, w2, b2, y], args: [] },
    ],
    macs: batch * (inputs * hidden + hidden * outputs),
    bindings: [{ symbol: "batch", value: batch }],
  });
}
