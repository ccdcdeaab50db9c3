/**
 * Compiling where named dims have several sizes each (buckets): the model is bound, optimised and lowered
 * once for each combination of sizes, and the programs become a family that shares weights and kernels. Each
 * goes through the stages that a module of its sizes alone would go through, so it computes the same bits.
 * Dims that are open are open in all of the programs.
 */
import { type BindOptions, bindModel, choicesOf, parametersOf } from "./bind-model.ts";
import { type LowerOptions, namedSymbols, optimise, requireProof, type Stage } from "./compile.ts";
import { CompileError, type Diagnostic, fail } from "./diagnostics/index.ts";
import {
  constant,
  constantOf,
  type Dim,
  decide,
  type Shape,
  substitute,
  symbol,
  symbolsOf,
} from "./dims/index.ts";
import type { Network } from "./frontend/index.ts";
import { rankOf } from "./frontend/sample.ts";
import type { BoundModel, Sample } from "./infer/bind.ts";
import type { DimInputs } from "./infer/dim-choice.ts";
import {
  type BucketDim,
  combinations,
  type Family,
  type FamilyPort,
  type Sizes,
  type TableDim,
} from "./ir/family.ts";
import type { BoundDim, Graph } from "./ir/graph.ts";
import { factsOf, type OpenDims, relationText, ruleText } from "./ir/open-dims.ts";
import { type Target, targets } from "./ir/target.ts";
import type { ParameterData } from "./lower/context.ts";
import { lowerFamily, type Specialisation } from "./lower/family.ts";

/** Each combination is a program of its own in the module. */
const mostPrograms = 64;

export interface BucketOptions extends BindOptions, Pick<LowerOptions, "onPass"> {
  readonly seed?: number;
  readonly target?: Target["name"];
  readonly onStage?: ((stage: "bind" | Stage) => void) | undefined;
}

export interface LoweredBuckets {
  readonly family: Family;
  /** The names of those that the user feeds. */
  readonly inputs: readonly string[];
  readonly graph: Graph;
  /** Under the largest sizes. */
  readonly bound: BoundModel;
  readonly optimised: Graph<BoundDim>;
}

/** The dims of which several sizes are given. */
export function bucketsIn(dims: DimInputs = {}): readonly BucketDim[] {
  return [...choicesOf(dims)].flatMap(([name, choice]) =>
    choice.kind === "values" ? [{ name, sizes: choice.values }] : [],
  );
}

/**
 * Throws E1002 for too many combinations, else what the sizes that do not fit are refused with, of all
 * combinations together.
 */
export function lowerBuckets(
  model: Network,
  options: BucketOptions,
  foldParameters: boolean,
): LoweredBuckets {
  const { onPass, onStage } = options;
  const dims = bucketsIn(options.dims);
  const sizes = combinations(dims);
  if (sizes.length > mostPrograms) refuseMany(dims, sizes.length);
  onStage?.("bind");
  const bindings = bindAll(model, options, sizes);
  refuseVarying(bindings);
  const open = commonOpen(bindings, dims);
  const { bound, sample } = bindings.at(-1)!;
  const parameters = held(parametersOf(model, bound, options.seed));
  const target = targets[options.target ?? "ts"];
  const last: { graph?: Graph<BoundDim> } = {};
  function* specialisations(): Generator<Specialisation> {
    for (const { bound } of bindings) {
      last.graph = optimise(bound, { parameters, target, foldParameters, onPass, onStage });
      onStage?.("lower");
      yield { graph: last.graph, symbols: namedSymbols(bound) };
    }
  }
  const lowered = lowerFamily(specialisations(), {
    target,
    parameters,
    prepack: foldParameters,
    open,
  });
  lowered.members.forEach(requireProof);
  const graph = model.graph(rankOf(sample), sample);
  const tables: TableDim[] = [];
  const ports = (name: "inputs" | "outputs") => portsOf(graph, name, bindings, sizes, tables);
  const family = { ...lowered, dims, inputs: ports("inputs"), outputs: ports("outputs"), tables };
  const inputs = model.plan(rankOf(sample)).inputs.map(({ name }) => name);
  return { family, inputs, graph, bound, optimised: last.graph! };
}

interface Binding {
  readonly bound: BoundModel;
  readonly sample: Sample;
}

function bindAll(model: Network, options: BucketOptions, combinations: readonly Sizes[]): readonly Binding[] {
  const problems = new Map<string, { readonly diagnostic: Diagnostic; readonly sizes: Sizes[] }>();
  const bindings = combinations.flatMap((sizes): Binding[] => {
    try {
      return [bindModel(model, options, sizes)];
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      for (const diagnostic of error.diagnostics) {
        const known = problems.get(diagnostic.message) ?? { diagnostic, sizes: [] };
        known.sizes.push(sizes);
        problems.set(diagnostic.message, known);
      }
      return [];
    }
  });
  const told = [...problems.values()].map(({ diagnostic, sizes }) =>
    // What is wrong with all of them is not about their sizes.
    sizes.length === combinations.length ? diagnostic : under(diagnostic, sizes[0]!),
  );
  if (told.length > 0) throw new CompileError(told);
  return bindings;
}

/** An input that says a size cannot say several. */
function refuseVarying(bindings: readonly Binding[]): void {
  const [first, ...others] = bindings.map(({ bound }) => bound.graph.guards);
  for (const [i, { input, elements }] of first!.entries()) {
    const other = others.find((guards) => guards[i]!.elements.some((one, at) => one !== elements[at]));
    if (other)
      fail({
        code: "E4001",
        message: `input "${input.name}" says sizes that the module would have several of`,
        facts: [first!, other].map((guards) => ({
          subject: input.name,
          value: `[${guards[i]!.elements.join(", ")}]`,
        })),
        fix: "give one size for the dims that its values are",
      });
  }
}

/** The refusal, with the sizes it is about. */
function under(diagnostic: Diagnostic, sizes: Sizes): Diagnostic {
  const facts = [...sizes].map(([name, size]) => ({
    subject: name,
    value: String(size),
    note: "one of its buckets",
  }));
  const names = [...sizes.keys()].join(" and ");
  const shared = `all sizes share the parameters: give one size for ${names} where a parameter is made for it`;
  // Between programs of one module there is nothing to be reset.
  const isOfParameter = diagnostic.fix.includes("net.reset()");
  return {
    ...diagnostic,
    facts: [...(diagnostic.facts ?? []), ...facts],
    ...(isOfParameter && { fix: shared }),
  };
}

/** Values that are made once and kept, since every program asks for them. */
function held(parameters: ReadonlyMap<string, ParameterData>): ReadonlyMap<string, ParameterData> {
  return new Map(
    [...parameters].map(([path, given]) => {
      let data: ParameterData["data"] | undefined;
      const { initializer, bytes } = given;
      // What has bytes of its own is held where these are.
      if (bytes) return [path, given];
      return [
        path,
        {
          ...(initializer && { initializer }),
          get data() {
            data ??= given.data;
            return data;
          },
        },
      ];
    }),
  );
}

/**
 * Ports with sizes in terms of the bucketed dims; all that these do not decide is a number. A size that the
 * symbolic graph does not tell in these terms gets a table.
 */
function portsOf(
  graph: Graph,
  list: "inputs" | "outputs",
  bindings: readonly Binding[],
  sizes: readonly Sizes[],
  tables: TableDim[],
): readonly FamilyPort[] {
  const values = (of: Graph) =>
    list === "inputs" ? of.inputs : of.outputs.map(({ name, value }) => ({ ...value, name }));
  return values(graph).map(({ name, type }, i) => {
    const actual = bindings.map(({ bound }) => values(bound.graph)[i]!.type.shape);
    const shape = type.shape.map((d, axis) => {
      const inBuckets = withoutOthers(d, sizes[0]!, bindings[0]!.bound);
      const found = actual.map((dims) => dims[axis]!);
      if (found.every((size, k) => isSame(at(inBuckets, sizes[k]!), size, bindings[k]!))) return inBuckets;
      if (list === "inputs") return refuseDecided(name, d, found);
      if (found.every((size) => size === found[0])) return found[0]!;
      const table = { name: `${name}.${axis}`, sizes: found.map((size) => sizeIn(size, name)) };
      tables.push(table);
      return symbol(table.name);
    });
    return { name, dtype: type.dtype, shape };
  });
}

function withoutOthers(d: Dim, buckets: Sizes, { symbols }: BoundModel): Dim {
  const others = [...symbols].filter(([name]) => !buckets.has(name));
  return substitute(d, new Map(others.map(([name, value]) => [name, constant(value)])));
}

const at = (d: Dim, sizes: Sizes): Dim =>
  substitute(d, new Map([...sizes].map(([name, size]) => [name, constant(size)])));

const isSame = (a: Dim, b: Dim, { bound }: Binding): boolean =>
  a === b || (bound.open.dims.length > 0 && decide("==", a, b, factsOf(bound.open)).kind === "always");

/** A dim of its own that the network makes another size for each bucket. */
function refuseDecided(input: string, d: Dim, found: Shape): never {
  return fail({
    code: "E4001",
    message: `${d} in input "${input}" is another size in each bucket: the network makes it ${found.join(", ")}`,
    fix: `give ${d} the name of the dim that has the buckets, or buckets of its own`,
  });
}

/** A list can hold numbers only. */
function sizeIn(d: Dim, output: string): number {
  return (
    constantOf(d) ??
    fail({
      code: "E4001",
      message: `a size of output "${output}" is ${d} in one bucket, and something else in others`,
      fix: `give one size for ${symbolsOf(d).join(" and ")}, or for the dim that has buckets`,
    })
  );
}

/** What the programs leave open: the same in all of them, for a run is checked before one is taken. */
function commonOpen(bindings: readonly Binding[], [first]: readonly BucketDim[]): OpenDims {
  const [open, ...others] = bindings.map(({ bound }) => bound.open) as [OpenDims, ...OpenDims[]];
  const rules = ({ dims, relations }: OpenDims) => [...dims.map(ruleText), ...relations.map(relationText)];
  const own = rules(open).join(" and ");
  const differing = others.map((each) => rules(each).join(" and ")).find((text) => text !== own);
  if (differing === undefined) return open;
  return fail({
    code: "E4001",
    message: `what ${open.dims.map(({ name }) => name).join(", ")} may be differs between the buckets of ${first!.name}`,
    facts: [own, differing].map((rule) => ({ subject: "must hold", value: rule })),
    fix: `give a range that all buckets of ${first!.name} allow, or one size`,
  });
}

function refuseMany(dims: readonly BucketDim[], count: number): never {
  return fail({
    code: "E1002",
    message: `${dims.map(({ name, sizes }) => `${sizes.length} sizes of ${name}`).join(" times ")} make ${count} programs, but a module holds at most ${mostPrograms}`,
    facts: dims.map(({ name, sizes }) => ({ subject: name, value: sizes.join(",") })),
    fix: "give fewer sizes, or a range for one of the dims, as in batch=1..64",
  });
}
