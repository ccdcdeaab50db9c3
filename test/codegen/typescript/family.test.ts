/** Modules of several programs, where the compiler alone does not get to. */
import { compile, dense, flatten, input, load, model } from "shapecast";
import { expect, test } from "vitest";
import { emitTypeScript } from "../../../codegen/typescript/index.ts";
import { symbol } from "../../../compiler/dims/index.ts";
import { checkEmitted } from "../../support/typecheck.ts";

const x = input({ batchShape: ["seq", "batch", 3], name: "x" });
const net = model({ inputs: x, outputs: { y: dense({ units: 2 }).apply(x) } });
const options = { format: "js", weights: "inline", header: [] } as const;

test("a size that no expression gives is looked up", () => {
  const { stages } = compile(net, { dims: { seq: 5, batch: [1, 4] } });
  const family = stages.family!;
  const outputs = family.outputs.map((port) => ({
    ...port,
    shape: [port.shape[0]!, symbol("y.1"), port.shape[2]!],
  }));
  const looked = { ...family, outputs, tables: [{ name: "y.1", sizes: [1, 4] }] };
  expect(checkEmitted(emitTypeScript(looked, { ...options, format: "ts" }).code)).toEqual([]);
  for (const batch of [1, 2, 4]) {
    const [found, expected] = [looked, family].map((one) => {
      const instance = load(emitTypeScript(one, options)).instantiate();
      const outputs = instance.run({ x: new Float32Array(5 * batch * 3).fill(batch) });
      return { outputs, shapes: (instance as unknown as { shapes: unknown }).shapes };
    });
    expect(found).toEqual(expected);
    expect(found!.shapes).toEqual({ y: [5, batch === 1 ? 1 : 4, 2] });
  }
});

test("names of dims and outputs may be those of the module's own things", () => {
  const odd = input({ batchShape: ["arena", "programs", 3], name: "shapes" });
  const net = model({ inputs: odd, outputs: { run: dense({ units: 2, name: "weights" }).apply(odd) } });
  const { code } = compile(net, { dims: { arena: [1, 2], programs: [3, 4] } });
  expect(checkEmitted(code)).toEqual([]);
});

test("inputs of every class are padded, with zeros of their own", () => {
  const ids = input({ batchShape: ["rows", "seq"], name: "ids", dtype: "int64" });
  const flags = input({ batchShape: ["rows", "seq"], name: "flags", dtype: "uint8" });
  const copy = (x: typeof ids, name: string) => flatten({ name }).apply(x);
  const net = model({ inputs: [ids, flags], outputs: { a: copy(ids, "a"), b: copy(flags, "b") } });
  const { code } = compile(net, { dims: { rows: 2, seq: [2, 4] } });
  expect(checkEmitted(code)).toEqual([]);
  const compiled = compile(net, { dims: { rows: 2, seq: [2, 4] }, format: "js" });
  const run = load(compiled).instantiate().run;
  const outputs = run({
    ids: BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n),
    flags: Uint8Array.of(1, 2, 3, 4, 5, 6),
  });
  expect(outputs["a"]).toEqual(BigInt64Array.of(1n, 2n, 3n, 0n, 4n, 5n, 6n, 0n));
  expect(outputs["b"]).toEqual(Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 0));
});
