/** Changes to maps that can be taken back: what a failed assertion leaves, what a decision interned. */
export class Journal {
  readonly #undo: (() => void)[] = [];

  /** Sets, or deletes for undefined. */
  put<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
    const old = map.get(key);
    this.#undo.push(() => (old === undefined ? map.delete(key) : map.set(key, old)));
    if (value === undefined) map.delete(key);
    else map.set(key, value);
  }

  /** From here on, rollBack() undoes. */
  begin(): void {
    this.#undo.length = 0;
  }

  rollBack(): void {
    while (this.#undo.length > 0) this.#undo.pop()!();
  }
}
