/**
 * docs/onnx-support.md from a run of ONNX's backend tests: a row for each operator and opset, and in it how
 * many tests passed by the element type that the test is about (that of the first input, of the first output
 * where there is none). Called by `npm run conformance -- --write`, only for a run of all tests.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { elementTypeName } from "../../dist/compiler/frontend/onnx/element-types.js";
import { registry } from "../../dist/compiler/frontend/onnx/ops/index.js";
import { readModel } from "../../dist/compiler/frontend/onnx/read-model.js";

/** `report`: what the runner wrote with `--json`; `data`: the folder of the tests. */
export function writeSupport(report, data, file) {
  const counted = report.results.filter(({ category }) => category !== "skip");
  const rows = new Map();
  for (const result of counted) count(rows, result, facts(join(data, result.suite, result.name)));
  writeFileSync(file, page(counted, [...rows.values()].sort(byOperator)));
}

function facts(folder) {
  const { graph, opsets } = readModel(new Uint8Array(readFileSync(join(folder, "model.onnx"))));
  const about = [...graph.inputs, ...graph.outputs].find(({ type }) => type.kind === "tensor");
  return { opset: opsets.get("") ?? "-", dtype: about ? elementTypeName(about.type.elementType) : "-" };
}

function count(rows, { primary, category }, { opset, dtype }) {
  const key = `${primary} ${opset}`;
  if (!rows.has(key)) rows.set(key, { primary, opset, dtypes: new Map() });
  const { dtypes } = rows.get(key);
  const { passed, of } = dtypes.get(dtype) ?? { passed: 0, of: 0 };
  dtypes.set(dtype, { passed: passed + (category === "pass" ? 1 : 0), of: of + 1 });
}

const compared = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const byOperator = (a, b) => compared(a.primary, b.primary) || Number(a.opset) - Number(b.opset);

function page(results, rows) {
  const passed = results.filter(({ category }) => category === "pass").length;
  const operators = [...new Set(rows.map(({ primary }) => primary))];
  const whole = operators.filter((name) => rows.every((row) => row.primary !== name || isWhole(row)));
  return `# What of ONNX is supported

Generated from a run of ONNX's backend tests through emitted modules by \`npm run conformance -- --write\`; not
edited by hand. ${passed} of ${results.length} tests pass; of ${operators.length} operators, all tests of ${whole.length} do. What is not supported is
refused before any work, all of it in one report (E4101 to E4103). ImageDecoder, which decodes files of images
(JPEG, PNG, WebP, ...), is left to the page that has them, and its tests are not run.

A cell is the tests passed of how many, by the element type of the test's first input. Operators in
parentheses are whole networks and tests of several operators.

| operator | opset | passed | by element type |
|---|---|---|---|
${rows.map(line).join("\n")}

## Without tests of ONNX's own

Operators that are imported and have no backend test here. Those of other domains are held against onnxruntime in
\`test/onnx/ops\`.

${untested(operators)}
`;
}

/** The other operators of the registry, a line for each domain. */
function untested(tested) {
  const names = [...registry.keys()].filter((key) => !tested.includes(key));
  const domains = [...new Set(names.map(domainOf))].sort(compared);
  return domains
    .map((domain) => {
      const own = names.filter((key) => domainOf(key) === domain).map((key) => key.replace(/^.*::/, ""));
      return `- ${domain || "ai.onnx"}: ${own.sort(compared).join(", ")}`;
    })
    .join("\n");
}

const domainOf = (key) => (key.includes("::") ? key.replace(/::.*$/, "") : "");

const isWhole = ({ dtypes }) => [...dtypes.values()].every(({ passed, of }) => passed === of);

function line({ primary, opset, dtypes }) {
  const cells = [...dtypes].sort(([a], [b]) => compared(a, b));
  const sum = (key) => cells.reduce((total, [, cell]) => total + cell[key], 0);
  const list = cells.map(([dtype, { passed, of }]) => `${dtype} ${passed}/${of}`).join(", ");
  return `| ${primary} | ${opset} | ${sum("passed")}/${sum("of")} | ${list} |`;
}
