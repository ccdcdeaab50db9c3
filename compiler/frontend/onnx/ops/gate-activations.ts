/**
 * The activation functions of recurrent layers, by the names ONNX gives them there. Alphas and betas are
 * lists of their own, taken in the order of the functions that have one.
 */
import { nearest } from "../../../../runtime/initializers/nearest.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Ops } from "../../ops/composites.ts";
import type { NodeContext } from "../operator.ts";

export type Activation = (ops: Ops, x: Value) => Value;

interface Row {
  /** Default values; undefined where the function has none. */
  readonly alpha?: number;
  readonly beta?: number;
  readonly apply: (ops: Ops, x: Value, alpha: number, beta: number) => Value;
}

/** By lower-case name: exporters differ in capitals. */
const table: Readonly<Record<string, Row>> = {
  relu: { apply: (ops, x) => ops.relu(x) },
  tanh: { apply: (ops, x) => ops.tanh(x) },
  sigmoid: { apply: (ops, x) => ops.sigmoid(x) },
  softsign: { apply: (ops, x) => ops.div(x, ops.add(1, ops.abs(x))) },
  softplus: { apply: (ops, x) => ops.softplus(x) },
  affine: { alpha: 1, beta: 0, apply: (ops, x, alpha, beta) => ops.add(ops.mul(x, alpha), beta) },
  leakyrelu: { alpha: 0.01, apply: (ops, x, alpha) => ops.select(ops.ge(x, 0), x, ops.mul(x, alpha)) },
  thresholdedrelu: { alpha: 1, apply: (ops, x, alpha) => ops.select(ops.gt(x, alpha), x, 0) },
  scaledtanh: {
    alpha: 1,
    beta: 1,
    apply: (ops, x, alpha, beta) => ops.mul(ops.tanh(ops.mul(x, beta)), alpha),
  },
  hardsigmoid: {
    alpha: 0.2,
    beta: 0.5,
    apply: (ops, x, alpha, beta) => ops.clip(ops.add(ops.mul(x, alpha), beta), 0, 1),
  },
  elu: {
    alpha: 1,
    apply: (ops, x, alpha) => ops.select(ops.ge(x, 0), x, ops.mul(ops.expm1(x), alpha)),
  },
};

const rows = new Map(Object.entries(table));

interface Given {
  readonly activations: readonly string[] | undefined;
  readonly activation_alpha: readonly number[] | undefined;
  readonly activation_beta: readonly number[] | undefined;
}

/** The functions of direction `d`, as many as there are defaults. */
export function activationsOf(
  c: NodeContext,
  defaults: readonly string[],
  { activations, activation_alpha = [], activation_beta = [] }: Given,
  d: number,
): readonly Activation[] {
  const names = activations ?? [];
  const [alphas, betas] = [[...activation_alpha], [...activation_beta]];
  const all = names.map((name): Activation => {
    const row = rows.get(name.toLowerCase());
    if (!row)
      return c.unsupported(
        `the activation ${JSON.stringify(name)}`,
        `use one of ${[...rows.keys()].join(", ")}; nearest: ${nearest(name, [...rows.keys()])[0]}`,
      );
    const alpha = row.alpha === undefined ? 0 : (alphas.shift() ?? row.alpha);
    const beta = row.beta === undefined ? 0 : (betas.shift() ?? row.beta);
    return (ops, x) => row.apply(ops, x, alpha, beta);
  });
  const own = all.slice(d * defaults.length, (d + 1) * defaults.length);
  if (own.length === defaults.length) return own;
  if (names.length > 0)
    c.wrong(
      `${names.length} activations, but each direction takes ${defaults.length}`,
      `give ${defaults.length} for each direction, or none`,
    );
  return defaults.map((name) => (ops, x) => rows.get(name.toLowerCase())!.apply(ops, x, 0, 0));
}
