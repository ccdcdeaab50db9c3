/**
 * Inputs that are shorter than their bucket: the function that copies one to the front of memory of the
 * bucket's shape. What is not filled is zero, as Keras's `pad_sequences` with `padding="post"` leaves it.
 */
import {
  constant,
  type Dim,
  mul,
  product,
  type Shape,
  substitute,
  symbol,
  symbolsOf,
} from "../../compiler/dims/index.ts";
import type { Port } from "../../compiler/ir/program.ts";
import { commentText, type Scope, type Types, Writer } from "../source/index.ts";
import { arrayClass } from "./arrays.ts";
import type { DimVariables } from "./door-code.ts";
import { bucketOf } from "./face.ts";

export interface PaddingFunction {
  readonly name: string;
  readonly text: string;
  /** What it is passed behind the array and the memory. */
  readonly sizes: readonly string[];
}

interface Padding {
  readonly port: Port;
  /** The dims that have buckets. */
  readonly bucketed: ReadonlySet<string>;
  /** Of the caller; the function's parameters are called like them. */
  readonly variables: DimVariables;
  readonly types: Types;
}

/** The function called `name`. */
export function printPadding(name: string, padding: Padding, scope: Scope): PaddingFunction {
  const { port, types } = padding;
  const { only } = types;
  const type = only(`: ${arrayClass(port)}`);
  const names = { from: scope.take("from"), to: scope.take("to") };
  const body = new Writer();
  writeCopy(padding, names, scope, body);
  const sizes = sizesOf(padding).filter((size) => new RegExp(`\\b${size}\\b`).test(`${body}`));
  const parameters = [`${names.from}${type}`, `${names.to}${type}`];
  const writer = new Writer();
  writer.line(
    `/** ${commentText(port.name)} at the front of memory of its bucket's size, zeros behind it. */`,
  );
  const all = [...parameters, ...sizes.map((size) => `${size}${only(": number")}`)];
  writer.list(`function ${name}`, all, `${type} {`);
  writer.indent(() => writer.line(`${body}`.trimEnd()).line(`return ${names.to};`)).line("}");
  return { name, text: `${writer}`, sizes };
}

/** Every dim, then its bucket. */
function sizesOf({ port, bucketed, variables }: Padding): readonly string[] {
  const names = [...new Set(port.shape.flatMap(symbolsOf))];
  const all = names.flatMap((name) => [name, ...(bucketed.has(name) ? [bucketOf(name)] : [])]);
  return all.map((name) => variables.name(name));
}

interface Names {
  readonly from: string;
  readonly to: string;
}

function writeCopy(padding: Padding, { from, to }: Names, scope: Scope, writer: Writer): void {
  const { port, bucketed, variables, types } = padding;
  const blocks = blocksOf(port.shape, bucketed);
  const zero = arrayClass(port).startsWith("Big") ? "0n" : "0";
  const inBucket = (d: Dim) => variables.print(withBuckets(d, bucketed));
  const end = inBucket(product(port.shape));
  if (blocks.length === 1) {
    writer.line(`${to}.set(${from});`);
    if (port.buffer.size) writer.line(`${to}.fill(${zero}, ${from}.length, ${end});`);
    return;
  }
  const read = scope.take("read");
  writer.line(`${to}.fill(${zero}, 0, ${end});`).line(`let ${read} = 0;`);
  const nest = (at: number, start: string): void => {
    const axis = scope.take("ijkl"[at] ?? "i");
    const head = `for (let ${axis} = 0; ${axis} < ${variables.print(blocks[at]!)}; ${axis}++)`;
    const place = start === "0" ? axis : `${start} + ${axis}`;
    if (at === blocks.length - 1) {
      writer.line(`${head} ${to}[${place}] = ${from}[${read}++]${types.element};`);
      return;
    }
    writer.block(head, () => {
      const row = scope.take("row");
      writer.line(`const ${row} = (${place}) * ${inBucket(blocks[at + 1]!)};`);
      nest(at + 1, row);
    });
  };
  nest(0, "0");
}

/**
 * Sizes of the axes, where those are one that lie one behind the other in both memories: an axis that is
 * shorter than in the bucket begins a new one.
 */
function blocksOf(shape: Shape, bucketed: ReadonlySet<string>): readonly Dim[] {
  const blocks: Dim[] = [];
  for (const d of shape) {
    const begins = symbolsOf(d).some((name) => bucketed.has(name)) && product(blocks) !== one;
    blocks.push(begins ? d : mul(blocks.pop() ?? one, d));
  }
  return blocks;
}

const one = constant(1);

function withBuckets(d: Dim, bucketed: ReadonlySet<string>): Dim {
  return substitute(d, new Map([...bucketed].map((name) => [name, symbol(bucketOf(name))])));
}
