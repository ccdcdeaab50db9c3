/**
 * Einstein summation: `"bhid,bhjd->bhij"` names the axes of each operand; what the result does not name is
 * summed. It is written with the core contraction, two operands at a time from left to right, so that shapes
 * are checked and solved there, and each axis is told by its letter. Semantics are numpy.einsum's, without
 * broadcasting: a letter has one size. `...` stands for the same leading axes in every operand that has it.
 */
import { fail } from "../../diagnostics/index.ts";
import type { Value } from "../../ir/graph.ts";
import type { CoreOps } from "./core.ts";

type Ops = CoreOps<unknown>;
type Labels = readonly string[];

interface Term {
  readonly value: Value;
  readonly labels: Labels;
}

/**
 * @throws CompileError E1002 for an equation that does not fit its operands, E2103 for a letter of two sizes.
 */
export function einsum(ops: Ops, equation: string, operands: readonly Value[]): Value {
  const { inputs, output } = read(ops, equation, operands);
  const terms = inputs.map((labels, i) => diagonal(ops, { value: operands[i]!, labels }));
  const last = terms.reduce((left, right, i) => {
    const later = new Set([...output, ...terms.slice(i + 1).flatMap(({ labels }) => labels)]);
    return product(ops, left, right, later);
  });
  const { value, labels } = summed(ops, last, new Set(output));
  return ops.transpose(
    value,
    output.map((label) => labels.indexOf(label)),
  );
}

/** Both multiplied, and summed over what they share and nobody needs `later`. */
function product(ops: Ops, left: Term, right: Term, later: ReadonlySet<string>): Term {
  const a = summed(ops, left, new Set([...right.labels, ...later]));
  const b = summed(ops, right, new Set([...left.labels, ...later]));
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => later.has(label));
  const contract = shared.filter((label) => !later.has(label));
  const axes = ({ labels }: Term, of: Labels) => of.map((label) => labels.indexOf(label));
  const free = ({ labels }: Term) => labels.filter((label) => !shared.includes(label));
  return {
    value: ops.dotGeneral(a.value, b.value, {
      batch: [axes(a, batch), axes(b, batch)],
      contract: [axes(a, contract), axes(b, contract)],
      letters: [a.labels, b.labels],
    }),
    labels: [...batch, ...free(a), ...free(b)],
  };
}

/** Without the axes that nobody needs. */
function summed(ops: Ops, { value, labels }: Term, needed: ReadonlySet<string>): Term {
  const axes = labels.flatMap((label, axis) => (needed.has(label) ? [] : [axis]));
  if (axes.length === 0) return { value, labels };
  return { value: ops.reduceSum(value, axes), labels: labels.filter((label) => needed.has(label)) };
}

/** A letter twice in one operand is its diagonal: all else is replaced by 0 and summed. */
function diagonal(ops: Ops, { value, labels }: Term): Term {
  const second = labels.findIndex((label, axis) => labels.indexOf(label) < axis);
  if (second < 0) return { value, labels };
  const place = (axis: number) => ops.iota("int32", ops.shape(value), axis);
  const kept = ops.select(ops.eq(place(labels.indexOf(labels[second]!)), place(second)), value, 0);
  return diagonal(ops, { value: ops.reduceSum(kept, second), labels: labels.toSpliced(second, 1) });
}

interface Equation {
  readonly inputs: readonly Labels[];
  readonly output: Labels;
}

function read(ops: Ops, equation: string, operands: readonly Value[]): Equation {
  const form = /^([a-zA-Z.,]*)(?:->([a-zA-Z.]*))?$/.exec(equation.replaceAll(" ", ""));
  const texts = form?.[1]?.split(",") ?? [];
  if (texts.length !== operands.length)
    return refuse(equation, `it does not name the axes of ${operands.length} operands`);
  const inputs = texts.map((text, i) => ofOperand(equation, text, ops.rank(operands[i]!)));
  const all = inputs.flat();
  const hidden = new Set(all.filter((label) => label.startsWith("."))).size;
  const given = form?.[2];
  const output = given === undefined ? implied(all, hidden) : labelsOf(equation, given, hidden);
  const stray = output.find((label, i) => !all.includes(label) || output.indexOf(label) < i);
  if (stray !== undefined)
    refuse(equation, `${stray} of the result is no axis of the operands, or stands there twice`);
  return { inputs, output };
}

/** Without "->" the result has, in alphabetical order, what stands once. */
function implied(all: Labels, hidden: number): Labels {
  const once = all.filter((label) => all.indexOf(label) === all.lastIndexOf(label) && !label.startsWith("."));
  return [...hiddenLabels(hidden), ...once.sort()];
}

function ofOperand(equation: string, text: string, rank: number): Labels {
  const named = text.replace("...", "").length;
  if (text.includes("...") ? named > rank : named !== rank)
    refuse(equation, `"${text}" names ${named} axes, but there are ${rank}`);
  return labelsOf(equation, text, rank - named);
}

/** One label per axis; those that "..." stands for are counted from the last. */
function labelsOf(equation: string, text: string, hidden: number): Labels {
  const [before = "", after, ...more] = text.split("...");
  if (more.length > 0 || `${before}${after}`.includes(".")) refuse(equation, `the dots of "${text}" are odd`);
  return after === undefined ? [...before] : [...before, ...hiddenLabels(hidden), ...after];
}

const hiddenLabels = (count: number): Labels => Array.from({ length: count }, (_, i) => `.${count - 1 - i}`);

function refuse(equation: string, why: string): never {
  return fail({
    code: "E1002",
    message: `einsum "${equation}" cannot be read: ${why}`,
    fix: 'write the axes of each operand and of the result, as in "bhid,bhjd->bhij"',
  });
}
