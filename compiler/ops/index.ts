/**
 * The only list of core ops. A new op is one file and one line here; laws, printer and parser pick it up from
 * this list.
 */
import type { Op } from "../ir/op.ts";
import { argReduceOps } from "./arg-reduce.ts";
import { binaryOps, compareOps } from "./binary.ts";
import { bitCast } from "./bit-cast.ts";
import { broadcast } from "./broadcast.ts";
import { cast } from "./cast.ts";
import { compress } from "./compress.ts";
import { concat } from "./concat.ts";
import { constant } from "./constant.ts";
import { conv } from "./conv.ts";
import { cumulativeOps } from "./cumulative.ts";
import { dimension } from "./dimension.ts";
import { dotGeneral } from "./dot-general.ts";
import { gather } from "./gather.ts";
import { gatherElements } from "./gather-elements.ts";
import { gatherNd } from "./gather-nd.ts";
import { iota } from "./iota.ts";
import { lu } from "./lu.ts";
import { measure } from "./measure.ts";
import { pad } from "./pad.ts";
import { reduceOps } from "./reduce.ts";
import { reshape } from "./reshape.ts";
import { reverse } from "./reverse.ts";
import { scan } from "./scan.ts";
import { scatterElements } from "./scatter-elements.ts";
import { scatterNd } from "./scatter-nd.ts";
import { select } from "./select.ts";
import { slice } from "./slice.ts";
import { topK } from "./top-k.ts";
import { transpose } from "./transpose.ts";
import { unaryOps } from "./unary.ts";
import { windowArgMax } from "./window-arg-max.ts";
import { windowReduce } from "./window-reduce.ts";
import { winogradOps } from "./winograd.ts";

const list: readonly Op[] = [
  ...unaryOps,
  ...binaryOps,
  ...compareOps,
  select,
  cast,
  bitCast,
  constant,
  broadcast,
  reshape,
  transpose,
  ...reduceOps,
  ...argReduceOps,
  ...cumulativeOps,
  dotGeneral,
  conv,
  windowReduce,
  windowArgMax,
  slice,
  reverse,
  concat,
  pad,
  gather,
  gatherElements,
  gatherNd,
  scatterElements,
  scatterNd,
  topK,
  lu,
  iota,
  dimension,
  measure,
  compress,
  scan,
];

/** Ops that only passes make: no front end builds them, and no file holds them. */
export const passOps: ReadonlySet<string> = new Set(winogradOps.map(({ name }) => name));

export const ops: ReadonlyMap<string, Op> = new Map([...list, ...winogradOps].map((op) => [op.name, op]));
