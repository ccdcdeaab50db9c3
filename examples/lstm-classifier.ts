/**
 * Reads a sentence in both directions and says how likely it is praise. The words of a batch are token
 * numbers; the loop over time is a loop in the module too, with its state in the arena.
 *
 *   npx shapecast compile examples/lstm-classifier.ts --sample tokens=1,40 -o examples/out/lstm.gen.ts
 */
import { bidirectional, dense, embedding, input, lstm, model } from "shapecast";

const tokens = input({ shape: [null], dtype: "int32", name: "tokens" });

const words = embedding({ inputDim: 500, outputDim: 32 }).apply(tokens);
const sentence = bidirectional({ layer: lstm({ units: 24 }) }).apply(words);
const praise = dense({ units: 1, activation: "sigmoid" }).apply(sentence);

export const classifier = model({ inputs: tokens, outputs: { praise }, name: "classifier" });
