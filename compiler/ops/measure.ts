/**
 * The opposite of `dimension`: an integer that a run computes becomes a size from there on (torch's item() on
 * a tensor that shapes depend on). The result is the integer itself. While the graph is inferred the size is
 * a symbol of its own, or whatever the equations make of it: a number, or the size of something else, to
 * which the run must then come. Whoever builds the node knows that the integer is in 0 .. most.
 */
import { constant, type Dim } from "../dims/index.ts";
import { checkDTypeIs, checkRank, defineOp, stateAtLeast } from "./definition.ts";

export type MeasureAttributes = {
  readonly size: Dim;
  readonly most: Dim;
};

export const measure = defineOp<MeasureAttributes>({
  name: "measure",
  operands: ["x"],
  attributes: { size: "dim", most: "dim" },
  relate: (context, [x], { size, most }) => {
    checkDTypeIs(context, "measure", "x", x!, "int32");
    checkRank(context, "measure", "x", x!, 0);
    stateAtLeast(context, size, constant(0), () => `${size} is a size`);
    stateAtLeast(context, most, size, () => `${size} is at most ${most}`);
    return [x!];
  },
  evaluate: ([x]) => [x!],
  lower: (_operands, { size, most }) => ({ kind: "measure", size, most }),
});
