/**
 * The commands, their options and examples, as a table: parsing, `--help` and the suggestions for a misspelt
 * option all read it, so that none of them can know an option the others do not.
 */

export interface OptionSpec {
  /** As cac reads it: `-o, --output <file>`; without a `<value>` it is a switch. */
  readonly flag: string;
  readonly text: string;
  /** May be given several times. */
  readonly repeats?: boolean;
}

export interface CommandSpec {
  readonly name: string;
  readonly argument: string;
  /** False: only ONNX files are taken. */
  readonly layers?: false;
  /** An option that may be given in place of the argument. */
  readonly instead?: string;
  readonly summary: string;
  readonly options: readonly OptionSpec[];
  readonly examples: readonly (readonly [command: string, what: string])[];
}

const sample = (text: string): OptionSpec => ({ flag: "--sample <input=sizes>", text, repeats: true });
const dim: OptionSpec = {
  flag: "--dim <name=size>",
  text: 'batch=1 | batch=1..64 | seq=128,256,512 | "h % 32 == 0"; may repeat',
  repeats: true,
};
const maxParams: OptionSpec = {
  flag: "--max-params <bytes>",
  text: "refuse a model with more bytes of parameters (default 1GB)",
};

const compile: CommandSpec = {
  name: "compile",
  argument: "<model>",
  summary: "compile a model to one TypeScript module that imports nothing",
  options: [
    { flag: "-o, --output <file>", text: "file to write; .ts or .js decides the format" },
    sample("shape of an input, e.g. x=2,20, or values: k=int32:[5], k=k.npy; may repeat"),
    dim,
    { flag: "--target <target>", text: "ts | wasm: plain TypeScript (default), or WebAssembly SIMD" },
    { flag: "--wasm <mode>", text: "inline | file: WebAssembly in the module (default) or beside it" },
    { flag: "--simd <level>", text: "auto | plain: relaxed SIMD where the engine has it, or nowhere" },
    {
      flag: "--weights <mode>",
      text: "inline | file | init | auto: in the module, beside it, as a seed, by size",
    },
    { flag: "--format <format>", text: "ts | js (default: as the output file's name says)" },
    { flag: "--seed <n>", text: "seed of the weights nobody set (default: the model's)" },
    maxParams,
    { flag: "--max-memory <bytes>", text: "refuse a module whose instances need more, e.g. 64MB" },
    { flag: "--emit <stage>", text: "print graph | bound | program | ts | js and write nothing" },
    { flag: "--print-after <pass>", text: "print the graph after a pass, or after all of them" },
  ],
  examples: [
    ["shapecast compile mlp.ts --sample x=1,784 -o mlp.gen.ts", "one module, sizes fixed by the sample"],
    ["shapecast compile nets.ts#encoder --dim batch=1 --dim time=128 -o encoder.gen.ts", "a named export"],
    [
      "shapecast compile nets.ts#encoder --dim batch=1 --dim seq=128,256,512 -o encoder.gen.ts",
      "several sizes",
    ],
    [
      "shapecast compile mlp.ts --sample x=1,784 --weights init -o mlp.gen.js",
      "ship the seed, not the numbers",
    ],
    ["shapecast compile mlp.ts --sample x=1,784 --emit program", "read what the compiler made of it"],
  ],
};

const inspect: CommandSpec = {
  name: "inspect",
  argument: "<model>",
  summary: "show layers, shapes, parameters, multiply-accumulates and memory",
  options: [
    sample("shape of an input, e.g. x=2,20; without it shapes stay symbolic; may repeat"),
    dim,
    maxParams,
    {
      flag: "--symbolic",
      text: "only shapes, as expressions of the inputs' dims, and what sizes must satisfy",
    },
    { flag: "--nodes", text: "the same for every value inside the layers" },
    { flag: "--why <value.dim>", text: "the layers that made one size, e.g. dec1.1 or dec1.H" },
    { flag: "--json", text: "the same as JSON" },
  ],
  examples: [
    ["shapecast inspect unet.ts", "what is known before any data, and what sizes it needs"],
    ["shapecast inspect unet.ts --why dec1.H", "how rows come to the layer dec1"],
    ["shapecast inspect unet.ts --sample image=1,96,96,3", "with sizes, arena and work"],
    ["shapecast inspect unet.ts --sample image=1,96,96,3 --json", "for a script"],
  ],
};

const verify: CommandSpec = {
  name: "verify",
  layers: false,
  argument: "<model>",
  instead: "suite",
  summary: "run the module of an ONNX file and compare what it gives with what others give",
  options: [
    { flag: "--data <folder>", text: "stored test vectors (default: test_data_set_* beside the model)" },
    { flag: "--against <package>", text: "onnxruntime-node | onnxruntime-web (default: what is installed)" },
    sample("shape of an input, e.g. x=2,20, or values for every run: k=int32:[5], k=k.npy; may repeat"),
    dim,
    { flag: "--runs <n>", text: "random inputs to compare on (default 20)" },
    { flag: "--seed <n>", text: "seed of the random inputs (default 0)" },
    { flag: "--target <target>", text: "ts | wasm (default ts)" },
    maxParams,
    { flag: "--suite <folder>", text: "in place of a model: every model.onnx below, against its vectors" },
    { flag: "--timeout <seconds>", text: "what each model of a suite may take (default 60)" },
    { flag: "--json <file>", text: "write all figures to a file as well" },
  ],
  examples: [
    ["shapecast verify model.onnx --sample x=1,3,224,224", "on random inputs, beside onnxruntime"],
    ["shapecast verify model.onnx --data vectors", "against vectors stored in vectors/test_data_set_0"],
    ["shapecast verify --suite onnx/backend/test/data/node --json results.json", "a folder of models"],
  ],
};

const bench: CommandSpec = {
  name: "bench",
  argument: "<model>",
  summary: "time the module of a model, beside other runtimes if asked",
  options: [
    { flag: "--target <target>", text: "ts | wasm (default ts)" },
    {
      flag: "--against <packages>",
      text: "onnxruntime-web,onnxruntime-node: on one thread, where they are installed",
    },
    sample("shape of an input, e.g. x=2,20, or values for every run: k=int32:[5], k=k.npy; may repeat"),
    dim,
    { flag: "--runs <n>", text: "runs of each contender (default: as many as fit in 1.5 s)" },
    { flag: "--kernels", text: "time every kernel by itself as well" },
    maxParams,
    { flag: "--json", text: "the same as JSON" },
  ],
  examples: [
    ["shapecast bench mlp.ts --sample x=1,784", "start-up, median, p99 and the share of the core's peak"],
    ["shapecast bench model.onnx --dim batch=1 --against onnxruntime-web", "side by side in one run"],
    ["shapecast bench model.onnx --dim batch=1 --kernels", "where the time goes"],
  ],
};

export const commands: readonly CommandSpec[] = [compile, inspect, verify, bench];

export const globalOptions: readonly OptionSpec[] = [
  { flag: "-h, --help", text: "show this" },
  { flag: "-v, --version", text: "show the version" },
];

/** Long and short names of an option, without dashes. */
export function namesOf({ flag }: OptionSpec): readonly string[] {
  return flag
    .replace(/<.*$/, "")
    .split(",")
    .map((name) => name.trim().replace(/^-+/, ""));
}

export const takesValue = ({ flag }: OptionSpec): boolean => flag.includes("<");
