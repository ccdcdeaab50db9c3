/**
 * A thread that verifies one folder after the other. One that takes too long, or breaks the thread, ends it:
 * the next folder gets a new one. The thread runs verify-thread-entry.
 */
import { Worker } from "node:worker_threads";
import type { FolderResult, FolderTask } from "./verify-folder.ts";

export class FolderThread {
  readonly #seconds: number;
  #worker: Worker | undefined;

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  /** Resolves after not much more than the seconds each may take, whatever the folder holds. */
  async verify(task: FolderTask): Promise<FolderResult> {
    this.#worker ??= new Worker(new URL("./verify-thread-entry.js", import.meta.url));
    const { result, broken } = await answerOf(this.#worker, task, this.#seconds);
    if (broken) await this.close();
    return result;
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

interface Answer {
  readonly result: FolderResult;
  /** Whether the thread is of no use any more. */
  readonly broken: boolean;
}

function answerOf(worker: Worker, task: FolderTask, seconds: number): Promise<Answer> {
  return new Promise((resolve) => {
    const answer = (result: FolderResult, broken: boolean) => {
      clearTimeout(timer);
      worker.off("message", done).off("error", threw).off("exit", ended);
      resolve({ result, broken });
    };
    const failed = (message: string) => answer({ result: "failed", message }, true);
    const done = (result: FolderResult) => answer(result, false);
    const threw = (error: unknown) => failed(error instanceof Error ? error.message : String(error));
    const ended = (code: number) => failed(`its thread ended with ${code}`);
    const late = () => answer({ result: "timeout", message: `takes longer than ${seconds} s` }, true);
    const timer = setTimeout(late, seconds * 1000);
    worker.on("message", done).on("error", threw).on("exit", ended);
    worker.postMessage(task);
  });
}
