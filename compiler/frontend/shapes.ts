/**
 * Shapes as a user writes them: numbers, `null` for a size the data decides, strings for named dims. A `null`
 * becomes a symbol named after its input and axis ("x.1"); axis 0, when null, is the batch, one symbol for
 * the whole model, because all inputs of one call have the same number of samples.
 */
import { fail, type SourceLocation } from "../diagnostics/index.ts";
import { constant, type Dim, isConstant, parse, type Shape, symbol } from "../dims/index.ts";

/** `null`: decided by the data. A string: a named dim or an expression of named dims, such as "2*time". */
export type ShapeLike = readonly (number | string | null | Dim)[];

export const BATCH = "batch";

export function isShapeLike(given: unknown): given is ShapeLike {
  return Array.isArray(given) && given.every(isSizeLike);
}

function isSizeLike(given: unknown): boolean {
  if (given === null || typeof given === "string") return true;
  if (typeof given === "number") return Number.isSafeInteger(given) && given >= 0;
  return typeof given === "object" && "terms" in given;
}

/** The whole shape of an input. */
export function declaredShape(shape: ShapeLike, input: string, at?: SourceLocation): Shape {
  return shape.map((size, axis) => declaredDim(size, input, axis, at));
}

/** The shape of an input given without its batch axis; one that begins with "batch" names it itself. */
export function withBatch(shape: ShapeLike): ShapeLike {
  return shape[0] === BATCH ? shape : [BATCH, ...shape];
}

/** An input of which only the rank is known. */
export function openShape(rank: number): ShapeLike {
  return Array.from({ length: rank }, () => null);
}

function declaredDim(
  size: number | string | null | Dim,
  input: string,
  axis: number,
  at: SourceLocation | undefined,
): Dim {
  if (size === null) return symbol(axis === 0 ? BATCH : `${input}.${axis}`);
  if (typeof size === "number") return wholeSize(size, input, axis, at);
  return typeof size === "string" ? parse(size) : size;
}

function wholeSize(size: number, input: string, axis: number, at: SourceLocation | undefined): Dim {
  if (Number.isSafeInteger(size) && size >= 0) return constant(size);
  return fail({
    code: "E2108",
    message: `input "${input}" has size ${size} at axis ${axis}; sizes are whole numbers >= 0`,
    fix: "write a whole number, null, or a name",
    ...(at && { at }),
  });
}

/**
 * "[batch, 256]"; with `deferred`, whatever is not a number is a question mark, as in a parameter's shape.
 */
export function printShape(shape: Shape, options: { readonly deferred?: boolean } = {}): string {
  return `[${shape.map((d) => (options.deferred && !isConstant(d) ? "?" : String(d))).join(", ")}]`;
}
