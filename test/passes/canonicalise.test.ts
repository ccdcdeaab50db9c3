import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printGraph } from "../../compiler/ir/graph-print.ts";
import { evaluateGraph } from "../../compiler/ops/evaluate.ts";
import { canonicalise, rows } from "../../compiler/passes/canonicalise.ts";
import { eliminateDead } from "../../compiler/passes/eliminate-dead.ts";
import { fill, fillingArbitrary } from "../support/arbitrary/tensors.ts";
import { linesOf, parseBound } from "../support/graph-text.ts";
import { bitsOf } from "../support/tensor-bits.ts";

const graphOf = (inputs: string, lines: readonly string[]) =>
  parseBound(`graph g(${inputs}) {\n${lines.map((line) => `  ${line}\n`).join("")}  return y=%y\n}\n`);

interface Example {
  readonly row: string;
  readonly inputs: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

const x = "%x: float32[2, 3]";
const scalar = (value: number | string, name = "c", dtype = "float32") =>
  `%${name}: ${dtype}[] = constant() {value=${dtype}[](${value})}`;
const same = ["return y=%x"];
const neutral = (op: string, value: number | string, line: string): Example => ({
  row: `${op} of its neutral element -> the other operand`,
  inputs: x,
  before: [scalar(value), `%y: float32[2, 3] = ${line}`],
  after: same,
});
const bools = (op: string, value: number): Example => ({
  row: `${op} of its neutral element -> the other operand`,
  inputs: "%x: bool[3]",
  before: [scalar(value, "c", "bool"), `%y: bool[3] = ${op}(%x, %c)`],
  after: same,
});

const examples: readonly Example[] = [
  neutral("add", "-0", "add(%c, %x)"),
  neutral("sub", 0, "sub(%x, %c)"),
  neutral("mul", 1, "mul(%c, %x)"),
  neutral("div", 1, "div(%x, %c)"),
  neutral("pow", 1, "pow(%x, %c)"),
  neutral("max", "-inf", "max(%x, %c)"),
  neutral("min", "inf", "min(%c, %x)"),
  bools("and", 1),
  bools("or", 0),
  bools("xor", 0),
  {
    row: "add of its neutral element -> the other operand",
    inputs: "%x: int32[3]",
    before: [scalar(0, "c", "int32"), "%y: int32[3] = add(%x, %c)"],
    after: same,
  },
  {
    row: "mul of its neutral element -> the other operand",
    inputs: "%x: float32[3]",
    before: [
      scalar(1),
      "%b: float32[2, 3] = broadcast(%c) {shape=[<2>, <3>], axes=[]}",
      "%y: float32[2, 3] = mul(%x, %b)",
    ],
    after: ["%y: float32[2, 3] = broadcast(%x) {shape=[<2>, <3>], axes=[1]}", "return y=%y"],
  },
  {
    row: "x / 2^k -> x * 2^-k",
    inputs: x,
    before: [scalar(-8), "%y: float32[2, 3] = div(%x, %c)"],
    after: [scalar(-0.125, "constant"), "%y: float32[2, 3] = mul(%x, %constant)", "return y=%y"],
  },
  {
    row: "neg(neg(x)) -> x, not(not(x)) -> x",
    inputs: "%x: int8[3]",
    before: ["%n: int8[3] = neg(%x)", "%y: int8[3] = neg(%n)"],
    after: same,
  },
  {
    row: "abs(neg(x)), abs(abs(x)) -> abs(x)",
    inputs: x,
    before: ["%n: float32[2, 3] = neg(%x)", "%a: float32[2, 3] = abs(%n)", "%y: float32[2, 3] = abs(%a)"],
    after: ["%y: float32[2, 3] = abs(%x)", "return y=%y"],
  },
  { row: "max(x, x) -> x", inputs: x, before: ["%y: float32[2, 3] = max(%x, %x)"], after: same },
  {
    row: "select by a known condition, or between one value -> that value",
    inputs: "%x: float32[3], %z: float32[2, 1]",
    before: [scalar(1, "c", "bool"), "%y: float32[2, 3] = select(%c, %x, %z)"],
    after: ["%y: float32[2, 3] = broadcast(%x) {shape=[<2>, <3>], axes=[1]}", "return y=%y"],
  },
  {
    row: "cast to its own dtype -> x",
    inputs: x,
    before: ['%y: float32[2, 3] = cast(%x) {dtype="float32"}'],
    after: same,
  },
  {
    row: "cast after widening -> cast",
    inputs: "%x: int8[3]",
    before: ['%w: int32[3] = cast(%x) {dtype="int32"}', '%y: uint8[3] = cast(%w) {dtype="uint8"}'],
    after: ['%y: uint8[3] = cast(%x) {dtype="uint8"}', "return y=%y"],
  },
  {
    row: "elementwise op of a broadcast -> of what is broadcast",
    inputs: "%x: float32[2, 3], %z: float32[3]",
    before: [
      "%b: float32[2, 3] = broadcast(%z) {shape=[<2>, <3>], axes=[1]}",
      "%y: float32[2, 3] = add(%b, %x)",
    ],
    after: ["%y: float32[2, 3] = add(%z, %x)", "return y=%y"],
  },
  {
    row: "reshape to its own shape -> x",
    inputs: x,
    before: ["%y: float32[2, 3] = reshape(%x) {shape=[<2>, <3>]}"],
    after: same,
  },
  {
    row: "reshape of reshape -> reshape",
    inputs: x,
    before: [
      "%r: float32[6] = reshape(%x) {shape=[<6>]}",
      "%y: float32[3, 2] = reshape(%r) {shape=[<3>, <2>]}",
    ],
    after: ["%y: float32[3, 2] = reshape(%x) {shape=[<3>, <2>]}", "return y=%y"],
  },
  {
    row: "transpose of transpose -> transpose",
    inputs: "%x: float32[2, 3, 4]",
    before: [
      "%t: float32[3, 4, 2] = transpose(%x) {permutation=[1, 2, 0]}",
      "%y: float32[4, 3, 2] = transpose(%t) {permutation=[1, 0, 2]}",
    ],
    after: ["%y: float32[4, 3, 2] = transpose(%x) {permutation=[2, 1, 0]}", "return y=%y"],
  },
  {
    row: "transpose that moves axes of size 1 only -> reshape",
    inputs: "%x: float32[2, 1, 4]",
    before: ["%y: float32[1, 2, 4] = transpose(%x) {permutation=[1, 0, 2]}"],
    after: ["%y: float32[1, 2, 4] = reshape(%x) {shape=[<1>, <2>, <4>]}", "return y=%y"],
  },
  {
    row: "broadcast of broadcast -> broadcast",
    inputs: "%x: float32[3]",
    before: [
      "%b: float32[3, 2] = broadcast(%x) {shape=[<3>, <2>], axes=[0]}",
      "%y: float32[4, 3, 2] = broadcast(%b) {shape=[<4>, <3>, <2>], axes=[1, 2]}",
    ],
    after: ["%y: float32[4, 3, 2] = broadcast(%x) {shape=[<4>, <3>, <2>], axes=[1]}", "return y=%y"],
  },
  {
    row: "broadcast that adds axes of size 1 only -> reshape",
    inputs: "%x: float32[3]",
    before: ["%y: float32[3, 1] = broadcast(%x) {shape=[<3>, <1>], axes=[0]}"],
    after: ["%y: float32[3, 1] = reshape(%x) {shape=[<3>, <1>]}", "return y=%y"],
  },
  {
    row: "slice of everything -> x",
    inputs: x,
    before: ["%y: float32[2, 3] = slice(%x) {axis=1, start=<0>, size=<3>, stride=<1>}"],
    after: same,
  },
  {
    row: "slice of slice along one axis -> slice",
    inputs: "%x: float32[20]",
    before: [
      "%s: float32[6] = slice(%x) {axis=0, start=<2>, size=<6>, stride=<3>}",
      "%y: float32[2] = slice(%s) {axis=0, start=<1>, size=<2>, stride=<2>}",
    ],
    after: ["%y: float32[2] = slice(%x) {axis=0, start=<5>, size=<2>, stride=<6>}", "return y=%y"],
  },
  {
    row: "pad by nothing -> x",
    inputs: x,
    before: ["%y: float32[2, 3] = pad(%x) {low=[<0>, <0>], high=[<0>, <0>], value=7}"],
    after: same,
  },
  {
    row: "pad of pad with one value -> pad",
    inputs: "%x: float32[3]",
    before: [
      "%p: float32[5] = pad(%x) {low=[<2>], high=[<0>], value=7}",
      "%y: float32[7] = pad(%p) {low=[<1>], high=[<1>], value=7}",
    ],
    after: ["%y: float32[7] = pad(%x) {low=[<3>], high=[<1>], value=7}", "return y=%y"],
  },
  {
    row: "reverse of axes of size 1 -> x",
    inputs: "%x: float32[1, 3]",
    before: ["%y: float32[1, 3] = reverse(%x) {axes=[0]}"],
    after: same,
  },
  {
    row: "reverse of reverse along the same axes -> x",
    inputs: x,
    before: [
      "%r: float32[2, 3] = reverse(%x) {axes=[0, 1]}",
      "%y: float32[2, 3] = reverse(%r) {axes=[1, 0]}",
    ],
    after: same,
  },
  { row: "concat of one -> it", inputs: x, before: ["%y: float32[2, 3] = concat(%x) {axis=0}"], after: same },
  {
    row: "reduction of axes of size 1 -> reshape",
    inputs: "%x: float32[2, 1, 3]",
    before: ["%y: float32[2, 3] = reduceMax(%x) {axes=[1], keepDims=false}"],
    after: ["%y: float32[2, 3] = reshape(%x) {shape=[<2>, <3>]}", "return y=%y"],
  },
  {
    row: "maximum or minimum of windows of 1 -> x",
    inputs: "%x: float32[3]",
    before: [
      "%y: float32[3] = windowReduce(%x) {window=[<1>], strides=[<1>], padding=[[<0>, <0>]],",
      'dilations=[<1>], combine="max"}',
    ],
    after: same,
  },
];

describe("the canonical form", () => {
  test.each(examples)("$row", ({ inputs, before, after }) => {
    const graph = graphOf(inputs, before);
    const canonical = canonicalise(graph);
    expect(linesOf(eliminateDead(canonical))).toBe(after.join("\n"));
    fc.assert(
      fc.property(fillingArbitrary({ specials: true }), (filling) => {
        const tensors = fill(graph, filling);
        expect(bitsOf(evaluateGraph(canonical, tensors))).toEqual(bitsOf(evaluateGraph(graph, tensors)));
      }),
      { numRuns: 30, seed: 1 },
    );
  });

  test("has an example of every row", () => {
    expect(new Set(examples.map((example) => example.row))).toEqual(new Set(rows.map((row) => row.name)));
  });

  test.each([
    ["x + 0, for 0 is not neutral beside -0", x, [scalar(0), "%y: float32[2, 3] = add(%x, %c)"]],
    ["x - -0", x, [scalar("-0"), "%y: float32[2, 3] = sub(%x, %c)"]],
    ["x * 0", x, [scalar(0), "%y: float32[2, 3] = mul(%x, %c)"]],
    ["x / 3", x, [scalar(3), "%y: float32[2, 3] = div(%x, %c)"]],
    ["x / 2^-149, whose reciprocal is too large", x, [scalar("1e-45"), "%y: float32[2, 3] = div(%x, %c)"]],
    ["x / 0", x, [scalar(0), "%y: float32[2, 3] = div(%x, %c)"]],
    ["pow(x, 2)", x, [scalar(2), "%y: float32[2, 3] = pow(%x, %c)"]],
    ["abs(neg(x)) of unsigned bytes", "%x: uint8[3]", ["%n: uint8[3] = neg(%x)", "%y: uint8[3] = abs(%n)"]],
    [
      "a cast through an integer of another kind",
      "%x: float32[3]",
      ['%i: int32[3] = cast(%x) {dtype="int32"}', '%y: float32[3] = cast(%i) {dtype="float32"}'],
    ],
    [
      "a sum over an axis of size 1, which makes 0 of -0",
      "%x: float32[1, 3]",
      ["%y: float32[3] = reduceSum(%x) {axes=[0], keepDims=false}"],
    ],
    [
      "a broadcast that gives the result its shape",
      "%x: float32[3], %z: float32[3]",
      ["%b: float32[2, 3] = broadcast(%x) {shape=[<2>, <3>], axes=[1]}", "%y: float32[2, 3] = add(%b, %z)"],
    ],
    [
      "a broadcast along other axes than the leading ones",
      "%x: float32[2], %z: float32[2, 3]",
      ["%b: float32[2, 3] = broadcast(%x) {shape=[<2>, <3>], axes=[0]}", "%y: float32[2, 3] = add(%b, %z)"],
    ],
    [
      "pads with two values",
      "%x: float32[3]",
      [
        "%p: float32[5] = pad(%x) {low=[<2>], high=[<0>], value=7}",
        "%y: float32[6] = pad(%p) {low=[<1>], high=[<0>], value=8}",
      ],
    ],
  ])("leaves %s", (_what, inputs, lines) => {
    const graph = graphOf(inputs, lines);
    expect(canonicalise(graph)).toBe(graph);
  });

  test("reaches into the body of a scan", () => {
    const graph = parseBound(`graph g(%s: float32[3], %xs: float32[4, 3]) {
  %y: float32[3], %all: float32[4, 3] = scan(%s, %xs) {body=graph step(%h: float32[3], %x: float32[3]) {
    %n: float32[3] = neg(%x)
    %m: float32[3] = neg(%n)
    %next: float32[3] = add(%h, %m)
    return h=%next, y=%m
  }, states=1, sequences=1, reverse=false, conditional=false}
  return y=%y, all=%all
}
`);
    expect(printGraph(eliminateDead(canonicalise(graph)))).toMatchInlineSnapshot(`
      "graph g(%s: float32[3], %xs: float32[4, 3]) {
        %y: float32[3], %all: float32[4, 3] = scan(%s, %xs) {body=graph step(%h: float32[3], %x: float32[3]) {
          %next#4: float32[3] = add(%h, %x)
          return h=%next, y=%x
        }, states=1, sequences=1, reverse=false, conditional=false}
        return y=%y, all=%all
      }
      "
    `);
  });
});
