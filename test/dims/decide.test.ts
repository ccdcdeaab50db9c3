/**
 * Verdicts against brute force: random expressions of the kinds that shape inference makes, and the shared
 * corpus of identities where it is at hand. SHAPECAST_RUNS=100000 runs the long version.
 */
import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  ceilDiv,
  constant,
  type Declaration,
  type Dim,
  decide,
  dim,
  floorDiv,
  max,
  min,
  mod,
  mul,
  type Relation,
  Store,
  sub,
  sum,
  symbol,
  symbolsOf,
} from "../../compiler/dims/index.ts";

type Values = Readonly<Record<string, number>>;
/** A dim beside the plain arithmetic it stands for. */
interface Sample {
  readonly d: Dim;
  readonly at: (v: Values) => number;
}

const floored = (a: number, b: number) => Math.floor(a / b);
const truth: Record<Relation, (a: number, b: number) => boolean> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  ">=": (a, b) => a >= b,
  ">": (a, b) => a > b,
};

function samplesOver(names: readonly string[]): fc.Arbitrary<Sample> {
  return fc.letrec<{ e: Sample }>((tie) => {
    const two = (make: (a: Dim, b: Dim) => Dim, on: (a: number, b: number) => number) =>
      fc
        .tuple(tie("e"), tie("e"))
        .map(([x, y]): Sample => ({ d: make(x.d, y.d), at: (v) => on(x.at(v), y.at(v)) }));
    const by = (make: (a: Dim, b: number) => Dim, on: (a: number, b: number) => number) =>
      fc
        .tuple(tie("e"), fc.integer({ min: 1, max: 8 }))
        .map(([x, q]): Sample => ({ d: make(x.d, q), at: (v) => on(x.at(v), q) }));
    const leaf = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom(...names).map((n): Sample => ({ d: symbol(n), at: (v) => v[n]! })),
      },
      {
        weight: 1,
        arbitrary: fc.integer({ min: -6, max: 9 }).map((k): Sample => ({ d: constant(k), at: () => k })),
      },
    );
    const node = fc.oneof(
      by(floorDiv, floored),
      by(ceilDiv, (a, b) => -floored(-a, b)),
      by(mod, (a, b) => a - b * floored(a, b)),
      two(add, (a, b) => a + b),
      two(sub, (a, b) => a - b),
      two(mul, (a, b) => a * b),
      two(max, Math.max),
      two(min, Math.min),
    );
    return { e: fc.oneof({ maxDepth: 3, depthSize: "small" }, leaf, node) };
  }).e;
}

/** Identities and near-identities: without them, equal pairs are rare. */
const variants: readonly ((x: Sample, q: number) => Sample)[] = [
  (x, q) => ({ d: add(mul(floorDiv(x.d, q), q), mod(x.d, q)), at: x.at }),
  (x, q) => ({
    d: add(floorDiv(x.d, q), ceilDiv(x.d, q)),
    at: (v) => floored(x.at(v), q) - floored(-x.at(v), q),
  }),
  (x, q) => ({ d: max(x.d, sub(x.d, q - 2)), at: (v) => Math.max(x.at(v), x.at(v) - q + 2) }),
  (x, q) => ({ d: mul(floorDiv(x.d, q), q), at: (v) => floored(x.at(v), q) * q }),
];

interface Question {
  readonly names: readonly string[];
  readonly left: Sample;
  readonly right: Sample;
  readonly relation: Relation;
  readonly declared: readonly Declaration[];
}

const declarations: fc.Arbitrary<Declaration> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: -3, max: 5 }), fc.integer({ min: 0, max: 30 }))
      .map(([low, n]) => ({ min: low, max: low + n })),
  },
  { weight: 1, arbitrary: fc.integer({ min: 2, max: 4 }).map((multipleOf) => ({ multipleOf })) },
);
const questions: fc.Arbitrary<Question> = fc
  .constantFrom(["a"], ["a", "b"], ["a", "b", "c"])
  .chain((names) => {
    const e = samplesOver(names);
    const pair = fc.oneof(
      fc.tuple(e, e),
      fc
        .tuple(e, fc.constantFrom(...variants), fc.integer({ min: 2, max: 5 }))
        .map(([x, v, q]): [Sample, Sample] => [x, v(x, q)]),
    );
    const relation = fc.constantFrom<Relation>("==", "==", "!=", ">=", ">");
    const declared = fc.tuple(...names.map(() => declarations));
    return fc
      .record({ names: fc.constant(names), pair, relation, declared })
      .map(({ pair: [left, right], ...rest }) => ({ left, right, ...rest }));
  });

function domain(d: Declaration, count: number): readonly number[] {
  const low = d.min ?? 1;
  const all = Array.from({ length: count }, (_, i) => low + i);
  return all.filter((n) => n <= (d.max ?? Number.POSITIVE_INFINITY) && n % (d.multipleOf ?? 1) === 0);
}

function assignments({ names, declared }: Question): readonly Values[] {
  const counts = [0, 200, 26, 9][names.length]!;
  return names.reduce<readonly Values[]>(
    (list, name, i) => list.flatMap((v) => domain(declared[i]!, counts).map((n) => ({ ...v, [name]: n }))),
    [{}],
  );
}

/** undefined if the verdict agrees with every assignment, else what is wrong. */
function refutation(q: Question): string | undefined {
  const store = new Store();
  for (const [i, name] of q.names.entries())
    store.declare(name, q.declared[i]!, { subject: name, clause: "declared" });
  const grid = assignments(q);
  if (grid.length === 0) return undefined;
  const v = decide(q.relation, q.left.d, q.right.d, store);
  for (const values of grid) {
    const holds = truth[q.relation](q.left.at(values), q.right.at(values));
    const said =
      v.kind === "iff"
        ? v.constraint.holds(new Map(Object.entries(values)))
        : v.kind === "unknown"
          ? holds
          : v.kind === "always";
    const answer = v.kind === "iff" ? `${v.constraint}` : v.kind;
    if (said !== holds)
      return `${q.left.d} ${q.relation} ${q.right.d}: ${answer} at ${JSON.stringify(values)}`;
  }
  return undefined;
}

const numRuns = Number(process.env["SHAPECAST_RUNS"] ?? 500);

describe("deciding", () => {
  test(
    "never contradicts brute force",
    () => {
      fc.assert(
        fc.property(questions, (q) => {
          expect(refutation(q)).toBeUndefined();
        }),
        { numRuns, seed: 7 },
      );
    },
    60_000 + 200 * numRuns,
  );

  test("answers the same for dims made anew", () => {
    const ask = () => {
      const v = decide("==", dim("max(x1, 2*x2)//3 + x1%4"), dim("x2//2"));
      return v.kind === "iff" ? `${v.constraint}` : v.kind;
    };
    expect(ask()).toBe(ask());
  });

  test("gives exact bounds, however large", () => {
    expect(decide(">=", dim("3*n"), dim("1000000007"))).toMatchObject({ kind: "iff" });
    const v = decide(">=", dim("3*n"), dim("1000000007"));
    expect(v.kind === "iff" && `${v.constraint}`).toBe("n >= 333333336");
    expect(decide("==", dim("n*n"), dim("1000000016000000064"))).toMatchObject({ kind: "iff" });
    expect(decide("==", dim("n*n"), dim("1000000016000000063"))).toEqual({ kind: "never" });
  });

  test.each([
    ["floor(a/8)", "floor(a/32) + floor((a + 8)/32) + floor((a + 16)/32) + floor((a + 24)/32)"],
    ["min(2*a, b)", "min(a + a//3 + (a + 1)//3 + (a + 2)//3, b)"],
    ["min(a, b) + c", "min(a, b)//3 + (min(a, b) + 1)//3 + (min(a, b) + 2)//3 + c"],
    ["c // (a//2 + (a + 1)//2)", "c // a"],
    ["min(a, 4)", "min(a//5 + (a + 1)//5 + (a + 2)//5 + (a + 3)//5 + (a + 4)//5, 4)"],
  ])("knows that %s is the sum of its parts", (one, parts) => {
    expect(decide("==", dim(one), dim(parts))).toEqual({ kind: "always" });
  });

  test("is certain where a few sizes are all there are", () => {
    const few = (...names: string[]) => {
      const s = new Store();
      for (const name of names) s.declare(name, { min: 1, max: 3 }, { subject: name, clause: "declared" });
      return s;
    };
    expect(decide("==", dim("c*c*c"), dim("6*c*c - 11*c + 6"), few("c")).kind).toBe("always");
    expect(decide("!=", dim("a*b"), dim("5"), few("a", "b")).kind).toBe("always");
    expect(decide("==", dim("a*b + b*c"), dim("17"), few("a", "b", "c")).kind).toBe("never");
  });

  test("bounds a condition on residues that ends before the domain does", () => {
    const s = new Store();
    s.declare("c", { min: 0, max: 3 }, { subject: "c", clause: "declared" });
    const v = decide("==", dim("c"), dim("c//3 + (c + 2)//3"), s);
    expect(v.kind === "iff" && [0, 1, 2, 3].map((c) => v.constraint.holds(new Map([["c", c]])))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test("answers for ten thousand maxima, and refuses those that would not fit", () => {
    const all = sum(Array.from({ length: 10_000 }, (_, i) => max(symbol(`y${i}`), symbol(`z${i}`))));
    expect(decide("==", all, symbol("q"))).toEqual({ kind: "unknown" });
    expect(() => max(...Array.from({ length: 10_000 }, (_, i) => symbol(`y${i}`)))).toThrow("E2302");
  });

  test("gives up rather than search for long", () => {
    let d = dim("n");
    for (let i = 0; i < 1000; i++) d = floorDiv(add(d, symbol(`x${i % 9}`)), 2 + (i % 3));
    expect(decide("==", d, dim("n")).kind).toMatch(/unknown|iff/);
    const long = dim(Array.from({ length: 10_000 }, (_, i) => `${i}*y${i}`).join(" + "));
    expect(decide("==", long, dim("q"))).toEqual({ kind: "unknown" });
    expect(symbolsOf(long)).toHaveLength(9_999);
  });
});

const corpus = new URL("../../../shared/dims/identity-corpus.json", import.meta.url);
type Tree = readonly ["v", string] | readonly ["k", number] | readonly [string, Tree, Tree];
const operators: Record<string, (a: Dim, b: Dim) => Dim> = {
  "+": add,
  "-": sub,
  "*": mul,
  "//": floorDiv,
  "%": mod,
  max,
  min,
};
function build(tree: Tree): Dim {
  if (tree[0] === "v") return symbol(tree[1] as string);
  if (tree[0] === "k") return constant(tree[1] as number);
  return operators[tree[0]]!(build(tree[1] as Tree), build(tree[2] as Tree));
}

describe.skipIf(!existsSync(corpus))("the corpus of identities (skipped where ../shared is absent)", () => {
  test("is decided to the required figures without a wrong answer", () => {
    const entries: readonly { e: Tree; f: Tree; truth: "yes" | "never" | "some" }[] = JSON.parse(
      readFileSync(corpus, "utf8"),
    );
    const counts: Record<string, number> = {};
    for (const { e, f, truth: wanted } of entries) {
      const key = `${wanted} ${decide("==", build(e), build(f)).kind}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }
    expect(counts["yes always"]).toBe(912);
    expect(counts["never never"]).toBeGreaterThanOrEqual(300);
    expect(counts["some iff"]).toBeGreaterThanOrEqual(180);
    const wrong = ["yes never", "yes iff", "never always", "some always", "some never"];
    expect(wrong.filter((key) => counts[key])).toEqual([]);
  }, 60_000);

  test("gets the same answers in another order, whatever was decided before", () => {
    const all: readonly { e: Tree; f: Tree }[] = JSON.parse(readFileSync(corpus, "utf8"));
    const some = all.filter((_, i) => i % 10 === 3);
    const ask = ({ e, f }: { e: Tree; f: Tree }) => {
      const v = decide("==", build(e), build(f));
      return v.kind === "iff" ? `${v.constraint}` : v.kind;
    };
    const answers = some.map(ask);
    expect(some.toReversed().map(ask).reverse()).toEqual(answers);
  }, 60_000);
});
