/** Layers a user writes: their mistakes are explained as those of the package's own layers are. */
import { describe, expect, test } from "vitest";
import type { Shape } from "../../compiler/dims/index.ts";
import { dense, Layer, type LayerOps, sequential } from "../../compiler/frontend/index.ts";
import type { Value } from "../../compiler/ir/graph.ts";
import { only } from "./reference.ts";

/** The README's. */
class Positions extends Layer {
  #table: Value | undefined;

  constructor() {
    super("positions");
  }

  override build([, time, features]: Shape): void {
    this.#table = this.addWeight("table", [time!, features!], { initializer: "randomNormal" });
  }

  override call(ops: LayerOps, x: Value): Value {
    return ops.add(x, this.#table!);
  }
}

class Odd extends Layer {
  readonly #size: number;
  readonly #made: unknown;

  constructor(size: number, made?: unknown) {
    super("odd", { name: "mine" });
    this.#size = size;
    this.#made = made;
  }

  override build(): void {
    this.addWeight("w", [3, this.#size]);
  }

  override call(): Value {
    return this.#made as Value;
  }
}

describe("a layer of one's own", () => {
  test("may stand first: a summary assumes the lowest rank whose axes it reads", () => {
    const net = sequential([new Positions(), dense({ units: 3 })]);
    expect(net.summary()).toContain("positions  [batch, x.1, x.2]  table [?, ?]");
    net.bind([2, 5, 4]);
    expect(net.getWeights().map(({ shape }) => shape)).toEqual([[5, 4], [4, 3], [3]]);
  });

  test("that reads an axis its input does not have is told so", () => {
    const net = sequential([new Positions()]);
    expect(only(() => net.bind([2, 5]))).toMatchObject({
      code: "E2003",
      message:
        "positions.table has no size at axis 1: the input of positions has fewer axes than its build reads",
      at: { file: expect.stringMatching(/own-layers\.test\.ts$/) },
    });
  });

  test.each([2.5, -1, Number.NaN])("may not have a weight of size %s", (size) => {
    expect(only(() => sequential([new Odd(size)]).summary())).toMatchObject({
      code: "E2108",
      message: `mine.w has size ${size} at axis 1; sizes are whole numbers >= 0`,
    });
  });

  test.each([
    [undefined, "a thing of type undefined"],
    [null, "null"],
    [3, "a thing of type number"],
    [[null], "null"],
  ])("may not return %s", (made, shown) => {
    expect(only(() => sequential([new Odd(1, made)]).summary())).toMatchObject({
      code: "E1002",
      message: `the call of mine returned ${shown}, not a value`,
    });
  });
});
