/** Quantised operators of com.microsoft, on random inputs, beside onnxruntime, which defines them. */
import { describe, test } from "vitest";
import { tensor } from "../../../runtime/tensor.ts";
import { expectAsOnnxRuntime, some } from "../../support/beside-onnxruntime.ts";
import type { NodeCase } from "../../support/run-onnx.ts";

const f = (seed: number, ...shape: readonly number[]) => some(seed, shape);
const scalar = (x: number) => tensor([x], [], "float32");
const bytes = (seed: number, ...shape: readonly number[]) => some(seed, shape, "uint8", 0, 256);
const zero = (x: number) => tensor([x], [], "uint8");
const ms = (name: string) => `com.microsoft::${name}`;
const real = (value: number) => ({ kind: "float", value }) as const;
const y = ["y: float32"];
const bytesOut = ["y: uint8"];
const domains = { "com.microsoft": 1 };

type Row = Omit<NodeCase, "outputs"> & { readonly outputs?: readonly string[] };
/** Two operands of bytes, each with its scale and zero point, then those of the result. */
const twoQuantised = {
  a: bytes(1, 2, 6),
  as: scalar(0.02),
  az: zero(120),
  b: bytes(2, 6),
  bs: scalar(0.03),
  bz: zero(100),
  cs: scalar(0.05),
  cz: zero(128),
};

const cases: Readonly<Record<string, Row>> = {
  MatMulNBits: {
    type: ms("MatMulNBits"),
    inputs: { a: f(1, 2, 20), b: bytes(2, 3, 2, 8), scales: f(3, 6), zeros: bytes(4, 3) },
    attributes: { K: 20, N: 3, bits: 4, block_size: 16 },
  },
  "MatMulNBits of bytes": {
    type: ms("MatMulNBits"),
    inputs: { a: f(1, 2, 32), b: bytes(2, 3, 2, 16), scales: f(3, 6), zeros: bytes(4, 6) },
    attributes: { K: 32, N: 3, bits: 8, block_size: 16 },
  },
  "MatMulNBits with a group index": {
    type: ms("MatMulNBits"),
    inputs: {
      a: f(1, 2, 32),
      b: bytes(2, 3, 2, 8),
      scales: f(3, 6),
      groups: tensor(
        [...Array(32).keys()].map((k) => (k * 7) % 2),
        [32],
        "int32",
      ),
    },
    operands: ["a", "b", "scales", "", "groups"],
    attributes: { K: 32, N: 3, bits: 4, block_size: 16 },
  },
  QLinearAdd: {
    type: ms("QLinearAdd"),
    inputs: twoQuantised,
    outputs: bytesOut,
  },
  QLinearMul: {
    type: ms("QLinearMul"),
    inputs: twoQuantised,
    outputs: bytesOut,
  },
  QLinearWhere: {
    type: ms("QLinearWhere"),
    inputs: {
      c: tensor([1, 0, 0, 1, 1, 0], [2, 3], "bool"),
      a: bytes(1, 2, 3),
      as: scalar(0.02),
      az: zero(120),
      b: bytes(2, 2, 3),
      bs: scalar(0.03),
      bz: zero(100),
      cs: scalar(0.05),
      cz: zero(128),
    },
    outputs: bytesOut,
  },
  QGemm: {
    type: ms("QGemm"),
    inputs: {
      a: bytes(1, 4, 2),
      as: scalar(0.02),
      az: zero(120),
      b: bytes(2, 3, 4),
      bs: scalar(0.03),
      bz: zero(100),
      c: tensor([1000, -2000, 500], [3], "int32"),
      ys: scalar(0.9),
      yz: zero(128),
    },
    attributes: { transA: 1, transB: 1, alpha: real(0.5) },
    outputs: bytesOut,
  },
  "QGemm with a scale for each column, to floats": {
    type: ms("QGemm"),
    inputs: {
      a: bytes(1, 2, 4),
      as: scalar(0.02),
      az: zero(120),
      b: bytes(2, 4, 3),
      bs: tensor([0.03, 0.01, 0.02], [3], "float32"),
      bz: tensor([100, 90, 80], [3], "uint8"),
    },
  },
  QLinearConv: {
    type: ms("QLinearConv"),
    inputs: {
      x: bytes(1, 1, 5, 5, 2),
      xs: scalar(0.02),
      xz: zero(120),
      w: bytes(2, 3, 2, 3, 3),
      ws: scalar(0.03),
      wz: zero(100),
      ys: scalar(0.2),
      yz: zero(128),
    },
    attributes: { channels_last: 1, pads: [1, 1, 1, 1] },
    outputs: bytesOut,
  },
  QLinearSigmoid: {
    type: ms("QLinearSigmoid"),
    inputs: { x: bytes(1, 9), s: scalar(0.04), z: zero(128), ys: scalar(0.004), yz: zero(0) },
    outputs: bytesOut,
  },
  QLinearLeakyRelu: {
    type: ms("QLinearLeakyRelu"),
    inputs: { x: bytes(1, 9), s: scalar(0.04), z: zero(128), ys: scalar(0.05), yz: zero(30) },
    attributes: { alpha: 0.1 },
    outputs: bytesOut,
  },
  QLinearGlobalAveragePool: {
    type: ms("QLinearGlobalAveragePool"),
    inputs: { x: bytes(1, 1, 3, 4, 4), s: scalar(0.04), z: zero(128), ys: scalar(0.03), yz: zero(90) },
    outputs: bytesOut,
  },
  QLinearAveragePool: {
    type: ms("QLinearAveragePool"),
    inputs: { x: bytes(1, 1, 3, 4, 4), s: scalar(0.04), z: zero(128), ys: scalar(0.03), yz: zero(90) },
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    outputs: bytesOut,
  },
  QLinearConcat: {
    type: ms("QLinearConcat"),
    inputs: {
      ys: scalar(0.05),
      yz: zero(10),
      a: bytes(1, 2, 3),
      as: scalar(0.02),
      az: zero(5),
      b: bytes(2, 2, 2),
      bs: scalar(0.07),
      bz: zero(100),
    },
    attributes: { axis: 1 },
    outputs: bytesOut,
  },
  DynamicQuantizeLSTM: {
    type: ms("DynamicQuantizeLSTM"),
    inputs: {
      x: f(1, 4, 1, 3),
      w: some(2, [2, 3, 20], "int8", -127, 128),
      r: some(3, [2, 5, 20], "int8", -127, 128),
      b: f(4, 2, 40),
      ws: tensor([0.01, 0.02], [2], "float32"),
      wz: tensor([0, 0], [2], "int8"),
      rs: tensor([0.005, 0.01], [2], "float32"),
      rz: tensor([0, 0], [2], "int8"),
    },
    operands: ["x", "w", "r", "b", "", "", "", "", "ws", "wz", "rs", "rz"],
    attributes: { direction: "bidirectional", hidden_size: 5 },
    outputs: ["y: float32", "h: float32", "c: float32"],
  },
  DynamicQuantizeMatMul: {
    type: ms("DynamicQuantizeMatMul"),
    inputs: { a: f(1, 2, 8), b: bytes(2, 8, 3), s: scalar(0.01), z: zero(128), bias: f(3, 3) },
  },
  MatMulIntegerToFloat: {
    type: ms("MatMulIntegerToFloat"),
    inputs: {
      a: bytes(1, 2, 8),
      b: bytes(2, 8, 3),
      as: scalar(0.02),
      bs: scalar(0.01),
      az: zero(100),
      bz: zero(128),
    },
  },
  "QLinearSoftmax along one axis": {
    type: ms("QLinearSoftmax"),
    inputs: { x: bytes(1, 2, 3, 4), s: scalar(0.04), z: zero(128), ys: scalar(1 / 256), yz: zero(0) },
    attributes: { axis: 1, opset: 13 },
    outputs: bytesOut,
  },
  "QLinearSoftmax of several axes at once": {
    type: ms("QLinearSoftmax"),
    inputs: { x: bytes(1, 2, 3, 4), s: scalar(0.04), z: zero(128), ys: scalar(1 / 256), yz: zero(0) },
    attributes: { axis: 1, opset: 12 },
    outputs: bytesOut,
  },
  QuantizeLinear: {
    type: ms("QuantizeLinear"),
    inputs: { x: f(1, 2, 9), s: scalar(0.01), z: zero(120) },
    outputs: bytesOut,
  },
  "DequantizeLinear along an axis": {
    type: ms("DequantizeLinear"),
    inputs: {
      x: bytes(1, 2, 3),
      s: tensor([0.1, 0.2, 0.3], [3], "float32"),
      z: some(2, [3], "uint8", 0, 256),
    },
    attributes: { axis: 1 },
  },
};

describe("gives what onnxruntime gives:", () => {
  test.each(Object.entries(cases))("%s", async (_, row) => {
    await expectAsOnnxRuntime({ outputs: y, domains, opset: 16, ...row });
  });
});
