/**
 * The base of every layer. A layer is a description: `build` declares its weights for the shapes it meets,
 * `call` says in core ops what it computes. Both run once per trace, when a model becomes a graph, so a layer
 * object holds no numbers and can stand in several places of a model (shared weights) or in several models
 * (each with its own).
 */
import type { DType } from "../../runtime/dtype.ts";
import { type InitializerInput, parseInitializer } from "../../runtime/initializers/index.ts";
import { callSite, fail, type SourceLocation } from "../diagnostics/index.ts";
import { constant, type Dim, isConstant, type Shape } from "../dims/index.ts";
import type { GraphBuilder } from "../infer/builder.ts";
import type { Value } from "../ir/graph.ts";
import { type Fields, type Read, readArguments } from "./arguments.ts";
import { Ops } from "./ops/composites.ts";
import type { Size } from "./ops/core.ts";
import { printShape, type ShapeLike, shapeOfText, withBatch } from "./shapes.ts";
import { Symbolic } from "./symbolic.ts";

/** Arguments of every layer. */
export interface LayerOptions {
  /** Default: the kind, numbered per model (`dense`, `dense_1`). Without dots or spaces. */
  readonly name?: string;
  /** Default true; kept with the weights for training elsewhere. */
  readonly trainable?: boolean;
  /** dtype of the weights, default float32. */
  readonly dtype?: DType;
  /** On the first layer of a sequential model: the input's shape without the batch axis. */
  readonly inputShape?: ShapeLike | string;
  /** The same with the batch axis. */
  readonly batchInputShape?: ShapeLike | string;
}

type Given<T> = { readonly [K in keyof T]?: T[K] | undefined };

export interface WeightOptions {
  /** Default glorotUniform. */
  readonly initializer?: InitializerInput;
  /** Default: the layer's. */
  readonly trainable?: boolean;
  /** Default: the layer's. */
  readonly dtype?: DType;
  /** What ties its size to the input, for errors: "dense multiplies x[.., k] by kernel[k, 256], so k". */
  readonly because?: string;
}

/** What a layer's weights are declared into: the trace of one model. */
export interface Scope {
  /** Path of the layer that is being run. */
  readonly path: string;
  unknown(hint: string): Dim;
  weight(name: string, shape: Shape, options: WeightOptions & { readonly trainable: boolean }): Value;
  /** Runs a layer inside another one. */
  apply(layer: Layer<unknown>, inputs: readonly Value[], name?: string): readonly Value[];
  /** Runs a layer of a model: what goes wrong is collected, so that its neighbours are looked at too. */
  run(layer: Layer<unknown>, name: string, inputs: readonly Value[], at?: SourceLocation): readonly Value[];
  /** A value carried from one call of the model to the next, zero at first. */
  state(name: string, type: Value["type"]): State;
  /** What a layer declared in this trace, by name; undefined before it was applied. */
  weightsOf(layer: Layer<unknown>): ReadonlyMap<string, Value> | undefined;
}

export interface State {
  readonly before: Value;
  /** Says what it is after the call. */
  after(value: Value): void;
}

/** The core ops and composites, and other layers as ops. */
export class LayerOps extends Ops {
  readonly scope: Scope;

  constructor(builder: GraphBuilder, scope: Scope) {
    super(builder);
    this.scope = scope;
  }

  /** Applies a layer with one output; its weights belong to the layer that is being called. */
  apply(layer: Layer<unknown>, ...inputs: readonly Value[]): Value {
    return this.scope.apply(layer, inputs)[0]!;
  }

  /** Applies a layer with any number of outputs, under a name of its own. */
  applyAs(name: string, layer: Layer<unknown>, inputs: readonly Value[]): readonly Value[] {
    return this.scope.apply(layer, inputs, name);
  }

  /** A value that the next call of the model finds as this one left it; zeros before the first. */
  state(name: string, shape: readonly Size[], dtype: DType): State {
    return this.scope.state(name, {
      dtype,
      shape: shape.map((d) => (typeof d === "number" ? constant(d) : d)),
    });
  }
}

export abstract class Layer<Out = Symbolic> {
  /** The factory's name, e.g. "maxPooling2d". */
  readonly kind: string;
  readonly givenName: string | undefined;
  readonly trainable: boolean;
  readonly dtype: DType;
  /** With the batch axis. */
  readonly declaredInput: ShapeLike | undefined;
  /** The user's line that made it. */
  readonly at: SourceLocation | undefined;
  #scope: Scope | undefined;
  #path: string | undefined;

  /** `at` is the user's line that made it; it is looked up when it is left out. */
  constructor(kind: string, options: Given<LayerOptions> = {}, at = callSite()) {
    this.kind = kind;
    this.givenName = options.name;
    this.trainable = options.trainable ?? true;
    this.dtype = options.dtype ?? "float32";
    const { inputShape, batchInputShape } = options;
    const listed = (shape: ShapeLike | string) => (typeof shape === "string" ? shapeOfText(shape) : shape);
    if (batchInputShape !== undefined) this.declaredInput = listed(batchInputShape);
    else this.declaredInput = inputShape === undefined ? undefined : withBatch(listed(inputShape));
    this.at = at;
  }

  /** The lowest rank of input it accepts: what a summary assumes before there is a sample. */
  get minimumRank(): number {
    return 2;
  }

  /** dtype of the input where it is the first layer of a sequential model. */
  get inputDtype(): DType {
    return "float32";
  }

  get outputCount(): number {
    return 1;
  }

  /** Rank of its outputs for an input of this rank, if that can be told: used to go on after an error. */
  outputRank(_inputRank: number): number | undefined {
    return undefined;
  }

  /** Refuses inputs it cannot take, before anything else; runs at every use. */
  check(..._shapes: Shape[]): void {}

  /** Declares the weights with `addWeight`; `shapes` are those of the inputs, batch axis included. */
  build(..._shapes: Shape[]): void {}

  /** The outputs, in core ops. Weights added in `build` are values like the inputs. */
  abstract call(ops: LayerOps, ...inputs: Value[]): Value | readonly Value[];

  /** Applies the layer to tensors of a functional model. Each use shares its weights. Throws E1002. */
  apply(inputs: Symbolic | readonly Symbolic[]): Out {
    const at = callSite();
    const application = { layer: this as Layer<unknown>, inputs: this.#tensors(inputs, at), at };
    const outputs = Array.from({ length: this.outputCount }, (_, i) => new Symbolic(application, i));
    return (outputs.length === 1 ? outputs[0] : outputs) as Out;
  }

  #tensors(given: unknown, at: SourceLocation | undefined): readonly Symbolic[] {
    const list: readonly unknown[] = Array.isArray(given) ? given : [given];
    const odd = list.find((one) => !(one instanceof Symbolic));
    if (list.every((one) => one instanceof Symbolic)) return list;
    return fail({
      code: "E1002",
      message: `${this.givenName ?? this.kind} was applied to ${
        odd instanceof Layer
          ? `a layer (${odd.kind})`
          : odd === null
            ? "null"
            : `a thing of type ${typeof odd}`
      }, not to a tensor of the model`,
      fix: "apply it to what input(...) or another layer's apply returned, or to a list of them",
      ...(at && { at }),
    });
  }

  /** Called by the trace before the first use, so that refusals name the layer as the model does. */
  enter(scope: Scope): void {
    this.#scope = scope;
    this.#path = scope.path;
  }

  /** Builds within the scope that was entered: called by the trace, not by layers. */
  declareIn(shapes: readonly Shape[]): void {
    this.build(...shapes);
  }

  /**
   * A weight `path.name`. Dims of the input may stand in `shape`; they stay open until a sample decides them.
   * Throws E2003 for a size taken from an axis the input does not have, E2108 for one that is no whole
   * number.
   */
  protected addWeight(name: string, shape: readonly Size[], options: WeightOptions = {}): Value {
    if (!this.#scope) throw new Error(`internal: ${this.kind}.addWeight outside build`);
    const { trainable = this.trainable, dtype = this.dtype, initializer = "glorotUniform" } = options;
    const dims = shape.map((size, axis) => this.#weightSize(name, size, axis));
    const complete = { ...options, trainable, dtype, initializer: parseInitializer(initializer) };
    return this.#scope.weight(name, dims, complete);
  }

  /** Sizes come from user code (a layer of one's own), where an axis that is not there reads as undefined. */
  #weightSize(name: string, size: Size | undefined, axis: number): Dim {
    if (typeof size === "object") return size;
    if (typeof size === "number" && Number.isSafeInteger(size) && size >= 0) return constant(size);
    const weight = `${this.path}.${name}`;
    const missing = size === undefined;
    return fail({
      code: missing ? "E2003" : "E2108",
      message: missing
        ? `${weight} has no size at axis ${axis}: the input of ${this.path} has fewer axes than its build reads`
        : `${weight} has size ${String(size)} at axis ${axis}; sizes are whole numbers >= 0`,
      fix: missing
        ? `give ${this.path} an input of a higher rank`
        : "give a whole number, or a size of the input",
      layer: this.path,
    });
  }

  /** The path it was first used under. */
  protected get path(): string {
    return this.#path ?? this.kind;
  }

  /**
   * A parameter's size that an op ties to `dim`: the number if it is one, else an unknown that the op will
   * solve.
   */
  protected deferred(dim: Dim, hint: string): Dim {
    return isConstant(dim) || !this.#scope ? dim : this.#scope.unknown(`${this.path}.${hint}`);
  }

  /** A size that was left to what follows the layer. */
  protected open(hint: string): Dim {
    if (!this.#scope) throw new Error(`internal: ${this.kind}.open outside build`);
    return this.#scope.unknown(`${this.path}.${hint}`);
  }

  /**
   * Refuses an input (E2003) whose rank is not one of `ranks`; `axes` says what they are, e.g. "[batch, time,
   * features]".
   */
  protected requireRank(shape: Shape, ranks: readonly number[], axes: string): void {
    if (!ranks.includes(shape.length)) this.#refuseRank(shape, ranks.join(" or "), axes);
  }

  /** The same for a rank below `least`. */
  protected requireRankFrom(least: number, shape: Shape, axes: string): void {
    if (shape.length < least) this.#refuseRank(shape, `${least} or more`, axes);
  }

  #refuseRank(shape: Shape, ranks: string, axes: string): never {
    const { path } = this;
    return fail({
      code: "E2003",
      message: `${path} needs an input of rank ${ranks}, but it gets rank ${shape.length}`,
      facts: [
        { subject: `input of ${path}`, value: printShape(shape), note: `rank ${shape.length}` },
        { subject: `${this.kind} takes`, value: axes, note: `rank ${ranks}` },
      ],
      fix: `give ${path} an input ${axes}, for example through a reshape layer before it`,
      layer: path,
    });
  }

  /** Refuses another number of inputs (E1002). */
  protected requireInputs(count: number, least: number, most: number, what: string): void {
    if (count >= least && count <= most) return;
    const { path } = this;
    fail({
      code: "E1002",
      message: `${path} takes ${what}, but it was applied to ${count} input${count === 1 ? "" : "s"}`,
      facts: [{ subject: path, value: `${count} input${count === 1 ? "" : "s"}` }],
      fix: `apply it to ${what}`,
      layer: path,
    });
  }
}

/** A layer of this package: its arguments are read against a table of fields. */
export abstract class Configured<F extends Fields, Out = Symbolic> extends Layer<Out> {
  protected readonly args: Read<F>;

  constructor(kind: string, options: object | undefined, fields: F) {
    const at = callSite();
    const args = readArguments(kind, options, fields, at);
    super(kind, args as Given<LayerOptions>, at);
    this.args = args;
  }

  override outputRank(inputRank: number): number | undefined {
    return inputRank;
  }
}
