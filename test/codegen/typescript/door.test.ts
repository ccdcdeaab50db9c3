/** The door of a module with open dims: what is solved, what is asked for, what is refused. */
import { describe, expect, test } from "vitest";
import { Scope, typesFor, Writer } from "../../../codegen/source/index.ts";
import { type DoorInput, planDoor } from "../../../codegen/typescript/door.ts";
import {
  DimVariables,
  type DoorContext,
  writeLengthChecks,
  writeRefusals,
  writeSizeChecks,
  writeSizes,
} from "../../../codegen/typescript/door-code.ts";
import { parseConstraint, parseShape } from "../../../compiler/dims/index.ts";
import type { DimRelation, OpenDim, OpenDims } from "../../../compiler/ir/open-dims.ts";
import { load } from "../../../runtime/load.ts";

const open = (dims: Record<string, Partial<OpenDim>>, ...relations: readonly string[]): OpenDims => ({
  dims: Object.entries(dims).map(([name, domain]) => ({
    name,
    min: 1,
    max: 64,
    modulus: 1,
    residues: [0],
    ...domain,
  })),
  relations: relations.flatMap((text) => parseConstraint(text).clauses as readonly DimRelation[]),
});

const inputs = (shapes: Record<string, string>): readonly DoorInput[] =>
  Object.entries(shapes).map(([name, shape]) => ({ name, shape: parseShape(shape) }));

const plan = (shapes: Record<string, string>, dims: OpenDims) => {
  const { asked, solved } = planDoor(inputs(shapes), dims);
  return { asked, solved: solved.map(({ dim, input }) => `${dim} from ${input.name}`) };
};

describe("a size is solved from a length", () => {
  test.each([
    [{ x: "batch, 784" }, ["batch from x"], []],
    [{ x: "batch, seq", mask: "seq" }, ["seq from mask", "batch from x"], []],
    [{ x: "n, n, 3" }, ["n from x"], []],
    [{ x: "2*t + 1, 8" }, ["t from x"], []],
    [{ x: "batch, h, w, 3" }, ["batch from x"], ["h", "w"]],
    [{ x: "1, h, w, 3" }, [], ["h", "w"]],
    [{ x: "h, w" }, ["h from x"], ["w"]],
    [{ x: "batch, h, w, 3", y: "batch, h", z: "h" }, ["h from z", "batch from y", "w from x"], []],
    [{ x: "n*n + n" }, [], ["n"]],
    [{ x: "floor(n/2), 3" }, [], ["n"]],
  ])("%j: %j, and %j are asked for", (shapes, solved, asked) => {
    const names = [
      ...new Set(
        Object.values(shapes)
          .join()
          .match(/[a-z]+/g),
      ),
    ].filter((n) => n !== "floor");
    const dims = open(Object.fromEntries(names.map((name) => [name, {}])));
    expect(plan(shapes, dims)).toEqual({ solved, asked });
  });

  test("but not where another size may be 0", () => {
    const shapes = { y: "b", x: "b, t" };
    expect(plan(shapes, open({ b: { min: 1 }, t: {} })).asked).toEqual([]);
    expect(plan(shapes, open({ b: { min: 0 }, t: {} })).asked).toEqual(["t"]);
  });
});

/** A module that gives the sizes it was entered with. */
function doorOf(shapes: Record<string, string>, dims: OpenDims) {
  const ports = inputs(shapes);
  const door = planDoor(ports, dims);
  const writer = new Writer();
  const variables = new DimVariables(dims, new Scope(["inputs", "dims"]));
  const context: DoorContext<DoorInput> = { door, variables, arrayOf: ({ name }) => `inputs.${name}` };
  writer.line("export const signature = {};");
  writer.block("export function instantiate()", () =>
    writer
      .block("return { run(inputs, dims)", () => {
        writeSizes(context, writer);
        writeSizeChecks(context, writer);
        writeLengthChecks(context, ports, writer);
        writer.line(
          `return { ${dims.dims.map(({ name }) => `${name}: ${variables.name(name)}`).join(", ")} };`,
        );
      })
      .line("};"),
  );
  writeRefusals(door, ports, typesFor("js"), writer);
  const run = load({ code: `${writer}`, format: "js" }).instantiate().run as (
    inputs: unknown,
    dims?: unknown,
  ) => unknown;
  return (lengths: Record<string, number>, sizes?: Record<string, number>) =>
    run(Object.fromEntries(Object.entries(lengths).map(([name, n]) => [name, new Float32Array(n)])), sizes);
}

describe("the door", () => {
  test("lets in what fits, the empty batch too where it is declared", () => {
    const enter = doorOf({ x: "batch, 7", y: "batch, 2" }, open({ batch: { min: 0 } }));
    expect(enter({ x: 21, y: 6 })).toEqual({ batch: 3 });
    expect(enter({ x: 0, y: 0 })).toEqual({ batch: 0 });
    expect(() => enter({ x: 21, y: 7 })).toThrow('input "y" has 7 elements, expected 6, shape [3, 2]');
  });

  test("names the dim, the input, the value, the rule and the nearest sizes", () => {
    const enter = doorOf({ x: "t, 3" }, open({ t: { min: 8, max: 64, modulus: 8 } }));
    expect(enter({ x: 48 })).toEqual({ t: 16 });
    const rule = "but must be whole and t % 8 == 0 and 8 <= t <= 64";
    const x = (n: number) => `input "x" of ${n} elements, shape [t, 3]`;
    expect(() => enter({ x: 39 })).toThrow(`t is 13 in ${x(39)}, ${rule}; nearest 8, 16`);
    expect(() => enter({ x: 50 })).toThrow("nearest 16, 24");
    expect(() => enter({ x: 300 })).toThrow(`t is 100 in ${x(300)}, ${rule}; nearest 64`);
    expect(() => enter({ x: 0 })).toThrow("nearest 8");
  });

  test("takes what it asks for, and checks the lengths against it", () => {
    const enter = doorOf({ x: "1, h, w, 3" }, open({ h: {}, w: {} }, "h >= w"));
    expect(enter({ x: 60 }, { h: 5, w: 4 })).toEqual({ h: 5, w: 4 });
    expect(() => enter({ x: 60 }, { h: 4, w: 5 })).toThrow("h is 4, w is 5, but h >= w must hold");
    expect(() => enter({ x: 60 }, { h: 7, w: 4 })).toThrow(
      'input "x" has 60 elements, expected 84, shape [1, 7, 4, 3]',
    );
    expect(() => enter({ x: 60 }, { h: 5 })).toThrow("run needs the sizes of h, w as numbers");
    expect(() => enter({ x: 60 })).toThrow("run needs the sizes of h, w");
  });

  test("takes a root where a size is squared", () => {
    const enter = doorOf({ x: "n, n, 3" }, open({ n: {} }));
    expect(enter({ x: 75 })).toEqual({ n: 5 });
    expect(() => enter({ x: 78 })).toThrow('input "x" has 78 elements, expected 75, shape [5, 5, 3]');
  });
});
