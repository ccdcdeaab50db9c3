/**
 * The code at the door of a module with open dims: a variable for each, solved from a length or read from the
 * second argument of `run`, then checked against what it may be, and every length against its shape. Nothing
 * is allocated unless something is wrong. `writeSizes` alone leaves the sizes unchecked, for whoever has
 * other rules for them.
 */
import {
  constant,
  type Dim,
  type Domain,
  product,
  type Shape,
  symbolsOf,
} from "../../compiler/dims/index.ts";
import { dimsIn, type OpenDim, type OpenDims, relationText, ruleText } from "../../compiler/ir/open-dims.ts";
import { member, Scope, stringLiteral, type Types, templateText, type Writer } from "../source/index.ts";
import { Block } from "./block.ts";
import type { Door, DoorInput } from "./door.ts";
import { Indices } from "./indices.ts";

/** Expressions of open dims in a function where each dim is a variable. */
export class DimVariables {
  readonly #names: ReadonlyMap<string, string>;
  readonly #open: OpenDims;
  readonly #block: Block;
  readonly #indices: Indices;

  /** The variables are named in `scope`, after their dims. */
  constructor(open: OpenDims, scope: Scope) {
    this.#open = open;
    this.#names = new Map(open.dims.map(({ name }) => [name, scope.take(name, "dim")]));
    this.#block = new Block(new Scope([], scope));
    this.#indices = new Indices(scope);
    this.#indices.settle();
    this.define(this.#block);
  }

  /** Makes the dims known to a block that is printed inside the function. */
  define(block: Block): void {
    for (const { name, min, max } of this.#open.dims)
      block.defineSymbol(name, this.#names.get(name)!, { min, max });
  }

  /** Undefined for what is no open dim. */
  nameOf(dim: string): string | undefined {
    return this.#names.get(dim);
  }

  name(dim: string): string {
    return this.#names.get(dim)!;
  }

  print(d: Dim): string {
    return this.#indices.print(d, this.#block).text;
  }

  /** A shape with the sizes of this run, as it stands in a template literal. */
  template(shape: Shape): string {
    const sizes = shape.map((d) => (symbolsOf(d).length === 0 ? `${d}` : `\${${this.print(d)}}`));
    return `[${sizes.join(", ")}]`;
  }
}

/** What the writers below share. */
export interface DoorContext<I extends DoorInput> {
  readonly door: Door<I>;
  readonly variables: DimVariables;
  /** The variable that holds the array of an input, which is of its type already. */
  readonly arrayOf: (input: I) => string;
}

/** A constant for each dim; not checked, and not whole where the length is not a multiple. */
export function writeSizes<I extends DoorInput>(context: DoorContext<I>, writer: Writer): void {
  const { door, variables, arrayOf } = context;
  const { asked } = door;
  if (asked.length > 0) {
    const needs = `run needs the sizes of ${asked.join(", ")} as numbers: no input's length tells them`;
    const missing = ["!dims", ...asked.map((dim) => `typeof ${member("dims", dim)} !== "number"`)];
    writer.line(`if (${missing.join(" || ")})`);
    writer.line(`  throw new TypeError(${stringLiteral(needs)});`);
  }
  for (const dim of asked) writer.line(`const ${variables.name(dim)} = ${member("dims", dim)};`);
  for (const { dim, input, factor, power, rest } of door.solved) {
    const operand = (d: Dim) =>
      /^\w+$/.test(variables.print(d)) ? variables.print(d) : `(${variables.print(d)})`;
    const length = `${arrayOf(input)}.length`;
    const above = rest === constant(0) ? length : `(${length} - ${operand(rest)})`;
    const quotient = factor === constant(1) ? above : `${above} / ${operand(factor)}`;
    const size = power === 1 ? quotient : `Math.round((${quotient}) ** (1 / ${power}))`;
    writer.line(`const ${variables.name(dim)} = ${size};`);
  }
}

/** Refuses sizes that their dims may not have, and relations that do not hold. */
export function writeSizeChecks<I extends DoorInput>(context: DoorContext<I>, writer: Writer): void {
  const { door, variables } = context;
  for (const name of [...door.asked, ...door.solved.map(({ dim }) => dim)])
    writeDomainCheck(context, door.open.dims.find((dim) => dim.name === name)!, writer);
  for (const one of door.open.relations) {
    const { relation, left, right, orOne } = one;
    const operator = relation === "==" || relation === "!=" ? `${relation}=` : relation;
    const names = dimsIn(one);
    const values = names.map((name) => `${templateText(name)} is \${${variables.name(name)}}`).join(", ");
    const rule = templateText(relationText(one));
    const test = `${variables.print(left)} ${operator} ${variables.print(right)}`;
    writer.line(`if (!(${test}${orOne ? ` || ${variables.print(orOne)} === 1` : ""}))`);
    writer.line(`  throw new RangeError(\`${values}, but ${rule} must hold\`);`);
  }
}

function writeDomainCheck<I extends DoorInput>(
  { door, variables, arrayOf }: DoorContext<I>,
  dim: OpenDim,
  writer: Writer,
): void {
  const { name, min, max, modulus, residues } = dim;
  const variable = variables.name(name);
  writer.line(`if (!(${membership(variable, dim)}))`);
  const source = door.solved.find((solution) => solution.dim === name)?.input;
  const shape = source && templateText(`[${source.shape.join(", ")}]`);
  const where = source
    ? `\`input "${templateText(source.name)}" of \${${arrayOf(source)}.length} elements, shape ${shape}\``
    : '"the sizes given to run"';
  const rule = [stringLiteral(ruleText(dim)), `${min}`, `${max}`, `${modulus}`, `[${residues.join(", ")}]`];
  writer.indent(() => writer.list("refuseDim", [stringLiteral(name), variable, where, ...rule], ";"));
}

/** Refuses lengths unlike their shapes: those that no size was solved from. */
export function writeLengthChecks<I extends DoorInput>(
  { door, variables, arrayOf }: DoorContext<I>,
  inputs: readonly I[],
  writer: Writer,
): void {
  for (const input of inputs) {
    if (isSolvedFrom(input, door)) continue;
    const length = variables.print(product(input.shape));
    const found = `${arrayOf(input)}.length`;
    const args = [stringLiteral(input.name), found, length, `\`${variables.template(input.shape)}\``];
    writer.line(`if (${found} !== ${length})`);
    writer.indent(() => writer.list("refuseLength", args, ";"));
  }
}

/** Whether its length is right by having given a whole size. */
const isSolvedFrom = (input: DoorInput, { solved }: Door): boolean =>
  solved.some((solution) => solution.input === input && solution.power === 1);

/** The condition under which a number is a size of the dim; false for NaN and fractions. */
export function membership(variable: string, { min, max, modulus, residues }: Domain): string {
  const bounds = `${variable} >= ${min} && ${variable} <= ${max}`;
  const remainder = `${variable} % ${modulus}`;
  if (residues.length === 1) return `${bounds} && ${remainder} === ${residues[0]}`;
  return `${bounds} && [${residues.join(", ")}].includes(${remainder})`;
}

/** The functions that the checks call. */
export function writeRefusals(door: Door, inputs: readonly DoorInput[], types: Types, writer: Writer): void {
  if (door.open.dims.length > 0) writer.line().line(refuseDim(types));
  if (!inputs.every((input) => isSolvedFrom(input, door))) writer.line().line(refuseLength(types));
}

const refuseDim = ({ only }: Types): string => `/** Says which sizes nearby would do. */
function refuseDim(
  name${only(": string")},
  value${only(": number")},
  where${only(": string")},
  rule${only(": string")},
  min${only(": number")},
  max${only(": number")},
  modulus${only(": number")},
  residues${only(": readonly number[]")},
)${only(": never")} {
  const isSize = (n${only(": number")}) => residues.includes(n % modulus);
  let below = Math.min(Math.floor(value), max);
  while (below >= min && !isSize(below)) below--;
  let above = Math.max(Math.ceil(value), min);
  while (above <= max && !isSize(above)) above++;
  const near = [...new Set([below, above])].filter((n) => n >= min && n <= max).join(", ");
  const hint = near === "" ? "" : \`; nearest \${near}\`;
  throw new RangeError(\`\${name} is \${value} in \${where}, but must be whole and \${rule}\${hint}\`);
}`;

const refuseLength = ({
  only,
}: Types): string => `/** Says what shape the input should have had in this run. */
function refuseLength(
  name${only(": string")},
  found${only(": number")},
  length${only(": number")},
  shape${only(": string")},
)${only(": never")} {
  throw new RangeError(\`input "\${name}" has \${found} elements, expected \${length}, shape \${shape}\`);
}`;
