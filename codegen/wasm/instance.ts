/**
 * The instance of a WebAssembly module: typed arrays over its memory, and `run`. Inputs have a place in
 * memory: callers may write there and pass nothing, and what they pass from elsewhere is copied to it. So an
 * input may be an output of an earlier run (a recurrent state fed back), whatever the kernels overwrite.
 */
import type { Buffer } from "../../compiler/ir/loop.ts";
import type { Port, Program, Step } from "../../compiler/ir/program.ts";
import { planFill } from "../../runtime/initializers/index.ts";
import { member, propertyKey, type Writer } from "../source/index.ts";
import { arrayClass, declareArray } from "../typescript/arrays.ts";
import { checkArguments, typeArguments, valueArguments } from "../typescript/input-check.ts";
import { writeDoor, writeOpenTypes, writeResults, writeViews } from "../typescript/open-instance.ts";
import { buffersIn, writeSteps } from "../typescript/steps.ts";
import { type BucketLists, writeBuckets, writeLists, writePaddings } from "./buckets.ts";
import type { WasmContext } from "./context.ts";

const asks = ({ door }: WasmContext) => (door?.door.asked.length ?? 0) > 0;

export function writeInstanceType(context: WasmContext, writer: Writer): void {
  const { program, door } = context;
  if (door) writeOpenTypes(program, door, writer);
  writer.line();
  writer.block("export interface Instance", () => {
    if (program.inputs.length > 0) {
      writer.line(
        "/** Where inputs lie in memory: what is written there and passed to `run` is not copied. */",
      );
      writer.line("readonly inputs: Inputs;");
    }
    if (door) writer.line("/** Of the outputs of the last run. */");
    if (door) writer.line("readonly shapes: Shapes;");
    const optional = door ? "" : "?";
    const inputs = program.inputs.length > 0 || asks(context) ? [`inputs${optional}: Inputs`] : [];
    const dims = asks(context) ? ["dims: Dims"] : [];
    const without = !door && inputs.length > 0 ? "Without inputs it takes those in memory. " : "";
    writer.line(`/** ${without}The outputs are valid until this instance runs again. */`);
    writer.line(`run(${[...inputs, ...dims].join(", ")}): Outputs;`);
  });
}

export function writeInstance(context: WasmContext, writer: Writer): void {
  const { plan, types } = context;
  const { only } = types;
  const given = plan.mode === "file" && plan.stored.length > 0;
  const parameters = [
    `{ exports }${only(": WasmInstance")}`,
    ...(given ? [`given${only(": ArrayBuffer | Uint8Array | Weights")}`] : []),
  ];
  writer.line();
  writer.block(`function instanceOf(${parameters.join(", ")})${only(": Instance")}`, () => {
    writer.line("const { buffer } = exports.memory;");
    writeWeights(context, writer);
    writeArrays(context, writer);
    writeObject(context, writeLists(context, writer), writer);
  });
  if (context.program.inputs.length > 0) writePut(context, writer);
  if (context.family) writePaddings(context, writer);
}

function writeWeights({ plan, memory, names, program, callees }: WasmContext, writer: Writer): void {
  const { stored, addresses } = memory;
  if (plan.stored.length > 0) {
    if (plan.mode === "file") {
      // What is neither bytes nor weights goes to loadWeights, which says what it wants.
      writer.line(`const isWeights = given instanceof Object && !("byteLength" in given);`);
      writer.line("const { bytes } = isWeights ? given : loadWeights(given);");
    } else writer.line("const bytes = decode(base64);");
    writer.line(`new Uint8Array(buffer, ${stored.start}, ${stored.bytes}).set(bytes);`);
  }
  for (const { buffer, initializer, shape } of plan.seeded) {
    const { fill, args } = planFill(initializer!.spec, shape, initializer!.seed, initializer!.path);
    const name = names.buffers.get(buffer)!;
    writer.line(declareArray(name, buffer, "buffer", addresses.get(buffer)!));
    writer.line(`${fill}(${[name, ...args].join(", ")});`);
  }
  const seeded = new Set(plan.seeded.map((weight) => weight.buffer));
  const used = buffersIn([...program.prepare, ...program.steps], callees);
  const { widened } = program;
  const needed = new Set([...used, ...widened.flatMap(({ from, to }) => [from, to])]);
  for (const buffer of needed)
    if ((buffer.space === "weight" || buffer.space === "packed") && !seeded.has(buffer))
      writer.line(declareArray(names.buffers.get(buffer)!, buffer, "buffer", addresses.get(buffer)!));
  for (const { from, to } of widened)
    writer.line(`${names.buffers.get(to)!}.set(${names.buffers.get(from)!});`);
  writeSteps(program.prepare, callees, (buffer) => names.buffers.get(buffer)!, writer);
}

function writeArrays(context: WasmContext, writer: Writer): void {
  const { program, names, memory, callees, types, door } = context;
  const { addresses } = memory;
  const declare = (buffer: Buffer) =>
    writer.line(declareArray(names.buffers.get(buffer)!, buffer, "buffer", addresses.get(buffer)!));
  for (const buffer of buffersIn(program.steps, callees)) if (buffer.space === "arena") declare(buffer);
  for (const buffer of new Set(program.outputs.map((port) => port.buffer))) declare(buffer);
  if (program.inputs.length > 0)
    writer.block(
      `const inputs${types.only(": Inputs")} =`,
      () => {
        for (const { name, buffer } of program.inputs) {
          const made = `new ${arrayClass(buffer)}(buffer, ${addresses.get(buffer)}, ${buffer.length})`;
          writer.line(`${propertyKey(name)}: ${made},`);
        }
      },
      ";",
    );
  const entries = program.outputs.map(({ name, buffer }) => {
    const [key, value] = [propertyKey(name), names.buffers.get(buffer)!];
    return key === value ? key : `${key}: ${value}`;
  });
  const outputs = door ? ": { -readonly [Name in keyof Outputs]: Outputs[Name] }" : ": Outputs";
  writer.line(`const outputs${types.only(outputs)} = { ${entries.join(", ")} };`);
  if (door) writeViews(program, door, types, writer);
}

function writeObject(context: WasmContext, lists: BucketLists, writer: Writer): void {
  const { program, door, types } = context;
  const { only } = types;
  writer.block(
    "return",
    () => {
      if (program.inputs.length > 0) writer.line("inputs,");
      if (door) writer.line("shapes,");
      const fallback = door ? "" : " = inputs";
      const hasInputs = program.inputs.length > 0 || asks(context);
      const inputs = hasInputs
        ? [`given${only(": Inputs")}${program.inputs.length > 0 ? fallback : ""}`]
        : [];
      const dims = asks(context) ? [`dims${only(": Dims")}`] : [];
      const head = `run(${[...inputs, ...dims].join(", ")})${only(": Outputs")}`;
      writer.block(head, () => writeRun(context, lists, writer), ",");
    },
    ";",
  );
}

function writeRun(context: WasmContext, lists: BucketLists, writer: Writer): void {
  const { program, names, door, family } = context;
  const { inputs } = program;
  const nameOf = ({ buffer }: Port) => names.buffers.get(buffer)!;
  for (const port of inputs) {
    const name = nameOf(port);
    writer.line(`${movesApart(context) ? "let" : "const"} ${name} = ${member("given", port.name)};`);
    if (door) writer.list("checkType", typeArguments(port, name, inputs), ";");
    else writer.list("checkInput", checkArguments(port, name, inputs), ";");
  }
  if (door) writeDoor(program, door, names, writer);
  for (const port of inputs)
    if (port.values) writer.list("checkValues", valueArguments(port, nameOf(port)), ";");
  if (movesApart(context))
    for (const port of inputs)
      writer.line(`${nameOf(port)} = apart(${member("inputs", port.name)}, ${nameOf(port)});`);
  if (family)
    writeBuckets(family, lists, context, writer, (steps, ports) => writeCalls(context, steps, ports, writer));
  else {
    for (const port of inputs) writer.line(`put(${member("inputs", port.name)}, ${nameOf(port)});`);
    writeCalls(context, program.steps, program, writer);
  }
  if (door) writeResults(program, door, names, writer);
  writer.line("return outputs;");
}

/** `ports`: those of the program whose steps these are, in the order of the module's own. */
function writeCalls(
  { program, names, callees, door }: WasmContext,
  steps: readonly Step[],
  ports: Pick<Program, "inputs" | "outputs">,
  writer: Writer,
): void {
  // What is passed may be an output, which kernels write: they read an input where it was copied to.
  const places = new Map<Buffer, string>();
  for (const [i, { buffer }] of ports.inputs.entries())
    places.set(buffer, member("inputs", program.inputs[i]!.name));
  for (const [i, { buffer }] of ports.outputs.entries())
    places.set(buffer, names.buffers.get(program.outputs[i]!.buffer)!);
  const access = (buffer: Buffer) => places.get(buffer) ?? names.buffers.get(buffer)!;
  writeSteps(steps, callees, access, writer, door?.variables);
}

/** Whether an input can be passed where another belongs, or where it must be spread out. */
const movesApart = ({ program, family }: WasmContext) =>
  program.inputs.length > 1 || (family !== undefined && program.inputs.length > 0);

function writePut(context: WasmContext, writer: Writer): void {
  const { memory, types, family } = context;
  const { only } = types;
  const view = "{ readonly buffer: ArrayBufferLike; readonly byteOffset: number; ";
  const generic = only(`<A extends ${view}set(from: A): void }>`);
  const elsewhere = "from.buffer !== place.buffer || from.byteOffset !== place.byteOffset";
  writer.line().line("/** Copies to its place what is not there already. */");
  writer.block(`function put${generic}(place${only(": A")}, from${only(": A")})${only(": void")}`, () =>
    writer.line(`if (${elsewhere}) place.set(from);`),
  );
  if (!movesApart(context)) return;
  const { start, bytes } = memory.inputs;
  const sliced = only(`<A extends ${view}slice(): unknown }>`);
  writer.line().line("/** A copy of what lies where another input will be put. */");
  writer.block(`function apart${sliced}(place${only(": A")}, from${only(": A")})${only(": A")}`, () => {
    writer.line("const { byteOffset } = from;");
    const inPlace = family ? "" : " || byteOffset === place.byteOffset";
    writer.line(`if (from.buffer !== place.buffer${inPlace}) return from;`);
    writer.line(`return byteOffset < ${start + bytes} ? (from.slice()${only(" as A")}) : from;`);
  });
}
