/**
 * Identifiers. A model's names are data; what stands bare in code is made here: reduced to ASCII camelCase,
 * never a reserved word or a global the generated code relies on, and different from every other name visible
 * where it is used. Scopes nest: a name taken outside is taken inside, so nothing is ever shadowed.
 */

const keywords = `
  arguments async await break case catch class const continue debugger default delete do else enum eval export
  extends false finally for function get if implements import in instanceof interface let new null of package
  private protected public return set static super switch this throw true try type typeof undefined var void
  while with yield any bigint boolean never number object string symbol unknown`;

const globals = `
  Array ArrayBuffer BigInt BigInt64Array BigUint64Array DataView Error Float32Array Float64Array Infinity Int8Array Int16Array Int32Array Math NaN Number
  Object RangeError SharedArrayBuffer String TypeError Uint8Array Uint16Array Uint32Array WebAssembly atob
  globalThis constructor hasOwnProperty toString valueOf prototype`;

const reserved = new Set(`${keywords} ${globals}`.trim().split(/\s+/));

/**
 * The identifier closest to `text`: `dense_1/kernel:0` gives `dense_1Kernel0`. `fallback` when nothing is
 * left.
 */
export function identifier(text: string, fallback = "value"): string {
  const parts = text.split(/[^A-Za-z0-9_]+/).filter((part) => part !== "");
  const joined = parts.map((part, i) => (i === 0 ? part : part[0]!.toUpperCase() + part.slice(1))).join("");
  const trimmed = joined.replace(/^_+/, "");
  if (trimmed === "") return fallback;
  const name = /^\d/.test(trimmed) ? `${fallback}${trimmed}` : trimmed;
  return reserved.has(name) ? `${name}_` : name;
}

export class Scope {
  private readonly taken: Set<string>;
  private readonly parent: Scope | undefined;

  constructor(taken: Iterable<string> = [], parent?: Scope) {
    this.taken = new Set(taken);
    this.parent = parent;
  }

  /**
   * A scope inside this one. Make it after the outer names are settled: later outer names do not look inside.
   */
  inner(): Scope {
    return new Scope([], this);
  }

  has(name: string): boolean {
    return this.taken.has(name) || (this.parent?.has(name) ?? false);
  }

  /** Takes an identifier made of `text`, numbered from 2 when it is taken. */
  take(text: string, fallback?: string): string {
    const base = identifier(text, fallback);
    const separator = /\d$/.test(base) ? "_" : "";
    let name = base;
    for (let n = 2; this.has(name); n++) name = `${base}${separator}${n}`;
    this.taken.add(name);
    return name;
  }

  /** Takes `text0`, `text1`, ...: the first that is free. */
  takeNumbered(text: string): string {
    let n = 0;
    while (this.has(`${text}${n}`)) n++;
    this.taken.add(`${text}${n}`);
    return `${text}${n}`;
  }
}
