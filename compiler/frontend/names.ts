/**
 * Names of layers as Keras makes them: the class in snake case, numbered from the second one on (`dense`,
 * `dense_1`). Keras counts per process; here it is per model, because a parameter's path seeds its values and
 * must not depend on what else was built before. Names the user gave are kept, and never given to another
 * layer.
 */
import type { Diagnostic, SourceLocation } from "../diagnostics/index.ts";

export interface Named {
  readonly kind: string;
  readonly givenName: string | undefined;
  readonly at: SourceLocation | undefined;
}

/** "maxPooling2d" -> "max_pooling2d", "simpleRNN" -> "simple_rnn". */
export function snakeCase(kind: string): string {
  return kind.replace(/(?<=[a-z\d])[A-Z]+/g, (capitals) => `_${capitals}`).toLowerCase();
}

/** Gives each distinct thing a name that nothing else has. */
export class Names<T extends Named> {
  readonly #of = new Map<T, string>();
  readonly #taken = new Map<string, T | undefined>();
  readonly #counts = new Map<string, number>();
  readonly problems: Diagnostic[] = [];

  /** `things` in order; the same thing may come several times. `reserved` names go to none of them. */
  constructor(things: Iterable<T>, reserved: readonly string[] = []) {
    for (const name of reserved) this.#taken.set(name, undefined);
    const distinct = [...new Set(things)];
    for (const thing of distinct) if (thing.givenName !== undefined) this.#claim(thing, thing.givenName);
    for (const thing of distinct) if (thing.givenName === undefined) this.#automatic(thing);
  }

  of(thing: T): string {
    return this.#of.get(thing) ?? this.#late(thing);
  }

  #late(thing: T): string {
    if (thing.givenName !== undefined) this.#claim(thing, thing.givenName);
    else this.#automatic(thing);
    return this.#of.get(thing)!;
  }

  #claim(thing: T, name: string): void {
    if (this.#taken.has(name)) this.problems.push(duplicate(name, this.#taken.get(name), thing));
    this.#taken.set(name, thing);
    this.#of.set(thing, name);
  }

  #automatic(thing: T): void {
    const stem = snakeCase(thing.kind);
    let count = this.#counts.get(stem) ?? 0;
    const next = () => (count === 0 ? stem : `${stem}_${count}`);
    while (this.#taken.has(next())) count++;
    this.#taken.set(next(), thing);
    this.#of.set(thing, next());
    this.#counts.set(stem, count + 1);
  }
}

function duplicate(name: string, first: Named | undefined, second: Named): Diagnostic {
  const where = (thing: Named | undefined) =>
    thing?.at ? `at ${thing.at.file}:${thing.at.line}` : "in the same model";
  return {
    code: "E2005",
    message: `two layers are called "${name}", one ${first?.kind ?? "input"} and one ${second.kind}`,
    facts: [
      { subject: first?.kind ?? "input", value: name, note: where(first) },
      { subject: second.kind, value: name, note: where(second) },
    ],
    fix: `rename one of them, or leave its name out to have it numbered`,
    ...(second.at && { at: second.at }),
  };
}
