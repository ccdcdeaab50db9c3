/**
 * Random programs for tests of liveness and the arena: calls and repeats that never read what was not
 * written, with operands that stay live, states carried from step to step, stacked outputs written through a
 * moving window, temporaries of an iteration. Each kernel is real loop IR, so a program can be run in any
 * memory.
 */
import fc from "fast-check";
import { add, constant, mul, symbol } from "../../../compiler/dims/index.ts";
import type { Buffer, Expr, Kernel, Stmt } from "../../../compiler/ir/loop.ts";
import type { Step } from "../../../compiler/ir/program.ts";
import { binary, buffer, load, loop, number } from "../nests.ts";

/** Operands are chosen by number among the buffers that hold a value. */
export type Recipe =
  | { readonly kind: "map"; readonly operands: readonly number[]; readonly reversed: boolean }
  | { readonly kind: "resize"; readonly operand: number; readonly length: number }
  | {
      readonly kind: "repeat";
      readonly state: number;
      readonly times: number;
      readonly stack: boolean;
      readonly body: readonly Recipe[];
    };

export const recipes = (size = 12): fc.Arbitrary<readonly Recipe[]> =>
  fc.letrec<{ list: readonly Recipe[]; one: Recipe }>((tie) => ({
    list: fc.array(tie("one"), { minLength: 1, maxLength: size, depthIdentifier: "steps" }),
    one: fc.oneof(
      { maxDepth: 2, depthIdentifier: "steps" },
      fc.record({
        kind: fc.constant("map" as const),
        operands: fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 2 }),
        reversed: fc.boolean(),
      }),
      fc.record({
        kind: fc.constant("resize" as const),
        operand: fc.nat({ max: 50 }),
        length: fc.integer({ min: 1, max: 20 }),
      }),
      fc.record({
        kind: fc.constant("repeat" as const),
        state: fc.nat({ max: 50 }),
        times: fc.integer({ min: 1, max: 3 }),
        stack: fc.boolean(),
        body: tie("list"),
      }),
    ),
  })).list;

const at = symbol("i");
const kernel = (
  name: string,
  reads: readonly Buffer[],
  out: Buffer,
  body: readonly Stmt[],
  parameters: readonly string[] = [],
): Kernel => ({ name, reads, writes: [out], parameters, body, comment: "" });

/** out[i] = x[i] * 3 + y[i] + ..., the last operand backwards if `reversed`. */
export function mapStep(reads: readonly Buffer[], out: Buffer, reversed = false): Step {
  const index = (i: number) => (reversed && i === reads.length - 1 ? add(out.length - 1, mul(-1, at)) : at);
  const value = reads.reduce<Expr>(
    (sum, b, i) => binary("add", binary("mul", sum, number(3)), load(b, index(i))),
    number(1),
  );
  const body = [loop("i", out.length, true, [{ kind: "store", buffer: out, index: at, value }])];
  return { kind: "call", kernel: kernel("map", reads, out, body), buffers: [...reads, out], args: [] };
}

/** out[i] = x[0] + x[last] + 2. */
export function resizeStep(x: Buffer, out: Buffer): Step {
  const ends = binary("add", load(x, constant(0)), load(x, constant(x.length - 1)));
  const value = binary("add", ends, number(2));
  const body = [loop("i", out.length, true, [{ kind: "store", buffer: out, index: at, value }])];
  return { kind: "call", kernel: kernel("resize", [x], out, body), buffers: [x, out], args: [] };
}

/** The whole of `x` into the window of `out` that `axis` moves. */
export function windowStep(x: Buffer, out: Buffer, axis: string): Step {
  const index = add(mul(x.length, symbol(axis)), at);
  const body = [loop("i", x.length, true, [{ kind: "store", buffer: out, index, value: load(x, at) }])];
  return {
    kind: "call",
    kernel: kernel("window", [x], out, body, [axis]),
    buffers: [x, out],
    args: [symbol(axis)],
  };
}

class Builder {
  #count = 0;

  steps(list: readonly Recipe[], values: Buffer[], depth: number): Step[] {
    return list.flatMap((recipe) => this.#step(recipe, values, depth));
  }

  #step(recipe: Recipe, values: Buffer[], depth: number): Step[] {
    const pick = (n: number) => values[values.length - 1 - (n % values.length)]!;
    if (recipe.kind === "repeat") return this.#repeat(recipe, pick(recipe.state), values, depth);
    if (recipe.kind === "resize") {
      const out = this.fresh(recipe.length);
      const step = resizeStep(pick(recipe.operand), out);
      values.push(out);
      return [step];
    }
    const first = pick(recipe.operands[0]!);
    const same = values.filter((b) => b.length === first.length);
    const others = recipe.operands.slice(1).map((n) => same[n % same.length]!);
    const out = this.fresh(first.length);
    values.push(out);
    return [mapStep([...new Set([first, ...others])], out, recipe.reversed)];
  }

  #repeat(
    { times, stack, body }: Extract<Recipe, { kind: "repeat" }>,
    initial: Buffer,
    values: Buffer[],
    depth: number,
  ): Step[] {
    const state = this.fresh(initial.length);
    const axis = `step${depth}`;
    const inner = [...values, state];
    const steps = this.steps(body, inner, depth + 1);
    const last = inner.at(-1)!;
    const next = resizeStep(last, state);
    const stacked = stack ? [this.fresh(last.length * times)] : [];
    const windows = stacked.map((out) => windowStep(last, out, axis));
    values.push(state, ...stacked);
    return [
      mapStep([initial], state),
      { kind: "repeat", axis, extent: constant(times), body: [...steps, ...windows, next] },
    ];
  }

  fresh(length: number): Buffer {
    return buffer(`b${this.#count++}`, length, "arena");
  }
}

/** The program of a recipe; its last steps make an output of the newest values. */
export function stepsOf(list: readonly Recipe[]): readonly Step[] {
  const input = buffer("input", 6, "input");
  const builder = new Builder();
  const values = [builder.fresh(6), builder.fresh(9)];
  const start = values.map((b) => resizeStep(input, b));
  const steps = builder.steps(list, values, 0);
  const ends = values.slice(-3).map((b, i) => mapStep([b], buffer(`out${i}`, b.length, "output")));
  return [...start, ...steps, ...ends];
}
