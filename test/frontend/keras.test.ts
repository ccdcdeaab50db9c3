/**
 * Layers against Keras itself: keras/cases.json holds what Keras 3 answers on its JAX backend for small
 * random inputs and weights, written by keras/generate.py. Every size above 1 is left open until the sample,
 * so this is also a test that every layer's weights can be deferred.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as layers from "../../compiler/frontend/index.ts";
import { input, type Layer, model } from "../../compiler/frontend/index.ts";
import type { DType } from "../../runtime/dtype.ts";
import { type Tensor, tensor } from "../../runtime/tensor.ts";
import "./reference.ts";

interface Stored {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Case {
  readonly layer: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly inputs: readonly Stored[];
  readonly weights: readonly Stored[];
  readonly outputs: readonly Stored[];
}

const { cases } = JSON.parse(readFileSync(new URL("keras/cases.json", import.meta.url), "utf8")) as {
  readonly cases: readonly Case[];
};

const restored = ({ data, shape, dtype }: Stored): Tensor => tensor(data, shape, dtype);

function made(name: string, options: Case["options"]): Layer<unknown> {
  const factory = (layers as unknown as Record<string, (given: object) => Layer<unknown>>)[name];
  if (!factory) throw new Error(`no layer ${name}`);
  const inner = options["layer"] as { readonly layer: string; readonly options: Case["options"] } | undefined;
  return factory(inner ? { ...options, layer: made(inner.layer, inner.options) } : options);
}

const short = (options: object) => JSON.stringify(options).replaceAll('"', "");

describe("a layer answers what Keras answers", () => {
  test.each(cases.map((one) => [one.layer, short(one.options), one.inputs, one] as const))(
    "%s %s",
    (name, _, __, { options, inputs, weights, outputs }) => {
      const symbols = inputs.map((one, i) =>
        input({ batchShape: one.shape.map((n) => (n === 1 ? 1 : null)), dtype: one.dtype, name: `x${i}` }),
      );
      const applied = made(name, options).apply(symbols);
      const net = model({
        inputs: symbols,
        outputs: (Array.isArray(applied) ? applied : [applied]) as never,
      });
      const sample = Object.fromEntries(inputs.map((one, i) => [`x${i}`, restored(one)]));
      net.bind(sample);
      expect(net.getWeights().map(({ shape }) => shape)).toEqual(weights.map(({ shape }) => shape));
      net.setWeights(weights.map(restored));
      const answers = net.predict(sample) as readonly Tensor[];
      expect(answers.map(({ shape }) => shape)).toEqual(outputs.map(({ shape }) => shape));
      for (const [i, { data }] of outputs.entries())
        for (const [j, expected] of data.entries())
          expect(Number(answers[i]!.data[j]) - expected).toBeCloseTo(
            0,
            5 - Math.ceil(Math.log10(Math.abs(expected) + 1)),
          );
    },
  );
});
