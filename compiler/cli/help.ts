/** `--help`, from the table of commands. */
import { type CommandSpec, commands, globalOptions, type OptionSpec } from "./commands.ts";

type Row = readonly [left: string, right: string];

export function overview(): string {
  const list = commands.map(({ name, argument, summary }): Row => [`shapecast ${name} ${argument}`, summary]);
  const more = commands.map(({ name }): Row => [`shapecast ${name} --help`, "its options and examples"]);
  return [
    "shapecast compiles neural networks ahead of time to TypeScript that imports nothing.",
    section("Commands", [...list, ...more]),
    section("Options", globalOptions.map(optionRow)),
    section("Examples", [
      [commands[0]!.examples[0]![0], ""],
      [commands[1]!.examples[0]![0], ""],
    ]),
  ].join("\n\n");
}

export function helpFor(command: CommandSpec): string {
  const { name, argument, summary, options, examples } = command;
  return [
    `shapecast ${name} ${argument} [options]\n\n  ${summary}`,
    section("Model", [
      ...(command.layers === false
        ? []
        : ([
            [
              argument,
              "a TypeScript or JavaScript file; its default export, or the one export that is a model",
            ],
            ["file#name", "the export called name"],
          ] as const)),
      ["file.onnx", "an ONNX model"],
    ]),
    section("Options", [...options, globalOptions[0]!].map(optionRow)),
    `Examples\n${examples.map(([line, what]) => `  # ${what}\n  ${line}`).join("\n")}`,
    section("Exit codes", [
      ["0", "done"],
      ["1", "the model or the sample is wrong"],
      ["2", "the command is wrong"],
      ["3", "the model needs what shapecast cannot do yet"],
      ["4", "the input could do harm"],
      ["70", "a defect of shapecast"],
    ]),
  ].join("\n\n");
}

const optionRow = ({ flag, text }: OptionSpec): Row => [flag.startsWith("--") ? `    ${flag}` : flag, text];

function section(title: string, rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return [title, ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd())].join("\n");
}
