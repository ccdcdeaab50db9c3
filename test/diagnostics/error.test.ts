import { describe, expect, test } from "vitest";
import {
  CompileError,
  catalogue,
  type Diagnostic,
  DiagnosticBag,
  exitCode,
  fail,
} from "../../compiler/diagnostics/index.ts";

const usage: Diagnostic = { code: "E1003", message: "unknown option --smaple", fix: "write --sample." };
const check: Diagnostic = {
  code: "E2105",
  message: "reshape cannot divide 20 by 7",
  fix: "use a divisor of 20.",
};
const unsupported: Diagnostic = { code: "E4001", message: "no lowering for Foo", fix: "remove it." };

describe("a CompileError", () => {
  test("says in its message what the one diagnostic says", () => {
    const error = thrown(() => fail(usage));
    expect(error.message).toBe("E1003 unknown option --smaple\n\n  Fix: write --sample.");
    expect(error.code).toBe("E1003");
    expect(error.diagnostics).toEqual([usage]);
    expect(String(error)).toMatch(/^CompileError: E1003 unknown option/);
  });

  test("lists all of several diagnostics in their order and counts them", () => {
    const error = new CompileError([check, usage]);
    expect(error.message).toBe(
      `
E2105 reshape cannot divide 20 by 7

  Fix: use a divisor of 20.

E1003 unknown option --smaple

  Fix: write --sample.

2 errors`.trim(),
    );
    expect(error.code).toBe("E2105");
  });

  test("does not change when the list it was made of does", () => {
    const list = [usage];
    const error = new CompileError(list);
    list.push(check);
    expect(error.diagnostics).toEqual([usage]);
  });

  test("without a diagnostic is a defect of the compiler", () => {
    expect(() => new CompileError([])).toThrow(/^internal: /);
  });
});

describe("a bag of diagnostics", () => {
  test("throws everything that was added, at once", () => {
    const bag = new DiagnosticBag();
    bag.add(check);
    bag.add(unsupported);
    expect(bag.list).toEqual([check, unsupported]);
    expect(thrown(() => bag.throwIfAny()).diagnostics).toEqual([check, unsupported]);
  });

  test("is silent while empty", () => {
    expect(() => new DiagnosticBag().throwIfAny()).not.toThrow();
  });
});

describe("the exit code", () => {
  test.each([
    [check, 1],
    [usage, 2],
    [unsupported, 3],
  ])("of $code is %i", (diagnostic, expected) => {
    expect(exitCode(new CompileError([diagnostic]))).toBe(expected);
  });

  test("of several diagnostics is that of the gravest", () => {
    expect(exitCode(new CompileError([check, unsupported, usage]))).toBe(3);
  });

  test("of anything else is that of a defect", () => {
    expect(exitCode(new Error("internal: no such value"))).toBe(70);
    expect(exitCode("thrown text")).toBe(70);
  });
});

describe("the catalogue", () => {
  const codes = Object.keys(catalogue);

  test("has codes in ascending order, so that a new one has one place to go", () => {
    expect(codes).toEqual([...codes].sort());
    expect(codes.filter((code) => !/^E\d{4}$/.test(code))).toEqual([]);
  });

  test("puts each range into its category, so that exit codes follow from the code", () => {
    const categories = { E1: "usage", E2: "check", E3: "check", E4: "unsupported", E5: "unsafe" };
    for (const [code, { category }] of Object.entries(catalogue)) {
      expect([code, category]).toEqual([code, categories[code.slice(0, 2) as keyof typeof categories]]);
    }
  });
});

function thrown(action: () => void): CompileError {
  try {
    action();
  } catch (error) {
    if (error instanceof CompileError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
