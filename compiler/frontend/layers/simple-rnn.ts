import type { Shape } from "../../dims/index.ts";
import type { Value } from "../../ir/graph.ts";
import { activations } from "../activations.ts";
import type { Layer, LayerOps } from "../layer.ts";
import type { Symbolic } from "../symbolic.ts";
import { type Cell, Recurrent, type RecurrentOptions, recurrentFields } from "./recurrent.ts";

export interface SimpleRnnOptions extends RecurrentOptions {}

class SimpleRnn extends Recurrent<typeof recurrentFields> {
  protected readonly states = ["state"];
  #kernel: Value | undefined;
  #recurrent: Value | undefined;
  #bias: Value | undefined;

  constructor(options: object, aligned?: boolean) {
    super("simpleRNN", options, recurrentFields, aligned);
  }

  override backwards(): SimpleRnn {
    return new SimpleRnn(this.turned, true);
  }

  override build(shape: Shape): void {
    const { units, useBias, biasInitializer } = this.args;
    const { kernel, recurrentKernel } = this.addKernels(shape, 1);
    [this.#kernel, this.#recurrent] = [kernel, recurrentKernel];
    this.#bias = useBias ? this.addWeight("bias", [units], { initializer: biasInitializer }) : undefined;
  }

  protected override project(ops: LayerOps, steps: Value): Value {
    const product = ops.dense(steps, this.#kernel!);
    return this.#bias ? ops.addBias(product, this.#bias, -1) : product;
  }

  protected override stepWeights(): readonly Value[] {
    return [this.#recurrent!];
  }

  protected override readonly cell: Cell = (ops, input, [state], [recurrent]) => [
    activations[this.args.activation](ops, ops.add(input, ops.dense(state!, recurrent!))),
  ];
}

/**
 * h' = activation(x kernel + bias + h recurrent_kernel). [batch, time, features] to [batch, units], or
 * [batch, time, units]. Applied to [x, h] it begins with that state. Keras `SimpleRNN`.
 */
export function simpleRNN(
  options: SimpleRnnOptions & { readonly returnState: true },
): Layer<readonly [Symbolic, Symbolic]>;
export function simpleRNN(options: SimpleRnnOptions): Layer;
export function simpleRNN(options: SimpleRnnOptions): Layer | Layer<readonly [Symbolic, Symbolic]> {
  return new SimpleRnn(options);
}
