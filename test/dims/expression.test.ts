import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  ceilDiv,
  constant,
  type Dim,
  decide,
  dim,
  evaluate,
  floorDiv,
  max,
  min,
  mod,
  mul,
  parse,
  parseConstraint,
  parseShape,
  print,
  type Relation,
  range,
  sub,
  substitute,
  symbol,
  symbolsOf,
} from "../../compiler/dims/index.ts";

type Sample = { readonly d: Dim; readonly at: (v: ReadonlyMap<string, number>) => number };
const floored = (a: number, b: number) => Math.floor(a / b);

/** A random expression beside the plain arithmetic it stands for. */
const samples: fc.Arbitrary<Sample> = fc.letrec<{ e: Sample }>((tie) => {
  const pair = fc.tuple(tie("e"), tie("e"));
  const divisor = fc.integer({ min: 1, max: 9 });
  const two = (make: (a: Dim, b: Dim) => Dim, on: (a: number, b: number) => number) =>
    pair.map(([x, y]): Sample => ({ d: make(x.d, y.d), at: (v) => on(x.at(v), y.at(v)) }));
  const by = (make: (a: Dim, b: number) => Dim, on: (a: number, b: number) => number) =>
    fc.tuple(tie("e"), divisor).map(([x, q]): Sample => ({ d: make(x.d, q), at: (v) => on(x.at(v), q) }));
  const leaf = fc.oneof(
    fc.constantFrom("a", "b", "c").map((n): Sample => ({ d: symbol(n), at: (v) => v.get(n)! })),
    fc.integer({ min: -9, max: 9 }).map((k): Sample => ({ d: constant(k), at: () => k })),
  );
  const node = fc.oneof(
    two(add, (a, b) => a + b),
    two(sub, (a, b) => a - b),
    two(mul, (a, b) => a * b),
    two(max, Math.max),
    two(min, Math.min),
    by(floorDiv, floored),
    by(ceilDiv, (a, b) => -floored(-a, b)),
    by(mod, (a, b) => a - b * floored(a, b)),
  );
  return { e: fc.oneof({ maxDepth: 5, depthSize: "small" }, leaf, node) };
}).e;
const values = fc
  .tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: 0, max: 20 }), fc.integer({ min: 1, max: 20 }))
  .map(
    ([a, b, c]) =>
      new Map([
        ["a", a],
        ["b", b],
        ["c", c],
      ]),
  );

describe("a dim", () => {
  test("has the value of the arithmetic that built it", () => {
    fc.assert(
      fc.property(samples, values, ({ d, at }, v) => Number(evaluate(d, v)) === at(v)),
      { numRuns: 1000 },
    );
  });
  test("prints to a text that reads back as the same object", () => {
    fc.assert(
      fc.property(samples, ({ d }) => parse(print(d)) === d),
      { numRuns: 1000 },
    );
  });
  test("keeps its value when a symbol is replaced by an expression", () => {
    fc.assert(
      fc.property(samples, samples, values, (x, y, v) => {
        const inner = Number(evaluate(y.d, v));
        expect(evaluate(substitute(x.d, new Map([["a", y.d]])), v)).toBe(
          evaluate(x.d, new Map([...v, ["a", inner]])),
        );
      }),
      { numRuns: 700 },
    );
  });
  test("lies in the range computed from the ranges of its symbols", () => {
    const box = new Map([
      ["a", { min: -20, max: 20 }],
      ["b", { min: 0, max: 20 }],
      ["c", { min: 1, max: 20 }],
    ]);
    fc.assert(
      fc.property(samples, values, ({ d }, v) => {
        const r = range(d, (n) => box.get(n)!);
        const x = Number(evaluate(d, v));
        expect(r.min <= x && x <= r.max).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
  test("is one object for equal normal forms", () => {
    expect(dim("floordiv(floordiv(A + 1, 2) + 1, 2)")).toBe(dim("floordiv(A + 3, 4)"));
    expect(dim("max(a, b) + min(a, b)")).toBe(dim("a + b"));
    expect(dim("ceildiv(d - 1, 2)")).toBe(dim("d // 2"));
    expect(dim("a // b * b + a % b")).toBe(dim("a"));
    expect(dim("(a + b)^2")).toBe(dim("a*a + 2*a*b + b*b"));
  });
  test("prints what a person would write", () => {
    const shown = (t: string) => print(dim(t));
    expect(shown("min(3, n)")).toBe("min(n, 3)");
    expect(shown("max(a, b) + 1")).toBe("max(a, b) + 1");
    expect(shown("min(a, b, c)")).toBe("min(a, b, c)");
    expect(shown("2*max(c, a, b) + 1")).toBe("2*max(a, c, b) + 1");
    expect(shown("(H + 1)//2")).toBe("floor((H + 1)/2)");
    expect(shown("2*h + 1 - w")).toBe("2*h - w + 1");
    expect(shown("max(n - 4, 0)")).toBe("max(n - 4, 0)");
    expect(shown("floordiv(h, 2)*floordiv(w, b + 1)")).toBe("floor(h/2)*floor(w/(b + 1))");
    expect(shown("mod(H, 16)")).toBe("H % 16");
    expect(shown("3*mod(a + b, c) + 2*mod(h, 4)")).toBe("2*(h % 4) - 3*c*floor((a + b)/c) + 3*a + 3*b");
    expect(shown("ceildiv(n, 4)")).toBe("floor((n + 3)/4)");
  });
  test("stays exact beyond 2^53", () => {
    const d = mul(dim(9007199254740993n), dim("n"));
    expect(evaluate(d, new Map([["n", 3]]))).toBe(27021597764222979n);
    expect(print(floorDiv(d, 2))).toBe("4503599627370496*n + floor(n/2)");
  });
  test("knows its symbols, sorted", () => {
    expect(symbolsOf(dim("b*floordiv(a, c) + max(?k, a)"))).toEqual(["?k", "a", "b", "c"]);
  });
  test.each([
    ["floordiv(h, 0)", "E2112"],
    ["2*", "E3001"],
    ["a b", "E3001"],
    ["sin(a)", "E3001"],
    ["1.5", "E3001"],
    ["", "E3001"],
    ["a;b", "E3001"],
  ])("refuses %s with %s", (text, code) => {
    expect(() => parse(text)).toThrow(code);
  });
  test("is read in a list of sizes", () => {
    expect(parseShape("b, 2*h, w")).toEqual([dim("b"), dim("2*h"), dim("w")]);
    expect(parseShape(" ")).toEqual([]);
    expect(() => parseShape("b,, w")).toThrow("E3001");
  });
  test.each([
    "h % 32 == 0",
    "1 <= b <= 64",
    "b >= 0",
    "b <= 7",
    "H == 3",
    "n % 12 in {0..5}",
    "n % 7 in {0, 2..4, 6}",
    "a in {-3..-1, 4}",
    "H % 16 == 0 and H >= 16",
    "h % 2 == 0 and w % 2 == 0",
    "a + b >= 2*c",
    "a > b",
    "a != 4",
    "C*H*W % 8 == 0",
    "N % B == 0",
    "floor(H/2) == floor(W/2) and a*b == 12",
  ])("reads the constraint %s and prints it back", (text) => {
    expect(`${parseConstraint(text)}`).toBe(text);
  });
  test("says every constraint of the corpus's kind in words that read back", () => {
    const questions = fc.tuple(samples, samples, fc.constantFrom<Relation>("==", "!=", ">=", ">"));
    fc.assert(
      fc.property(questions, ([x, y, relation]) => {
        const v = decide(relation, x.d, y.d);
        if (v.kind === "iff") expect(`${parseConstraint(`${v.constraint}`)}`).toBe(`${v.constraint}`);
      }),
      { numRuns: 300, seed: 11 },
    );
  });
  test.each([
    ["a <", "a number or a name"],
    ["a", "one of =="],
    ["a in {}", "a set"],
    ["a in {x}", "a set"],
    ["a*b in {1}", "a name"],
    ["a == b and", "a number or a name"],
  ])("refuses the constraint %s", (text, why) => {
    expect(() => parseConstraint(text)).toThrow(why);
  });
  test("refuses nesting that would overflow the stack", () => {
    expect(() => parse("(".repeat(5000))).toThrow("E2302");
  });
  test("refuses powers that are no whole numbers, and names that begin like a fraction", () => {
    for (const text of ["h^1.5", "h^1e1", "h^0x2", "h^?k", "h*.5", "..., h"])
      expect(() => parseShape(text), text).toThrow("E3001");
  });
  test("refuses a product of 10,000 factors and a power of a long sum", () => {
    expect(() => parse(Array.from({ length: 10_000 }, () => "h").join("*"))).toThrow(/^E2302 .*513 factors/);
    expect(() => parse("(a + b + c + d)^64")).toThrow("E2302");
    expect(`${parse("h^64")}`).toBe(Array.from({ length: 64 }, () => "h").join("*"));
  });
  test.each([1.5, Number.NaN, 2 ** 60, "3" as never, undefined as never])("has no value at %s", (n) => {
    expect(() => evaluate(dim("n"), new Map([["n", n]]))).toThrow(/^E2(108|102) n /);
    expect(() => constant(n)).toThrow(/^E2108 /);
  });
  test("gives tight ranges for what loops index with", () => {
    const bounds = (n: string) => (n === "i" ? { min: 0, max: 27 } : { min: 0, max: 6 });
    const at = (t: string) => Object.values(range(dim(t), bounds));
    expect(at("i % 7")).toEqual([0, 6]);
    expect(at("4*(i // 4) + i % 4")).toEqual([0, 27]);
    expect(at("7*floordiv(i, 7) + j")).toEqual([0, 27]);
    expect(at("min(i, 3)")).toEqual([0, 3]);
    expect(at("i - 2*j")).toEqual([-12, 27]);
  });
});
