/**
 * The traces of one model, made when they are first asked for: one per rank of its input. Sizes stay open in
 * them, with one exception. Where two sizes that the user left to the data (`null`) are merged, a trace takes
 * them to be equal; a sample in which one of them is 1 says they are not, and is traced with that size
 * stretched as numpy does. A named dim is never made a number by a sample: what is declared stays symbolic,
 * unless its name is said to be 1.
 *
 * The values of an input on which shapes depend are part of its trace. Which inputs those are turns out while
 * the layers run, so a trace remembers what it read of a sample, and serves every sample that answers the
 * same.
 */
import type { Tensor } from "../../runtime/tensor.ts";
import { CompileError } from "../diagnostics/index.ts";
import { kindOf, type Store, symbolsOf } from "../dims/index.ts";
import type { Sample } from "../infer/bind.ts";
import type { Traced, TraceOptions } from "./plan.ts";
import { dataIn, rankOf, shapeOfSample } from "./sample.ts";

/** The model, as far as tracing depends on it. */
export interface Traceable {
  trace(rank: number | undefined, options: TraceOptions): Traced;
  rankIsOpen(): boolean;
  lowestRank(): number;
}

/** [batch, depth, rows, cols, channels]. */
const HIGHEST_RANK_TRIED = 5;
/** Sets of values that are remembered. */
const KEPT = 8;

export class Traces {
  readonly #model: Traceable;
  readonly #known = new Map<string, readonly Traced[]>();

  constructor(model: Traceable) {
    this.#model = model;
  }

  clear(): void {
    this.#known.clear();
  }

  /**
   * For an input of this rank; without one, of the lowest that every layer accepts. `sample` gives the values
   * on which shapes depend.
   */
  of(asked: number | undefined, sample: Sample = {}): Traced {
    const rank = this.#model.rankIsOpen() ? asked : undefined;
    const key = String(rank);
    const known = this.#find(key, sample);
    if (known) return known;
    const byTrial = rank === undefined && this.#model.rankIsOpen();
    const traced = byTrial ? this.#byTrial(sample) : this.#model.trace(rank, { sample });
    this.#keep(key, traced);
    return byTrial ? this.#keep(String(traced.inputs[0]?.shape.length), traced) : traced;
  }

  /** `said`: dims that are said to be 1 by name, which declares them to be. */
  for(sample: Sample, said: ReadonlySet<string> = new Set(), rank = rankOf(sample)): Traced {
    const traced = this.of(rank, sample);
    const ones = stretched(traced, sample, said);
    if (ones.size === 0) return traced;
    const key = `${rank} ${[...ones].join(" ")}`;
    return this.#find(key, sample) ?? this.#keep(key, this.#model.trace(rank, { ones, sample }));
  }

  #find(key: string, sample: Sample): Traced | undefined {
    return this.#known.get(key)?.find((traced) => answersSame(traced, sample));
  }

  #keep(key: string, traced: Traced): Traced {
    this.#known.set(key, [traced, ...(this.#known.get(key) ?? [])].slice(0, KEPT));
    return traced;
  }

  /** If no rank is accepted, the errors are those of the lowest. */
  #byTrial(sample: Sample): Traced {
    const lowest = this.#model.lowestRank();
    let refused: unknown;
    for (let rank = lowest; rank <= Math.max(lowest, HIGHEST_RANK_TRIED); rank++) {
      try {
        return this.#model.trace(rank, { sample });
      } catch (error) {
        if (!(error instanceof CompileError)) throw error;
        refused ??= error;
        if (!error.diagnostics.some(({ code }) => code === "E2003" || code === "E2111")) break;
      }
    }
    throw refused;
  }
}

function answersSame({ reads }: Traced, sample: Sample): boolean {
  return [...reads].every(([name, value]) => sameTensor(value, dataIn(sample, name)));
}

function sameTensor(a: Tensor | undefined, b: Tensor | undefined): boolean {
  if (!a || !b) return a === b;
  const [x, y] = [a.data, b.data].map((data) => Array.from<unknown>(data));
  return x!.length === y!.length && x!.every((element, i) => Object.is(element, y![i]));
}

/**
 * The sizes that were taken to equal another one and are 1: those that the data decides in the sample, and
 * those of which it is said.
 */
function stretched(
  { trace, inputs }: Traced,
  sample: Sample,
  said: ReadonlySet<string>,
): ReadonlySet<string> {
  const ones = inputs.flatMap(({ name, shape, open }) => {
    const sizes = Object.hasOwn(sample, name) ? shapeOfSample(sample[name]!) : [];
    return open.flatMap((axis) => (sizes[axis] === 1 ? symbolsOf(shape[axis]!) : []));
  });
  return mergedAmong([...ones, ...said], trace.builder.store);
}

/** Those of the dims that were taken to equal another one: said to be 1, they are stretched instead. */
export function mergedAmong(names: readonly string[], store: Store): ReadonlySet<string> {
  if (names.length === 0) return new Set();
  const assumed = store.residuals().filter(({ alternative }) => alternative !== undefined);
  const merged = new Set(assumed.flatMap(({ constraint }) => constraint.symbols()));
  return new Set(names.filter((name) => merged.has(name) && kindOf(name) !== "flex"));
}
