import { expect, test } from "vitest";
import { readDims } from "../../compiler/cli/dims.ts";
import { CompileError } from "../../compiler/diagnostics/index.ts";

const read = (...texts: readonly string[]) => readDims(new Map([["dim", texts]]));

/** The whole message of a refusal. */
function refusal(...texts: readonly string[]): string {
  try {
    read(...texts);
  } catch (error) {
    if (error instanceof CompileError && error.code === "E1002") return error.message;
    throw error;
  }
  return "accepted";
}

test("--dim gives a size, a range or buckets", () => {
  expect(read("batch=1", "time=1..64", "seq=512,128,256", "rows = 2 .. 9").dims).toEqual({
    batch: 1,
    time: { min: 1, max: 64 },
    seq: [512, 128, 256],
    rows: { min: 2, max: 9 },
  });
});

test("--dim with a comparison is a constraint", () => {
  const texts = ["h % 32 == 0", "1 <= b <= 64", "n % 12 in {0..5}", "w==2*h"];
  const { dims, constraints } = read("b=4", ...texts);
  expect(dims).toEqual({ b: 4 });
  expect(constraints.map(({ origin }) => `${origin.subject} ${origin.clause}`)).toEqual(
    texts.map((text) => `--dim ${text}`),
  );
  expect(`${constraints[0]!.constraint}`).toBe("h % 32 == 0");
});

test.each([
  ["b=1..", "at the end", "b=1..", 5],
  ["b=1..x", 'planned for it) expected before "x"', "b=1..x", 5],
  ["b=1...3", 'expected before ".3"', "b=1...3", 5],
  ["b=2*h", '"..", "," or the end expected before "*"', "b=2*h", 3],
  ["seq=128,,256", 'another size expected before ","', "seq=128,,256", 8],
  ["seq=128,", "another size expected at the end", "seq=128,", 8],
  ["=3", 'the name of a dim expected before "="', "=3", 0],
  ["?h=3", 'the name of a dim expected before "?"', "?h=3", 0],
  ["_=3", 'the name of a dim expected before "_"', "_=3", 0],
  ["b", '"=" and its size expected at the end', "b", 1],
  ["b 3", '"=" and its size expected before "3"', "b 3", 2],
  ["b=64..1", "it must be a range that is not empty: 64 is above 1", "b=64..1", 7],
  ["seq=128,128", "it must be a list that has 128 once", "seq=128,128", 11],
  ["b=99999999999999999999", "sizes end at 2^53 - 1", "b=99999999999999999999", 21],
  ["h % == 0", 'a number or a name expected before "=="', "h % == 0", 4],
  ["1 <= b <= ", "a number or a name expected at the end", "1 <= b <=", 9],
  ["h ! 2 == 0", "character 2 is not part of one", "h ! 2 == 0", 1],
])("--dim %s is refused with a caret at the place", (text, says, shown, column) => {
  const message = refusal(text);
  expect(message).toContain(says);
  expect(message).toContain(`\n  ${shown}\n  ${" ".repeat(column)}^\n`);
});

test("a dim given twice is refused with both", () => {
  const message = refusal("b=1", "b=2..3");
  expect(message).toContain('--dim gives "b" twice');
  expect(message).toContain("b=2..3");
});

test("of a long constraint only what lies around the place is shown", () => {
  const message = refusal(`${"a + ".repeat(50)}* 2 == ${"b + ".repeat(50)}1`);
  const lines = message.split("\n");
  const caret = lines.findIndex((line) => line.trim() === "^");
  expect(lines[caret]!.length).toBeLessThan(85);
  expect(lines[caret - 1]![lines[caret]!.length - 1]).toBe("*");
});
