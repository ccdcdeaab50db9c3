/** Declarations of typed arrays: fresh ones, and views of an ArrayBuffer. */
import type { Buffer } from "../../compiler/ir/loop.ts";
import { dtypes } from "../../runtime/dtype.ts";

/** The class of the array that holds a buffer. */
export function arrayClass({ dtype }: Pick<Buffer, "dtype">): string {
  return dtypes[dtype].array.name;
}

/** `const name = new Float32Array(length);`, or a view that starts at a byte offset of `memory`. */
export function declareArray(name: string, buffer: Buffer, memory?: string, start?: number | string): string {
  const place = memory === undefined ? "" : `${memory}, ${start}, `;
  return `const ${name} = new ${arrayClass(buffer)}(${place}${buffer.length});`;
}
