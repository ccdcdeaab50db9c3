/**
 * What recurrent layers share: time runs as a scan over axis 0, the products with the input are made for all
 * steps at once before it, and only the products with the state remain in the step. Keras's `RNN` and its
 * arguments; a mask and dropout have no effect here and are refused or ignored.
 *
 * A stateful layer's state is an input and an output of the graph of the same name; `predict` carries it from
 * call to call.
 */
import type { InitializerInput } from "../../../runtime/initializers/index.ts";
import type { Dim, Shape } from "../../dims/index.ts";
import type { Value } from "../../ir/graph.ts";
import type { ActivationName } from "../activations.ts";
import {
  activation,
  either,
  type Fields,
  finite,
  flag,
  initializer,
  optional,
  type Read,
  required,
  whole,
} from "../arguments.ts";
import { Configured, type LayerOps, type LayerOptions } from "../layer.ts";
import type { Ops } from "../ops/composites.ts";
import type { Symbolic } from "../symbolic.ts";

/** Arguments of every recurrent layer. */
export interface RecurrentOptions extends LayerOptions {
  /** Size of the state and of the output's last axis. */
  readonly units: number;
  /** Default "tanh". */
  readonly activation?: ActivationName | (string & {});
  /** Default true. */
  readonly useBias?: boolean;
  /** Default "glorotUniform". */
  readonly kernelInitializer?: InitializerInput;
  /** Default "orthogonal". */
  readonly recurrentInitializer?: InitializerInput;
  /** Default "zeros". */
  readonly biasInitializer?: InitializerInput;
  /** The output of every step instead of the last, default false. */
  readonly returnSequences?: boolean;
  /** The final states as further outputs, default false. */
  readonly returnState?: boolean;
  /** From the last step to the first; outputs come in that order. Default false. */
  readonly goBackwards?: boolean;
  /** Begin with the states the last call ended with, default false. */
  readonly stateful?: boolean;
  /** Only in training. */
  readonly dropout?: number;
  /** Only in training. */
  readonly recurrentDropout?: number;
  readonly seed?: number;
  /** Without effect. */
  readonly unroll?: boolean;
}

export const recurrentFields = {
  units: required(whole()),
  activation: either(activation, "tanh"),
  useBias: either(flag, true),
  kernelInitializer: either(initializer, { kind: "glorotUniform" }),
  recurrentInitializer: either(initializer, { kind: "orthogonal", gain: 1 }),
  biasInitializer: either(initializer, { kind: "zeros" }),
  returnSequences: either(flag, false),
  returnState: either(flag, false),
  goBackwards: either(flag, false),
  stateful: either(flag, false),
  dropout: either(finite(0, 1), 0),
  recurrentDropout: either(finite(0, 1), 0),
  seed: optional(whole(0)),
  unroll: either(flag, false),
} satisfies Fields;

/**
 * One step: new states from the projected input of the step and the old states. The output is the first
 * state.
 */
export type Cell = (
  ops: Ops,
  input: Value,
  states: readonly Value[],
  weights: readonly Value[],
) => readonly Value[];

interface Ran {
  /** [batch, units] each. */
  readonly states: readonly Value[];
  /** [batch, time, units]. */
  readonly sequence: Value | undefined;
}

export abstract class Recurrent<F extends Fields, Out = Symbolic> extends Configured<F, Out> {
  readonly recurrent: Read<typeof recurrentFields>;
  readonly #aligned: boolean;

  constructor(kind: string, options: object, fields: F, aligned = false) {
    super(kind, options, fields);
    this.recurrent = this.args as unknown as Read<typeof recurrentFields>;
    this.#aligned = aligned;
  }

  /**
   * A layer with the same arguments and weights of its own that runs the other way and leaves its outputs in
   * place.
   */
  abstract backwards(): Recurrent<F, Out>;

  protected get turned() {
    return { ...this.args, name: undefined, goBackwards: !this.recurrent.goBackwards };
  }

  /** How many values of [batch, units] it carries. */
  protected abstract readonly states: readonly string[];
  protected abstract readonly cell: Cell;

  /** [time, batch, ...] from [time, batch, features]: everything of the step that does not need the state. */
  protected abstract project(ops: LayerOps, steps: Value): Value;
  /** What the cell reads besides. */
  protected abstract stepWeights(ops: LayerOps): readonly Value[];

  override get minimumRank(): number {
    return 3;
  }

  override get outputCount(): number {
    return this.recurrent.returnState ? 1 + this.states.length : 1;
  }

  override outputRank(): number {
    return this.recurrent.returnSequences ? 3 : 2;
  }

  override check(...shapes: Shape[]): void {
    const { length } = this.states;
    this.requireRank(shapes[0]!, [3], "[batch, time, features]");
    if (shapes.length !== 1)
      this.requireInputs(
        shapes.length,
        1 + length,
        1 + length,
        `its input, or its input and ${length} state${length === 1 ? "" : "s"}`,
      );
  }

  override call(ops: LayerOps, x: Value, ...initial: Value[]): readonly Value[] {
    const { states, sequence } = this.#run(ops, x, initial);
    const output = sequence ?? states[0]!;
    return this.recurrent.returnState ? [output, ...states] : [output];
  }

  #run(ops: LayerOps, x: Value, initial: readonly Value[]): Ran {
    const { returnSequences, goBackwards } = this.recurrent;
    const steps = this.project(ops, ops.transpose(x, [1, 0, 2]));
    const { before, after } = this.#beginning(ops, x, initial);
    const made = ops.scan(
      {
        states: before,
        sequences: [steps],
        invariants: this.stepWeights(ops),
        reverse: goBackwards,
      },
      (inner, states, [input], weights) => {
        const next = this.cell(inner, input!, states, weights);
        return { states: next, outputs: returnSequences ? [next[0]!] : [] };
      },
    );
    after(made.states);
    const [output] = made.outputs;
    if (!output) return { states: made.states, sequence: undefined };
    const ordered = goBackwards && !this.#aligned ? ops.reverse(output, 0) : output;
    return { states: made.states, sequence: ops.transpose(ordered, [1, 0, 2]) };
  }

  /** The states before the first step: given, carried over from the last call, or zeros. */
  #beginning(
    ops: LayerOps,
    x: Value,
    initial: readonly Value[],
  ): { readonly before: readonly Value[]; readonly after: (states: readonly Value[]) => void } {
    const { units, stateful } = this.recurrent;
    const batch = ops.shape(x)[0]!;
    if (!stateful || initial.length > 0) {
      const zeros = () => this.states.map(() => ops.fill(0, [batch, units], x));
      return { before: initial.length > 0 ? initial : zeros(), after: () => {} };
    }
    const shape: readonly (Dim | number)[] = [batch, units];
    const kept = this.states.map((name) => ops.state(name, shape, x.type.dtype));
    return {
      before: kept.map((state) => state.before),
      after: (states) => {
        for (const [i, state] of kept.entries()) state.after(states[i]!);
      },
    };
  }

  /** kernel [features, gates units] and recurrent_kernel [units, gates units]. */
  protected addKernels(
    shape: Shape,
    gates: number,
  ): { readonly kernel: Value; readonly recurrentKernel: Value } {
    const { units, kernelInitializer, recurrentInitializer } = this.recurrent;
    const width = gates * units;
    const kernel = this.addWeight("kernel", [this.deferred(shape.at(-1)!, "in"), width], {
      initializer: kernelInitializer,
      because: `${this.path} multiplies x[.., k] by kernel[k, ${width}], so k`,
    });
    const recurrentKernel = this.addWeight("recurrent_kernel", [units, width], {
      initializer: recurrentInitializer,
    });
    return { kernel, recurrentKernel };
  }
}
