/** What adding a node of given operand types is refused with. */
import { CompileError, type Diagnostic } from "../../compiler/diagnostics/index.ts";
import { dim } from "../../compiler/dims/index.ts";
import { GraphBuilder } from "../../compiler/infer/builder.ts";
import type { Attributes } from "../../compiler/ir/graph.ts";
import type { DType } from "../../runtime/dtype.ts";

export type Spec = readonly [dtype: DType, ...shape: (number | string)[]];

/** The diagnostic that adding the node raises. */
export function refusal(op: string, specs: readonly Spec[], attributes: Attributes = {}): Diagnostic {
  const g = new GraphBuilder("bad");
  const operands = specs.map(([dtype, ...shape], i) =>
    g.input(`x${i}`, { dtype, shape: shape.map((d) => dim(d)) }),
  );
  try {
    g.within({ path: "layer" }, () => g.node(op, operands, attributes));
  } catch (error) {
    if (error instanceof CompileError) return error.diagnostics[0]!;
    throw error;
  }
  throw new Error(`${op} accepted it`);
}

export const summary = ({ code, message, layer }: Diagnostic) => [code, message, layer];
