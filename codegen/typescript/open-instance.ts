/**
 * What an instance does beside when dims are open. Its arrays are as long as any run can need them. `run`
 * learns the sizes at the door, and at the end gives of each output the part that the run has written: one
 * view for each length, made when it is first needed, so that a run whose sizes were met before allocates
 * nothing. `shapes` says what the parts are.
 */
import { constantOf, product } from "../../compiler/dims/index.ts";
import { chosenIn, type OpenDim } from "../../compiler/ir/open-dims.ts";
import type { Port, Program } from "../../compiler/ir/program.ts";
import { member, propertyKey, type Scope, type Types, type Writer } from "../source/index.ts";
import { arrayClass } from "./arrays.ts";
import { type Door, planDoor } from "./door.ts";
import {
  DimVariables,
  type DoorContext,
  writeLengthChecks,
  writeRefusals,
  writeSizeChecks,
  writeSizes,
} from "./door-code.ts";
import { writeCheckType } from "./input-check.ts";
import type { ModuleNames } from "./names.ts";

export interface OpenDoor {
  readonly door: Door<Port>;
  readonly variables: DimVariables;
  /** The views of each output whose length is open, by the output. */
  readonly views: ReadonlyMap<Port, string>;
}

/**
 * Nothing when all dims are known. `scope` is the instance's; `derived` are dims that the run knows once it
 * knows the others.
 */
export function doorOf(
  { inputs, outputs, open }: Program,
  scope: Scope,
  derived: readonly OpenDim[] = [],
): OpenDoor | undefined {
  if (open.dims.length === 0) return undefined;
  const variables = new DimVariables({ ...open, dims: [...open.dims, ...derived] }, scope);
  const varying = outputs.filter(({ buffer }) => buffer.size !== undefined);
  const views = new Map(varying.map((port) => [port, scope.take(`${port.name}Views`, "views")]));
  return { door: planDoor(inputs, chosenIn(open)), variables, views };
}

/** The types that only modules with open dims have. */
export function writeOpenTypes({ outputs }: Program, { door }: OpenDoor, writer: Writer): void {
  if (door.asked.length > 0) {
    writer.line().line("/** The sizes that no length of an input tells. */");
    writer.block("export interface Dims", () => {
      for (const name of door.asked) writer.line(`readonly ${propertyKey(name)}: number;`);
    });
  }
  writer.line();
  writer.block("export interface Shapes", () => {
    for (const { name, shape } of outputs) {
      const sizes = shape.map((d) => constantOf(d) ?? "number").join(", ");
      writer.line(`readonly ${propertyKey(name)}: readonly [${sizes}];`);
    }
  });
}

/** Behind the declarations of arrays and outputs. */
export function writeViews(program: Program, { views }: OpenDoor, types: Types, writer: Writer): void {
  for (const [port, name] of views)
    writer.line(`const ${name} = new Map${types.only(`<number, ${arrayClass(port)}>`)}();`);
  const shapes = program.outputs.map(({ name, shape }) => {
    const sizes = shape.map((d) => constantOf(d) ?? 0);
    const type = shape.map((d) => constantOf(d) ?? "number");
    return { key: propertyKey(name), sizes: `[${sizes.join(", ")}]`, type: `[${type.join(", ")}]` };
  });
  const type = types.only(`: { ${shapes.map((each) => `${each.key}: ${each.type}`).join("; ")} }`);
  writer.line(`const shapes${type} = { ${shapes.map((each) => `${each.key}: ${each.sizes}`).join(", ")} };`);
}

/** Behind the types of the inputs: the sizes, and whether they and the lengths are right. */
export function writeDoor(
  { inputs }: Program,
  { door, variables }: OpenDoor,
  names: ModuleNames,
  writer: Writer,
): void {
  const arrayOf = ({ buffer }: Port) => names.buffers.get(buffer)!;
  const context: DoorContext<Port> = { door, variables, arrayOf };
  writeSizes(context, writer);
  writeSizeChecks(context, writer);
  writeLengthChecks(context, inputs, writer);
}

/** Behind the steps. */
export function writeResults(
  { outputs }: Program,
  { variables, views }: OpenDoor,
  names: ModuleNames,
  writer: Writer,
): void {
  for (const port of outputs) {
    const view = views.get(port);
    const length = variables.print(product(port.shape));
    const whole = names.buffers.get(port.buffer)!;
    if (view) writer.line(`${member("outputs", port.name)} = viewOf(${view}, ${whole}, ${length});`);
    port.shape.forEach((d, axis) => {
      if (constantOf(d) === undefined)
        writer.line(`${member("shapes", port.name)}[${axis}] = ${variables.print(d)};`);
    });
  }
}

export function writeDoorFunctions(
  { door, views }: OpenDoor,
  { inputs }: Program,
  types: Types,
  writer: Writer,
): void {
  writeCheckType(inputs, types, writer);
  writeRefusals(door, inputs, types, writer);
  if (views.size === 0) return;
  const { only } = types;
  const generic = only("<A extends { subarray(begin: number, end: number): unknown }>");
  const parameters = [`views${only(": Map<number, A>")}`, `whole${only(": A")}`, `length${only(": number")}`];
  writer.line().line("/** The first `length` elements, the same view each time. */");
  writer.block(`function viewOf${generic}(${parameters.join(", ")})${only(": A")}`, () => {
    writer.line("let view = views.get(length);");
    writer.block("if (view === undefined)", () => {
      writer.line(`view = whole.subarray(0, length)${only(" as A")};`);
      writer.line("views.set(length, view);");
    });
    writer.line("return view;");
  });
}
