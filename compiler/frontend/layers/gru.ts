import type { Shape } from "../../dims/index.ts";
import type { Value } from "../../ir/graph.ts";
import { type ActivationName, activations } from "../activations.ts";
import { activation, either, flag } from "../arguments.ts";
import type { Layer, LayerOps } from "../layer.ts";
import type { Ops } from "../ops/composites.ts";
import type { Symbolic } from "../symbolic.ts";
import { type Cell, Recurrent, type RecurrentOptions, recurrentFields } from "./recurrent.ts";

export interface GruOptions extends RecurrentOptions {
  /** Of the gates, default "sigmoid". */
  readonly recurrentActivation?: ActivationName | (string & {});
  /**
   * Apply the reset gate after the product with the state, as CuDNN does; default true. The bias is [2, 3
   * units] then.
   */
  readonly resetAfter?: boolean;
}

const fields = {
  ...recurrentFields,
  recurrentActivation: either(activation, "sigmoid"),
  resetAfter: either(flag, true),
};

class Gru extends Recurrent<typeof fields> {
  protected readonly states = ["state"];
  #kernel: Value | undefined;
  #recurrent: Value | undefined;
  #bias: Value | undefined;

  constructor(options: object, aligned?: boolean) {
    super("gru", options, fields, aligned);
  }

  override backwards(): Gru {
    return new Gru(this.turned, true);
  }

  override build(shape: Shape): void {
    const { units, useBias, biasInitializer, resetAfter } = this.args;
    const { kernel, recurrentKernel } = this.addKernels(shape, 3);
    [this.#kernel, this.#recurrent] = [kernel, recurrentKernel];
    const biases = resetAfter ? [2, 3 * units] : [3 * units];
    this.#bias = useBias ? this.addWeight("bias", biases, { initializer: biasInitializer }) : undefined;
  }

  protected override project(ops: LayerOps, steps: Value): Value {
    const product = ops.dense(steps, this.#kernel!);
    if (!this.#bias) return product;
    return ops.add(product, this.args.resetAfter ? this.#biasRow(ops, 0) : this.#bias);
  }

  /** resetAfter: the whole kernel and its bias; else the gates' part and the candidate's, which meets r h. */
  protected override stepWeights(ops: LayerOps): readonly Value[] {
    const recurrent = this.#recurrent!;
    const { units, resetAfter } = this.args;
    if (!resetAfter)
      return [ops.slice(recurrent, 1, 0, 2 * units), ops.slice(recurrent, 1, 2 * units, units)];
    return this.#bias ? [recurrent, this.#biasRow(ops, 1)] : [recurrent];
  }

  #biasRow(ops: LayerOps, row: number): Value {
    return ops.reshape(ops.slice(this.#bias!, 0, row, 1), [3 * this.args.units]);
  }

  protected override readonly cell: Cell = (ops, input, [h], weights) => {
    const [z, candidate] = this.args.resetAfter
      ? this.#resetAfter(ops, input, h!, weights)
      : this.#resetBefore(ops, input, h!, weights);
    return [ops.add(ops.mul(z, h!), ops.mul(ops.sub(1, z), candidate))];
  };

  /** Update gate and candidate; gates in Keras's order: update z, reset r, candidate. */
  #resetAfter(
    ops: Ops,
    input: Value,
    h: Value,
    [recurrent, bias]: readonly Value[],
  ): readonly [Value, Value] {
    const { units } = this.args;
    const product = ops.dense(h, recurrent!);
    const inner = bias ? ops.add(product, bias) : product;
    const [xz, xr, xh] = ops.split(input, -1, 3, units) as [Value, Value, Value];
    const [hz, hr, hh] = ops.split(inner, -1, 3, units) as [Value, Value, Value];
    const r = this.#gate(ops, ops.add(xr, hr));
    return [this.#gate(ops, ops.add(xz, hz)), this.#act(ops, ops.add(xh, ops.mul(r, hh)))];
  }

  #resetBefore(ops: Ops, input: Value, h: Value, [gates, last]: readonly Value[]): readonly [Value, Value] {
    const { units } = this.args;
    const [xz, xr, xh] = ops.split(input, -1, 3, units) as [Value, Value, Value];
    const [hz, hr] = ops.split(ops.dense(h, gates!), -1, 2, units) as [Value, Value];
    const r = this.#gate(ops, ops.add(xr, hr));
    const candidate = this.#act(ops, ops.add(xh, ops.dense(ops.mul(r, h), last!)));
    return [this.#gate(ops, ops.add(xz, hz)), candidate];
  }

  #gate(ops: Ops, x: Value): Value {
    return activations[this.args.recurrentActivation](ops, x);
  }

  #act(ops: Ops, x: Value): Value {
    return activations[this.args.activation](ops, x);
  }
}

/**
 * Gated recurrent unit. [batch, time, features] to [batch, units], or [batch, time, units]. Weights kernel
 * [features, 3 units], recurrent_kernel [units, 3 units], bias [2, 3 units] (resetAfter) or [3 units], gates
 * z r h. Keras `GRU`; Cho et al. 2014.
 */
export function gru(
  options: GruOptions & { readonly returnState: true },
): Layer<readonly [Symbolic, Symbolic]>;
export function gru(options: GruOptions): Layer;
export function gru(options: GruOptions): Layer | Layer<readonly [Symbolic, Symbolic]> {
  return new Gru(options);
}
