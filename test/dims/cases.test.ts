/**
 * The numbered cases that the engine must decide. A number stands for the question, so a failure names it.
 * Cases about whole networks live with the layers.
 */
import { describe, expect, test } from "vitest";
import {
  type Conflict,
  constant,
  type Dim,
  decide,
  dim,
  max,
  mod,
  mul,
  type Origin,
  parse,
  print,
  product,
  type Relation,
  range,
  Store,
  sub,
  symbol,
} from "../../compiler/dims/index.ts";

const from = (subject: string): Origin => ({ subject, clause: "required by the case" });

/**
 * The verdict on "a == b", "a >= b", ... as "always", "never", "unknown", "asks ..." or the constraint's
 * text.
 */
function verdict(text: string, store?: Store): string {
  const [left, relation, right] = text.split(/ (==|!=|>=|>) /) as [string, Relation, string];
  const v = decide(relation, dim(left), dim(right), store);
  if (v.kind === "unknown" && v.asks) return `asks ${v.asks}`;
  return v.kind === "iff" ? `${v.constraint}` : v.kind;
}

function assuming(...equations: string[]): Store {
  const store = new Store();
  for (const text of equations) {
    const [left, right] = text.split(" == ") as [string, string];
    expect(store.equal(dim(left), dim(right), from(text)), text).toBeUndefined();
  }
  return store;
}

const residuals = (s: Store) =>
  s.residuals().map((r) => `${r.constraint}${r.alternative ? ` ${r.alternative}` : ""}`);
const core = (c: Conflict | Dim | undefined) => (c && "core" in c ? c.core.map((o) => o.subject) : c);

/** Output length of a convolution or a pooling window. */
const window = (n: Dim, k: number, stride: number, pads: number, dilation = 1) =>
  dim(`floordiv(${sub(n, dilation * (k - 1) + 1 - pads)}, ${stride}) + 1`);
/** Output length of a transposed convolution with the pads `p` on both sides. */
const transposed = (n: Dim, k: number, stride: number, p: number, extra = 0) =>
  dim(`(${n} - 1)*${stride} + ${k - 2 * p + extra}`);

describe("identities and order", () => {
  test("1. (a*b)//b is a where b >= 1 and asks for it where b >= 0", () => {
    expect(verdict("(a*b)//b == a")).toBe("always");
    const s = new Store();
    s.declare("b", { min: 0 }, from("b >= 0"));
    expect(verdict("(a*b)//b == a", s)).toBe("asks b >= 1");
  });
  test.each([
    ["2.", "a//b*b + a%b == a", "always"],
    ["3.", "(a//2)*2 == a - a%2", "always"],
    ["4.", "(a//2)//3 == a//6", "always"],
    ["4.", "((A+1)//2+1)//2 == (A+3)//4", "always"],
    ["5.", "(a%4)%2 == a%2", "always"],
    ["5.", "(a%6)%4 == a%4", "a % 12 in {0..5}"],
    ["7.", "ceildiv(d - 1, 2) == d//2", "always"],
    ["8.", "ceildiv(H, 7)*7 == H + (-H)%7", "always"],
    ["8.", "(ceildiv(H, 7)*7)//7*7 == ceildiv(H, 7)*7", "always"],
    ["11.", "ceildiv(n, 2) + n//2 == n", "always"],
    ["12.", "(S+1)//2 + (1-S)//2 == 1", "S % 2 == 1"],
    ["14.", "a*b >= a", "always"],
    ["14.", "a*b + 1 >= a + b", "always"],
    ["14.", "a^2 >= 2*a - 1", "always"],
    ["14.", "-2*((-b)//2) >= b", "always"],
    ["18.", "a^2 == 4", "a == 2"],
    ["19.", "H//2 == W//2", "floor(H/2) == floor(W/2)"],
  ])("%s %s: %s", (_, question, answer) => {
    expect(verdict(question)).toBe(answer);
  });
  test("16. H % 16 == 0 entails (H//8)*8 == H; 2 and 3 entail 6", () => {
    expect(verdict("(H//8)*8 == H", assuming("H % 16 == 0"))).toBe("always");
    expect(verdict("H % 6 == 0", assuming("H % 2 == 0", "H % 3 == 0"))).toBe("always");
    expect(verdict("H % 6 == 0", assuming("H % 2 == 0"))).toBe("H % 6 == 0");
  });
  test("18. 3s % (s+1) == s-2 holds from 2 on, and is never refused", () => {
    expect(verdict("(3*s) % (s+1) == s - 2")).not.toMatch(/never|always/);
    const s = new Store();
    s.declare("s", { min: 2 }, from("s >= 2"));
    expect(verdict("(3*s) % (s+1) == s - 2", s)).not.toBe("never");
  });
});

describe("convolution, pooling, resampling", () => {
  const H = symbol("H");
  test("21. k3 s1 p1 and k3 d4 p4 preserve H", () => {
    expect(window(H, 3, 1, 2)).toBe(H);
    expect(window(H, 3, 1, 8, 4)).toBe(H);
  });
  test("22. halve, transpose back, add: a parity each", () => {
    const half = window(H, 3, 2, 2);
    expect(verdict(`${transposed(half, 4, 2, 1)} == H`)).toBe("H % 2 == 0");
    expect(verdict(`${transposed(half, 3, 2, 1, 1)} == H`)).toBe("H % 2 == 0");
    expect(verdict(`${transposed(half, 3, 2, 1)} == H`)).toBe("H % 2 == 1");
  });
  test("23. the four skips of a U-Net are one requirement", () => {
    const s = assuming("2*(H//2) == H", "2*(H//4) == H//2", "2*(H//8) == H//4", "2*(H//16) == H//8");
    expect(residuals(s)).toEqual(["H % 16 == 0"]);
    expect(s.residuals()[0]?.origins).toHaveLength(4);
    const failed = s.equal(H, constant(230), from("sample"));
    expect(failed?.suggestion).toBe("nearest 224, 240");
    expect(core(failed)).toEqual(["2*(H//4) == H//2", "sample"]);
  });
  test("25. a ResNet stem and its stages are ceil(H/32)", () => {
    let n = window(H, 7, 2, 6);
    n = window(n, 3, 2, 2);
    for (let i = 0; i < 3; i++) n = window(n, 3, 2, 2);
    expect(n).toBe(dim("ceildiv(H, 32)"));
  });
  test("28. SAME k3 s2 pads 1 or 2, an expression", () => {
    const pad = max(dim("(ceildiv(H, 2) - 1)*2 + 3 - H"), 0);
    expect(verdict(`${pad} == 1`)).toBe("H % 2 == 0");
    expect(verdict(`${pad} == 2`)).toBe("H % 2 == 1");
    expect(range(pad, () => ({ min: 1, max: 1000 }))).toEqual({ min: 1, max: 2 });
  });
  test("29. a kernel that must fit is a bound", () => {
    const s = new Store();
    s.atLeast(dim("H + 2"), constant(7), from("conv"));
    expect(residuals(s)).toEqual(["H >= 5"]);
    expect(core(s.equal(H, constant(4), from("sample")))).toEqual(["conv", "sample"]);
  });
  test("30. patch embedding floors; patching by reshape must divide", () => {
    expect(`${window(H, 16, 16, 0)}`).toBe("floor(H/16)");
    expect(residuals(assuming("16*?p == H"))).toEqual(["H % 16 == 0"]);
  });
  test("32. padded to a multiple of 7 and cropped is the same", () => {
    expect(verdict("min(ceildiv(H, 7)*7, H) == H")).toBe("always");
  });
  test("34. grouped convolution solves for its input channels", () => {
    const s = new Store();
    s.divisible(symbol("?Ci"), constant(4), from("groups"));
    s.equal(dim("?w"), dim("floordiv(?Ci, 4)"), from("weight"));
    s.equal(symbol("?Ci"), constant(64), from("sample"));
    expect(s.valueOf("?w")).toBe(constant(16));
    const t = new Store();
    t.divisible(symbol("?Ci"), constant(4), from("groups"));
    expect(core(t.equal(symbol("?Ci"), constant(6), from("sample")))).toEqual(["groups", "sample"]);
  });
  test("35. doubling a floor-halved size needs an even one", () => {
    expect(verdict("2*(H//2) == H")).toBe("H % 2 == 0");
  });
  test("39. 4(H//2)(W//2) == HW iff both are even", () => {
    expect(verdict("4*(H//2)*(W//2) == H*W")).toBe("H % 2 == 0 and W % 2 == 0");
  });
});

describe("reshape and layout", () => {
  test("40. heads must divide the embedding", () => {
    const s = new Store();
    s.divisible(dim("E"), dim("h"), from("heads"));
    s.equal(dim("E"), constant(768), from("width"));
    s.equal(dim("h"), constant(12), from("config"));
    expect(s.resolve(dim("floordiv(E, h)"))).toBe(constant(64));
    expect(core(new Store().divisible(constant(768), constant(7), from("heads")))).toEqual(["heads"]);
  });
  test("41. -1 is what is left", () => {
    const s = assuming("B*C*H*W == B*?n", "B*C*H*W == ?m*C*H*W", "B*C*H*W == B*?k*8");
    expect(`${s.resolve(dim("?n"))}, ${s.resolve(dim("?m"))}`).toBe("C*H*W, B");
    expect(verdict("(C*H*W) % 8 == 0", s)).toBe("always");
    expect(residuals(s)).toEqual(["C*H*W % 8 == 0", "C*H*W >= 8"]);
  });
  test("42. [N, D] to [B, T, D] with B bound; underdetermined without", () => {
    const s = assuming("N == ?b*?t", "?b == 4", "N == 20");
    expect(s.valueOf("?t")).toBe(constant(5));
    expect(
      assuming("N == ?b*?t")
        .undetermined()
        .map((u) => u.symbol),
    ).toEqual(["?b", "?t"]);
    expect(residuals(assuming("N == B*?t"))).toContain("N % B == 0");
  });
  test("43. -1 beside a size that may be 0 is not solved", () => {
    const s = new Store();
    s.declare("B", { min: 0 }, from("B >= 0"));
    s.equal(dim("6*B"), dim("B*?n"), from("reshape"));
    expect(s.valueOf("?n")).toBeUndefined();
    expect(s.undetermined().map((u) => u.symbol)).toEqual(["?n"]);
  });
  test("44. a parameter that would vary with H stays visible as such", () => {
    const s = assuming("?fc1 == 512*(H//32)*(W//32)");
    expect(`${s.valueOf("?fc1")}`).toBe("512*floor(H/32)*floor(W/32)");
  });
  test("46. concat and split are inverse; an even split must divide", () => {
    expect(verdict("(a + b) - a == b")).toBe("always");
    const s = new Store();
    s.divisible(dim("a + b"), constant(2), from("split"));
    expect(residuals(s)).toEqual(["(a + b) % 2 == 0"]);
  });
  test("47. slices are exact", () => {
    const length = (start: string, stop: string) => dim(`max((${stop}) - (${start}), 0)`);
    const s = new Store();
    expect(s.resolve(length("1", "n"))).toBe(dim("n - 1"));
    expect(s.resolve(dim("ceildiv(n, 2)"))).toBe(dim("floordiv(n + 1, 2)"));
    expect(`${s.resolve(length("max(n - 3, 0)", "n"))}`).toBe("min(n, 3)");
    expect(`${s.resolve(length("2", "n - 2"))}`).toBe("max(n - 4, 0)");
    s.declare("n", { min: 4 }, from("n >= 4"));
    expect(s.resolve(length("2", "n - 2"))).toBe(dim("n - 4"));
    expect(verdict("max(n - 2*b, 0) >= 0")).toBe("always");
  });
  test("50. tiling and folding back is exact", () => {
    expect(assuming("r*n == r*?m").resolve(dim("?m"))).toBe(dim("n"));
  });
});

describe("broadcast and sample traps", () => {
  const broadcast = (s: Store, a: string, b: string) => s.broadcast(dim(a), dim(b), from(`${a} + ${b}`));
  test("51. two symbols are taken to be equal, and that is reported", () => {
    const s = new Store();
    expect(broadcast(s, "a", "b")).toBe(dim("a"));
    expect(residuals(s)).toEqual(["a == b or one is 1"]);
    expect(verdict("2*a == 2*b", s)).toBe("always");
  });
  test("52. symbols of one value stay two symbols; 1 stays a symbol", () => {
    const s = new Store();
    expect(broadcast(s, "B", "n")).toBe(dim("B"));
    expect(s.resolve(dim("n"))).toBe(dim("n"));
  });
  test("53. samples 1 and 5 for two symbols say what to declare", () => {
    const s = new Store();
    broadcast(s, "a", "b");
    s.equal(dim("a"), constant(1), from("sample a"));
    const c = s.equal(dim("b"), constant(5), from("sample b"));
    expect(c?.suggestion).toBe("a is 1 here: declare a = 1 or a = b");
    expect(core(c)).toEqual(["a + b", "sample a", "sample b"]);
  });
  test("55. with B >= 0 declared the rules still hold", () => {
    const s = new Store();
    s.declare("B", { min: 0 }, from("B >= 0"));
    expect(verdict("B*n >= B", s)).toBe("always");
    expect(verdict("B*n >= 1", s)).not.toBe("always");
    expect(verdict("B >= 1", s)).toBe("B >= 1");
    expect(s.equal(dim("B"), constant(0), from("sample"))).toBeUndefined();
  });
  test("56. a sample on a bound's edge is accepted", () => {
    const s = new Store();
    s.declare("B", { min: 1, max: 8 }, from("1 <= B <= 8"));
    expect(s.equal(dim("B"), constant(1), from("sample"))).toBeUndefined();
    const t = new Store();
    t.declare("B", { min: 1, max: 8 }, from("1 <= B <= 8"));
    expect(t.equal(dim("B"), constant(9), from("sample"))?.suggestion).toBe("nearest 8");
  });
});

describe("attention, sequences, data-dependent sizes", () => {
  test("59. grouped queries repeat their keys", () => {
    const s = assuming("Hq == Hkv*?r");
    expect(s.resolve(mul(dim("Hkv"), dim("?r")))).toBe(s.resolve(dim("Hkv*floordiv(Hq, Hkv)")));
    expect(verdict("Hkv*?r == Hq", s)).toBe("always");
  });
  test("62. a causal dilation keeps the length", () => {
    expect(window(dim("T"), 3, 1, 2 * 8, 8)).toBe(dim("T"));
  });
  test("64. k <= n is a bound", () => {
    const s = new Store();
    s.atLeast(dim("n"), constant(5), from("top-k"));
    expect(residuals(s)).toEqual(["n >= 5"]);
  });
  test("65. a free size may be 0 or 1 and decides nothing", () => {
    expect(verdict("!u == 1")).not.toMatch(/always|never/);
    expect(verdict("!u >= 0")).toBe("always");
  });
  test("66. two free sizes broadcast to a guard", () => {
    const s = new Store();
    s.broadcast(dim("!u"), dim("!v"), from("add"));
    expect(residuals(s)).toEqual(["!u == !v or one is 1"]);
  });
});

describe("parameters, conflicts, round trips", () => {
  test("71. a loaded weight fixes the input, and both origins are named", () => {
    const s = new Store();
    s.equal(dim("F"), symbol("?in"), from("dense"));
    s.equal(symbol("?in"), constant(784), from("weight [256,784]"));
    expect(s.resolve(dim("F"))).toBe(constant(784));
    expect(core(s.equal(dim("F"), constant(27 * 28), from("sample")))).toEqual([
      "dense",
      "weight [256,784]",
      "sample",
    ]);
  });
  test("72. a declared output decides the units", () => {
    const s = assuming("?units == 10");
    expect(s.valueOf("?units")).toBe(constant(10));
  });
  test("73. the core of a distant conflict is its causes and the op that failed", () => {
    const s = assuming("?a == 3", "?b == 4");
    for (let i = 0; i < 40; i++) s.equal(symbol(`?p${i}`), dim(`${i} + 7`), from(`layer ${i}`));
    expect(core(s.broadcast(symbol("?a"), symbol("?b"), from("add")))).toEqual(["?a == 3", "?b == 4", "add"]);
  });
  test("74. groups divide the channels of the sample", () => {
    const s = new Store();
    s.divisible(symbol("?C"), constant(8), from("group norm"));
    expect(s.equal(symbol("?C"), constant(12), from("sample"))?.suggestion).toBe("nearest 8, 16");
  });
  test("76. a normal form reparses to itself", () => {
    for (const text of ["-a + floordiv(b*c - 1, 3)*max(a, 2)", "min(a, b, 7) - mod(a, b)", "0", "-3"])
      expect(parse(print(dim(text)))).toBe(dim(text));
  });
  test("77. sizes beyond 2^31 and 2^53 are guarded by bounds", () => {
    const s = new Store();
    s.declare("n", { max: 2 ** 20 }, from("n"));
    const numel = product([dim("n"), dim("n"), constant(4096)]);
    expect(verdict(`${2 ** 53} >= ${numel}`, s)).toBe("always");
    expect(verdict(`${2 ** 31} >= ${numel}`, s)).toBe("n <= 724");
  });
  test("78. nested floors past the budget are unknown, not guessed", () => {
    let d = dim("n");
    for (const q of [7, 11, 13, 17, 19, 23]) d = dim(`floordiv(3*(${d}) + n, ${q})`);
    expect(verdict(`${d} == ${mod(d, 29)}`)).toMatch(/unknown|==/);
  });
});
