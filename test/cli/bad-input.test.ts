/**
 * Everything a user can get wrong in a model or a sample, through the command: code, layer, both values,
 * chain, file and line.
 */
import { afterAll, expect, test } from "vitest";
import { Workplace } from "../support/command.ts";

interface Case {
  readonly what: string;
  /** Lines 3 and on of a model file. */
  readonly model: string;
  readonly imports: string;
  readonly rest: string;
  readonly code: 1 | 2;
  readonly says: readonly string[];
}

const cases: readonly Case[] = [
  {
    what: "negative units",
    imports: "dense, sequential",
    model: `export const net = sequential([
  dense({ units: -3 }),
]);`,
    rest: "--sample x=1,4",
    code: 2,
    says: ["E1002 dense.units is -3, but it must be a whole number >= 1", "at model.ts:4:"],
  },
  {
    what: "fractional units",
    imports: "dense, sequential",
    model: `export const net = sequential([
  dense({ units: 2.5 }),
]);`,
    rest: "--sample x=1,4",
    code: 2,
    says: ["E1002 dense.units is 2.5, but it must be a whole number >= 1", "at model.ts:4:"],
  },
  {
    what: "wrong arguments of several layers, some of them inside others",
    imports: "bidirectional, dense, lstm, sequential",
    model: `export const net = sequential([
  dense({ units: 0 }),
  bidirectional({ layer: lstm({ unit: 3 } as never) }),
]);`,
    rest: "--sample x=1,4",
    code: 2,
    says: [
      "E1002 dense.units is 0, but it must be a whole number >= 1",
      "at model.ts:4:",
      'E1001 lstm has no argument "unit"; did you mean "units"?',
      'E1002 lstm needs "units"',
      "at model.ts:5:",
      "3 errors",
    ],
  },
  {
    what: "an unknown layer argument",
    imports: "dense, sequential",
    model: `export const net = sequential([
  dense({ units: 2, biasInitialiser: "ones" } as never),
]);`,
    rest: "--sample x=1,4",
    code: 2,
    says: [
      'E1001 dense has no argument "biasInitialiser"; did you mean "biasInitializer"?',
      "at model.ts:4:",
    ],
  },
  {
    what: "a kernel larger than its input",
    imports: "conv2d, sequential",
    model: `export const net = sequential([
  conv2d({ filters: 2, kernelSize: 3 }),
  conv2d({ filters: 2, kernelSize: 7 }),
]);`,
    rest: "--sample x=1,8,8,1",
    code: 1,
    says: ["E2106 ", "7", "6", "conv2d -> conv2d_1", "at model.ts:5:"],
  },
  {
    what: "a rank the layer does not take",
    imports: "conv2d, dense, sequential",
    model: `export const net = sequential([
  dense({ units: 4 }),
  conv2d({ filters: 2, kernelSize: 3 }),
]);`,
    rest: "--sample x=1,8",
    code: 1,
    says: ["E2003 conv2d needs an input of rank 4, but it gets rank 2", "dense -> conv2d", "at model.ts:5:"],
  },
  {
    what: "a sample of another rank",
    imports: "dense, sequential",
    model: 'export const net = sequential([dense({ units: 4, inputShape: ["features"] })]);',
    rest: "--sample x=1,2,3",
    code: 1,
    says: ['E2111 input "x" has rank 2, but the sample has rank 3', "[1, 2, 3]", "[batch, features]"],
  },
  {
    what: "a reshape that cannot divide",
    imports: "dense, reshape, sequential",
    model: `export const net = sequential([
  dense({ units: 10 }),
  reshape({ targetShape: [3, -1] }),
]);`,
    rest: "--sample x=2,4",
    code: 1,
    says: ["E2105 ", "10", "3", "dense -> reshape", "at model.ts:5:"],
  },
  {
    what: "merging shapes that do not fit",
    imports: "add, dense, input, model",
    model: `const x = input({ shape: [4], name: "x" });
const a = dense({ units: 3 }).apply(x);
const b = dense({ units: 5 }).apply(x);
export const net = model({ inputs: x, outputs: add().apply([a, b]) });`,
    rest: "--sample x=1,4",
    code: 1,
    says: ["E2103 ", "add", "3", "5", "at model.ts:6:"],
  },
  {
    what: "a cycle",
    imports: "dense, sequential",
    model: `const inner = sequential([dense({ units: 3 })]);
export const net = sequential([inner]);
inner.add(net);`,
    rest: "--sample x=1,3",
    code: 1,
    says: ["E2001 ", "feed itself"],
  },
  {
    what: "an input without a sample",
    imports: "add, input, model",
    model: `const a = input({ shape: [null], name: "a" });
const b = input({ shape: [null], name: "b" });
export const net = model({ inputs: [a, b], outputs: add().apply([a, b]) });`,
    rest: "--sample a=1,4",
    code: 1,
    says: ['E2102 no sample for input "b"', "b   [1, b.1]   missing: b.1", "--sample b=1,n", "--dim b.1=n"],
  },
  {
    what: "a sample for an input there is not",
    imports: "dense, sequential",
    model: "export const net = sequential([dense({ units: 4 })]);",
    rest: "--sample image=1,4",
    code: 1,
    says: ['E2102 the model has no input "image"; did you mean "x"?'],
  },
  {
    what: "no features",
    imports: "dense, sequential",
    model: "export const net = sequential([dense({ units: 4 })]);",
    rest: "--sample x=1,0",
    code: 1,
    says: ["E2104 ", "[1, 0] cannot pass dense", ">= 1; nearest 1"],
  },
  {
    what: "a size that is NaN",
    imports: "dense, sequential",
    model: "export const net = sequential([dense({ units: 4 })]);",
    rest: "--sample x=1,NaN",
    code: 1,
    says: ['E2108 input "x" has size NaN at axis 1; sizes are whole numbers >= 0', "[1, NaN]"],
  },
  {
    what: "a size that is NaN beside a dtype",
    imports: "dense, sequential",
    model: "export const net = sequential([dense({ units: 4 })]);",
    rest: "--sample x=float32:1,NaN",
    code: 1,
    says: ['E2108 input "x" has size NaN at axis 1'],
  },
  {
    what: "a negative size",
    imports: "dense, sequential",
    model: "export const net = sequential([dense({ units: 4 })]);",
    rest: "--sample x=1,-4",
    code: 1,
    says: ['E2108 input "x" has size -4 at axis 1'],
  },
  {
    what: "a sample of the wrong dtype",
    imports: "embedding, input, model",
    model: `const tokens = input({ shape: [null], dtype: "int32", name: "tokens" });
export const net = model({ inputs: tokens, outputs: embedding({ inputDim: 9, outputDim: 2 }).apply(tokens) });`,
    rest: "--sample tokens=float32:1,4",
    code: 1,
    says: ['E2107 input "tokens" is declared int32, but the sample is float32'],
  },
  {
    what: "more parameters than the budget",
    imports: "dense, sequential",
    model: "export const net = sequential([dense({ units: 1000 })]);",
    rest: "--sample x=1,1000 --max-params 3MB",
    code: 1,
    says: [
      "E2301 the parameters need 4 MB, but the budget is 3 MB",
      "dense.kernel",
      "[1000, 1000]",
      "--max-params",
    ],
  },
  {
    what: "more parameters than the default budget, without allocating them",
    imports: "dense, sequential",
    model: "export const net = sequential([dense({ units: 1000000 })]);",
    rest: "--sample x=1,1000000",
    code: 1,
    says: ["E2301 the parameters need 4,000 GB, but the budget is 1 GB"],
  },
  {
    what: "a sample that contradicts what the model file has bound",
    imports: "dense, sequential",
    model: `export const net = sequential([dense({ units: 256 }), dense({ units: 10 })]);
net.bind({ x: [2, 20] });`,
    rest: "--sample x=3,30",
    code: 1,
    says: [
      'E2104 input "x" has 30 features, but dense.kernel expects 20',
      "20 fixed by the sample [2, 20] at model.ts:4",
    ],
  },
  {
    what: "two independent mistakes",
    imports: "conv1d, conv2d, dense, input, model",
    model: `const x = input({ shape: [4], name: "x" });
const a = conv1d({ filters: 2, kernelSize: 2 }).apply(x);
const b = conv2d({ filters: 2, kernelSize: 2 }).apply(x);
export const net = model({ inputs: x, outputs: { a, b: dense({ units: 1 }).apply(b) } });`,
    rest: "--sample x=1,4",
    code: 1,
    says: ["E2003 conv1d needs", "E2003 conv2d needs", "2 errors"],
  },
];

const places: Workplace[] = [];
afterAll(() => {
  for (const place of places) place.remove();
});

test.each(cases)(
  "$what is explained, and nothing is written",
  async ({ imports, model, rest, code, says }) => {
    const place = new Workplace({ "model.ts": `import { ${imports} } from "shapecast";\n\n${model}\n` });
    places.push(place);
    const result = await place.shapecast(`compile model.ts ${rest} -o out.ts`);
    for (const text of says) expect(result.err).toContain(text);
    expect(result.err).toContain("Fix: ");
    expect(result.err).not.toContain(place.path);
    expect(result.err).not.toMatch(/internal|undefined|\n {4}at /);
    expect({ code: result.code, out: result.out }).toEqual({ code, out: "" });
    expect(place.files()).toEqual(["model.ts"]);
  },
);

test("a larger budget lets a large model through", async () => {
  const place = new Workplace({
    "model.ts": `import { dense, sequential } from "shapecast";
export const net = sequential([dense({ units: 100 })], { maxParameterBytes: 1000 });
`,
  });
  places.push(place);
  const line = "compile model.ts --sample x=1,100 -o out.ts";
  expect((await place.shapecast(line)).err).toContain(
    "E2301 the parameters need 40.4 kB, but the budget is 1 kB",
  );
  expect(await place.shapecast(`${line} --max-params 1MB`)).toMatchObject({ code: 0, err: "" });
});
