/**
 * A table of vectors looked up by index, and the same table used backwards as the output head of a language
 * model (Press and Wolf 2017; Keras 3's `ReversibleEmbedding`): the head has no weights, it reads the
 * embedding's in the same model.
 */

import type { DType } from "../../../runtime/dtype.ts";
import type { InitializerInput } from "../../../runtime/initializers/index.ts";
import { fail } from "../../diagnostics/index.ts";
import { constant, constantOf, type Shape } from "../../dims/index.ts";
import type { Value } from "../../ir/graph.ts";
import { either, finite, initializer, optional, required, whole } from "../arguments.ts";
import { Configured, type Layer, type LayerOps, type LayerOptions } from "../layer.ts";
import { printShape } from "../shapes.ts";
import { place } from "../weights.ts";

export interface EmbeddingOptions extends LayerOptions {
  /** Rows of the table: indices are 0 .. inputDim - 1. */
  readonly inputDim: number;
  /** Length of a vector. */
  readonly outputDim: number;
  /** Default "uniform" (-0.05 .. 0.05). */
  readonly embeddingsInitializer?: InitializerInput;
}

export interface OutputHeadOptions {
  readonly name?: string;
  /** Limits the logits to +-cap by cap tanh(x / cap); default: none. */
  readonly logitSoftCap?: number;
}

const fields = {
  inputDim: required(whole()),
  outputDim: required(whole()),
  embeddingsInitializer: either(initializer, { kind: "randomUniform", minval: -0.05, maxval: 0.05 }),
};

export class Embedding extends Configured<typeof fields> {
  #table: Value | undefined;

  constructor(options: EmbeddingOptions) {
    super("embedding", options, fields);
  }

  override get inputDtype(): DType {
    return "int32";
  }

  override outputRank(inputRank: number): number {
    return inputRank + 1;
  }

  override build(): void {
    const { inputDim, outputDim, embeddingsInitializer } = this.args;
    const options = { initializer: embeddingsInitializer };
    this.#table = this.addWeight("embeddings", [inputDim, outputDim], options);
  }

  override call(ops: LayerOps, indices: Value): Value {
    return ops.gather(this.#table!, ops.cast(indices, "int32"), 0);
  }

  /**
   * The output head x embeddings^T: [..., outputDim] to [..., inputDim]. It must come after the embedding in
   * a model.
   */
  asOutput(options: OutputHeadOptions = {}): Layer {
    return new OutputHead(this, options);
  }
}

const headFields = { logitSoftCap: optional(finite(0)) };

class OutputHead extends Configured<typeof headFields> {
  readonly #embedding: Embedding;

  constructor(embedding: Embedding, options: OutputHeadOptions) {
    super("embeddingOutput", options, headFields);
    this.#embedding = embedding;
  }

  override call(ops: LayerOps, x: Value): Value {
    const table = ops.scope.weightsOf(this.#embedding)?.get("embeddings");
    if (!table) return this.#orphan();
    this.#checkTie(ops.shape(x), ops.shape(table));
    const logits = ops.dotGeneral(x, table, { contract: [-1, 1] });
    const { logitSoftCap } = this.args;
    return logitSoftCap === undefined
      ? logits
      : ops.mul(ops.tanh(ops.div(logits, logitSoftCap)), logitSoftCap);
  }

  #checkTie(x: Shape, table: Shape): void {
    const given = constantOf(x.at(-1) ?? constant(0));
    const wanted = constantOf(table[1]!);
    if (given === undefined || given === wanted) return;
    fail({
      code: "E2110",
      message: `${this.path} gets ${given} features, but its embedding has vectors of ${wanted}`,
      facts: [
        { subject: `input of ${this.path}`, value: printShape(x), note: `the head is made${place(this.at)}` },
        {
          subject: "embeddings",
          value: printShape(table),
          note: `the embedding is made${place(this.#embedding.at)}`,
        },
      ],
      because: `the head multiplies x[.., k] by the transposed table [k, ${String(table[0])}]`,
      fix: `give it ${wanted} features, for example through a dense layer before it`,
      layer: this.path,
    });
  }

  #orphan(): never {
    return fail({
      code: "E2110",
      message: `${this.path} is tied to an embedding that does not come before it in this model`,
      facts: [{ subject: "embedding", value: "not applied", note: `made${place(this.#embedding.at)}` }],
      fix: "use the embedding in the same model, before its output head",
      layer: this.path,
    });
  }
}

/**
 * indices [...] int32 to [..., outputDim]. Weight embeddings [inputDim, outputDim]. Keras `Embedding`,
 * `ReversibleEmbedding`.
 */
export const embedding = (options: EmbeddingOptions): Embedding => new Embedding(options);
