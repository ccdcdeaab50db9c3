/**
 * `--dim`: what is said of one named dim, or a constraint on several. "batch=1" is a size, "batch=1..64" a
 * range, "seq=128,256,512" buckets; a text that compares is a constraint in the grammar of `shapecast/dims`,
 * the one of jax.export. What cannot be read is refused with a caret under the place.
 */
import { CompileError, fail } from "../diagnostics/index.ts";
import { pointer } from "../dims/text.ts";
import { type DimInput, readDimChoice } from "../infer/dim-choice.ts";
import { type Stated, stated } from "../infer/stated.ts";
import type { Options } from "./command-line.ts";

export interface GivenDims {
  readonly dims: Readonly<Record<string, DimInput>>;
  readonly constraints: readonly Stated[];
}

const examples = '--dim batch=1, --dim batch=1..64, --dim seq=128,256,512 or --dim "h % 32 == 0"';
const comparison = /[<>]|[=!]=|\sin\s*\{/;

/** Throws E1002 for what is neither, and for a name given twice. */
export function readDims(options: Options): GivenDims {
  const dims = new Map<string, DimInput>();
  const constraints: Stated[] = [];
  for (const text of options.get("dim") ?? []) {
    if (comparison.test(text)) {
      constraints.push(readConstraint(text));
      continue;
    }
    const [name, value] = readDim(text);
    if (dims.has(name)) twice(name, options.get("dim")!);
    dims.set(name, value);
  }
  return { dims: Object.fromEntries(dims), constraints };
}

function readConstraint(text: string): Stated {
  try {
    return stated(text, "--dim");
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    const [{ message, because }] = error.diagnostics as [(typeof error.diagnostics)[number]];
    return fail({
      code: "E1002",
      message: `--dim: ${message}`,
      ...(because && { because }),
      fix: `write it as in ${examples}`,
    });
  }
}

function readDim(text: string): readonly [name: string, value: DimInput] {
  const scanner = new Scanner(text);
  const name = scanner.take(/(?!_+(?![\p{L}\p{N}_.$]))[\p{L}_$][\p{L}\p{N}_.$]*/uy, "the name of a dim");
  scanner.take(/=/y, '"=" and its size');
  const first = scanner.size("a whole size");
  const value = scanner.accept("..")
    ? { min: first, max: scanner.size("the largest size (memory is planned for it)") }
    : listFrom(first, scanner);
  scanner.end(typeof value === "number" ? '"..", "," or the end' : "the end");
  const choice = readDimChoice(value);
  return typeof choice === "string" ? scanner.refuse(`it must be ${choice}`, text.length) : [name, value];
}

function listFrom(first: number, scanner: Scanner): DimInput {
  const sizes = [first];
  while (scanner.accept(",")) sizes.push(scanner.size("another size"));
  return sizes.length === 1 ? first : sizes;
}

/** Reads the words of one option from left to right, with any space between them. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  take(pattern: RegExp, what: string): string {
    this.#skipSpace();
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found === undefined) return this.#expected(what);
    this.#at += found.length;
    return found;
  }

  size(what: string): number {
    const size = Number(this.take(/\d+/y, what));
    return Number.isSafeInteger(size) ? size : this.refuse("sizes end at 2^53 - 1", this.#at - 1);
  }

  accept(word: string): boolean {
    this.#skipSpace();
    const found = this.#text.startsWith(word, this.#at);
    if (found) this.#at += word.length;
    return found;
  }

  end(what: string): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#expected(what);
  }

  refuse(why: string, at: number): never {
    return fail({
      code: "E1002",
      message: `--dim ${this.#text}: ${why}`,
      because: pointer(this.#text, at),
      fix: `write it as in ${examples}`,
    });
  }

  #expected(what: string): never {
    const found = this.#text.slice(this.#at).match(/^[\p{L}\p{N}_.$]+|^./u)?.[0];
    return this.refuse(`${what} expected ${found ? `before "${found}"` : "at the end"}`, this.#at);
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
  }
}

function twice(name: string, texts: readonly string[]): never {
  const both = texts.filter((text) => text.trimStart().startsWith(name));
  return fail({
    code: "E1002",
    message: `--dim gives "${name}" twice`,
    facts: both.map((text) => ({ subject: "--dim", value: text })),
    fix: "give each dim once; several sizes are a list, as in --dim seq=128,256",
  });
}
