/** Dims that are said to be 1 for the time being: what a network is looked at with, which binds nothing. */
export class Supposed {
  #ones: ReadonlySet<string> = new Set();

  get ones(): ReadonlySet<string> {
    return this.#ones;
  }

  /** What `body` gives while it is said of these. */
  readonly under = <T>(ones: ReadonlySet<string>, body: () => T): T => {
    const outer = this.#ones;
    this.#ones = ones;
    try {
      return body();
    } finally {
      this.#ones = outer;
    }
  };
}
