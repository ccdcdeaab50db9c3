/** How one core op is exported: from the names of its operands to those of its results. */
import type { Node } from "../../../ir/graph.ts";
import type { OnnxDraft } from "./draft.ts";

export type ExportRow = (draft: OnnxDraft, node: Node, operands: readonly string[]) => readonly string[];
