/**
 * Dims that a model declares itself: named, with bounds, and left open by whoever compiles it. A string in a
 * shape names a dim as well, but leaves it to the sample to say what it is.
 */
import { callSite, fail } from "../diagnostics/index.ts";
import { type Declaration, type Dim, symbol } from "../dims/index.ts";
import type { DimDeclaration } from "../infer/open.ts";
import { checkNames } from "./option-names.ts";

export interface DimOptions {
  /** The least size, default 1. */
  readonly min?: number;
  /** The largest size; a module with the dim left open needs one. */
  readonly max?: number;
  readonly multipleOf?: number;
}

/** A dim of an input's declared shape. */
export class DeclaredDim {
  readonly dim: Dim;
  readonly declaration: DimDeclaration;

  constructor(dim: Dim, declaration: DimDeclaration) {
    this.dim = dim;
    this.declaration = declaration;
  }

  toString(): string {
    return String(this.dim);
  }
}

/**
 * A dim that stays open: no sample binds it, only a size by name (`--dim seq=128`) does. The module is made
 * for all sizes from `min` to `max`.
 *
 * @example
 * const tokens = input({ shape: [dim("seq", { min: 1, max: 512 })], dtype: "int32" });
 *
 * @throws CompileError E3001 for a name that is none, E1002 for bounds that are not whole, or empty,
 * E1001 for options that it does not have.
 */
export function dim(name: string, options: DimOptions = {}): DeclaredDim {
  const at = callSite();
  if (!/^(?!_+$)[\p{L}_$][\p{L}\p{N}_.$]*$/u.test(name))
    fail({
      code: "E3001",
      message: `dim(${JSON.stringify(name)}) does not name a dim that stays open`,
      because: "a name is letters, digits, _ . and $, begins with no digit and is not _ alone",
      fix: 'name it for what it counts, as in dim("seq")',
      ...(at && { at }),
    });
  checkNames(`dim("${name}")`, options, ["min", "max", "multipleOf"], at);
  const { min = 1, max, multipleOf = 1 } = options;
  const whole = [min, max ?? min, multipleOf].every(Number.isSafeInteger);
  if (!whole || min < 0 || multipleOf < 1 || (max !== undefined && max < min))
    fail({
      code: "E1002",
      message: `dim("${name}") is given ${JSON.stringify(options)}, which are no bounds of a size`,
      because: "min, max and multipleOf are whole numbers, 0 <= min <= max and multipleOf >= 1",
      fix: `write it as in dim("${name}", { min: 1, max: 512 })`,
      ...(at && { at }),
    });
  const bounds: Declaration = { min, ...(max !== undefined && { max }), multipleOf };
  const clause = `${min} <= ${name}${max === undefined ? "" : ` <= ${max}`}${multipleOf === 1 ? "" : `, a multiple of ${multipleOf}`}`;
  const origin = { subject: `dim("${name}")`, clause, ...(at && { at }) };
  return new DeclaredDim(symbol(name), { name, ...bounds, origin });
}
