import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  Assumptions,
  type Conflict,
  constant,
  type Declaration,
  dim,
  type Origin,
  parseConstraint,
  Store,
} from "../../compiler/dims/index.ts";

const from = (subject: string): Origin => ({ subject, clause: "for the test" });
const equal = (s: Store, a: string, b: string, subject = `${a} == ${b}`) =>
  s.equal(dim(a), dim(b), from(subject));
const declare = (s: Store, name: string, d: Declaration) => s.declare(name, d, from(`declare ${name}`));
const residuals = (s: Store) =>
  s.residuals().map((r) => `${r.constraint}${r.alternative ? ` ${r.alternative}` : ""}`);
const core = (c: Conflict | undefined) => c?.core.map((o) => o.subject);

describe("the store", () => {
  test("solves a flex symbol and says why", () => {
    const s = new Store();
    equal(s, "?k", "20", "sample");
    expect(s.resolve(dim("?k*3"))).toBe(constant(60));
    expect(s.valueOf("?k")).toBe(constant(20));
    expect(s.whyOf("?k").map((o) => o.subject)).toEqual(["sample"]);
  });
  test("reports both origins of a contradiction and stays as it was", () => {
    const s = new Store();
    equal(s, "?k", "20", "sample");
    const c = equal(s, "?k", "30", "call");
    expect([`${c?.left}`, `${c?.right}`, core(c)]).toEqual(["20", "30", ["sample", "call"]]);
    expect(s.valueOf("?k")).toBe(constant(20));
    expect(equal(s, "?k", "20")).toBeUndefined();
  });
  test("keeps an equation between two rigid symbols as a residual and does not merge them", () => {
    const s = new Store();
    equal(s, "H//2", "W//2");
    expect(residuals(s)).toEqual(["floor(H/2) == floor(W/2)"]);
    equal(s, "W//2", "H//2");
    expect(residuals(s)).toHaveLength(1);
    expect(s.resolve(dim("H"))).toBe(dim("H"));
  });
  test("finds the core behind a long chain", () => {
    const s = new Store();
    equal(s, "?x0", "3", "a");
    equal(s, "?y0", "4", "b");
    for (let i = 1; i < 40; i++) {
      equal(s, `?x${i}`, `?x${i - 1}`, `x${i}`);
      equal(s, `?z${i}`, `${i}`, `noise ${i}`);
    }
    expect(core(equal(s, "?x0", "?y0", "add"))).toEqual(["a", "b", "add"]);
    expect(core(equal(s, "?x2", "?y0", "add"))).toEqual(["a", "b", "x1", "x2", "add"]);
  });
  test("solves the -1 of a reshape, also one bound later", () => {
    const s = new Store();
    equal(s, "B*C*H*W", "B*?n");
    expect(`${s.resolve(dim("?n"))}`).toBe("C*H*W");
    equal(s, "N", "B*?t");
    equal(s, "B", "4");
    equal(s, "N", "20");
    expect(s.valueOf("?t")).toBe(constant(5));
  });
  test("asks that a symbolic size divides", () => {
    const s = new Store();
    equal(s, "2*?u", "H");
    expect(residuals(s)).toEqual(["H % 2 == 0"]);
    expect(`${s.valueOf("?u")}`).toBe("floor(H/2)");
    expect(core(equal(s, "H", "7", "sample"))).toEqual(["2*?u == H", "sample"]);
  });
  test("parks what it cannot solve until it can", () => {
    const s = new Store();
    equal(s, "?a*?b", "12");
    equal(s, "?a", "4");
    expect(s.valueOf("?b")).toBe(constant(3));
    const t = new Store();
    equal(t, "?a*?b", "12");
    expect(core(equal(t, "?a", "5", "late"))).toEqual(["?a*?b == 12", "late"]);
  });
  test("notices at once that an equation refutes a bound", () => {
    const s = new Store();
    equal(s, "?b + H", "W");
    equal(s, "?b", "?c");
    expect(core(equal(s, "0", "?c", "zero"))).toEqual(["zero"]);
    expect(equal(s, "2", "?a + H")).toBeUndefined();
  });
  test("narrows declared domains", () => {
    const s = new Store();
    declare(s, "H", { min: 8, max: 512, multipleOf: 16 });
    expect(residuals(s)).toEqual([]);
    expect(equal(s, "H", "230", "sample")?.suggestion).toBe("nearest 224, 240");
    expect(equal(s, "H", "224")).toBeUndefined();
  });
  test("accepts zero where it is declared, also after use", () => {
    const s = new Store();
    equal(s, "?n", "2*B");
    declare(s, "B", { min: 0 });
    expect(equal(s, "B", "0")).toBeUndefined();
  });
  test("broadcasts by NumPy's rule", () => {
    const s = new Store();
    const b = (x: string, y: string) => s.broadcast(dim(x), dim(y), from(`${x} with ${y}`));
    expect(b("1", "n")).toBe(dim("n"));
    expect(b("n", "n")).toBe(dim("n"));
    expect(core(b("3", "4") as Conflict)).toEqual(["3 with 4"]);
    expect(b("n", "10")).toBe(constant(10));
    expect(b("p", "q")).toBe(dim("p"));
    expect(residuals(s)).toEqual(["n == 10 or one is 1", "p == q or one is 1"]);
    expect(equal(s, "q", "1")).toBeUndefined();
    expect(equal(s, "p", "5")).toBeUndefined();
    expect(residuals(s)).toEqual(["p == 5", "q == 1", "n == 10 or one is 1"]);
  });
  test("binds nothing by what two broadcasts took for granted", () => {
    const s = new Store();
    const sum = s.broadcast(constant(2), dim("?p"), from("add"));
    s.broadcast(dim("?p"), "core" in sum ? constant(0) : sum, from("sub"));
    expect(s.resolve(dim("?p"))).toBe(dim("?p"));
    expect(equal(s, "?p", "1")).toBeUndefined();
  });
  test("takes constraints as text", () => {
    const s = new Store();
    const need = (text: string) => s.require(parseConstraint(text), from(text));
    expect(need("1 <= b <= 64 and h % 32 == 0")).toBeUndefined();
    expect(need("z >= 0")).toBeUndefined();
    expect(residuals(s)).toEqual([]);
    expect(need("b > w")).toBeUndefined();
    expect(residuals(s)).toEqual(["b >= w + 1"]);
    expect(equal(s, "z", "0")).toBeUndefined();
    expect(core(equal(s, "b", "65", "sample"))).toEqual(["1 <= b <= 64 and h % 32 == 0", "sample"]);
    expect(equal(s, "h", "100", "sample")?.suggestion).toBe("nearest 96, 128");
    expect(need("h != 96")).toBeUndefined();
    expect(core(equal(s, "h", "96", "sample"))).toEqual(["h != 96", "sample"]);
  });
  test("follows long chains of symbols from either end", () => {
    for (const step of [1, -1]) {
      const s = new Store();
      const names = Array.from({ length: 5000 }, (_, i) => `?c${i}`);
      const list = step > 0 ? names : names.toReversed();
      list.slice(1).forEach((name, i) => {
        s.equal(dim(list[i]!), dim(name), from(name));
      });
      s.equal(dim("?c77"), constant(3), from("end"));
      expect(names.every((name) => s.resolve(dim(name)) === constant(3))).toBe(true);
    }
  });
  test("ends in the same state whatever the order", () => {
    const facts = [
      "2*(H//2) == H",
      "?a == ?b + 1",
      "?b*?c == 12",
      "?c == 3",
      "4*(H//4) == H",
      "W == H//2",
      "?d == W + ?a",
      "3*?e == V",
    ];
    const summary = (list: readonly string[]) => {
      const s = new Store();
      for (const text of list) {
        const [a, b] = text.split(" == ") as [string, string];
        expect(equal(s, a, b, text)).toBeUndefined();
      }
      const values = ["?a", "?b", "?c", "?d", "?e"].map((name) => `${s.resolve(dim(name))}`);
      return [...values, ...residuals(s)].join("; ");
    };
    const expected = summary(facts);
    expect(expected).toContain("H % 4 == 0");
    const permutations = fc.shuffledSubarray(facts, { minLength: facts.length });
    fc.assert(
      fc.property(permutations, (list) => summary(list) === expected),
      { numRuns: 50, seed: 3 },
    );
  });
  test("says the same in the same words whatever the order of what it is told", () => {
    const facts = [
      "2*(H//2) == H",
      "4*(H//4) == H",
      "H % 3 == 0",
      "16 <= H <= 512",
      "W == H//2",
      "W >= 4",
      "V == 2*W",
      "3*?e == V",
      "?a == ?b + 1",
      "?b*?c == 12",
      "?c == 3",
      "?d == W + ?a",
      "?f == H*W",
      "?g*B == N",
      "N == 6*B",
      "?h + ?a == H",
      "ceil(H/2) == ?i",
      "?i == W",
      "?j == K//8",
      "?k == ?j*?c",
    ];
    const told = (list: readonly string[]) => {
      const known = new Assumptions();
      for (const text of list) known.assert(text);
      return `${known}`;
    };
    const twoOrders = fc
      .subarray(facts, { minLength: 3, maxLength: 12 })
      .chain((some) => fc.tuple(fc.constant(some), fc.shuffledSubarray(some, { minLength: some.length })));
    fc.assert(
      fc.property(twoOrders, ([some, shuffled]) => {
        expect(told(shuffled)).toBe(told(some));
      }),
      { numRuns: 40, seed: 9 },
    );
  });
  test("reports cores from which nothing can be left out", () => {
    const names = ["?a", "?b", "?c", "H", "W"];
    const side = fc.oneof(fc.constantFrom(...names), fc.integer({ min: 1, max: 6 }).map(String));
    const grown = fc.tuple(side, fc.constantFrom("", " + 1", "*2", "//2", " + H")).map(([x, y]) => x + y);
    const facts = fc.array(fc.tuple(grown, grown), { minLength: 4, maxLength: 12 });
    const replay = (list: readonly (readonly [string, string])[]) => {
      const s = new Store();
      return list.map(([a, b], i) => equal(s, a, b, `${i}`)).find((c) => c);
    };
    let conflicts = 0;
    fc.assert(
      fc.property(facts, (list) => {
        const found = replay(list);
        if (!found) return;
        conflicts++;
        const part = found.core.map((o) => list[Number(o.subject)]!);
        expect(replay(part)).toBeDefined();
        part.forEach((_, i) => {
          expect(replay(part.toSpliced(i, 1))).toBeUndefined();
        });
      }),
      { numRuns: 150, seed: 5 },
    );
    expect(conflicts).toBeGreaterThan(50);
  });
  test("refutes an equation of ten thousand terms by another", () => {
    const all = dim(Array.from({ length: 10_000 }, (_, i) => `y${i}`).join(" + "));
    const s = new Store();
    expect(s.equal(all, dim("q"), from("first"))).toBeUndefined();
    expect(core(s.equal(all, dim("q + 1"), from("second")))).toEqual(["first", "second"]);
  });
  test("spends next to nothing on constants", () => {
    const s = new Store();
    const o = from("x");
    for (let i = 0; i < 3e5; i++) s.equal(constant(i & 1023), constant(i & 1023), o);
    expect(s.residuals()).toEqual([]);
  });
});

test.each([
  ["b >= 0 and b <= -1", "b >= 0 is needed"],
  ["h % 32 == 0 and h % 32 == 1", "h % 32 == 0 and h >= 32 is needed"],
  ["1 < b < 2", "b >= 2 is needed"],
])("an assertion that no size meets (%s) is told once, without a size that would not do", (text, why) => {
  const failing = () => new Assumptions().assert(text);
  expect(failing).toThrow(`E2201 ${text} cannot hold\n`);
  expect(failing).toThrow(why);
  expect(failing).toThrow("Fix: drop or change one of them");
});

test("one assertion that contradicts itself in three clauses is named once", () => {
  const text = "h == w and w == 3 and h == 4";
  expect(() => new Assumptions().assert(text)).toThrow(`E2201 ${text} cannot hold\n`);
});

describe("what is required of several symbols", () => {
  test.each([
    [["a < b", "b < a"]],
    [["a < b", "b < c", "c < a"]],
    [["2*a == 3*b", "2*a == 3*b + 1"]],
    [["H//2 == W//2", "H//2 > W//2"]],
    [["a + b <= 3", "a >= b + 2"]],
  ])("is taken together: %j cannot all hold", (list) => {
    for (const order of [list, list.toReversed()]) {
      const known = new Assumptions();
      for (const text of order.slice(0, -1)) known.assert(text);
      expect(() => known.assert(order.at(-1)!)).toThrow("E2201");
    }
  });
  test.each([
    [["a <= b", "b <= a"], "a", "==", "b", "always"],
    [["a < b", "b < c"], "c", ">", "a", "always"],
    [["a < b", "b < c"], "a", "==", "c", "never"],
    [["N == 6*B", "B == C"], "N // C", "==", "6", "always"],
    [["2*a == 3*b"], "4*a", "==", "6*b", "always"],
    [["W == H + 3"], "W", ">=", "4", "always"],
  ] as const)("decides with it: of %j follows %s %s %s: %s", (list, left, relation, right, answer) => {
    const known = new Assumptions();
    for (const text of list) known.assert(text);
    expect(known.decide(left, relation, right).kind).toBe(answer);
  });
  test("is asked again after each assertion without all being told again", () => {
    const known = new Assumptions();
    for (let i = 0; i < 300; i++) {
      known.assert(`y${i} >= z${i}`);
      expect(known.decide(`y${i}`, ">=", `z${i}`).kind).toBe("always");
    }
    expect(() => known.assert("z1 > y1")).toThrow("y1 >= z1 contradicts z1 > y1");
    expect(known.decide("y1", ">=", "z1").kind).toBe("always");
  });
  test("is all told, relations of one symbol too", () => {
    const known = new Assumptions().assert("h != 4").assert("a < b");
    expect(`${known}`.split("\n")).toEqual([
      "a >= 1",
      "b >= 1",
      "h >= 1",
      "b >= a + 1   (a < b)",
      "h != 4   (h != 4)",
    ]);
  });
});

test("an assertion that is refused leaves nothing of itself behind", () => {
  const known = new Assumptions().assert("w == 3");
  expect(() => known.assert("h == 2*w and h == 7")).toThrow("E2201");
  expect(`${known}`).toBe("w == 3   (w == 3)");
  expect(known.assert("h == 7").resolve("h")).toBe(constant(7));
});

test.each([null, { min: 1n }, { min: Number.NaN }, { max: Number.NaN }, { max: 1.5 }, { multipleOf: 0 }])(
  "bounds that are none (%s) are refused",
  (bounds) => {
    expect(() => new Assumptions().declare("h", bounds as never)).toThrow(/^E1002 h within /);
  },
);
