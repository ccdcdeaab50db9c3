/**
 * Sorting in the memory of a result: a binary heap whose first element is the last in order among those it
 * holds (Williams 1964), into which elements come one by one, and from which they go to its end. Loop IR has
 * no `while`: a path through the heap is a loop over its levels that does nothing once a place is found.
 * Elements are pairs of a value and its position; of equal values the lower position comes first, so the
 * order is total and the sort stable.
 */
import { constant, constantOf, type Dim, sub } from "../dims/index.ts";
import type { Expr } from "../ir/loop.ts";
import type { Block, Destination, Local } from "../ir/op.ts";
import { calculated, not, outranks, test, whole } from "./expressions.ts";

export interface Pairs {
  readonly values: Destination;
  readonly positions: Destination;
  /** Index of element `i`. */
  readonly at: (i: Dim) => readonly Dim[];
  readonly count: Dim;
  readonly largest: boolean;
}

interface Pair {
  readonly value: Expr;
  readonly position: Expr;
}

/** The levels of any heap whose size is not known. */
const LEVELS = 31;

export class Heap {
  readonly #block: Block;
  readonly #pairs: Pairs;
  readonly #levels: Dim;

  constructor(block: Block, pairs: Pairs) {
    this.#block = block;
    this.#pairs = pairs;
    const count = constantOf(pairs.count);
    this.#levels = constant(count === undefined ? LEVELS : Math.ceil(Math.log2(Number(count) + 1)));
  }

  /** Element `n` of a list, of which the first `count` are taken, and others instead of what they precede. */
  offer(n: Dim, value: Expr, length: Dim): void {
    const { count } = this.#pairs;
    const pair = { value, position: whole(n) };
    if (length === count) {
      this.#rise(pair);
      return;
    }
    this.#block.if(test("lt", whole(n), whole(count)), () => this.#rise(pair));
    this.#block.if(test("ge", whole(n), whole(count)), () => {
      const first = this.#pair(this.#index(whole(constant(0))));
      this.#block.if(this.#isBehind(first, pair), () => this.#sink(pair, whole(count)));
    });
  }

  /** The elements in order. */
  sort(): void {
    const { count } = this.#pairs;
    this.#block.for("e", sub(count, 1), { parallel: false }, (e) => {
      const end = sub(sub(count, 1), e);
      const [last, first] = [this.#held(end), this.#pair(this.#index(whole(constant(0))))];
      this.#store(end, first);
      this.#sink(last, whole(end));
    });
  }

  /** Puts a pair at the end of a heap of as many as its position says. */
  #rise(pair: Pair): void {
    const block = this.#block;
    const place = block.local("place", "int32", pair.position);
    const going = block.local("going", "bool", test("gt", place.get(), whole(constant(0))));
    block.for("level", this.#levels, { parallel: false }, () => {
      block.if(going.get(), () => {
        const above = block.let("above", calculated("div", calculated("sub", place.get(), 1), 2));
        const held = this.#held(this.#index(above));
        going.set(this.#isBehind(pair, held));
        block.if(going.get(), () => {
          this.#move(held, place, above);
          going.set(test("gt", above, whole(constant(0))));
        });
      });
    });
    this.#store(this.#index(place.get()), pair);
  }

  /** Puts a pair in place of the first of a heap of `size`. */
  #sink(pair: Pair, size: Expr): void {
    const block = this.#block;
    const place = block.local("place", "int32", whole(constant(0)));
    const going = block.local("going", "bool", test("lt", whole(constant(1)), size));
    block.for("level", this.#levels, { parallel: false }, () => {
      block.if(going.get(), () => {
        const left = block.let("left", calculated("add", calculated("mul", place.get(), 2), 1));
        const right = block.let("right", calculated("add", left, 1));
        const below = block.local("below", "int32", left);
        block.if(test("lt", right, size), () => {
          const [a, b] = [this.#held(this.#index(left)), this.#held(this.#index(right))];
          block.if(this.#isBehind(b, a), () => below.set(right));
        });
        const held = this.#held(this.#index(below.get()));
        going.set(this.#isBehind(held, pair));
        block.if(going.get(), () => {
          this.#move(held, place, below.get());
          going.set(test("lt", calculated("add", calculated("mul", below.get(), 2), 1), size));
        });
      });
    });
    this.#store(this.#index(place.get()), pair);
  }

  /** Moves a pair to `place`, which becomes the place it comes from. */
  #move(held: Pair, place: Local, from: Expr): void {
    this.#store(this.#index(place.get()), held);
    place.set(from);
  }

  #isBehind(one: Pair, other: Pair): Expr {
    const { values, largest } = this.#pairs;
    const order = { dtype: values.dtype, nan: largest ? "first" : "last" } as const;
    const beats = (a: Expr, b: Expr) => outranks(largest ? "gt" : "lt", a, b, order);
    const later = test("gt", one.position, other.position);
    return test("or", beats(other.value, one.value), test("and", not(beats(one.value, other.value)), later));
  }

  #index(place: Expr): Dim {
    return this.#block.index(place, this.#pairs.count, { mode: "clamp", what: "place in a heap" });
  }

  #pair(i: Dim): Pair {
    const { values, positions, at } = this.#pairs;
    return { value: values.load(at(i)), position: positions.load(at(i)) };
  }

  /** The pair as it is now, whatever is stored later. */
  #held(i: Dim): Pair {
    const { value, position } = this.#pair(i);
    return { value: this.#block.let("held", value), position: this.#block.let("from", position) };
  }

  #store(i: Dim, { value, position }: Pair): void {
    const { values, positions, at } = this.#pairs;
    values.store(at(i), value);
    positions.store(at(i), position);
  }
}
