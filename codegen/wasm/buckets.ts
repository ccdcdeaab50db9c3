/**
 * A run of a module with buckets: the program of the smallest sizes that fit is chosen as the TypeScript
 * target chooses it, and inputs that are shorter are spread out in their places, with zeros between.
 */
import { symbolsOf } from "../../compiler/dims/index.ts";
import type { Family } from "../../compiler/ir/family.ts";
import type { Port, Program, Step } from "../../compiler/ir/program.ts";
import { member, type Writer } from "../source/index.ts";
import { bucketOf } from "../typescript/face.ts";
import { hasBucket, writeChoice } from "../typescript/family.ts";
import { type PaddingFunction, printPadding } from "../typescript/padding.ts";
import type { WasmContext } from "./context.ts";

/** The variables of the instance that hold the sizes to choose from. */
export interface BucketLists {
  /** Of each dim. */
  readonly sizes: readonly string[];
  /** Of each table. */
  readonly tables: readonly string[];
}

export function writeLists({ names, family }: WasmContext, writer: Writer): BucketLists {
  const { dims = [], tables = [] } = family ?? {};
  const declare = (name: string, sizes: readonly number[]) => {
    const list = names.local.take(name);
    writer.line(`const ${list} = [${sizes.join(", ")}];`);
    return list;
  };
  return {
    sizes: dims.map(({ name, sizes }) => declare(`${name} buckets`, sizes)),
    tables: tables.map(({ name, sizes }) => declare(`${name} sizes`, sizes)),
  };
}

/** `writeCalls` writes the steps of one program. */
export function writeBuckets(
  family: Family,
  lists: BucketLists,
  context: WasmContext,
  writer: Writer,
  writeCalls: (steps: readonly Step[], ports: Program) => void,
): void {
  const { names, door, types } = context;
  const choice = writeChoice(family, lists.sizes, context, writer);
  const at = names.local.take("at");
  writer.line(`const ${at} = ${choice};`);
  for (const [i, { name }] of family.tables.entries())
    writer.line(`const ${door!.variables.name(name)} = ${lists.tables[i]}[${at}]${types.element};`);
  for (const port of context.program.inputs) writePlacing(port, context, writer);
  for (const [i, program] of family.members.entries())
    writer.block(`if (${at} === ${i})`, () => writeCalls(program.steps, program));
}

/** The functions that spread out inputs. */
export function writePaddings(context: WasmContext, writer: Writer): void {
  for (const port of context.program.inputs)
    if (hasBucket(port, bucketedIn(context))) writer.line().line(paddingOf(port, context).text.trimEnd());
}

const bucketedIn = ({ family }: WasmContext): ReadonlySet<string> =>
  new Set(family!.dims.map(({ name }) => name));

function paddingOf(port: Port, context: WasmContext): PaddingFunction {
  const { names, door, types } = context;
  const bucketed = bucketedIn(context);
  const { variables } = door!;
  const name = `pad_${names.buffers.get(port.buffer)!}`;
  return printPadding(name, { port, bucketed, variables, types }, names.local.inner());
}

function writePlacing(port: Port, context: WasmContext, writer: Writer): void {
  const { names, door, family } = context;
  const [name, place] = [names.buffers.get(port.buffer)!, member("inputs", port.name)];
  if (!hasBucket(port, bucketedIn(context))) {
    writer.line(`put(${place}, ${name});`);
    return;
  }
  const { variables } = door!;
  const dims = family!.dims.map((each) => each.name);
  const own = dims.filter((dim) => port.shape.some((d) => symbolsOf(d).includes(dim)));
  const tests = own.map((dim) => `${variables.name(dim)} === ${variables.name(bucketOf(dim))}`);
  const { name: pad, sizes } = paddingOf(port, context);
  writer.line(`if (${tests.join(" && ")}) put(${place}, ${name});`);
  writer.line(`else ${pad}(${[name, place, ...sizes].join(", ")});`);
}
