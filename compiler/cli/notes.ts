/** What is odd about a model and does not stop it, on stderr beside what a command prints. */
import type { Network } from "../index.ts";
import type { Host } from "./host.ts";

/** So many are written out; files without one right shape have hundreds. */
const WRITTEN = 3;

export function writeNotes({ notes = [] }: Network, { err }: Host): void {
  for (const note of notes.slice(0, WRITTEN)) err.write(`note: ${note}\n`);
  if (notes.length > WRITTEN) err.write(`note: and ${notes.length - WRITTEN} more like it\n`);
}
