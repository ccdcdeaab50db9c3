/**
 * One set of weights in two places, in the two ways there are.
 *
 *   npx shapecast compile examples/shared-weights.ts#twins --dim batch=1 --dim left.1=20 --dim right.1=20 \
 *     -o examples/out/twins.gen.ts
 *   npx shapecast compile examples/shared-weights.ts#tied --sample tokens=1,12 -o examples/out/tied.gen.ts
 */
import { dense, dot, embedding, gru, input, model, sequential } from "shapecast";

// A layer, or a whole model, that is applied twice has one set of weights: here both pictures go through the
// same encoder.
const encoder = sequential([dense({ units: 32, activation: "relu" }), dense({ units: 8 })], {
  name: "encoder",
});
const left = input({ shape: [null], name: "left" });
const right = input({ shape: [null], name: "right" });
const similarity = dot({ axes: 1, normalize: true }).apply([encoder.apply(left), encoder.apply(right)]);

export const twins = model({ inputs: [left, right], outputs: { similarity }, name: "twins" });

// An embedding read backwards is the output head of a language model: one table of [300, 16], not two.
const tokens = input({ shape: ["time"], dtype: "int32", name: "tokens" });
const table = embedding({ inputDim: 300, outputDim: 16 });
const hidden = gru({ units: 16, returnSequences: true }).apply(table.apply(tokens));
const logits = table.asOutput().apply(hidden);

export const tied = model({ inputs: tokens, outputs: { logits }, name: "tied" });
