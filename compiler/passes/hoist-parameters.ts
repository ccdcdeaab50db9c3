/**
 * Computes at compile time what follows from parameters alone, such as gamma / sqrt(variance + epsilon), and
 * stores the result as a constant. Exact, because the reference computes it. The parameters it is made of are
 * no longer shipped where nothing else reads them; so a model that ships its initialiser instead of numbers
 * must not run this pass.
 *
 * A value is stored only if it takes the place of parameters at least as large that nothing else reads, give
 * or take `slackBytes`: a tied weight must not be shipped twice. What is read in place, by another index
 * alone, saves no work and is left where it is.
 */
import type { Tensor } from "../../runtime/tensor.ts";
import type { Numerics } from "../ir/target.ts";
import { numbersOf } from "../ops/definition.ts";
import { bytesOf, Evaluation, type Producer } from "./evaluation.ts";
import type { ParameterTable } from "./parameters.ts";
import { type BoundGraph, type BoundNode, type BoundValue, rewriteGraph } from "./rewrite.ts";
import { consumersOf, knownValues } from "./uses.ts";

/** How much larger than what it replaces a value may be. */
const slackBytes = 4096;

/** Elements of work that one value may take; the largest kernels have some tens of millions. */
const workLimit = 1 << 27;

const moves = new Set(["reshape", "transpose", "broadcast", "slice", "reverse"]);

export function hoistParameters(
  graph: BoundGraph,
  parameters: ParameterTable,
  numerics: Numerics,
): BoundGraph {
  const producers = new Map(graph.nodes.flatMap((node) => node.results.map((r) => [r, node] as const)));
  const producer: Producer = (value) => producers.get(value);
  const chosen = new Choice(graph, producer).values();
  if (chosen.size === 0) return graph;
  const parameterValues = new Set(graph.parameters.map((parameter) => parameter.value));
  const leaf = (value: BoundValue): Tensor | undefined => {
    const data = parameterValues.has(value) ? parameters.get(value.name)?.data : undefined;
    const { dtype, shape } = value.type;
    if (data) return { dtype, shape: numbersOf(shape), data };
    const node = producer(value);
    return node?.op === "constant" ? (node.attributes["value"] as Tensor) : undefined;
  };
  const evaluation = new Evaluation(numerics, workLimit, leaf);
  return rewriteGraph(graph, (node) => {
    const [result] = node.results;
    const value = result && chosen.has(result) ? evaluation.tensorOf(result, producer) : undefined;
    return value && { ...node, op: "constant", operands: [], attributes: { value } };
  });
}

/** Which values to store. */
class Choice {
  readonly #graph: BoundGraph;
  readonly #producer: Producer;
  readonly #known: ReadonlySet<BoundValue>;
  readonly #parameters: ReadonlySet<BoundValue>;
  readonly #consumers: ReadonlyMap<BoundValue, readonly BoundNode[]>;
  readonly #outputs: ReadonlySet<BoundValue>;

  constructor(graph: BoundGraph, producer: Producer) {
    this.#graph = graph;
    this.#producer = producer;
    this.#known = knownValues(graph);
    this.#parameters = new Set(graph.parameters.map((parameter) => parameter.value));
    this.#consumers = consumersOf(graph);
    this.#outputs = new Set(graph.outputs.map((output) => output.value));
  }

  values(): ReadonlySet<BoundValue> {
    const claimed = new Set<BoundValue>();
    const chosen = new Set<BoundValue>();
    for (const value of this.#wanted()) {
      const leaves = this.#leavesOf(value);
      if (!leaves.some((leaf) => this.#parameters.has(leaf))) continue;
      const freed = leaves.filter((leaf) => !claimed.has(leaf) && this.#isOnlyKnownTo(leaf));
      const bytes = freed.reduce((sum, leaf) => sum + bytesOf(leaf.type), slackBytes);
      if (!(bytesOf(value.type) <= bytes)) continue;
      chosen.add(value);
      for (const leaf of freed) claimed.add(leaf);
    }
    return chosen;
  }

  /** Known values that are computed, and read by something that is not known. */
  #wanted(): ReadonlySet<BoundValue> {
    const wanted = new Set<BoundValue>();
    const visit = (value: BoundValue): void => {
      const node = this.#known.has(value) ? this.#producer(value) : undefined;
      if (!node || node.op === "constant" || wanted.has(value)) return;
      // A node of several results would become several constants: only what is made of them is stored.
      if (moves.has(node.op) || node.results.length > 1) node.operands.forEach(visit);
      else wanted.add(value);
    };
    for (const node of this.#graph.nodes)
      if (!this.#known.has(node.results[0]!)) node.operands.forEach(visit);
    for (const value of this.#outputs) visit(value);
    return wanted;
  }

  #leavesOf(value: BoundValue): readonly BoundValue[] {
    const seen = new Set([value]);
    for (const each of seen) for (const operand of this.#producer(each)?.operands ?? []) seen.add(operand);
    return [...seen].filter((each) => (this.#producer(each)?.operands.length ?? 0) === 0);
  }

  #isOnlyKnownTo(leaf: BoundValue): boolean {
    const consumers = this.#consumers.get(leaf) ?? [];
    return !this.#outputs.has(leaf) && consumers.every((node) => this.#known.has(node.results[0]!));
  }
}
