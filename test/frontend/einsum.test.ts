/** `ops.einsum` against its definition: a sum over every letter that the result does not name. */
import { describe, expect, test } from "vitest";
import { input, Layer, type LayerOps, model } from "../../compiler/frontend/index.ts";
import type { Value } from "../../compiler/ir/graph.ts";
import { tensor } from "../../runtime/tensor.ts";
import { only } from "./reference.ts";

class Einsum extends Layer {
  readonly #equation: string;
  constructor(equation: string) {
    super("einsum", { name: "sum" });
    this.#equation = equation;
  }
  call(ops: LayerOps, ...values: Value[]): Value {
    return ops.einsum(this.#equation, ...values);
  }
}

const over = (equation: string, shapes: readonly (readonly (number | string)[])[]) => {
  const inputs = shapes.map((batchShape, i) => input({ batchShape, name: `x${i}` }));
  return model({ inputs, outputs: new Einsum(equation).apply(inputs) });
};

const filled = (shape: readonly number[], seed: number) =>
  tensor(
    Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => ((i * 7 + seed) % 11) - 5),
    shape,
  );

/** Every assignment of the letters, one by one. */
function definition(inputs: readonly string[], output: string, values: readonly ReturnType<typeof filled>[]) {
  const sizes = new Map<string, number>();
  inputs.forEach((text, i) => {
    [...text].forEach((letter, axis) => {
      sizes.set(letter, values[i]!.shape[axis]!);
    });
  });
  const letters = [...sizes.keys()];
  const at = (text: string, place: ReadonlyMap<string, number>) =>
    [...text].reduce((index, letter) => index * sizes.get(letter)! + place.get(letter)!, 0);
  const result = new Float32Array([...output].reduce((n, letter) => n * sizes.get(letter)!, 1));
  const total = letters.reduce((n, letter) => n * sizes.get(letter)!, 1);
  for (let k = 0; k < total; k++) {
    let rest = k;
    const place = new Map<string, number>();
    for (const letter of letters) {
      place.set(letter, rest % sizes.get(letter)!);
      rest = Math.floor(rest / sizes.get(letter)!);
    }
    const factors = inputs.map((text, i) => Number(values[i]!.data[at(text, place)]!));
    const to = at(output, place);
    result[to] = result[to]! + factors.reduce((a, b) => a * b, 1);
  }
  return result;
}

describe("einsum", () => {
  test.each([
    [
      "bhid,bhjd->bhij",
      [
        [2, 3, 4, 5],
        [2, 3, 6, 5],
      ],
    ],
    [
      "ik,kj->ij",
      [
        [2, 3],
        [3, 4],
      ],
    ],
    ["ij->ji", [[2, 3]]],
    ["ij->i", [[2, 3]]],
    ["i,j->ij", [[2], [3]]],
    [
      "ij,ij->ij",
      [
        [2, 3],
        [2, 3],
      ],
    ],
    [
      "ij,kj->ki",
      [
        [2, 3],
        [4, 3],
      ],
    ],
    ["ijk,l->il", [[2, 3, 4], [5]]],
    ["ii->i", [[3, 3]]],
    ["bii->b", [[2, 3, 3]]],
    [
      "ij,jk,kl->il",
      [
        [2, 3],
        [3, 4],
        [4, 5],
      ],
    ],
    [
      "ij,jk,jl->ikl",
      [
        [2, 3],
        [3, 4],
        [3, 5],
      ],
    ],
  ])("%s", (equation, shapes) => {
    const values = shapes.map(filled);
    const [inputs, output] = equation.split("->") as [string, string];
    const given = Object.fromEntries(values.map((value, i) => [`x${i}`, value]));
    const result = over(equation, shapes).predict(given);
    expect([...result.data]).toEqual([...definition(inputs.split(","), output, values)]);
  });

  test.each([
    [
      "...ij,...jk",
      [
        [2, 3, 4, 5],
        [2, 3, 5, 6],
      ],
      "2,3,4,6",
    ],
    ["...i->i...", [[2, 3, 4]], "4,2,3"],
    ["ba", [[2, 3]], "3,2"],
    [
      "ij, jk",
      [
        [2, 3],
        [3, 4],
      ],
      "2,4",
    ],
  ])("%s gives its axes in numpy's order", (equation, shapes, shape) => {
    expect(`${over(equation, shapes).graph().outputs[0]?.value.type.shape}`).toBe(shape);
  });

  test.each([
    ["ij,jk", [[2, 3]], "does not name the axes of 1 operands"],
    ["ijk", [[2, 3]], '"ijk" names 3 axes, but there are 2'],
    ["..ij", [[2, 3, 4, 5]], "are odd"],
    ["ij->ik", [[2, 3]], "k of the result is no axis of the operands"],
    ["ij->ii", [[2, 3]], "i of the result is no axis of the operands, or stands there twice"],
    ["i1", [[2, 3]], "does not name"],
  ])("%s is refused", (equation, shapes, why) => {
    const error = only(() => over(equation, shapes).summary());
    expect(error.code).toBe("E1002");
    expect(error.message).toContain(why);
  });
});
