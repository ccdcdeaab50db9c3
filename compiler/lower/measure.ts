/**
 * Sizes that a run finds in its data: the step that reads one, and what is compared there. The equations may
 * have left a size as the symbol it was made as, in a domain and in relations with other sizes; or they have
 * made it a number, or the size of something else. What the maker of the integer promises (0 .. most) is not
 * compared again.
 */
import { type Clause, type Dim, symbol, symbolsOf } from "../dims/index.ts";
import { chosenIn, largest, type OpenDims } from "../ir/open-dims.ts";
import type { Read } from "../ir/program.ts";

export class Sizes {
  readonly #open: OpenDims;
  readonly #fresh: (stem: string) => string;
  /** The names of those that are known where the next step stands. */
  readonly #known: Set<string>;

  constructor(open: OpenDims, fresh: (stem: string) => string) {
    this.#open = open;
    this.#fresh = fresh;
    this.#known = new Set(chosenIn(open).dims.map(({ name }) => name));
  }

  /** What to call the integer that is `size`, and what must hold of it. */
  read(size: Dim, most: Dim): Pick<Read, "symbol" | "guards"> {
    const dim = this.#open.dims.find(({ name, computed }) => computed && symbol(name) === size);
    if (!dim || this.#known.has(dim.name)) {
      const name = this.#fresh("size");
      return {
        symbol: name,
        guards: [{ kind: "relation", relation: "==", left: symbol(name), right: size }],
      };
    }
    const before = new Set(this.#known);
    this.#known.add(dim.name);
    const isPromised = dim.min <= 0 && dim.modulus === 1 && dim.max >= largest(most, this.#open);
    const domain: Clause = { kind: "domain", symbol: dim.name, ...dim };
    const settled = this.#open.relations.filter(({ relation, left, right }) => {
      const promised = relation === ">=" && left === most && right === size;
      const names = [...symbolsOf(left), ...symbolsOf(right)];
      return !promised && names.every((n) => this.#known.has(n)) && !names.every((n) => before.has(n));
    });
    return { symbol: dim.name, guards: [...(isPromised ? [] : [domain]), ...settled] };
  }
}
