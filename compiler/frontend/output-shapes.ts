/**
 * What a user says of the shapes of a model's outputs. It is one more equation for inference: a `Dense` of
 * unknown units before an output of 10 has 10, rows that come back have to be as many as went in. A record
 * names the outputs; a bare shape is that of the only one. The batch axis may be left out, as in
 * `inputShape`.
 */
import { CompileError, fail, type SourceLocation } from "../diagnostics/index.ts";
import type { Shape } from "../dims/index.ts";
import type { Output, Value } from "../ir/graph.ts";
import { type Reader, shapeLike } from "./arguments.ts";
import type { Ops } from "./ops/composites.ts";
import { declaredShape, printShape, type ShapeLike } from "./shapes.ts";

/** `null` says nothing of an axis, a string is a named dim of the inputs or an expression of them. */
export type OutputShapes = ShapeLike | { readonly [output: string]: ShapeLike };

export const outputShapes: Reader<OutputShapes> = (given) => {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return shapeLike(given);
  return Object.fromEntries(Object.entries(given).map(([name, shape]) => [name, shapeLike(shape)]));
};

/**
 * The outputs with what is declared of them. Throws E1002 for a name no output has or a bare shape for
 * several, E2111 for another rank.
 */
export function withDeclared(
  outputs: readonly Output[],
  shapes: OutputShapes | undefined,
  at: SourceLocation | undefined,
): readonly Output[] {
  if (!shapes) return outputs;
  const byName = shapesByName(outputs, shapes, at);
  return outputs.map((output) => {
    const shape = byName.get(output.name);
    return shape ? { ...output, declared: declaredOf(output, shape, at) } : output;
  });
}

/** An output of a model inside another one: a reshape holds what is declared, for when sizes are bound. */
export function asDeclared(ops: Ops, output: Output): Value {
  ops.builder.declare(output);
  return output.declared ? ops.reshape(output.value, output.declared) : output.value;
}

function shapesByName(
  outputs: readonly Output[],
  shapes: OutputShapes,
  at: SourceLocation | undefined,
): ReadonlyMap<string, ShapeLike> {
  const names = outputs.map(({ name }) => name);
  const [only] = names;
  const bare = isBare(shapes);
  if (bare && only !== undefined && names.length === 1) return new Map([[only, shapes]]);
  const unknown = bare ? undefined : Object.keys(shapes).find((name) => !names.includes(name));
  if (!bare && unknown === undefined) return new Map(Object.entries(shapes));
  return fail({
    code: "E1002",
    message: bare
      ? `outputShape is one shape, but the model has ${names.length} outputs`
      : `outputShape names "${unknown}", but the outputs are ${names.map((name) => `"${name}"`).join(", ")}`,
    fix: `write { ${names.map((name) => `${JSON.stringify(name)}: [...]`).join(", ")} }`,
    ...(at && { at }),
  });
}

const isBare = (shapes: OutputShapes): shapes is ShapeLike => Array.isArray(shapes);

function declaredOf({ name, value }: Output, shape: ShapeLike, at: SourceLocation | undefined): Shape {
  const rank = value.type.shape.length;
  const whole = shape.length === rank - 1 ? [null, ...shape] : shape;
  if (whole.length !== rank) refuseRank(name, value, shape, at);
  const declared = { title: `output "${name}"`, stem: name, at };
  return whole.map((size, axis) =>
    size === null ? value.type.shape[axis]! : declaredShape([size], declared)[0]!,
  );
}

function refuseRank(
  name: string,
  { type: { shape } }: Value,
  declared: ShapeLike,
  at: SourceLocation | undefined,
): never {
  throw new CompileError([
    {
      code: "E2111",
      message: `output "${name}" has rank ${shape.length}, but its declared shape has ${declared.length} axes`,
      facts: [
        { subject: `output "${name}"`, value: printShape(shape), note: "what the layers give" },
        { subject: "outputShape", value: `[${declared.map((size) => size ?? "null").join(", ")}]` },
      ],
      fix: `declare ${shape.length} axes, or ${shape.length - 1} without the batch`,
      ...(at && { at }),
    },
  ]);
}
