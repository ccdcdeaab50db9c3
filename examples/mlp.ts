/**
 * A digit classifier: pixels to ten classes. No input size is given; a sample decides it.
 *
 *   npx shapecast compile examples/mlp.ts --sample x=1,784 -o examples/out/mlp.gen.ts
 */
import { dense, sequential } from "shapecast";

export const mlp = sequential([
  dense({ units: 256, activation: "relu", name: "hidden" }),
  dense({ units: 10, name: "logits" }),
]);
