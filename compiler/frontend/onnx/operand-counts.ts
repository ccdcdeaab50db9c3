/**
 * How many operands an operator takes and of how many axes each is, as ONNX's schemas have it, all opsets
 * together: a table, so that a file is told of every node that has too few or too many before anything is
 * built, and importers may take sizes of operands apart without asking.
 */
import { keyOf } from "./operator.ts";

const MANY = Number.POSITIVE_INFINITY;

/** Least, most, operators; com.microsoft's own begin with "ms::". */
const counts: readonly (readonly [least: number, most: number, names: string])[] = [
  [0, 0, "Constant"],
  [0, 1, "Optional OptionalHasElement"],
  [1, MANY, "Sum Max Min Mean Scan Concat ai.onnx.ml::FeatureVectorizer Einsum"],
  [
    1,
    1,
    `Abs Neg Exp Log Sqrt Reciprocal Floor Ceil Round Sign Erf Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh
    Acosh Atanh Not IsNaN IsInf BitwiseNot Relu Sigmoid Tanh Softplus Softsign HardSwish Mish LeakyRelu Elu
    Celu ThresholdedRelu Swish Selu HardSigmoid Gelu Shrink Softmax LogSoftmax ArgMax ArgMin ConstantOfShape
    Shape Size If Identity Flatten Transpose MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool
    GlobalLpPool LRN MeanVarianceNormalization LpNormalization DynamicQuantizeLinear Cast BitCast EyeLike
    Hardmax DepthToSpace SpaceToDepth Det NonZero Unique HannWindow HammingWindow BlackmanWindow
    TfIdfVectorizer OptionalGetElement ai.onnx.ml::Binarizer ai.onnx.ml::Imputer ai.onnx.ml::OneHotEncoder
    ai.onnx.ml::Normalizer ai.onnx.ml::Scaler ai.onnx.ml::TreeEnsembleRegressor ai.onnx.ml::TreeEnsemble
    ai.onnx.ml::TreeEnsembleClassifier ai.onnx.ml::LabelEncoder ai.onnx.ml::LinearRegressor
    ai.onnx.ml::LinearClassifier ai.onnx.ml::SVMRegressor ai.onnx.ml::SVMClassifier ms::Gelu ms::QuickGelu`,
  ],
  [
    1,
    2,
    `ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceSumSquare ReduceL1 ReduceL2 ReduceLogSum
    ReduceLogSumExp Reshape Squeeze Unsqueeze Split TopK Trilu Upsample ms::FastGelu`,
  ],
  [1, 3, "Clip Dropout DFT"],
  [1, 4, "Pad Resize"],
  [1, 5, "Slice"],
  [1, 10, "ms::MultiHeadAttention"],
  [
    2,
    2,
    `Add Sub Mul Div Pow And Or Xor Equal Less Greater LessOrEqual GreaterOrEqual Mod BitwiseAnd BitwiseOr
    BitwiseXor BitShift SwiGLU PRelu Expand Gather MatMul RMSNormalization CastLike GatherElements GatherND
    CumSum CumProd ReverseSequence CenterCropPad Compress GridSample AffineGrid MaxRoiPool
    ai.onnx.ml::ArrayFeatureExtractor ms::FusedMatMul ms::TransposeMatMul ms::BiasGelu`,
  ],
  [
    2,
    3,
    `Tile Gemm Conv ConvTranspose LayerNormalization NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss
    TensorScatter QuantizeLinear DequantizeLinear MaxUnpool ms::FusedGemm ms::QuantizeLinear
    ms::DequantizeLinear`,
  ],
  [2, 4, "CausalConvWithState MatMulInteger ConvInteger STFT ms::FusedConv"],
  [2, 5, "NonMaxSuppression"],
  [2, 7, "ms::Attention"],
  [2, MANY, "Loop"],
  [
    3,
    3,
    `Where Range InstanceNormalization GroupNormalization ai.onnx.preview::FlexAttention Scatter
    ScatterElements ScatterND OneHot RoiAlign Col2Im`,
  ],
  [3, 4, "RotaryEmbedding ms::SkipSimplifiedLayerNormalization"],
  [3, 5, "DeformConv ms::SkipLayerNormalization ms::DynamicQuantizeMatMul"],
  [3, 6, "RNN GRU LinearAttention ms::MatMulNBits"],
  [3, 7, "Attention"],
  [3, 8, "LSTM"],
  [3, MANY, "ms::QLinearConcat"],
  [4, 4, "ms::RotaryEmbedding"],
  [4, 5, "ms::QLinearSigmoid ms::QLinearLeakyRelu ms::QLinearAveragePool"],
  [4, 7, "ms::MatMulIntegerToFloat"],
  [5, 5, "BatchNormalization MelWeightMatrix ms::QLinearGlobalAveragePool ms::QLinearSoftmax"],
  [6, 9, "ms::QGemm"],
  [7, 8, "ms::QLinearAdd ms::QLinearMul"],
  [7, 9, "ms::EmbedLayerNormalization"],
  [7, 16, "ms::GroupQueryAttention"],
  [8, 8, "QLinearMatMul"],
  [8, 9, "QLinearConv ms::QLinearConv"],
  [9, 9, "ms::QLinearWhere"],
  [12, 12, "ms::DynamicQuantizeLSTM"],
];

/** Ranks of the first operands: "3" is that, "3-4" one of these, "3+" at least that. */
const ranks: Readonly<Record<string, string>> = {
  AffineGrid: "3 1",
  Attention: "3-4 3-4 3-4 1+ 4 4",
  BatchNormalization: "1+ 1 1 1 1",
  CausalConvWithState: "3 3 1 3",
  Col2Im: "3 1 1",
  Compress: "0+ 1",
  Conv: "3+ 3+ 1",
  ConvInteger: "3+ 3+",
  ConvTranspose: "3+ 3+ 1",
  DFT: "2+",
  DeformConv: "4 4 4 1 4",
  DepthToSpace: "4",
  Det: "2+",
  EyeLike: "2",
  Gather: "1+",
  Gemm: "2 2 0-2",
  GRU: "3 3 3 2 1 3",
  GridSample: "4-5 4-5",
  GroupNormalization: "2+ 1 1",
  InstanceNormalization: "2+ 1 1",
  LRN: "2+",
  LSTM: "3 3 3 2 1 3 3 2",
  LinearAttention: "3-4 3-4 3-4 4",
  MatMul: "1+ 1+",
  MaxRoiPool: "4 2",
  MaxUnpool: "3+ 3+ 1",
  NegativeLogLikelihoodLoss: "2+ 1+",
  NonMaxSuppression: "3 3",
  QLinearConv: "3+ 0+ 0+ 3+",
  ReverseSequence: "2+ 1",
  RNN: "3 3 3 2 1 3",
  RoiAlign: "4 2 1",
  RotaryEmbedding: "3-4 2-3 2-3 2",
  STFT: "2-3",
  SoftmaxCrossEntropyLoss: "2+ 1+",
  Slice: "1+ 1 1 1 1",
  SpaceToDepth: "4",
  Split: "1+",
  TensorScatter: "2+ 2+ 1",
  TfIdfVectorizer: "1-2",
  Trilu: "2+",
  "ai.onnx.ml::TreeEnsemble": "2",
  "ai.onnx.preview::FlexAttention": "4 4 4",
  "ms::Attention": "3 2 1",
  "ms::EmbedLayerNormalization": "2",
  "ms::GroupQueryAttention": "3",
  "ms::MultiHeadAttention": "3-5",
};

const shortName = (domain: string, name: string): string =>
  keyOf(domain === "com.microsoft" ? "ms" : domain, name);

const countsOf = new Map(
  counts.flatMap(([least, most, names]) =>
    names.split(/\s+/).map((name) => [name, { least, most }] as const),
  ),
);

/** The numbers of operands it takes; undefined for what is not known here. */
export function operandCounts(domain: string, name: string) {
  return countsOf.get(shortName(domain, name));
}

/** What of these ranks an operator does not take: the operand's number and the ranks it might have. */
export function wrongRank(
  domain: string,
  name: string,
  given: readonly (number | undefined)[],
): { readonly operand: number; readonly takes: string } | undefined {
  const row = ranks[shortName(domain, name)]?.split(" ") ?? [];
  const operand = row.findIndex((takes, i) => given[i] !== undefined && !isOf(takes, given[i]));
  return operand < 0 ? undefined : { operand, takes: row[operand]! };
}

function isOf(takes: string, rank: number): boolean {
  const [least = "", most = takes.endsWith("+") ? "Infinity" : least] = takes.replace("+", "").split("-");
  return rank >= Number(least) && rank <= Number(most);
}
