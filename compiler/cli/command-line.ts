/**
 * argv as one command with its options. cac splits the words; what is known and what a value must be is
 * checked here, against the table, because a misspelt option that is silently ignored compiles another module
 * than the one that was asked for.
 */
import { cac } from "cac";
import { nearest } from "../../runtime/initializers/nearest.ts";
import { CompileError, type Diagnostic, fail } from "../diagnostics/index.ts";
import {
  type CommandSpec,
  commands,
  globalOptions,
  namesOf,
  type OptionSpec,
  takesValue,
} from "./commands.ts";

export type Options = ReadonlyMap<string, readonly string[]>;

export type Parsed =
  | { readonly kind: "help"; readonly command: CommandSpec | undefined }
  | { readonly kind: "version" }
  | {
      readonly kind: "command";
      readonly command: CommandSpec;
      readonly model: string;
      /** Long option name to the values given, in order; a switch has the value "true". */
      readonly options: Options;
    };

/** Throws CompileError E1003 for what is not known, E1002 for what is missing. */
export function parseCommandLine(argv: readonly string[]): Parsed {
  refuseEmptyValues(argv);
  const { args, options, command } = split(argv);
  if (options["help"] || (argv.length === 0 && !command)) return { kind: "help", command };
  if (options["version"] && !command) return { kind: "version" };
  if (!command) return unknownCommand(args[0]);
  const read = readOptions(command, options);
  const [model = whatStandsFor(command, read), ...rest] = args;
  if (model === undefined)
    return fail({
      code: "E1002",
      message: `${command.name} needs a model file`,
      fix: `write one, as in: ${command.examples[0]![0]}`,
    });
  if (rest.length > 0)
    return fail({
      code: "E1003",
      message: `${command.name} takes one model, but got ${args.length}: ${args.join(" ")}`,
      fix: `run ${command.name} once for each, and put option values after their option`,
    });
  return { kind: "command", command, model, options: read };
}

/** No model, where an option says what is worked on instead. */
const whatStandsFor = ({ instead }: CommandSpec, options: Options): string | undefined =>
  instead !== undefined && options.has(instead) ? "" : undefined;

/** cac reads an empty word, as a shell makes of a variable that is not set, as the number 0. */
function refuseEmptyValues(argv: readonly string[]): void {
  const name = argv.flatMap((word, i) => {
    if (/^-+\w[\w-]*=$/.test(word)) return [word.slice(0, -1)];
    return argv[i + 1] === "" && /^-/.test(word) ? [word] : [];
  })[0];
  if (name === undefined) return;
  fail({
    code: "E1002",
    message: `${name} needs a value, but it is given an empty one`,
    fix: "write the value after it; in a script, check that its variable is set",
  });
}

/** What cac makes of the words: values are strings, numbers, booleans or lists of them. */
function split(argv: readonly string[]) {
  const cli = cac("shapecast");
  for (const { flag, text } of globalOptions) cli.option(flag, text);
  for (const { name, argument, summary, options } of commands) {
    const command = cli.command(`${name} ${argument}`, summary);
    for (const { flag, text } of options) command.option(flag, text);
  }
  const { args, options } = cli.parse(["node", "shapecast", ...argv], { run: false });
  const command = commands.find(({ name }) => name === cli.matchedCommandName);
  return { args: args.map(String), options: options as Readonly<Record<string, unknown>>, command };
}

function unknownCommand(word: string | undefined): never {
  const names = commands.map(({ name }) => name);
  if (word === undefined)
    fail({ code: "E1003", message: "no command is given", fix: `write one of ${names.join(", ")}` });
  const [suggestion] = nearest(word, names);
  const looksLikeModel = /\.[mc]?[jt]s(#|$)/.test(word);
  fail({
    code: "E1003",
    message: `there is no command "${word}"${looksLikeModel ? "" : `; did you mean "${suggestion}"?`}`,
    fix: looksLikeModel
      ? `put the command first, as in: shapecast compile ${word}`
      : `shapecast has ${names.slice(0, -1).join(", ")} and ${names.at(-1)}; shapecast --help explains them`,
  });
}

function readOptions(command: CommandSpec, given: Readonly<Record<string, unknown>>): Options {
  const problems: Diagnostic[] = [];
  const known = [...command.options, ...globalOptions];
  const read = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(given)) {
    if (name === "--") continue;
    const option = known.find((one) => namesOf(one).map(camelCase).includes(name));
    if (!option) problems.push(unknownOption(name, command, known));
    else if (camelCase(longName(option)) === name) {
      const problem = refused(option, value);
      if (problem) problems.push(problem);
      else read.set(longName(option), list(value).map(String));
    }
  }
  if (problems.length > 0) throw new CompileError(problems);
  return read;
}

function refused(option: OptionSpec, value: unknown): Diagnostic | undefined {
  const name = `--${longName(option)}`;
  const values = list(value);
  if (!takesValue(option))
    return values.every((one) => one === true)
      ? undefined
      : { code: "E1003", message: `${name} is a switch and takes no value`, fix: `write just ${name}` };
  if (values.some((one) => typeof one === "boolean" || one === ""))
    return {
      code: "E1002",
      message: `${name} needs a value`,
      fix: `write ${option.flag.replace(/^.*, /, "")}`,
    };
  if (values.length > 1 && !option.repeats)
    return {
      code: "E1002",
      message: `${name} is given ${values.length} times: ${values.join(" and ")}`,
      fix: "give it once",
    };
  return undefined;
}

function unknownOption(name: string, command: CommandSpec, known: readonly OptionSpec[]): Diagnostic {
  const shown = name.length === 1 ? `-${name}` : `--${kebabCase(name)}`;
  const [suggestion] = nearest(kebabCase(name), known.map(longName));
  return {
    code: "E1003",
    message: `${command.name} has no option ${shown}; did you mean --${suggestion}?`,
    fix: `shapecast ${command.name} --help lists its options`,
  };
}

const longName = (option: OptionSpec): string => namesOf(option).at(-1)!;
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
const camelCase = (name: string): string =>
  name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
const kebabCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
