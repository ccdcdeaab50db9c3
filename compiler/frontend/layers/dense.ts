import type { InitializerInput } from "../../../runtime/initializers/index.ts";
import type { Shape } from "../../dims/index.ts";
import type { Value } from "../../ir/graph.ts";
import { type ActivationName, activations } from "../activations.ts";
import { activation, either, flag, initializer, orNull, required, whole } from "../arguments.ts";
import { Configured, type Layer, type LayerOps, type LayerOptions } from "../layer.ts";

export interface DenseOptions extends LayerOptions {
  /** Size of the output's last axis; `null`: what follows decides it, such as the model's `outputShape`. */
  readonly units: number | null;
  /** Default "linear". */
  readonly activation?: ActivationName | (string & {});
  /** Default true. */
  readonly useBias?: boolean;
  /** Default "glorotUniform". */
  readonly kernelInitializer?: InitializerInput;
  /** Default "zeros". */
  readonly biasInitializer?: InitializerInput;
}

const fields = {
  units: required(orNull(whole())),
  activation: either(activation, "linear"),
  useBias: either(flag, true),
  kernelInitializer: either(initializer, { kind: "glorotUniform" }),
  biasInitializer: either(initializer, { kind: "zeros" }),
};

class Dense extends Configured<typeof fields> {
  #kernel: Value | undefined;
  #bias: Value | undefined;

  constructor(options: DenseOptions) {
    super("dense", options, fields);
  }

  override check(shape: Shape): void {
    this.requireRankFrom(2, shape, "[batch, ..., features]");
  }

  override build(shape: Shape): void {
    const { useBias, kernelInitializer, biasInitializer } = this.args;
    const units = this.args.units ?? this.open("units");
    this.#kernel = this.addWeight("kernel", [this.deferred(shape.at(-1)!, "in"), units], {
      initializer: kernelInitializer,
      because: `${this.path} multiplies x[.., k] by kernel[k, ${this.args.units ?? "units"}], so k`,
    });
    this.#bias = useBias ? this.addWeight("bias", [units], { initializer: biasInitializer }) : undefined;
  }

  override call(ops: LayerOps, x: Value): Value {
    const product = ops.dense(x, this.#kernel!);
    const sum = this.#bias ? ops.addBias(product, this.#bias, -1) : product;
    return activations[this.args.activation](ops, sum);
  }
}

/**
 * activation(x kernel + bias) over the last axis: [batch, ..., k] to [batch, ..., units]. Weights kernel
 * [k, units], bias [units]. Keras `Dense`.
 */
export function dense(options: DenseOptions): Layer {
  return new Dense(options);
}
