/** Tables made while a file is imported: no number of the file may ask for more than there is memory for. */
import type { NodeContext } from "../operator.ts";

/** Entries: 2^24 weights of a resized axis are 128 MB. */
const MOST = 2 ** 24;

/** @throws E3103 unless a table may have so many entries. */
export function entries(c: NodeContext, count: number, what: string): number {
  if (count >= 0 && count <= MOST) return count;
  return c.wrong(`${what} is ${count}`, `give a number from 0 to ${MOST}`);
}
