/**
 * tfjs's `cpu` backend, the plain JavaScript that people run today, as a peer of the emitted kernels: the
 * same relu(x w + b) on the same numbers, tensors made beforehand, the result read and given back each time.
 */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";

export type Peer = (x: Float32Array, w: Float32Array, b: Float32Array) => () => Float32Array;

await tf.setBackend("cpu");

/** relu(x w + b) with x [rows, inner] and w [inner, columns]. */
export const tfjsMatmul =
  (rows: number, inner: number, columns: number): Peer =>
  (x, w, b) => {
    const operands = { a: tf.tensor2d(x, [rows, inner]), b: tf.tensor2d(w, [inner, columns]) };
    const bias = tf.tensor1d(b);
    return () => read(() => tf.relu(tf.add(tf.matMul(operands.a, operands.b), bias)));
  };

/**
 * A 3x3 convolution of [size, size, channels] whose input is padded already, like the kernel's it is compared
 * with.
 */
export const tfjsConv =
  (padded: number, channels: number): Peer =>
  (x, w, b) => {
    const image = tf.tensor4d(x, [1, padded, padded, channels]);
    const kernel = tf.tensor4d(w, [3, 3, channels, channels]);
    const bias = tf.tensor1d(b);
    return () => read(() => tf.relu(tf.add(tf.conv2d(image, kernel, 1, "valid"), bias)));
  };

/** Computes under tidy, reads the numbers, and frees everything. */
function read(compute: () => tf.Tensor): Float32Array {
  const result = tf.tidy(compute);
  const data = result.dataSync() as Float32Array;
  result.dispose();
  return data;
}
