/** `predict` of a model that declares dims makes one program for all of their sizes. */
import { describe, expect, test } from "vitest";
import { executeCompiled } from "../../compiler/execute.ts";
import type { Executor } from "../../compiler/frontend/executor.ts";
import { conv1d, dense, dim, input, lstm, model } from "../../compiler/index.ts";

const noise = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * i));

function counted() {
  const opened: boolean[] = [];
  const count = (...[bound, weights]: Parameters<Executor>) => {
    const run = executeCompiled(bound, weights);
    opened.push(bound.open.dims.length > 0);
    return run;
  };
  return { opened, executor: Object.assign(count, { takesOpen: true }) };
}

function network(steps: ReturnType<typeof dim> | string, executor?: Executor) {
  const x = input({ shape: [steps, 4], name: "x" });
  const mixed = conv1d({ filters: 3, kernelSize: 3, padding: "same" }).apply(x);
  const last = lstm({ units: 3, returnSequences: true }).apply(mixed);
  return model({ inputs: x, outputs: dense({ units: 2 }).apply(last), ...(executor && { executor }) });
}

describe("predict with a declared dim", () => {
  test("makes one program for all sizes, whose numbers are those of each size alone", () => {
    const { opened, executor } = counted();
    const open = network(dim("steps", { max: 12 }), executor);
    const fixed = network("steps");
    for (const steps of [5, 12, 1, 7, 5]) {
      const x = noise(2 * steps * 4);
      const [found, expected] = [open, fixed].map((net) => net.predict(x, [2, steps, 4]));
      expect(found).toEqual(expected);
    }
    expect(opened).toEqual([true]);
  });

  test("makes another for another batch and for other weights", () => {
    const { opened, executor } = counted();
    const net = network(dim("steps", { max: 12 }), executor);
    net.predict(noise(20), [1, 5, 4]);
    net.predict(noise(24), [1, 6, 4]);
    net.predict(noise(40), [2, 5, 4]);
    expect(opened).toEqual([true, true]);
    net.initialize({ seed: 2 });
    const { data } = net.predict(noise(20), [1, 5, 4]);
    expect(opened).toHaveLength(3);
    const again = network("steps");
    again.initialize({ seed: 2 });
    expect(data).toEqual(again.predict(noise(20), [1, 5, 4]).data);
  });

  test("refuses a size that is out of bounds before it runs", () => {
    const net = network(dim("steps", { max: 12 }));
    expect(() => net.predict(noise(52), [1, 13, 4])).toThrow(/13.*steps <= 12/s);
  });

  test.each([
    ["has no max", dim("steps")],
    ["would take too much memory", dim("steps", { max: 1e7 })],
  ])("makes one for each size where the dim %s", (_, steps) => {
    const { opened, executor } = counted();
    const net = network(steps, executor);
    net.predict(noise(20), [1, 5, 4]);
    net.predict(noise(24), [1, 6, 4]);
    expect(opened).toEqual([false, false]);
  });

  test("makes one for each size where the executor takes no open dims", () => {
    const { opened, executor } = counted();
    const net = network(dim("steps", { max: 12 }), Object.assign(executor, { takesOpen: false }));
    net.predict(noise(20), [1, 5, 4]);
    net.predict(noise(24), [1, 6, 4]);
    expect(opened).toEqual([false, false]);
  });

  test("keeps the states of stateful layers", () => {
    const x = input({ shape: [dim("steps", { max: 12 }), 4], name: "x" });
    const net = model({ inputs: x, outputs: lstm({ units: 3, stateful: true }).apply(x) });
    const first = net.predict(noise(20), [1, 5, 4]).data;
    const second = net.predict(noise(20), [1, 5, 4]).data;
    expect(second).not.toEqual(first);
  });
});
