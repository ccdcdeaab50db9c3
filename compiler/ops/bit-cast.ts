/**
 * The same bits as another dtype of the same width (ONNX BitCast, numpy's `view`). A bool has the bits 0 and
 * 1, and any bits but 0 are true. Every NaN has the bits of the one that JavaScript writes (its quiet one
 * without a sign), for which bits a computed NaN has is not defined.
 */
import { type DType, dtypes, isDType, type TypedArray, widthOf } from "../../runtime/dtype.ts";
import { decode, type Elements, encode, numbersIn } from "../../runtime/elements.ts";
import { defineOp, typeText } from "./definition.ts";

export type BitCastAttributes = { readonly dtype: string };

export const bitCast = defineOp<BitCastAttributes>({
  name: "bitCast",
  operands: ["x"],
  attributes: { dtype: "string" },
  relate: (context, [x], { dtype }) => {
    if (!isDType(dtype))
      return context.fail("E2107", `bitCast to ${dtype}, which is no dtype`, {
        fix: `use one of ${Object.keys(dtypes).join(", ")}`,
      });
    const [from, to] = [widthOf(x!.dtype), widthOf(dtype)];
    if (from !== to)
      return context.fail("E2107", `bitCast of ${x!.dtype}, ${from} bits, to ${dtype}, ${to} bits`, {
        facts: [{ subject: "x", value: typeText(x!) }],
        fix: `use a dtype of ${from} bits`,
      });
    return [{ dtype, shape: x!.shape }];
  },
  evaluate: ([x], { dtype }, [result]) => {
    const to = dtype as DType;
    const seen = seenAs(withPlainNaN(encode(x!.dtype, x!.data)), to);
    return [{ dtype: to, shape: result!.shape, data: decode(to, seen) }];
  },
  lower: ([x], { dtype }) => ({
    kind: "map",
    elementwise: true,
    at: (index) => ({ kind: "bits", x: x!.at(index), dtype: dtype as DType }),
  }),
});

function withPlainNaN(stored: TypedArray): TypedArray {
  return stored instanceof Float32Array || stored instanceof Float64Array
    ? stored.map((x) => (Number.isNaN(x) ? Number.NaN : x))
    : stored;
}

/** The memory of an array as another one of the dtype, without the bits that an element does not have. */
function seenAs(stored: TypedArray, to: DType): TypedArray {
  const made = new dtypes[to].array(stored.length);
  new Uint8Array(made.buffer).set(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
  const elements: Elements = made;
  const [width, { kind }] = [widthOf(to), dtypes[to]];
  if (kind !== "bool" && width >= 8) return made;
  numbersIn(made).forEach((bits, i) => {
    elements[i] = kind === "bool" ? Number(bits !== 0) : bits & (2 ** width - 1);
  });
  return made;
}
