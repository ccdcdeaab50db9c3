/**
 * tfjs on its WebAssembly backend (one thread, SIMD), for convolution networks and perceptrons: tfjs reads no
 * ONNX, so the nodes of the file are run one by one as a user of tfjs would write them, with the channels
 * last. `files`: a folder with the packages. Needs bench/out, which `npm run bench` builds.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { readModel } from "../out/compiler/frontend/onnx/read-model.js";
import { decodeTensor } from "../out/compiler/frontend/onnx/tensor.js";

export const open = async ({ files: [folder], model: path, inputs }, arrays) => {
  const require = createRequire(join(folder, "_"));
  const tf = require("@tensorflow/tfjs");
  const { setThreadsCount, setWasmPaths } = require("@tensorflow/tfjs-backend-wasm");
  setThreadsCount(1);
  setWasmPaths(join(folder, "node_modules/@tensorflow/tfjs-backend-wasm/dist/"));
  await tf.setBackend("wasm");
  const { graph } = readModel(new Uint8Array(readFileSync(path)));
  const constants = new Map(graph.initializers.map((t) => [t.name, constantOf(tf, t)]));
  const nodes = graph.nodes.map((node) => prepare(tf, node, constants));
  const run = () => {
    const values = new Map(inputs.map((each) => [each.name, inputOf(tf, each, arrays)]));
    for (const { node, apply } of nodes)
      values.set(
        node.outputs[0],
        apply((i) => values.get(node.inputs[i])),
      );
    return graph.outputs.map(({ name }) => values.get(name));
  };
  return () => Promise.all(tf.tidy(run).map((tensor) => tensor.data().then(() => tensor.dispose())));
};

/** Four axes are N, C, H, W in ONNX. */
const inputOf = (tf, { name, shape }, arrays) => channelsLast(tf, tf.tensor(arrays[name], shape));
const channelsLast = (tf, x) => (x.rank === 4 ? tf.transpose(x, [0, 2, 3, 1]) : x);
const channelsFirst = (tf, x) => (x.rank === 4 ? tf.transpose(x, [0, 3, 1, 2]) : x);

function constantOf(tf, proto) {
  const tensor = decodeTensor(proto);
  return tf.tensor(Float32Array.from(tensor.data, Number), tensor.shape);
}

function prepare(tf, node, constants) {
  const given = Object.fromEntries(node.attributes.map(({ name, value }) => [name, value]));
  const ints = (name, otherwise) => given[name]?.map(Number) ?? otherwise;
  const constant = (i) => constants.get(node.inputs[i]);
  const make = operators[node.opType];
  if (!make) throw new Error(`no ${node.opType} here`);
  const apply = make(tf, { given, ints, constant });
  return { node, apply: (read) => apply((i) => constant(i) ?? read(i)) };
}

const operators = {
  Identity: () => (x) => x(0),
  Relu: (tf) => (x) => tf.relu(x(0)),
  Sigmoid: (tf) => (x) => tf.sigmoid(x(0)),
  Clip: (tf) => (x) => tf.clipByValue(x(0), 0, 6),
  HardSwish: (tf) => (x) => tf.mul(x(0), tf.clipByValue(tf.add(tf.div(x(0), 6), 0.5), 0, 1)),
  HardSigmoid: (tf) => (x) => tf.clipByValue(tf.add(tf.div(x(0), 6), 0.5), 0, 1),
  Add: (tf) => (x) => tf.add(x(0), x(1)),
  Mul: (tf) => (x) => tf.mul(x(0), x(1)),
  Softmax: (tf) => (x) => tf.softmax(x(0)),
  Concat: (tf) => (x) => tf.concat([x(0), x(1)], 3),
  GlobalAveragePool: (tf) => (x) => tf.mean(x(0), [1, 2], true),
  Flatten: (tf) => (x) => {
    const first = x(0).rank === 4 && x(0).shape[1] * x(0).shape[2] > 1 ? channelsFirst(tf, x(0)) : x(0);
    return tf.reshape(first, [first.shape[0], -1]);
  },
  Gemm: (tf, { given }) => {
    const transposed = Number(given.transB ?? 0) === 1;
    return (x) => tf.add(tf.matMul(x(0), x(1), false, transposed), x(2));
  },
  MaxPool: (tf, { ints, given }) => {
    const [kernel, strides, pads] = [
      ints("kernel_shape"),
      ints("strides", [1, 1]),
      ints("pads", [0, 0, 0, 0]),
    ];
    const mode = Number(given.ceil_mode ?? 0) === 1 ? "ceil" : "floor";
    return (x) => tf.maxPool(x(0), kernel, strides, explicit(pads), mode);
  },
  Conv: (tf, { ints, given, constant }) => {
    const [strides, pads] = [ints("strides", [1, 1]), explicit(ints("pads", [0, 0, 0, 0]))];
    const depthwise = Number(given.group ?? 1) > 1;
    const kernel = tf.transpose(constant(1), depthwise ? [2, 3, 0, 1] : [2, 3, 1, 0]);
    const convolve = depthwise ? tf.depthwiseConv2d : tf.conv2d;
    const bias = constant(2);
    return (x) => {
      const y = convolve(x(0), kernel, strides, pads);
      return bias ? tf.add(y, bias) : y;
    };
  },
  ConvTranspose: (tf, { ints, constant }) => {
    const strides = ints("strides", [1, 1]);
    const kernel = tf.transpose(constant(1), [2, 3, 1, 0]);
    return (x) => {
      const [n, h, w] = x(0).shape;
      const shape = [n, h * strides[0], w * strides[1], kernel.shape[2]];
      return tf.add(tf.conv2dTranspose(x(0), kernel, shape, strides, "valid"), constant(2));
    };
  },
};

const explicit = ([top, left, bottom, right]) => [
  [0, 0],
  [top, bottom],
  [left, right],
  [0, 0],
];
