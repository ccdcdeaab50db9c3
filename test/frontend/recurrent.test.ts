/**
 * Recurrent layers in models: states, directions, names. What they compute is held against Keras in
 * keras.test.ts.
 */
import { describe, expect, test } from "vitest";
import { bidirectional, gru, input, lstm, model, sequential } from "../../compiler/frontend/index.ts";
import type { Nested } from "../../runtime/tensor.ts";
import "./reference.ts";

const bound = (net: { describe(): readonly { readonly path: string; readonly bound: unknown }[] }) =>
  net.describe().map(({ path, bound }) => [path, bound]);

describe("recurrent models", () => {
  test("returnState gives the final states as further outputs", () => {
    const x = input({ shape: [null, 2] });
    const [y, h, c] = lstm({ units: 3, returnSequences: true, returnState: true }).apply(x);
    const net = model({ inputs: x, outputs: [y, h, c] });
    const [all, last] = net.predict([
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    expect(all?.shape).toEqual([1, 2, 3]);
    expect([...(last?.data ?? [])]).toEqual([...(all?.data.slice(3) ?? [])]);
  });

  test("a stateful layer goes on where the last call ended", () => {
    const whole = sequential([gru({ units: 3, returnSequences: true })]);
    const parts = sequential([gru({ units: 3, returnSequences: true, stateful: true })]);
    const x: Nested[] = [
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    ];
    const rows = x[0] as Nested[];
    const expected = whole.predict(x).data;
    const first = parts.predict([[rows[0]!]]).data;
    const rest = parts.predict([rows.slice(1)]).data;
    expect([...first, ...rest]).toEqual([...expected]);
    parts.resetStates();
    expect([...parts.predict([[rows[0]!]]).data]).toEqual([...first]);
  });

  test("a stateful layer's state is an input and an output of the graph", () => {
    const graph = sequential([lstm({ units: 3, stateful: true })]).graph();
    expect(graph.inputs.map(({ name }) => name)).toEqual(["x", "lstm.h", "lstm.c"]);
    expect(graph.outputs.map(({ name }) => name)).toEqual(["lstm", "lstm.h", "lstm.c"]);
  });

  test("bidirectional keeps its two layers under names of their own", () => {
    const net = sequential([bidirectional({ layer: lstm({ units: 2 }) })]);
    net.bind([1, 3, 4]);
    expect(net.weights.map(({ path }) => path)).toEqual([
      "bidirectional.forward_lstm.kernel",
      "bidirectional.forward_lstm.recurrent_kernel",
      "bidirectional.forward_lstm.bias",
      "bidirectional.backward_lstm.kernel",
      "bidirectional.backward_lstm.recurrent_kernel",
      "bidirectional.backward_lstm.bias",
    ]);
    expect(bound(net)).toEqual([["bidirectional", [[1, 4]]]]);
  });

  test("the forget gate of an LSTM begins open", () => {
    const net = sequential([lstm({ units: 2 })]);
    net.bind([1, 2, 3]);
    expect([...net.getWeights()[2]!.data]).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
  });
});
