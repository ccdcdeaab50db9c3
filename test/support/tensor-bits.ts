/** Tensors as text that tells every value apart, -0 from 0 too; all NaNs are one. */
import type { Scalar } from "../../runtime/dtype.ts";
import type { Tensor } from "../../runtime/tensor.ts";

export function bitsOf(tensors: ReadonlyMap<string, Tensor>): Record<string, string> {
  return Object.fromEntries([...tensors].map(([name, tensor]) => [name, bits(tensor)]));
}

function bits({ dtype, shape, data }: Tensor): string {
  return `${dtype}[${shape}] ${Array.from<Scalar, Scalar | string>(data, (x) => (Object.is(x, -0) ? "-0" : x)).join(" ")}`;
}
