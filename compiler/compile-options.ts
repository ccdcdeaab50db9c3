/**
 * What `compile` and `inspect` are given, checked before anything is done with it. TypeScript says the same
 * to those who use it; to all others a misspelt option that is silently ignored would be another module than
 * the one that was asked for.
 */
import { nearest } from "../runtime/initializers/nearest.ts";
import { CompileError, callSite, type Diagnostic, type SourceLocation } from "./diagnostics/index.ts";
import { isNetwork } from "./frontend/index.ts";
import { readDimChoices } from "./infer/dim-choice.ts";

/** Says what a value must be, or nothing when it is. */
type Rule = (value: unknown) => string | undefined;

const must =
  (what: string, holds: (value: unknown) => boolean): Rule =>
  (value) =>
    holds(value) ? undefined : what;

const oneOf = (...words: readonly unknown[]): Rule =>
  must(`one of ${words.map((word) => JSON.stringify(word)).join(", ")}`, (value) => words.includes(value));
const aFunction = must("a function", (value) => typeof value === "function");
const anObject = must(
  "an object",
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);
const whole = (value: unknown) => Number.isSafeInteger(value);

const bindRules: Readonly<Record<string, Rule>> = {
  // The sample is read with the model, which knows its inputs.
  sample: () => undefined,
  dims: choices,
  constraints: must('a list of constraints such as ["h % 32 == 0"]', Array.isArray),
  maxParams: must("a number of bytes >= 0", (value) => typeof value === "number" && value >= 0),
};

const compileRules: Readonly<Record<string, Rule>> = {
  ...bindRules,
  weights: oneOf("inline", "file", "init", "auto"),
  format: oneOf("ts", "js"),
  maxMemory: must("a number of bytes >= 0", (value) => typeof value === "number" && value >= 0),
  target: oneOf("ts", "wasm"),
  wasm: oneOf("inline", "file"),
  simd: oneOf("auto", "plain"),
  seed: must("a whole number", whole),
  name: must("a string", (value) => typeof value === "string"),
  source: anObject,
  onPass: aFunction,
  onStage: aFunction,
};

const inspectRules: Readonly<Record<string, Rule>> = {
  ...bindRules,
  nodes: must("true or false", (value) => typeof value === "boolean"),
};

/** Throws E1002 for what is no model or a value out of range, E1001 for an option there is not. */
export function checkCompile(model: unknown, options: unknown): void {
  check("compile", model, options, compileRules);
}

/** The same for the options of `inspect`. */
export function checkInspect(model: unknown, options: unknown): void {
  check("inspect", model, options, inspectRules);
}

function check(
  caller: string,
  model: unknown,
  options: unknown,
  rules: Readonly<Record<string, Rule>>,
): void {
  const problems = [...wrongModel(caller, model), ...wrongOptions(caller, options, rules)];
  if (problems.length === 0) return;
  const at: SourceLocation | undefined = callSite();
  throw new CompileError(problems.map((problem) => ({ ...problem, ...(at && { at }) })));
}

function wrongModel(caller: string, model: unknown): readonly Diagnostic[] {
  if (isNetwork(model)) return [];
  return [
    {
      code: "E1002",
      message: `${caller} takes a model first, but it was given ${described(model)}`,
      fix: "give what sequential([...]), model({ ... }) or fromOnnx(bytes) returned",
    },
  ];
}

function described(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return "call" in value ? "a layer" : "another object";
}

function wrongOptions(
  caller: string,
  options: unknown,
  rules: Readonly<Record<string, Rule>>,
): readonly Diagnostic[] {
  const form = anObject(options);
  if (form !== undefined)
    return [
      {
        code: "E1002",
        message: `the options of ${caller} are ${Array.isArray(options) ? "a list" : String(options)}, but must be ${form}`,
        fix: `write ${caller}(net, { sample: [1, 20] })`,
      },
    ];
  return Object.entries(options as object).flatMap(([name, value]): readonly Diagnostic[] => {
    if (value === undefined) return [];
    if (!Object.hasOwn(rules, name)) return [unknown(caller, name, Object.keys(rules))];
    const rule = rules[name]!(value);
    return rule === undefined ? [] : [refused(caller, name, value, rule)];
  });
}

function unknown(caller: string, name: string, known: readonly string[]): Diagnostic {
  const [suggestion] = nearest(name, known);
  return {
    code: "E1001",
    message: `${caller} has no option ${JSON.stringify(name)}; did you mean "${suggestion}"?`,
    because: `${caller} takes ${known.join(", ")}`,
    fix: `write ${suggestion}, or leave ${name} out`,
  };
}

function refused(caller: string, name: string, value: unknown, rule: string): Diagnostic {
  const shown = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return {
    code: "E1002",
    message: `the option ${name} of ${caller} is ${shown.slice(0, 60)}, but it must be ${rule}`,
    fix: `give ${name} as ${rule}, or leave it out`,
  };
}

function choices(value: unknown): string | undefined {
  const form = "sizes by name, such as { batch: 1, time: { min: 1, max: 512 }, seq: [128, 256] }";
  if (typeof value !== "object" || value === null || Array.isArray(value)) return form;
  const problems: string[] = [];
  readDimChoices(value as Readonly<Record<string, unknown>>, (name, must) => {
    problems.push(`${name} ${must}`);
  });
  return problems.length > 0 ? `${form}, with ${problems.join(" and with ")}` : undefined;
}
