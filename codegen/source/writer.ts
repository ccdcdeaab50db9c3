/** Lines with indentation. A block is written by a function, so braces cannot be left open. */

const lineWidth = 110;

export class Writer {
  private readonly lines: string[] = [];
  private depth = 0;

  /** One line, or several separated by newlines; all get the current indentation. */
  line(text = ""): this {
    for (const part of text.split("\n")) this.lines.push(part === "" ? "" : "  ".repeat(this.depth) + part);
    return this;
  }

  /** `head {`, the indented body, `}` and `tail`. */
  block(head: string, body: () => void, tail = ""): this {
    return this.line(`${head} {`).indent(body).line(`}${tail}`);
  }

  indent(body: () => void): this {
    this.depth++;
    body();
    this.depth--;
    return this;
  }

  /** `head(items)tail` on one line if it fits, else one item a line. */
  list(head: string, items: readonly string[], tail: string): this {
    const flat = `${head}(${items.join(", ")})${tail}`;
    if (this.depth * 2 + flat.length <= lineWidth) return this.line(flat);
    this.line(`${head}(`);
    for (const item of items) this.line(`  ${item},`);
    return this.line(`)${tail}`);
  }

  toString(): string {
    return `${this.lines.join("\n")}\n`;
  }
}
