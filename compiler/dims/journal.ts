/** Changes to maps that can be taken back: what a failed assertion leaves, what a decision interned. */
export class Journal {
  /** Table, key and old value of each change; what lies beyond the length is left from before. */
  readonly #entries: unknown[] = [];
  #length = 0;

  /** Sets, or deletes for undefined. */
  put<K, V>(table: Map<K, V>, key: K, value: V | undefined): void {
    this.#entries[this.#length++] = table;
    this.#entries[this.#length++] = key;
    this.#entries[this.#length++] = table.get(key);
    set(table, key, value);
  }

  /** From here on, rollBack() undoes. */
  begin(): void {
    this.#length = 0;
  }

  rollBack(): void {
    for (; this.#length > 0; this.#length -= 3) {
      const [table, key, old] = this.#entries.slice(this.#length - 3, this.#length);
      set(table as Map<unknown, unknown>, key, old);
    }
  }
}

function set<K, V>(table: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) table.delete(key);
  else table.set(key, value);
}
