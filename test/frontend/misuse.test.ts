/** Calls that TypeScript would not let through: for JavaScript, and for whoever comes from Keras or tfjs. */
import { describe, expect, test } from "vitest";
import {
  activation,
  bidirectional,
  concatenate,
  dense,
  dim,
  dropout,
  flatten,
  input,
  lstm,
  model,
  sequential,
} from "../../compiler/frontend/index.ts";
import { fromOnnx } from "../../compiler/frontend/onnx/onnx-network.ts";
import { tensor } from "../../runtime/tensor.ts";
import { only, refusal } from "./reference.ts";

const here = { at: expect.objectContaining({ file: expect.stringMatching(/misuse\.test\.ts$/) }) };
const odd = (value: unknown) => value as never;
const net = () => {
  const made = sequential([dense({ units: 2 })]);
  made.bind([1, 3]);
  return made;
};

describe("arguments by position, as in Keras", () => {
  test.each([
    [
      "a number",
      () => dense(odd(10)),
      "dense takes its arguments by name, but it was given 10",
      "dense({ units: 10 })",
    ],
    [
      "a rate",
      () => dropout(odd(0.5)),
      "dropout takes its arguments by name, but it was given 0.5",
      "rate: 0.5",
    ],
    [
      "a word",
      () => activation(odd("relu")),
      'but it was given "relu"',
      'activation({ activation: "relu" })',
    ],
    ["null", () => dense(odd(null)), "but it was given null", "dense({ units: ... })"],
    ["a layer", () => bidirectional(odd(lstm({ units: 1 }))), "but it was given a layer", "layer: ..."],
    ["a list", () => concatenate(odd([1])), "but it was given a list", "concatenate({ name: ... })"],
  ])("%s is refused in one error with the call as it should be", (_, build, message, fix) => {
    const error = only(build);
    expect(error).toMatchObject({ code: "E1002", ...here });
    expect(error.message).toContain(message);
    expect(error.fix).toContain(fix);
  });

  test.each([
    ["dense", () => dense(odd(undefined)), 'dense needs "units"'],
    ["model", () => model(odd(undefined)), 'model needs "inputs"'],
  ])("%s without any names what it needs", (_, build, message) => {
    expect(refusal(build).diagnostics[0]).toMatchObject({ code: "E1002", message, ...here });
  });

  test("an argument that is refused names the layer as the user does", () => {
    expect(only(() => dense({ units: -1, name: "hidden" }))).toMatchObject({ layer: "hidden" });
    expect(refusal(() => dense({ units: -1, name: "hidden" })).message).toContain("in layer hidden");
  });
});

test.each([
  [undefined, "undefined"],
  [null, "null"],
  [dense({ units: 1 }), "a single one (dense)"],
  [{ layers: [] }, "object"],
])("sequential refuses what is no list of layers", (layers, shown) => {
  expect(only(() => sequential(odd(layers)))).toMatchObject({
    code: "E1002",
    message: `sequential takes a list of layers, but it was given ${shown}`,
    ...here,
  });
});

test.each([
  [undefined, "a thing of type undefined"],
  [3, "a thing of type number"],
  [[3], "a thing of type number"],
  [null, "null"],
  [flatten(), "a layer (flatten)"],
])("a layer is not applied to what is no tensor of the model", (given, shown) => {
  expect(only(() => dense({ units: 1, name: "head" }).apply(odd(given)))).toMatchObject({
    code: "E1002",
    message: `head was applied to ${shown}, not to a tensor of the model`,
    ...here,
  });
});

test("a model without outputs is refused as such", () => {
  const x = input({ shape: [3] });
  expect(only(() => model({ inputs: x, outputs: [] })).message).toContain("must hold at least one output");
});

test("inputs by name are refused without printing what they hold", () => {
  const x = input({ shape: [3] });
  expect(only(() => model({ inputs: odd({ foo: x }), outputs: x })).message).toContain(
    "model.inputs is an object with foo, but it must be an input",
  );
});

describe("build", () => {
  test.each([[undefined], [20]])("refuses %s, which is no shape", (shape) => {
    expect(only(() => sequential([dense({ units: 1 })]).build(odd(shape)))).toMatchObject({
      code: "E1002",
      fix: "write the shape with its batch axis, as in build([null, 20])",
      ...here,
    });
  });

  test("with another size shows the shape it was given", () => {
    const built = sequential([dense({ units: 1 })]);
    built.build([null, 20]);
    expect(only(() => built.build([null, 30]))).toMatchObject({
      code: "E2104",
      message: 'input "x" has 30 features, but dense.kernel expects 20',
      facts: [
        { subject: "x", value: "[null, 30]" },
        { subject: "dense.kernel", value: "[20, 1]" },
      ],
    });
  });
});

describe("setWeights", () => {
  test.each([[null], [undefined], [3]])("refuses %s", (values) => {
    expect(only(() => net().setWeights(odd(values)))).toMatchObject({ code: "E2109", ...here });
  });

  test.each([
    ["rows of several lengths", [[1, 2], [3], [4, 5]], "ragged nested array"],
    ["a typed array", new Float32Array(6), "a typed array does not tell its shape"],
    ["nothing", null, "neither a number nor a boolean"],
    ["a word", "zeros", "neither a number nor a boolean"],
  ])("refuses %s, and changes nothing", (_, kernel, why) => {
    const bound = net();
    const before = bound.getWeights()[0];
    const error = only(() => bound.setWeights([odd(kernel), tensor([0, 0], [2])]));
    expect(error).toMatchObject({ code: "E2109", ...here });
    expect(error.message).toContain(`the values for dense.kernel cannot be taken: `);
    expect(error.message).toContain(why);
    expect(bound.getWeights()[0]).toEqual(before);
  });

  test("with too few weights lists the shapes that are bound", () => {
    const [error] = refusal(() => net().setWeights([tensor([0, 0], [2])])).diagnostics;
    expect(error).toMatchObject({
      message: "the list has 1 weight, but the model has 2",
      facts: [
        { subject: "dense.kernel", value: "[3, 2]" },
        { subject: "dense.bias", value: "[2]" },
      ],
    });
  });
});

describe("options of calls", () => {
  test.each([
    ["initialize", () => net().initialize(odd({ sed: 1 })), "sed", "seed"],
    ["bind", () => net().bind([1, 3], undefined, odd({ constraint: [] })), "constraint", "constraints"],
    ["summary", () => net().summary(odd({ boun: true })), "boun", "bound"],
    ['dim("n")', () => dim("n", odd({ maximum: 3 })), "maximum", "max"],
    ["fromOnnx", () => fromOnnx(new Uint8Array(1), odd({ valus: {} })), "valus", "values"],
  ])("of %s that there are not are refused with the nearest one", (caller, call, wrong, right) => {
    expect(only(call)).toMatchObject({
      code: "E1001",
      message: `${caller} has no argument "${wrong}"; did you mean "${right}"?`,
      ...here,
    });
  });

  test("that are wrong are told all at once, and change nothing", () => {
    const made = net();
    const before = made.getWeights();
    expect(refusal(() => made.initialize(odd({ sed: 1, sead: 2 }))).diagnostics).toHaveLength(2);
    expect(made.getWeights()).toEqual(before);
  });

  test.each([
    ["a number", () => net().initialize(odd(3)), "initialize takes its options by name, but it was given 3"],
    ["null", () => net().initialize(odd(null)), "but it was given null"],
    ["a number", () => dim("n", odd(3)), 'dim("n") takes its options by name, but it was given 3'],
  ])("are an object and not %s", (_, call, message) => {
    expect(only(call)).toMatchObject({ code: "E1002", message: expect.stringContaining(message) });
  });
});
