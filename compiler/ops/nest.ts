/** Loop nests that several kernels open: one parallel loop per extent, the body once per index. */
import type { Dim } from "../dims/index.ts";
import type { Block } from "../ir/op.ts";

/** Runs `body` at every index of `extents`, in row-major order. */
export function nestOver(
  block: Block,
  extents: readonly Dim[],
  options: { readonly parallel: boolean; readonly name?: string },
  body: (index: readonly Dim[]) => void,
): void {
  const open = (index: readonly Dim[]): void => {
    const extent = extents[index.length];
    if (extent === undefined) body(index);
    else block.for(options.name ?? "i", extent, options, (i) => open([...index, i]));
  };
  open([]);
}
