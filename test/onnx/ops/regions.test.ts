/** Regions of images, beside onnxruntime. */
import { describe, expect, test } from "vitest";
import { tensor } from "../../../runtime/tensor.ts";
import { expectAsOnnxRuntime, some } from "../../support/beside-onnxruntime.ts";
import { type NodeCase, runNode } from "../../support/run-onnx.ts";

const real = (value: number) => ({ kind: "float", value }) as const;
const word = (value: string) => ({ kind: "string", value: new TextEncoder().encode(value) }) as const;
const x = some(1, [2, 3, 9, 11]);
const images = tensor([0, 1, 1, 0, 1, 0], [6], "int64");
/** Inside, one element, over the edges, wholly outside, larger than the image, upside down. */
const corners = [
  [1.3, 0.2, 9.7, 7.9],
  [4, 4, 4, 4],
  [-3.5, -2.25, 5, 13.5],
  [30, 30, 40, 50],
  [-8, -9, 25, 31],
  [6, 7, 2, 1],
];
const rois = tensor(corners.flat(), [6, 4], "float32");
const outputs = ["y: float32"];

describe("RoiAlign", () => {
  const align = (attributes: NonNullable<NodeCase["attributes"]>, opset = 16): NodeCase => ({
    type: "RoiAlign",
    inputs: { x, rois, images },
    attributes: { output_height: 3, output_width: 2, ...attributes },
    outputs,
    opset,
  });

  test.each([0, 2])("averages as onnxruntime, with the sampling ratio %i", async (sampling_ratio) => {
    await expectAsOnnxRuntime(align({ sampling_ratio }));
    await expectAsOnnxRuntime(align({ sampling_ratio, spatial_scale: real(0.5) }));
    const mode = { coordinate_transformation_mode: word("output_half_pixel") };
    await expectAsOnnxRuntime(align({ sampling_ratio, ...mode }));
    await expectAsOnnxRuntime(align({ sampling_ratio }, 10));
  });

  test("refuses the largest of as many samples as a region needs", () => {
    expect(() => runNode(align({ mode: word("max") }))).toThrow(/the largest of as many samples/);
  });
});

describe("MaxRoiPool", () => {
  const pool = (attributes: NonNullable<NodeCase["attributes"]>): NodeCase => ({
    type: "MaxRoiPool",
    inputs: {
      x,
      rois: tensor(
        corners.flatMap((list, i) => [i % 2, ...list]),
        [6, 5],
        "float32",
      ),
    },
    attributes: { pooled_shape: [3, 2], ...attributes },
    outputs,
  });

  test("takes the largest elements as onnxruntime", async () => {
    await expectAsOnnxRuntime(pool({}));
    await expectAsOnnxRuntime(pool({ spatial_scale: real(0.5) }));
    await expectAsOnnxRuntime(pool({ pooled_shape: [1, 7] }));
  });

  test("refuses bins of other than two axes", () => {
    expect(() => runNode(pool({ pooled_shape: [2] }))).toThrow(/pooled_shape of 1 sizes/);
  });
});
