/** `a` where the condition holds, else `b`, all three broadcasting (numpy.where, ONNX Where). */
import { broadcastAt, broadcastShape, broadcastSteps, relateBroadcast } from "./broadcasting.ts";
import { checkDTypeIs, checkSameDType, defineOp } from "./definition.ts";
import { build } from "./odometer.ts";

const names = ["condition", "a", "b"];

export const select = defineOp({
  name: "select",
  operands: names,
  attributes: {},
  relate: (context, types) => {
    const [condition, a, b] = [types[0]!, types[1]!, types[2]!];
    checkDTypeIs(context, "select", "condition", condition, "bool");
    checkSameDType(context, "select", ["a", "b"], a, b);
    return [{ dtype: a.dtype, shape: relateBroadcast(context, "select", names, types) }];
  },
  evaluate: (operands) => {
    const [condition, a, b] = [operands[0]!, operands[1]!, operands[2]!];
    const shape = broadcastShape(operands.map((operand) => operand.shape));
    const steps = operands.map((operand) => broadcastSteps(operand.shape, shape.length));
    return [
      build(a.dtype, shape, steps, ([c, i, j]) => (condition.data[c!] !== 0 ? a.data[i!]! : b.data[j!]!)),
    ];
  },
  lower: ([condition, a, b]) => ({
    kind: "map",
    elementwise: true,
    at: (index) => ({
      kind: "select",
      condition: broadcastAt(condition!, index),
      a: broadcastAt(a!, index),
      b: broadcastAt(b!, index),
      dtype: a!.dtype,
    }),
  }),
});
