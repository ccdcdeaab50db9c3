/** The only list of core ops. A new op is one file and one line here; laws, printer and parser pick it up from this list. */
import type { Op } from "../ir/op.ts";
import { binaryOps, compareOps } from "./binary.ts";
import { broadcast } from "./broadcast.ts";
import { cast } from "./cast.ts";
import { constant } from "./constant.ts";
import { dotGeneral } from "./dot-general.ts";
import { reduceOps } from "./reduce.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { transpose } from "./transpose.ts";
import { unaryOps } from "./unary.ts";

const list: readonly Op[] = [
  ...unaryOps,
  ...binaryOps,
  ...compareOps,
  select,
  cast,
  constant,
  broadcast,
  reshape,
  transpose,
  ...reduceOps,
  dotGeneral,
];

export const ops: ReadonlyMap<string, Op> = new Map(list.map((op) => [op.name, op]));
