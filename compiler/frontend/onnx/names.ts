/**
 * Names of a file made usable here. A file names its dims as it likes ("unk__42", "batch size", "2*seq"); the
 * symbols that stand for them need names that can be parsed, so anything else is rewritten, and no two names
 * become one. Nodes without a name are called after their operator.
 */
import { constant, type Dim, parse, type Shape, symbol, symbolsOf } from "../../dims/index.ts";
import { dimStem } from "../../infer/relations.ts";
import type { OnnxDim, OnnxNode } from "./model.ts";

export class DimNames {
  readonly #symbols = new Map<string, string>();
  readonly #taken: Set<string>;
  readonly #counts = new Map<string, number>();

  /** `names` are all the names of dims in the file: those that can stay as they are do. */
  constructor(names: readonly string[]) {
    const fine = names.filter(isSymbol);
    this.#taken = new Set(fine);
    for (const name of fine) this.#symbols.set(name, name);
  }

  /** The symbols of a declared shape; sizes without a name are called after `owner` and their axis. */
  shape(dims: readonly OnnxDim[], owner: string): Shape {
    return dims.map((d, axis) => this.#dim(d, `${dimStem(owner).replace(/^(?=\p{N})/u, "_")}.${axis}`));
  }

  #dim(d: OnnxDim, fallback: string): Dim {
    if (typeof d === "bigint" && d >= 0n) return constant(Number(d));
    // Some exporters write -1 for a size they do not know.
    return symbol(typeof d === "string" ? this.#named(d) : this.#fresh(fallback));
  }

  #named(name: string): string {
    let known = this.#symbols.get(name);
    if (known === undefined) {
      known = this.#fresh(dimStem(name).replace(/^(?=\p{N})/u, "_"));
      this.#symbols.set(name, known);
    }
    return known;
  }

  #fresh(stem: string): string {
    const readable = isSymbol(stem) ? stem : `dim_${stem}`;
    const base = isSymbol(readable) ? readable : "dim";
    let [name, i] = [base, this.#counts.get(base) ?? 1];
    for (; this.#taken.has(name); i++) name = `${base}_${i}`;
    this.#counts.set(base, i);
    this.#taken.add(name);
    return name;
  }
}

/** Whether text is one symbol to the parser, and one that the user chooses. */
function isSymbol(name: string): boolean {
  if (name.length > 200 || !/^[\p{L}_]/u.test(name) || dimStem(name) !== name) return false;
  try {
    const [only, ...more] = symbolsOf(parse(name));
    return only === name && more.length === 0;
  } catch {
    return false;
  }
}

/** A path for each node of a graph: its own name, else its operator and number. */
export function nodePaths(nodes: readonly OnnxNode[]): ReadonlyMap<OnnxNode, string> {
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  const paths = new Map<OnnxNode, string>();
  for (const node of nodes) {
    const stem = node.name || node.opType;
    let count = counts.get(stem) ?? 0;
    let path = count === 0 ? stem : `${stem}_${count}`;
    while (taken.has(path)) path = `${stem}_${++count}`;
    counts.set(stem, count + 1);
    taken.add(path);
    paths.set(node, path);
  }
  return paths;
}
