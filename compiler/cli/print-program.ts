/** `--emit program`: what is left of a model when it has been lowered, as text to read. */

import { Constraint, print } from "../dims/index.ts";
import { combinations, type Family } from "../ir/family.ts";
import type { Buffer } from "../ir/loop.ts";
import { printKernel } from "../ir/loop-print.ts";
import type { Program, Step } from "../ir/program.ts";
import { callsIn } from "../ir/program-walk.ts";
import { grouped } from "./amounts.ts";

export function printProgram(program: Program): string {
  const { name, inputs, outputs, weights, packed, widened, kernels, prepare, steps, arena, macs } = program;
  const ports = (word: string, list: Program["inputs"]) =>
    list.map((port) => `${word} ${port.name}: ${port.dtype}[${port.shape.join(", ")}] = ${port.buffer.name}`);
  return [
    `program ${name}`,
    ...ports("input", inputs),
    ...ports("output", outputs),
    ...weights.map((w) => `weight ${w.name}: ${w.buffer.dtype}[${w.shape.join(", ")}] = ${w.buffer.name}`),
    ...packed.map((buffer) => `packed ${buffer.name}: ${buffer.dtype}[${buffer.length}]`),
    `arena ${grouped(arena.bytes)} bytes, lower bound ${grouped(arena.lowerBound)}`,
    ...[...arena.offsets].map(([buffer, offset]) => `  ${offset}: ${printBuffer(buffer)}`),
    `${grouped(macs)} multiply-accumulates`,
    "",
    ...kernels.map((kernel) => `${printKernel(kernel)}\n`),
    ...widened.map(({ from, to }) => `${to.name} = ${from.name} as ${to.dtype}`),
    ...(prepare.length > 0 ? ["prepare", ...prepare.flatMap((step) => printStep(step, "  ")), ""] : []),
    "run",
    ...steps.flatMap((step) => printStep(step, "  ")),
  ].join("\n");
}

/** Program after program, each with its sizes. */
export function printFamily({ dims, members }: Family): string {
  const sizes = combinations(dims).map((some) =>
    [...some].map(([name, size]) => `${name} = ${size}`).join(", "),
  );
  return members
    .map((member, i) => {
      const called = new Set(callsIn([...member.prepare, ...member.steps]).map(({ kernel }) => kernel));
      const kernels = member.kernels.filter((kernel) => called.has(kernel));
      return `// ${sizes[i]}\n${printProgram({ ...member, kernels })}`;
    })
    .join("\n\n");
}

const printBuffer = ({ name, dtype, length }: Buffer): string => `${name} ${dtype}[${length}]`;

function printStep(step: Step, indent: string): readonly string[] {
  if (step.kind === "call") {
    const args = [...step.buffers.map(({ name }) => name), ...step.args.map(print)];
    return [`${indent}${step.kernel.name}(${args.join(", ")})`];
  }
  if (step.kind === "read")
    return [
      `${indent}${step.symbol} = ${step.buffer.name}[${print(step.index)}]`,
      ...(step.guards.length > 0 ? [`${indent}  must hold: ${new Constraint(step.guards)}`] : []),
    ];
  if (step.kind === "stop") return [`${indent}stop unless ${step.buffer.name}[${print(step.index)}]`];
  return [
    `${indent}repeat ${step.axis} < ${print(step.extent)}`,
    ...step.body.flatMap((inner) => printStep(inner, `${indent}  `)),
  ];
}
