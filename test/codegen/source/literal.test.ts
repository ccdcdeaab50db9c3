import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  commentText,
  isIdentifier,
  member,
  numberLiteral,
  propertyKey,
  stringLiteral,
} from "../../../codegen/source/index.ts";

const evaluate = (code: string): unknown => new Function(`"use strict"; return (${code});`)();
const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 127 }), fc.integer({ min: 0, max: 0x10ffff })))
  .map((points) => String.fromCodePoint(...points));

describe("string literals", () => {
  test("read back as the text they were made of, whatever it is", () => {
    fc.assert(
      fc.property(anyText, (text) => evaluate(stringLiteral(text)) === text),
      { numRuns: 500 },
    );
  });

  test("are one visible line that cannot end a script element", () => {
    const literal = stringLiteral("a\u2028b\u2029c\u202ed\n</script><!--\ud800`*/");
    expect(literal).toBe('"a\\u2028b\\u2029c\\u202ed\\n\\x3C/script>\\x3C!--\\ud800`*/"');
  });
});

describe("comments", () => {
  test("cannot be closed by what stands in them", () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        const text = commentText(`${a}*/ throw 1 /*\u2028 throw 2 \r throw 3 //${b}`);
        return evaluate(`1 /* ${text} */ + 1`) === 2 && evaluate(`1 // ${text}\n + 1`) === 2;
      }),
      { numRuns: 300 },
    );
  });

  test("keep letters of every script", () => {
    expect(commentText("größe 形状 [1, 2]")).toBe("größe 形状 [1, 2]");
  });
});

describe("property names", () => {
  test("make own properties, __proto__ included", () => {
    fc.assert(
      fc.property(
        fc.oneof(anyText, fc.constantFrom("__proto__", "constructor", "a b", "1", "default")),
        (name) => {
          const made = evaluate(`{ ${propertyKey(name)}: 7 }`) as object;
          const read = new Function("made", `return ${member("made", name)};`)(made);
          return Object.keys(made).length === 1 && Object.hasOwn(made, name) && read === 7;
        },
      ),
      { numRuns: 300 },
    );
  });

  test("stand bare only when they are ASCII identifiers", () => {
    expect(["x", "dense_1", "größe", "a-b", "", "1x"].map(isIdentifier)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

test("number literals read back as the same number", () => {
  fc.assert(
    fc.property(fc.double(), (x) => Object.is(evaluate(numberLiteral(x)), x)),
    { numRuns: 300, examples: [[-0], [Number.NaN], [Number.NEGATIVE_INFINITY], [5e-324]] },
  );
});
