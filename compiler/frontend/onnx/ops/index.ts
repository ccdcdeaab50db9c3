/**
 * The registry: every operator that can be imported. To add one:
 *
 * 1. find its family below, or make a file for a new family and add its list here;
 * 2. write `operator("Name", since(opset, attributes, build), ...)`: one row per opset that changed its
 *    meaning, attributes as specs (`attributes.ts`), so that misspelt and unsupported ones are reported
 *    before any work;
 * 3. `build` gets the node (`NodeContext` in `operator.ts`) and its attributes, and returns the result, or a
 *    list of results, as values of core ops: `c.value(i)` is an operand, `c.ints(i)` and `c.dims(i)` one
 *    whose elements decide shapes, `c.wants(i)` whether a result is read. What only data could decide, and
 *    what core ops cannot express, ends in `c.unsupported(...)`.
 *
 * Operators of other domains are wrapped: `inDomain("com.microsoft", [...])`.
 */
import { keyOf, type Operator } from "../operator.ts";
import { activation } from "./activation.ts";
import { attentions } from "./attention.ts";
import { bitCasts } from "./bit-cast.ts";
import { blockProducts } from "./block-matmul.ts";
import { casts } from "./casts.ts";
import { classic } from "./classic.ts";
import { columns } from "./col2im.ts";
import { constants } from "./constants.ts";
import { contribAttentions } from "./contrib-attention.ts";
import { contribQuantization } from "./contrib-quantization.ts";
import { control } from "./control.ts";
import { convolution } from "./convolution.ts";
import { dataDependent } from "./data-dependent.ts";
import { deformable } from "./deformable.ts";
import { sums } from "./einsum.ts";
import { elementwise } from "./elementwise.ts";
import { fused } from "./fused.ts";
import { groupQueries } from "./group-query.ts";
import { indexing } from "./indexing.ts";
import { labelEncoders } from "./label-encoder.ts";
import { linear } from "./linear.ts";
import { linearModels } from "./linear-models.ts";
import { loss } from "./loss.ts";
import { movement } from "./movement.ts";
import { ngrams } from "./ngrams.ts";
import { suppression } from "./non-max-suppression.ts";
import { normalization } from "./normalization.ts";
import { optionals } from "./optional.ts";
import { padding } from "./padding.ts";
import { pooling } from "./pooling.ts";
import { quantization } from "./quantization.ts";
import { recurrentLayers } from "./recurrent.ts";
import { reductions } from "./reduction.ts";
import { regions } from "./regions.ts";
import { resizing } from "./resize.ts";
import { rotaryEmbeddings } from "./rotary.ts";
import { sampling } from "./sampling.ts";
import { signals } from "./signal.ts";
import { skipNormalizations } from "./skip-normalization.ts";
import { stateSpace } from "./state-space.ts";
import { supportVectors } from "./support-vectors.ts";
import { trees } from "./trees.ts";

const families: readonly (readonly Operator[])[] = [
  elementwise,
  activation,
  reductions,
  constants,
  control,
  movement,
  padding,
  linear,
  convolution,
  pooling,
  normalization,
  classic,
  loss,
  recurrentLayers,
  attentions,
  stateSpace,
  quantization,
  casts,
  indexing,
  dataDependent,
  suppression,
  resizing,
  signals,
  sampling,
  regions,
  sums,
  columns,
  deformable,
  ngrams,
  trees,
  labelEncoders,
  linearModels,
  supportVectors,
  fused,
  skipNormalizations,
  contribQuantization,
  blockProducts,
  contribAttentions,
  groupQueries,
  rotaryEmbeddings,
  bitCasts,
  optionals,
];

export const registry: ReadonlyMap<string, Operator> = new Map(
  families.flat().map((operator) => [keyOf(operator.domain, operator.name), operator]),
);
