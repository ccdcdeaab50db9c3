import { describe, expect, test } from "vitest";
import { type Diagnostic, render } from "../../compiler/diagnostics/index.ts";

const features: Diagnostic = {
  code: "E2104",
  message: 'input "x" has 30 features, but dense.kernel expects 20',
  facts: [
    { subject: "x", value: "[3, 30]", note: "this call" },
    {
      subject: "dense.kernel",
      value: "[20, 256]",
      note: "20 fixed by the sample [2, 20] at examples/mlp.ts:11",
    },
  ],
  because: "dense multiplies x[.., k] by kernel[k, 256], so k must be both 30 and 20.",
  fix: "feed 20 features, or net.reset() to bind another size.",
  layer: "dense",
};

const short: Diagnostic = {
  code: "E1003",
  message: "unknown option --smaple",
  fix: "did you mean --sample?",
};

const program = [
  'import { dense, sequential } from "shapecast";',
  "",
  "const net = sequential([",
  "\tdense({ units: 2.5 }),",
  "]);",
].join("\n");

describe("a diagnostic as text", () => {
  test("reads as the example in the description of the product", () => {
    expect(render(features)).toBe(
      `
E2104 input "x" has 30 features, but dense.kernel expects 20

  x              [3, 30]     this call
  dense.kernel   [20, 256]   20 fixed by the sample [2, 20] at examples/mlp.ts:11

  dense multiplies x[.., k] by kernel[k, 256], so k must be both 30 and 20.
  Fix: feed 20 features, or net.reset() to bind another size.`.trim(),
    );
  });

  test("without a table or a reason is the message and the fix", () => {
    expect(render(short)).toBe("E1003 unknown option --smaple\n\n  Fix: did you mean --sample?");
  });

  test("shows the way that led there, the layer and the user's line", () => {
    const at = { file: "examples/unet.ts", line: 7, column: 3 };
    const text = render({ ...short, chain: ["input image", "enc1", "enc1.pool"], layer: "dec1", at });
    expect(text).toBe(
      `
E1003 unknown option --smaple

  Fix: did you mean --sample?
  through input image -> enc1 -> enc1.pool
  in layer dec1
  at examples/unet.ts:7:3`.trim(),
    );
  });

  test("keeps both ends of a long chain and counts the rest", () => {
    const chain = Array.from({ length: 100 }, (_, index) => `l${index}`);
    expect(render({ ...short, chain })).toContain(
      "through l0 -> l1 -> l2 -> l3 -> l4 -> (90 more) -> l95 -> l96 -> l97 -> l98 -> l99",
    );
    expect(render({ ...short, chain: chain.slice(0, 12) })).not.toContain("more");
  });

  test("leaves no trailing spaces where a row has no note", () => {
    const facts = [
      { subject: "a", value: "[1]" },
      { subject: "bb", value: "[10, 2]", note: "here" },
      { subject: "c", value: "" },
    ];
    expect(
      render({ ...short, facts })
        .split("\n")
        .slice(2, 5),
    ).toEqual(["  a    [1]", "  bb   [10, 2]   here", "  c"]);
  });

  test("aligns by characters, not by UTF-16 units", () => {
    const facts = [
      { subject: "𝛼𝛽", value: "1" },
      { subject: "ab", value: "2" },
    ];
    expect(
      render({ ...short, facts })
        .split("\n")
        .slice(2, 4),
    ).toEqual(["  𝛼𝛽   1", "  ab   2"]);
  });

  test("keeps the lines of a reason", () => {
    expect(render({ ...short, because: "first\nsecond" })).toContain("\n  first\n  second\n  Fix:");
  });

  test("cannot be forged or coloured by a name from a model", () => {
    const name = "conv\u001b[31m\n\u202eE9999\u0007";
    const text = render({
      ...short,
      message: `bad ${name}`,
      facts: [{ subject: name, value: name, note: name }],
    });
    const harmless = "conv\\u{1b}[31m\\u{a}\\u{202e}E9999\\u{7}";
    expect(text.split("\n")).toEqual([
      `E1003 bad ${harmless}`,
      "",
      `  ${harmless}   ${harmless}   ${harmless}`,
      "",
      "  Fix: did you mean --sample?",
    ]);
  });

  test("is coloured only when asked", () => {
    const at = { file: "a.ts", line: 1, column: 1 };
    expect(render({ ...short, at }, { color: true })).toBe(
      "\u001b[31mE1003\u001b[39m \u001b[1munknown option --smaple\u001b[22m\n\n" +
        "  Fix: did you mean --sample?\n  \u001b[2mat a.ts:1:1\u001b[22m",
    );
  });
});

describe("a code frame", () => {
  test("shows the lines around with a caret under the column", () => {
    const at = { file: "net.ts", line: 4, column: 2 };
    const source = (file: string) => (file === "net.ts" ? program : undefined);
    expect(render({ ...short, at }, { source })).toBe(
      `
E1003 unknown option --smaple

  Fix: did you mean --sample?
  at net.ts:4:2

    2 |
    3 | const net = sequential([
  > 4 |  dense({ units: 2.5 }),
      |  ^
    5 | ]);`.trim(),
    );
  });

  test("pads line numbers to the same width", () => {
    const source = () => Array.from({ length: 12 }, (_, index) => `line${index + 1}`).join("\r\n");
    const text = render({ ...short, at: { file: "a.ts", line: 9, column: 5 } }, { source });
    expect(text.split("\n").slice(-5)).toEqual([
      "     7 | line7",
      "     8 | line8",
      "  >  9 | line9",
      "       |     ^",
      "    10 | line10",
    ]);
  });

  test("is left out when the file or the line is not there", () => {
    const plain = render({ ...short, at: { file: "a.ts", line: 9, column: 5 } });
    for (const source of [() => undefined, () => "one line"]) {
      expect(render({ ...short, at: { file: "a.ts", line: 9, column: 5 } }, { source })).toBe(plain);
    }
  });

  test("marks the start of the line when its end comes before the column", () => {
    const at = { file: "net.ts", line: 5, column: 40 };
    const text = render({ ...short, at }, { source: () => "1\n2\n3\n4\n  f();" });
    expect(text.split("\n").slice(-2)).toEqual(["  > 5 |   f();", "      |   ^"]);
  });

  test("cuts a line too long to read around the caret", () => {
    const source = () => `${"x".repeat(5000)}!${"y".repeat(5000)}`;
    const text = render({ ...short, at: { file: "a.js", line: 1, column: 5001 } }, { source });
    const [shown = "", caret = ""] = text.split("\n").slice(-2);
    expect(shown.length).toBeLessThanOrEqual(110);
    expect(shown[caret.indexOf("^")]).toBe("!");
  });
});
