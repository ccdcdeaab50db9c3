import { describe, expect, test } from "vitest";
import { padOnce } from "../../compiler/passes/pad-once.ts";
import { linesOf, parseBound } from "../support/graph-text.ts";

const conv = (kernel: string, x: string, attributes: string, y: string) =>
  parseBound(`graph g(%x: float32[${x}], %k: float32[${kernel}]) {
  %y: float32[${y}] = conv(%x, %k) {${attributes}}
  return y=%y
}`);
const attributes = (padding: string, dilation = 1, layout = "channelsLast") =>
  `strides=[<1>, <1>], padding=${padding}, dilations=[<1>, <1>], inputDilations=[<${dilation}>, <1>], ` +
  `groups=<1>, layout="${layout}"`;
const around = "[[<1>, <1>], [<0>, <2>]]";

describe("padding", () => {
  test("of a convolution becomes a padded input", () => {
    const graph = conv("3, 3, 2, 5", "1, 6, 7, 2", attributes(around), "1, 6, 7, 5");
    expect(linesOf(padOnce(graph))).toMatchInlineSnapshot(`
      "%pad: float32[1, 8, 9, 2] = pad(%x) {low=[<0>, <1>, <0>, <0>], high=[<0>, <1>, <2>, <0>], value=0}
      %y: float32[1, 6, 7, 5] = conv(%pad, %k) {strides=[<1>, <1>], padding=[[<0>, <0>], [<0>, <0>]], dilations=[<1>, <1>], inputDilations=[<1>, <1>], groups=<1>, layout="channelsLast"}
      return y=%y"
    `);
  });

  test("of a convolution with the channels first is put on the axes behind them", () => {
    const graph = conv("3, 3, 2, 5", "1, 2, 6, 7", attributes(around, 1, "channelsFirst"), "1, 5, 6, 7");
    expect(linesOf(padOnce(graph))).toContain(
      "pad(%x) {low=[<0>, <0>, <1>, <0>], high=[<0>, <0>, <1>, <2>], value=0}",
    );
  });

  test("of an axis with input dilation stays", () => {
    const graph = conv("3, 3, 2, 5", "1, 6, 7, 2", attributes(around, 2), "1, 11, 7, 5");
    const lines = linesOf(padOnce(graph));
    expect(lines).toContain("pad(%x) {low=[<0>, <0>, <0>, <0>], high=[<0>, <0>, <2>, <0>], value=0}");
    expect(lines).toContain("padding=[[<1>, <1>], [<0>, <0>]]");
  });

  test("of a window stays that has one element, or needs none, or crops", () => {
    for (const graph of [
      conv("1, 1, 2, 5", "1, 6, 7, 2", attributes(around), "1, 8, 9, 5"),
      conv("3, 3, 2, 5", "1, 6, 7, 2", attributes("[[<0>, <0>], [<0>, <0>]]"), "1, 4, 5, 5"),
      conv("3, 3, 2, 5", "1, 6, 7, 2", attributes("[[<-1>, <1>], [<0>, <0>]]"), "1, 4, 5, 5"),
    ])
      expect(padOnce(graph)).toBe(graph);
  });

  test("of pooling is the identity of what it combines", () => {
    const pool = (dtype: string, combine: string) =>
      parseBound(`graph g(%x: ${dtype}[5]) {
  %y: ${dtype}[3] = windowReduce(%x) {window=[<3>], strides=[<2>], padding=[[<1>, <1>]], dilations=[<1>], combine="${combine}"}
  return y=%y
}`);
    const padded = (dtype: string, combine: string) =>
      /pad\(.*value=(\S+)\}/.exec(linesOf(padOnce(pool(dtype, combine))))?.[1];
    expect(padded("float32", "max")).toBe("-inf");
    expect(padded("float32", "min")).toBe("inf");
    expect(padded("float32", "add")).toBe("0");
    expect(padded("uint8", "max")).toBe("0");
    expect(padded("int8", "min")).toBe("127");
  });
});
