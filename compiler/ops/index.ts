/** The only list of core ops. A new op is one file and one line here; laws, printer and parser pick it up from this list. */
import type { Op } from "../ir/op.ts";

export const ops: ReadonlyMap<string, Op> = new Map<string, Op>([]);
