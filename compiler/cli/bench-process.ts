/** A process that runs one contender: started, asked for times, ended. */
import { type ChildProcess, fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dtypes } from "../../runtime/dtype.ts";
import { childSource } from "./bench-child.source.ts";
import type { Tensors } from "./verify-oracle.ts";

/** What a process is to run. */
export interface Contender {
  /** "shapecast", "onnxruntime-web". */
  readonly name: string;
  readonly kind: "emitted" | "onnxruntime" | "script";
  /**
   * The module to import: what was emitted, the runtime, or a script: its `open` takes the task and
   * the inputs and resolves to a function that resolves when a run is done.
   */
  readonly path: string;
  /** Of an emitted module: the files whose bytes `instantiate` takes, in order. */
  readonly files: readonly string[];
  /** Of a runtime: the ONNX file. */
  readonly model?: string;
  /** Whether an emitted module compiles WebAssembly. */
  readonly wasm?: boolean;
  /** Sizes of open dims. */
  readonly dims?: Readonly<Record<string, number>>;
}

/** Milliseconds in a fresh process. */
export interface Startup {
  readonly import: number;
  readonly instantiate: number;
  /** The part of instantiating that WebAssembly takes to compile; 0 where there is none, or none is seen. */
  readonly compile: number;
  readonly first: number;
}

interface Message {
  readonly started?: Startup;
  readonly times?: readonly number[];
  readonly error?: string;
}

/** The inputs as files beside `folder`'s child, which every process reads. */
export class Stage {
  readonly #folder: string;
  readonly #inputs: readonly object[];
  readonly #child: string;
  #tasks = 0;

  constructor(folder: string, inputs: Tensors) {
    this.#folder = folder;
    this.#child = join(folder, "child.mjs");
    writeFileSync(this.#child, childSource);
    this.#inputs = [...inputs].map(([name, { dtype, shape, data }], i) => {
      const file = join(folder, `input${i}.bin`);
      writeFileSync(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      return { name, dtype, shape, array: dtypes[dtype].array.name, file };
    });
  }

  /** Resolves when the first run is done. Rejects with what the process said. */
  async start(contender: Contender): Promise<BenchProcess> {
    const task = join(this.#folder, `task${this.#tasks++}.json`);
    writeFileSync(task, JSON.stringify({ ...contender, inputs: this.#inputs }));
    // Without the flags of this process, a test runner's for one.
    const child = fork(this.#child, [task], { execArgv: [], stdio: ["ignore", "ignore", "pipe", "ipc"] });
    const { started } = await reply(child);
    return new BenchProcess(child, started!);
  }
}

export class BenchProcess {
  readonly #child: ChildProcess;
  readonly startup: Startup;

  constructor(child: ChildProcess, startup: Startup) {
    this.#child = child;
    this.startup = startup;
  }

  /** Milliseconds of single runs, until the time or the number of runs is used up. */
  async times(milliseconds: number, runs: number): Promise<readonly number[]> {
    this.#child.send({ milliseconds, runs });
    return (await reply(this.#child)).times!;
  }

  end(): void {
    this.#child.kill();
  }
}

/** The next message. A process that ends before it sends one gives its last words. */
function reply(child: ChildProcess): Promise<Message> {
  return new Promise((resolve, reject) => {
    let words = "";
    const hear = (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-2000);
    };
    const settle = () => {
      child.off("message", onMessage);
      child.off("exit", onExit);
      child.stderr?.off("data", hear);
    };
    const onMessage = (message: Message) => {
      settle();
      if (message.error === undefined) resolve(message);
      else reject(new Error(message.error));
    };
    const onExit = () => {
      settle();
      reject(new Error(/^\w*Error: .*$/m.exec(words)?.[0] ?? words.trim().split("\n").at(-1) ?? "it ended"));
    };
    child.stderr?.on("data", hear);
    child.on("message", onMessage);
    child.on("exit", onExit);
  });
}
