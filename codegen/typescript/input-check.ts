/**
 * The check of one input at the door of `run`. A module whose inputs have one dtype gets the shorter form.
 */
import type { Port } from "../../compiler/ir/program.ts";
import { dtypes } from "../../runtime/dtype.ts";
import { member, stringLiteral, type Types, type Writer } from "../source/index.ts";
import { arrayClass } from "./arrays.ts";
import { shapeText } from "./signature.ts";

/** The one class of all inputs; undefined when there are several. */
function onlyClass(inputs: readonly Port[]): string | undefined {
  const classes = new Set(inputs.map(arrayClass));
  return classes.size === 1 ? [...classes][0] : undefined;
}

/** The arguments that check `port`, whose array is in the variable `name`. */
export function checkArguments(port: Port, name: string, inputs: readonly Port[]): readonly string[] {
  const { length, size } = port.buffer;
  const [first, ...others] = typeArguments(port, name, inputs);
  if (size) throw new Error("internal: the length of an input is open, but checked as if it were not");
  return [first!, ...others.slice(0, -1), `${length}`, others.at(-1)!];
}

/** The same for `checkType`, which leaves the length to the door. */
export function typeArguments(port: Port, name: string, inputs: readonly Port[]): readonly string[] {
  const type = onlyClass(inputs) ? [] : [arrayClass(port)];
  return [stringLiteral(port.name), name, ...type, stringLiteral(shapeText(port.shape))];
}

/** The arguments that check the elements of `port`, whose array is in the variable `name`. */
export function valueArguments(port: Port, name: string): readonly string[] {
  return [stringLiteral(port.name), name, `${member("signature.inputs", port.name)}.values`];
}

/** For the inputs whose elements decided the shapes of the module. */
export function writeCheckValues({ only }: Types, writer: Writer): void {
  const elements = only(": ArrayLike<number | bigint>");
  const text = (list: string) => `[\${Array.prototype.join.call(${list}, ", ")}]`;
  const refusal = `input "\${name}" is ${text("value")}, but this module was compiled for ${text("expected")}`;
  writer.line().line("/** Refuses elements that ask for other shapes than those of this module. */");
  const parameters = [`name${only(": string")}`, `value${elements}`, `expected${elements}`];
  writer.list("function checkValues", parameters, `${only(": void")} {`);
  writer.indent(() => {
    writer.line("for (let i = 0; i < expected.length; i++)");
    writer.line("  if (value[i] !== expected[i])");
    writer.line("    throw new RangeError(");
    writer.line(`      \`${refusal}; compile it again with such a sample\`,`);
    writer.line("    );");
  });
  writer.line("}");
}

export function writeCheckInput(inputs: readonly Port[], types: Types, writer: Writer): void {
  const wrongLength = `has \${value.length} elements, expected \${length}, shape \${shape}`;
  writer.line().line("/** Refuses a missing input, another class and another length. */");
  writer.list("function checkInput", parameters(inputs, types, true), `${types.only(": void")} {`);
  writer.indent(() => {
    writeTypeCheck(inputs, writer);
    writer.line("if (value.length !== length)");
    writer.line(`  throw new RangeError(\`input "\${name}" ${wrongLength}\`);`);
  });
  writer.line("}");
}

export function writeCheckType(inputs: readonly Port[], types: Types, writer: Writer): void {
  writer.line().line("/** Refuses a missing input and another class. */");
  writer.list("function checkType", parameters(inputs, types, false), `${types.only(": void")} {`);
  writer.indent(() => writeTypeCheck(inputs, writer)).line("}");
}

function parameters(inputs: readonly Port[], { only }: Types, withLength: boolean): readonly string[] {
  const single = onlyClass(inputs);
  const elements = inputs.some(({ dtype }) => dtypes[dtype].big) ? "number | bigint" : "number";
  return [
    `name${only(": string")}`,
    `value${only(": unknown")}`,
    ...(single ? [] : [`type${only(`: { new (): ArrayLike<${elements}>; readonly name: string }`)}`]),
    ...(withLength ? [`length${only(": number")}`] : []),
    `shape${only(": string")}`,
  ];
}

function writeTypeCheck(inputs: readonly Port[], writer: Writer): void {
  const single = onlyClass(inputs);
  const expected = `expected ${single ?? `\${type.name}`} of shape \${shape}`;
  const missing = 'value === undefined ? "missing" : Object.prototype.toString.call(value).slice(8, -1)';
  writer.block(`if (!(value instanceof ${single ?? "type"}))`, () => {
    writer.line(`const found = ${missing};`);
    writer.line(`throw new TypeError(\`input "\${name}" is \${found}, ${expected}\`);`);
  });
}
