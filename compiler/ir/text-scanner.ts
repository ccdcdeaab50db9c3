/**
 * Reads a text token by token, remembering where it is: what a hand-written parser needs, and no more.
 * Blanks, line breaks and `//` comments between tokens are skipped. Every complaint is a CompileError E3001
 * with line and column.
 */
import { type Diagnostic, fail } from "../diagnostics/index.ts";

const NESTING = 64;

export class Scanner {
  readonly #text: string;
  readonly #file: string;
  #at = 0;
  #depth = 0;

  /** `file` is what messages call the text. */
  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  /** Takes `token` if it comes next. A word is only taken whole. */
  accept(token: string): boolean {
    this.#skip();
    if (!this.#text.startsWith(token, this.#at)) return false;
    const next = this.#text[this.#at + token.length] ?? "";
    if (/\w$/.test(token) && /[\w.$]/.test(next)) return false;
    this.#at += token.length;
    return true;
  }

  expect(token: string): void {
    if (!this.accept(token)) this.wrong(`"${token}"`);
  }

  /** The text that `pattern` (sticky) matches here. */
  match(pattern: RegExp, what: string): string {
    const found = this.tryMatch(pattern);
    return found ?? this.wrong(what);
  }

  tryMatch(pattern: RegExp): string | undefined {
    this.#skip();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  /** Everything up to, not including, the first of `ends` outside parentheses. */
  until(ends: string, what: string): string {
    this.#skip();
    let depth = 0;
    for (let i = this.#at; i < this.#text.length; i++) {
      const character = this.#text[i]!;
      if (depth === 0 && ends.includes(character)) {
        const found = this.#text.slice(this.#at, i);
        this.#at = i;
        return found;
      }
      if (character === "(") depth++;
      if (character === ")") depth--;
    }
    return this.wrong(what);
  }

  /** Items between `open` and `close`, separated by commas. */
  list<T>(open: string, close: string, item: () => T): T[] {
    this.expect(open);
    return this.nested(() => {
      const items: T[] = [];
      if (this.accept(close)) return items;
      do items.push(item());
      while (this.accept(","));
      this.expect(close);
      return items;
    });
  }

  /** Guards the stack: a text nested without end is refused, not a crash. */
  nested<T>(body: () => T): T {
    if (++this.#depth > NESTING) this.refuse(`nested more than ${NESTING} deep`, "write it flatter");
    const result = body();
    this.#depth--;
    return result;
  }

  /** Where the next token begins; a complaint may go back to it. */
  mark(): number {
    this.#skip();
    return this.#at;
  }

  atEnd(): boolean {
    this.#skip();
    return this.#at === this.#text.length;
  }

  wrong(expected: string): never {
    const found = /\S{1,20}/y;
    found.lastIndex = this.mark();
    const next = found.exec(this.#text)?.[0];
    const text = next === undefined ? "the end of the text" : JSON.stringify(next);
    return this.refuse(`expected ${expected}, but found ${text}`, "write the graph as printGraph does");
  }

  refuse(message: string, fix: string, mark = this.#at): never {
    const before = this.#text.slice(0, mark).split("\n");
    const at = { file: this.#file, line: before.length, column: before.at(-1)!.length + 1 };
    const diagnostic: Diagnostic = { code: "E3001", message, fix, at };
    return fail(diagnostic);
  }

  #skip(): void {
    const blank = /(?:\s|\/\/[^\n]*)*/y;
    blank.lastIndex = this.#at;
    this.#at += blank.exec(this.#text)?.[0].length ?? 0;
  }
}
