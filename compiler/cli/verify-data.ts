/**
 * Test vectors that are stored beside a model, in the layout of ONNX's backend tests and model zoo:
 * `test_data_set_N/input_i.pb` and `output_i.pb`, each a TensorProto; the number is the place among the
 * inputs that have no default, or the outputs.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { Tensor } from "../../runtime/tensor.ts";
import { fail } from "../diagnostics/index.ts";
import { dtypeOfElement, elementTypeName } from "../frontend/onnx/element-types.ts";
import type { OnnxModel } from "../frontend/onnx/model.ts";
import { readTensorFile } from "../frontend/onnx/read-model.ts";
import { TensorStore } from "../frontend/onnx/tensor-store.ts";

export interface DataSet {
  /** `test_data_set_0`. */
  readonly name: string;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly outputs: ReadonlyMap<string, Tensor>;
}

/** The folders of vectors in `folder`, by number; `folder` may be one itself. */
export function dataFolders(folder: string): readonly string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  const entries = readdirSync(folder);
  if (entries.some((name) => /^output_\d+\.pb$/.test(name))) return [folder];
  return entries
    .filter((name) => /^test_data_set_\d+$/.test(name))
    .sort((a, b) => Number(a.slice(14)) - Number(b.slice(14)))
    .map((name) => join(folder, name));
}

/** Throws E1004 for vectors that do not fit the model, and what reading a tensor throws. */
export function readDataSet(folder: string, { graph }: OnnxModel): DataSet {
  const defaults = new Set([...graph.initializers, ...graph.sparseInitializers].map(({ name }) => name));
  const free = graph.inputs.filter(({ name }) => !defaults.has(name));
  const given = numbered(folder, "input");
  const slots = given.length > free.length ? graph.inputs : free;
  return {
    name: basename(folder),
    inputs: named(folder, "input", slots),
    outputs: named(folder, "output", graph.outputs),
  };
}

function named(
  folder: string,
  kind: "input" | "output",
  slots: readonly { readonly name: string }[],
): ReadonlyMap<string, Tensor> {
  return new Map(
    numbered(folder, kind).map((i) => {
      const file = join(folder, `${kind}_${i}.pb`);
      const slot = slots[i];
      if (slot) return [slot.name, readVector(file)] as const;
      return fail({
        code: "E1004",
        message: `${basename(folder)}/${basename(file)} belongs to no ${kind}: the model has ${slots.length}`,
        fix: "give the data that was stored with this model",
      });
    }),
  );
}

function numbered(folder: string, kind: string): readonly number[] {
  const pattern = new RegExp(`^${kind}_(\\d+)\\.pb$`);
  const found = readdirSync(folder).flatMap((name) => pattern.exec(name)?.[1] ?? []);
  return found.map(Number).sort((a, b) => a - b);
}

function readVector(file: string): Tensor {
  const tensor = readTensorFile(readFileSync(file), basename(file));
  if (dtypeOfElement(tensor.elementType) !== undefined) return new TensorStore(new Map()).of(tensor).tensor();
  return fail({
    code: "E4102",
    message: `${basename(file)} holds ${elementTypeName(tensor.elementType)}, which is not computed with`,
    fix: "verify with other data, or against a runtime",
  });
}
