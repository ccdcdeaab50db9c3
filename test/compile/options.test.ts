import { CompileError, type CompileOptions, compile, dense, flatten, inspect, sequential } from "shapecast";
import { describe, expect, test } from "vitest";

const net = () => sequential([dense({ units: 2, inputShape: [3] })]);

function refusal(body: () => unknown): CompileError {
  try {
    body();
  } catch (error) {
    if (error instanceof CompileError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

const first = (body: () => unknown) => refusal(body).diagnostics[0]!;

describe.each([
  ["compile", (model: unknown, options?: unknown) => compile(model as never, options as CompileOptions)],
  ["inspect", (model: unknown, options?: unknown) => inspect(model as never, options as CompileOptions)],
])("%s", (caller, run) => {
  test.each([
    [undefined, "undefined"],
    ["net", "net"],
    [{}, "another object"],
    [flatten(), "a layer"],
  ])("takes a model and not %s", (model, shown) => {
    expect(first(() => run(model))).toMatchObject({
      code: "E1002",
      message: `${caller} takes a model first, but it was given ${shown}`,
      at: { file: expect.stringMatching(/options\.test\.ts$/) },
    });
  });

  test("refuses a misspelt option with the nearest one", () => {
    const error = first(() => run(net(), { sampel: [1, 3] }));
    expect(error.code).toBe("E1001");
    expect(error.message).toBe(`${caller} has no option "sampel"; did you mean "sample"?`);
  });

  test.each([
    ["dims", { batch: 1.5 }],
    ["dims", { batch: Number.NaN }],
    ["dims", { batch: -1 }],
    ["dims", 3],
    ["maxParams", -1],
    ["maxParams", Number.NaN],
    ["maxParams", "1GB"],
  ])("refuses the %s %o before anything is bound", (name, value) => {
    const model = sequential([dense({ units: 2 })]);
    const error = first(() => run(model, { sample: [1, 3], [name]: value }));
    expect(error.code).toBe("E1002");
    expect(error.message).toContain(`the option ${name} of ${caller} is `);
    expect(model.getWeights()).toEqual([]);
  });

  test.each([null, 5])("refuses %s as options", (options) => {
    expect(first(() => run(net(), options)).code).toBe("E1002");
  });

  test("takes undefined as not given", () => {
    expect(() => run(net(), { sample: [1, 3], dims: undefined, maxParams: undefined })).not.toThrow();
  });
});

test.each([
  ["weights", "sidecar"],
  ["format", "cjs"],
  ["seed", 1.5],
  ["seed", "1"],
  ["name", 3],
  ["onPass", "all"],
])("compile refuses the %s %o", (name, value) => {
  const error = first(() => compile(net(), { sample: [1, 3], [name]: value } as never));
  expect(error.code).toBe("E1002");
  expect(error.message).toContain(
    `the option ${name} of compile is ${JSON.stringify(value)}, but it must be `,
  );
});

test("every wrong option is reported", () => {
  const error = refusal(() => compile(net(), { weights: "a", format: "b", sampel: 1 } as never));
  expect(error.diagnostics.map(({ code }) => code)).toEqual(["E1002", "E1002", "E1001"]);
});
