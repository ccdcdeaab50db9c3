import type { Shape } from "../../dims/index.ts";
import type { Value } from "../../ir/graph.ts";
import { type ActivationName, activations } from "../activations.ts";
import { activation, either, flag } from "../arguments.ts";
import type { Layer, LayerOps } from "../layer.ts";
import type { Symbolic } from "../symbolic.ts";
import { type Cell, Recurrent, type RecurrentOptions, recurrentFields } from "./recurrent.ts";

export interface LstmOptions extends RecurrentOptions {
  /** Of the gates, default "sigmoid". */
  readonly recurrentActivation?: ActivationName | (string & {});
  /** Begin with a bias of 1 for the forget gate, default true. */
  readonly unitForgetBias?: boolean;
}

const fields = {
  ...recurrentFields,
  recurrentActivation: either(activation, "sigmoid"),
  unitForgetBias: either(flag, true),
};

class Lstm extends Recurrent<typeof fields> {
  protected readonly states = ["h", "c"];
  #kernel: Value | undefined;
  #recurrent: Value | undefined;
  #bias: Value | undefined;

  constructor(options: object, aligned?: boolean) {
    super("lstm", options, fields, aligned);
  }

  override backwards(): Lstm {
    return new Lstm(this.turned, true);
  }

  override build(shape: Shape): void {
    const { units, useBias, biasInitializer, unitForgetBias } = this.args;
    const { kernel, recurrentKernel } = this.addKernels(shape, 4);
    [this.#kernel, this.#recurrent] = [kernel, recurrentKernel];
    // Keras draws the other gates' biases from biasInitializer; with its default, zeros, this is the same.
    const initializer =
      unitForgetBias && biasInitializer.kind === "zeros"
        ? ({ kind: "unitForgetBias" } as const)
        : biasInitializer;
    this.#bias = useBias ? this.addWeight("bias", [4 * units], { initializer }) : undefined;
  }

  protected override project(ops: LayerOps, steps: Value): Value {
    const product = ops.dense(steps, this.#kernel!);
    return this.#bias ? ops.addBias(product, this.#bias, -1) : product;
  }

  protected override stepWeights(): readonly Value[] {
    return [this.#recurrent!];
  }

  /** Gates in Keras's order: input, forget, candidate, output. */
  protected override readonly cell: Cell = (ops, input, [h, c], [recurrent]) => {
    const act = (x: Value) => activations[this.args.activation](ops, x);
    const gate = (x: Value) => activations[this.args.recurrentActivation](ops, x);
    const sums = ops.add(input, ops.dense(h!, recurrent!));
    const [i, f, candidate, o] = ops.split(sums, -1, 4, this.args.units) as [Value, Value, Value, Value];
    const next = ops.add(ops.mul(gate(f), c!), ops.mul(gate(i), act(candidate)));
    return [ops.mul(gate(o), act(next)), next];
  };
}

/**
 * Long short-term memory. [batch, time, features] to [batch, units], or [batch, time, units]. Weights kernel
 * [features, 4 units], recurrent_kernel [units, 4 units], bias [4 units], gates i f c o. Applied to [x, h, c]
 * it begins with those states. Keras `LSTM`; Hochreiter and Schmidhuber 1997.
 */
export function lstm(
  options: LstmOptions & { readonly returnState: true },
): Layer<readonly [Symbolic, Symbolic, Symbolic]>;
export function lstm(options: LstmOptions): Layer;
export function lstm(options: LstmOptions): Layer | Layer<readonly [Symbolic, Symbolic, Symbolic]> {
  return new Lstm(options);
}
