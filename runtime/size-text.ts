/**
 * Sizes as the signature of a module speaks of them: a shape may say "2*time" or "floor((h + 1)/2)", a
 * constraint "h >= w". Both are read here, in the text form that signatures use, because the runtime stands
 * apart from the compiler. It refuses any other text.
 */

/** A size for each open dim. */
export type Sizes = Readonly<Record<string, number>>;

/** Whether a constraint of a signature is met: "h >= w", "a == b or b == 1". */
export const holds = (text: string, sizes: Sizes): boolean =>
  text.split(" or ").some((one) => holdsAlone(one, sizes));

function holdsAlone(text: string, sizes: Sizes): boolean {
  const [, left = "", relation = "", right = ""] = /^(.*?)(==|!=|>=|>)(.*)$/.exec(text) ?? [];
  const [a, b] = [sizeOf(left, sizes), sizeOf(right, sizes)];
  if (relation === "==") return a === b;
  if (relation === "!=") return a !== b;
  return relation === ">" ? a > b : a >= b;
}

/** The number a size is. Throws RangeError for a text that is none. */
export function sizeOf(text: string, sizes: Sizes): number {
  return new Reader(text, sizes).whole();
}

const token = /\s*(\d+|[\p{L}_$][\p{L}\p{N}_.$]*|[-+*%/(),])/uy;

class Reader {
  readonly #text: string;
  readonly #sizes: Sizes;
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string, sizes: Sizes) {
    this.#text = text;
    this.#sizes = sizes;
    this.#tokens =
      text
        .trim()
        .match(new RegExp(token.source, "gu"))
        ?.map((found) => found.trim()) ?? [];
  }

  whole(): number {
    const value = this.#sum();
    return this.#at === this.#tokens.length ? value : this.#refuse();
  }

  #take(...what: readonly string[]): string | undefined {
    const next = this.#tokens[this.#at];
    if (next === undefined || !what.includes(next)) return undefined;
    this.#at++;
    return next;
  }

  #sum(): number {
    let value = this.#product();
    for (let sign = this.#take("+", "-"); sign; sign = this.#take("+", "-"))
      value += sign === "+" ? this.#product() : -this.#product();
    return value;
  }

  #product(): number {
    let value = this.#factor();
    for (let by = this.#take("*", "%"); by; by = this.#take("*", "%")) {
      const right = this.#factor();
      value = by === "*" ? value * right : value - right * Math.floor(value / right);
    }
    return value;
  }

  #factor(): number {
    if (this.#take("-")) return -this.#factor();
    if (this.#take("(")) return this.#closed(this.#sum());
    const word = this.#tokens[this.#at++] ?? this.#refuse();
    if (/^\d/.test(word)) return Number(word);
    if (this.#take("(")) return this.#call(word);
    return Object.hasOwn(this.#sizes, word) ? this.#sizes[word]! : this.#refuse();
  }

  #call(name: string): number {
    const first = this.#sum();
    const separator = name === "floor" ? "/" : ",";
    if (!this.#take(separator)) return this.#refuse();
    const second = this.#closed(separator === "/" ? this.#factor() : this.#sum());
    if (name === "floor") return Math.floor(first / second);
    if (name === "max" || name === "min") return Math[name](first, second);
    return this.#refuse();
  }

  #closed(value: number): number {
    return this.#take(")") ? value : this.#refuse();
  }

  #refuse(): never {
    throw new RangeError(`"${this.#text}" is no size of ${Object.keys(this.#sizes).join(", ") || "numbers"}`);
  }
}
