/**
 * The models of examples/, each with a sample small enough to be run by the reference, and what its inputs
 * may hold.
 */
import type { Model } from "shapecast";
import type { Range, Tolerance } from "shapecast/fuzz";
import { lenet } from "../../examples/lenet.ts";
import { classifier } from "../../examples/lstm-classifier.ts";
import { mlp } from "../../examples/mlp.ts";
import { residualCnn } from "../../examples/residual-cnn.ts";
import { tied, twins } from "../../examples/shared-weights.ts";
import { encoder } from "../../examples/transformer-encoder.ts";
import { unet } from "../../examples/unet.ts";

export interface Example {
  readonly name: string;
  readonly model: Model<unknown>;
  readonly sample: Readonly<Record<string, readonly number[]>>;
  readonly ranges?: Readonly<Record<string, Range>>;
  /** Absent: bit for bit. */
  readonly tolerance?: Tolerance;
  /** Random inputs to try. */
  readonly runs: number;
}

/** Folding batch normalisation into kernels rounds differently. */
const folded: Tolerance = { rtol: 1e-5, atol: 1e-5 };
const pixels = { image: { min: 0, max: 1 } };
const tokens = (count: number) => ({ tokens: { min: 0, max: count - 1 } });

export const examples: readonly Example[] = [
  { name: "mlp", model: mlp, sample: { x: [1, 784] }, runs: 20 },
  { name: "lenet", model: lenet, sample: { image: [1, 28, 28, 1] }, ranges: pixels, runs: 5 },
  {
    name: "residual CNN at 16 x 16",
    model: residualCnn,
    sample: { image: [1, 16, 16, 3] },
    ranges: pixels,
    tolerance: folded,
    runs: 4,
  },
  {
    name: "residual CNN at 21 x 14",
    model: residualCnn,
    sample: { image: [2, 21, 14, 3] },
    ranges: pixels,
    tolerance: folded,
    runs: 2,
  },
  {
    name: "transformer encoder",
    model: encoder,
    sample: { tokens: [1, 128] },
    ranges: tokens(1000),
    runs: 1,
  },
  { name: "lstm classifier", model: classifier, sample: { tokens: [2, 12] }, ranges: tokens(500), runs: 5 },
  { name: "twins", model: twins, sample: { left: [3, 20], right: [3, 20] }, runs: 20 },
  { name: "unet", model: unet, sample: { image: [1, 12, 8, 3] }, ranges: pixels, runs: 4 },
  { name: "tied", model: tied, sample: { tokens: [1, 12] }, ranges: tokens(300), runs: 5 },
];
