/**
 * shapecast as a model file sees it that is run by a command: a layer that is refused is noted and takes part
 * as one that does nothing, so that the file runs on and its author reads what is wrong with all layers at
 * once. A program that builds a model itself has the line that throws; a command has only what it prints.
 */
import { CompileError, type Diagnostic } from "../diagnostics/index.ts";
import * as layers from "../frontend/layers/index.ts";
import * as shapecast from "../index.ts";

type Factory = (...given: readonly unknown[]) => unknown;

export class CollectedRefusals {
  readonly #diagnostics: Diagnostic[] = [];
  readonly #stand = new Set<unknown>();

  /** In place of the package. */
  get shapecast(): Readonly<Record<string, unknown>> {
    const members = Object.entries(shapecast).map(([name, member]) => [
      name,
      name in layers ? this.#collecting(member as Factory) : member,
    ]);
    return Object.fromEntries(members);
  }

  throwIfAny(): void {
    if (this.#diagnostics.length > 0) throw new CompileError(this.#diagnostics);
  }

  #collecting(factory: Factory): Factory {
    return (...given) => {
      // What wraps a refused layer would only be refused for what that layer is not.
      if (given.some((one) => this.#holdsRefused(one))) return this.#placeholder();
      try {
        return factory(...given);
      } catch (error) {
        if (!(error instanceof CompileError)) throw error;
        this.#diagnostics.push(...error.diagnostics);
        return this.#placeholder();
      }
    };
  }

  #holdsRefused(given: unknown): boolean {
    return (
      typeof given === "object" && given !== null && Object.values(given).some((one) => this.#stand.has(one))
    );
  }

  #placeholder(): unknown {
    const layer = layers.activation({ activation: "linear" });
    this.#stand.add(layer);
    return layer;
  }
}
