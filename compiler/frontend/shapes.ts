/**
 * Shapes as a user writes them: numbers, `null` for a size the data decides, strings for named dims. A `null`
 * becomes a symbol named after its input and axis ("x.1"); axis 0, when null, is the batch, one symbol for
 * the whole model, because all inputs of one call have the same number of samples.
 */
import { CompileError, fail, type SourceLocation } from "../diagnostics/index.ts";
import {
  constant,
  constantOf,
  type Dim,
  isConstant,
  parse,
  parseShape,
  print,
  type Shape,
  symbol,
} from "../dims/index.ts";
import type { DimDeclaration } from "../infer/open.ts";
import { dimStem } from "../infer/relations.ts";
import { DeclaredDim } from "./dim.ts";

/** `null`: decided by the data. A string: a named dim or an expression of named dims, such as "2*time". */
export type ShapeLike = readonly (number | string | null | Dim | DeclaredDim)[];

const BATCH = "batch";

export function isShapeLike(given: unknown): given is ShapeLike {
  return Array.isArray(given) && given.every(isSizeLike);
}

function isSizeLike(given: unknown): boolean {
  if (given === null || typeof given === "string") return true;
  if (typeof given === "number") return Number.isSafeInteger(given) && given >= 0;
  return typeof given === "object" && ("terms" in given || given instanceof DeclaredDim);
}

/** "h, 2*w, 3" as a list. @throws CompileError E3001, with a caret under the place */
export function shapeOfText(text: string): ShapeLike {
  return parseShape(text).map((d) => constantOf(d) ?? print(d));
}

/** An input or output whose sizes are declared; `stem` is what the symbols of its open sizes begin with. */
export interface Declared {
  /** E.g. `input "x"`. */
  readonly title: string;
  readonly stem: string;
  readonly at: SourceLocation | undefined;
}

/** The whole shape. Throws E2108, or E3001 for a string that is no size. */
export function declaredShape(shape: ShapeLike, declared: Declared): Shape {
  return shape.map((size, axis) => declaredDim(size, axis, declared));
}

/** What the dims in a shape declare of themselves. */
export function declarationsIn(shape: ShapeLike): readonly DimDeclaration[] {
  return shape.flatMap((size) => (size instanceof DeclaredDim ? [size.declaration] : []));
}

/**
 * For each input what its open sizes are called after: its own name where a dim may have it ("x" of "x.1").
 * No two are the same, whatever the names are: two inputs must not come to share a size.
 */
export function dimStems(names: readonly string[]): readonly string[] {
  const taken = new Set(names);
  return names.map((name) => {
    const readable = dimStem(name).replace(/^(?=\p{N})/u, "_");
    if (readable === name) return name;
    let stem = readable;
    while (taken.has(stem)) stem += "_";
    taken.add(stem);
    return stem;
  });
}

/** The shape of an input given without its batch axis; one that begins with "batch" names it itself. */
export function withBatch(shape: ShapeLike): ShapeLike {
  return String(shape[0]) === BATCH ? shape : [BATCH, ...shape];
}

/** An input of which only the rank is known. */
export function openShape(rank: number): ShapeLike {
  return Array.from({ length: rank }, () => null);
}

function declaredDim(size: ShapeLike[number], axis: number, declared: Declared): Dim {
  if (size instanceof DeclaredDim) return size.dim;
  if (size === null) return symbol(axis === 0 ? BATCH : `${declared.stem}.${axis}`);
  if (typeof size === "number") return wholeSize(size, axis, declared);
  return typeof size === "string" ? namedSize(size, axis, declared) : size;
}

function wholeSize(size: number, axis: number, { title, at }: Declared): Dim {
  if (Number.isSafeInteger(size) && size >= 0) return constant(size);
  return fail({
    code: "E2108",
    message: `${title} has size ${size} at axis ${axis}; sizes are whole numbers >= 0`,
    fix: "write a whole number, null, or a name",
    ...(at && { at }),
  });
}

function namedSize(size: string, axis: number, { title, at }: Declared): Dim {
  try {
    return parse(size);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return fail({
      code: "E3001",
      message: `${title} has the size ${JSON.stringify(size)} at axis ${axis}, which is no name of a size`,
      because: error.diagnostics
        .flatMap(({ message, because = [] }) => [message, because])
        .flat()
        .join("\n"),
      fix: 'write a whole number, null, a name of letters, digits, _ and $, or a product such as "2*time"',
      ...(at && { at }),
    });
  }
}

/**
 * "[batch, 256]"; with `deferred`, whatever is not a number is a question mark, as in a parameter's shape.
 */
export function printShape(shape: Shape, options: { readonly deferred?: boolean } = {}): string {
  return `[${shape.map((d) => (options.deferred && !isConstant(d) ? "?" : String(d))).join(", ")}]`;
}
