/**
 * TfIdfVectorizer over numbers: counts how often each n-gram of a pool stands in a sequence, its tokens
 * adjacent or a fixed number of tokens apart. Every place is compared with every n-gram of the same length.
 */
import { constantOf } from "../../../dims/index.ts";
import type { Value } from "../../../ir/graph.ts";
import { floats, int, ints, required, texts, word } from "../attributes.ts";
import { type NodeContext, type Operator, operator, since } from "../operator.ts";
import { listOf } from "./constants.ts";
import { entries } from "./tables.ts";

interface VectorValues {
  readonly max_gram_length: number;
  readonly max_skip_count: number;
  readonly min_gram_length: number;
  readonly mode: "TF" | "IDF" | "TFIDF";
  readonly ngram_counts: readonly number[];
  readonly ngram_indexes: readonly number[];
  readonly pool_int64s: readonly number[] | undefined;
  readonly pool_strings: readonly string[] | undefined;
  readonly weights: readonly number[] | undefined;
}

/** The n-grams of one length, and the number of the first of them in the pool. */
interface Section {
  readonly length: number;
  readonly grams: readonly (readonly number[])[];
  readonly first: number;
}

/** `ngram_counts[n - 1]` is where the n-grams begin in the pool. */
function sectionsOf(pool: readonly number[], counts: readonly number[]): readonly Section[] {
  let first = 0;
  return counts.map((start, i) => {
    const tokens = pool.slice(start, counts[i + 1] ?? pool.length);
    const length = i + 1;
    const count = Math.floor(tokens.length / length);
    const grams = Array.from({ length: count }, (_, k) => tokens.slice(k * length, (k + 1) * length));
    first += count;
    return { length, grams, first: first - count };
  });
}

function vectorized(c: NodeContext, values: VectorValues): Value {
  const { ops } = c;
  if (values.pool_strings || !values.pool_int64s)
    return c.unsupported("its pool is of strings", "export the model with numbers for tokens");
  const given = c.value(0);
  const flat = ops.rank(given) === 1;
  const x = flat ? ops.expandDims(given, 0) : given;
  const [rows, length] = ops.shape(x);
  const tokens = constantOf(length!);
  if (tokens === undefined)
    return c.open("the length of its sequences is open", "give a sample with its size");
  const { min_gram_length: least, max_gram_length: most, ngram_indexes: indexes } = values;
  const sections = sectionsOf(values.pool_int64s, values.ngram_counts).filter(
    ({ length: n, grams }) => n >= least && n <= most && grams.length > 0,
  );
  const size = indexes.reduce((a, b) => Math.max(a, b), -1) + 1;
  const empty = ops.fill(0, [rows!, size], ops.constant(0));
  const counts = sections.reduce((sum, section) => {
    const found = countsOf(c, x, tokens, section, values.max_skip_count);
    if (!found) return sum;
    const at = section.grams.map((_, i) => indexes[section.first + i]!);
    const columns = ops.constant(listOf("int32", at, [at.length]));
    return ops.scatterElements(sum, ops.broadcast(columns, ops.shape(found), [1]), found, 1, "add");
  }, empty);
  const y = weighed(c, counts, values);
  return flat ? ops.reshape(y, [size]) : y;
}

/** [rows, n-grams]; undefined where no n-gram fits. Single tokens are never apart: they are counted once. */
function countsOf(c: NodeContext, x: Value, tokens: number, { length, grams }: Section, skips: number) {
  const distances = Array.from(
    { length: length === 1 ? 1 : entries(c, skips + 1, "the number of its distances") },
    (_, i) => i + 1,
  );
  const found = distances
    .filter((distance) => tokens - distance * (length - 1) > 0)
    .map((distance) => matches(c, x, tokens - distance * (length - 1), grams, distance));
  return found.length === 0 ? undefined : found.reduce((a, b) => c.ops.add(a, b));
}

function matches(
  { ops }: NodeContext,
  x: Value,
  places: number,
  grams: readonly (readonly number[])[],
  distance: number,
): Value {
  const { dtype } = x.type;
  const equal = grams[0]!.map((_, j) => {
    const here = ops.expandDims(ops.slice(x, 1, j * distance, places), 2);
    const wanted = listOf(
      dtype,
      grams.map((gram) => gram[j]!),
      [grams.length],
    );
    return ops.eq(here, ops.constant(wanted));
  });
  return ops.reduceSum(
    ops.cast(
      equal.reduce((a, b) => ops.and(a, b)),
      "float32",
    ),
    1,
  );
}

function weighed({ ops }: NodeContext, counts: Value, { mode, weights }: VectorValues): Value {
  if (mode === "TF") return counts;
  const found = mode === "IDF" ? ops.cast(ops.gt(counts, 0), "float32") : counts;
  if (!weights) return found;
  return ops.mul(found, ops.constant(listOf("float32", weights, [weights.length])));
}

export const ngrams: readonly Operator[] = [
  operator(
    "TfIdfVectorizer",
    since(
      9,
      {
        max_gram_length: required(int()),
        max_skip_count: required(int()),
        min_gram_length: required(int()),
        mode: word(["TF", "IDF", "TFIDF"], "TF"),
        ngram_counts: required(ints()),
        ngram_indexes: required(ints()),
        pool_int64s: ints(),
        pool_strings: texts(),
        weights: floats(),
      },
      vectorized,
    ),
  ),
];
