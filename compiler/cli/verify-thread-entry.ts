/** What runs in the thread of verify-thread. */
import { parentPort } from "node:worker_threads";
import { type FolderTask, verifyFolder } from "./verify-folder.ts";

parentPort?.on("message", async (task: FolderTask) => parentPort?.postMessage(await verifyFolder(task)));
