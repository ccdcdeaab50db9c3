/**
 * Binds a traced model: what its own inputs declare of dims joins what is said by whoever binds it. Compiling
 * says which dims stay open; a sample alone (`predict`, `bind`) gives every dim a size for that call, but a
 * parameter may not get its shape from a dim that the model declares open.
 */
import { CompileError, type SourceLocation } from "../diagnostics/index.ts";
import { type BoundModel, bind, type Sample } from "../infer/bind.ts";
import { noBindings, openParameters } from "../infer/open.ts";
import type { BindRequest } from "./parameters.ts";
import type { Traced } from "./plan.ts";

export function bindTraced(
  { graph, declared, trace }: Traced,
  sample: Sample,
  { constraints = [], dims: given, known = [] }: BindRequest,
  at: SourceLocation | undefined,
): BoundModel {
  const options = { constraints, known, ...(at && { at }) };
  if (declared.length === 0) return bind(graph, sample, { ...options, ...(given && { dims: given }) });
  const { sizes, open, declared: more } = given ?? noBindings;
  const fixed = new Set(sizes.map(({ name }) => name));
  const names = new Set(declared.map(({ name }) => name).filter((name) => !fixed.has(name)));
  const problems = openParameters(graph.parameters, (d) => trace.builder.store.resolve(d), names);
  if (problems.length > 0) throw new CompileError(problems);
  const dims = { sizes, declared: [...declared, ...more], open: given ? new Set([...open, ...names]) : open };
  return bind(graph, sample, { ...options, dims });
}
