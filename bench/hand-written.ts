/**
 * What the emitted kernels are compared with: the fastest plain JavaScript found by hand for the same shapes,
 * and the loops people write without thinking of speed. All compute relu(x w + b) in doubles, rounded once at
 * the store.
 *
 * Tried and not better: running pointers instead of base + k, `| 0` on indices, loading all of a row before
 * use, tiles of 4x4 (spills), 8x1 (too many loads), and typed arrays captured in a closure.
 */

export interface Candidate {
  readonly name: string;
  /** Prepares the weights and gives the function to time, which writes `y`. */
  bind(x: Float32Array, w: Float32Array, b: Float32Array, y: Float32Array): () => void;
}

type WeightArray = Float64Array | Float32Array;

/** [K, N] in blocks of `width` columns, each block row after row. */
function packColumns<A extends WeightArray>(w: Float32Array, K: number, N: number, width: number, out: A): A {
  let at = 0;
  for (let n = 0; n < N; n += width)
    for (let k = 0; k < K; k++) for (let j = n; j < Math.min(n + width, N); j++) out[at++] = w[k * N + j]!;
  return out;
}

const M = 256;
const K = 256;
const N = 256;

function gemmNaive(x: Float32Array, w: Float32Array, b: Float32Array, y: Float32Array): void {
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += x[m * K + k]! * w[k * N + n]!;
      y[m * N + n] = Math.max(sum + b[n]!, 0);
    }
  }
}

function gemm4x2(x: Float32Array, w: WeightArray, b: Float32Array, y: Float32Array): void {
  for (let m = 0; m < M; m += 4) {
    const x0 = m * K;
    const x1 = x0 + K;
    const x2 = x1 + K;
    const x3 = x2 + K;
    for (let n = 0; n < N; n += 2) {
      const w0 = n * K;
      let [s00, s01, s10, s11, s20, s21, s30, s31] = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let k = 0; k < K; k++) {
        const u = w[w0 + 2 * k]!;
        const v = w[w0 + 2 * k + 1]!;
        const a = x[x0 + k]!;
        s00 += a * u;
        s01 += a * v;
        const c = x[x1 + k]!;
        s10 += c * u;
        s11 += c * v;
        const d = x[x2 + k]!;
        s20 += d * u;
        s21 += d * v;
        const e = x[x3 + k]!;
        s30 += e * u;
        s31 += e * v;
      }
      const [p, q] = [b[n]!, b[n + 1]!];
      const y0 = m * N + n;
      y[y0] = Math.max(s00 + p, 0);
      y[y0 + 1] = Math.max(s01 + q, 0);
      y[y0 + N] = Math.max(s10 + p, 0);
      y[y0 + N + 1] = Math.max(s11 + q, 0);
      y[y0 + 2 * N] = Math.max(s20 + p, 0);
      y[y0 + 2 * N + 1] = Math.max(s21 + q, 0);
      y[y0 + 3 * N] = Math.max(s30 + p, 0);
      y[y0 + 3 * N + 1] = Math.max(s31 + q, 0);
    }
  }
}

function gemm2x4(x: Float32Array, w: WeightArray, b: Float32Array, y: Float32Array): void {
  for (let m = 0; m < M; m += 2) {
    const x0 = m * K;
    const x1 = x0 + K;
    for (let n = 0; n < N; n += 4) {
      const w0 = n * K;
      let [s00, s01, s02, s03, s10, s11, s12, s13] = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let k = 0; k < K; k++) {
        const a = x[x0 + k]!;
        const c = x[x1 + k]!;
        const t = w0 + 4 * k;
        const u0 = w[t]!;
        s00 += a * u0;
        s10 += c * u0;
        const u1 = w[t + 1]!;
        s01 += a * u1;
        s11 += c * u1;
        const u2 = w[t + 2]!;
        s02 += a * u2;
        s12 += c * u2;
        const u3 = w[t + 3]!;
        s03 += a * u3;
        s13 += c * u3;
      }
      const y0 = m * N + n;
      const y1 = y0 + N;
      y[y0] = Math.max(s00 + b[n]!, 0);
      y[y0 + 1] = Math.max(s01 + b[n + 1]!, 0);
      y[y0 + 2] = Math.max(s02 + b[n + 2]!, 0);
      y[y0 + 3] = Math.max(s03 + b[n + 3]!, 0);
      y[y1] = Math.max(s10 + b[n]!, 0);
      y[y1 + 1] = Math.max(s11 + b[n + 1]!, 0);
      y[y1 + 2] = Math.max(s12 + b[n + 2]!, 0);
      y[y1 + 3] = Math.max(s13 + b[n + 3]!, 0);
    }
  }
}

function gemm2x3(x: Float32Array, w: WeightArray, b: Float32Array, y: Float32Array): void {
  for (let m = 0; m < M; m += 2) {
    const x0 = m * K;
    const x1 = x0 + K;
    for (let n = 0; n < N - 1; n += 3) {
      const w0 = n * K;
      let [s00, s01, s02, s10, s11, s12] = [0, 0, 0, 0, 0, 0];
      for (let k = 0; k < K; k += 2) {
        const t = w0 + 3 * k;
        const a = x[x0 + k]!;
        const c = x[x1 + k]!;
        const u0 = w[t]!;
        s00 += a * u0;
        s10 += c * u0;
        const u1 = w[t + 1]!;
        s01 += a * u1;
        s11 += c * u1;
        const u2 = w[t + 2]!;
        s02 += a * u2;
        s12 += c * u2;
        const d = x[x0 + k + 1]!;
        const e = x[x1 + k + 1]!;
        const v0 = w[t + 3]!;
        s00 += d * v0;
        s10 += e * v0;
        const v1 = w[t + 4]!;
        s01 += d * v1;
        s11 += e * v1;
        const v2 = w[t + 5]!;
        s02 += d * v2;
        s12 += e * v2;
      }
      const y0 = m * N + n;
      y[y0] = Math.max(s00 + b[n]!, 0);
      y[y0 + 1] = Math.max(s01 + b[n + 1]!, 0);
      y[y0 + 2] = Math.max(s02 + b[n + 2]!, 0);
      y[y0 + N] = Math.max(s10 + b[n]!, 0);
      y[y0 + N + 1] = Math.max(s11 + b[n + 1]!, 0);
      y[y0 + N + 2] = Math.max(s12 + b[n + 2]!, 0);
    }
    // 256 is 85 * 3 + 1: the last column alone.
    let [s0, s1] = [0, 0];
    for (let k = 0; k < K; k++) {
      const u = w[(N - 1) * K + k]!;
      s0 += x[x0 + k]! * u;
      s1 += x[x1 + k]! * u;
    }
    y[m * N + N - 1] = Math.max(s0 + b[N - 1]!, 0);
    y[m * N + 2 * N - 1] = Math.max(s1 + b[N - 1]!, 0);
  }
}

const KV = 784;

function gemvNaive(x: Float32Array, w: Float32Array, b: Float32Array, y: Float32Array): void {
  for (let n = 0; n < N; n++) {
    let sum = 0;
    for (let k = 0; k < KV; k++) sum += x[k]! * w[k * N + n]!;
    y[n] = Math.max(sum + b[n]!, 0);
  }
}

function gemv4(x: Float32Array, w: WeightArray, b: Float32Array, y: Float32Array): void {
  for (let n = 0; n < N; n += 4) {
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    const w0 = n * KV;
    for (let k = 0; k < KV; k++) {
      const a = x[k]!;
      const t = w0 + 4 * k;
      s0 += a * w[t]!;
      s1 += a * w[t + 1]!;
      s2 += a * w[t + 2]!;
      s3 += a * w[t + 3]!;
    }
    y[n] = Math.max(s0 + b[n]!, 0);
    y[n + 1] = Math.max(s1 + b[n + 1]!, 0);
    y[n + 2] = Math.max(s2 + b[n + 2]!, 0);
    y[n + 3] = Math.max(s3 + b[n + 3]!, 0);
  }
}

function gemv8(x: Float32Array, w: WeightArray, b: Float32Array, y: Float32Array): void {
  for (let n = 0; n < N; n += 8) {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 0, 0, 0, 0, 0, 0, 0];
    const w0 = n * KV;
    for (let k = 0; k < KV; k++) {
      const a = x[k]!;
      const t = w0 + 8 * k;
      s0 += a * w[t]!;
      s1 += a * w[t + 1]!;
      s2 += a * w[t + 2]!;
      s3 += a * w[t + 3]!;
      s4 += a * w[t + 4]!;
      s5 += a * w[t + 5]!;
      s6 += a * w[t + 6]!;
      s7 += a * w[t + 7]!;
    }
    y[n] = Math.max(s0 + b[n]!, 0);
    y[n + 1] = Math.max(s1 + b[n + 1]!, 0);
    y[n + 2] = Math.max(s2 + b[n + 2]!, 0);
    y[n + 3] = Math.max(s3 + b[n + 3]!, 0);
    y[n + 4] = Math.max(s4 + b[n + 4]!, 0);
    y[n + 5] = Math.max(s5 + b[n + 5]!, 0);
    y[n + 6] = Math.max(s6 + b[n + 6]!, 0);
    y[n + 7] = Math.max(s7 + b[n + 7]!, 0);
  }
}

/** 3x3, 56x56, 64 -> 64: x is [58, 58, 64], already padded; w is [3, 3, 64, 64]. */
const [H, W, C, O] = [56, 56, 64, 64];
const ROW = (W + 2) * C;

function convNaive(x: Float32Array, w: Float32Array, b: Float32Array, y: Float32Array): void {
  for (let h = 0; h < H; h++) {
    for (let v = 0; v < W; v++) {
      for (let o = 0; o < O; o++) {
        let sum = 0;
        for (let i = 0; i < 3; i++)
          for (let j = 0; j < 3; j++)
            for (let c = 0; c < C; c++)
              sum += x[(h + i) * ROW + (v + j) * C + c]! * w[((i * 3 + j) * C + c) * O + o]!;
        y[(h * W + v) * O + o] = Math.max(sum + b[o]!, 0);
      }
    }
  }
}

function conv4x2(x: Float32Array, w: WeightArray, b: Float32Array, y: Float32Array): void {
  for (let h = 0; h < H; h++) {
    for (let v = 0; v < W; v += 4) {
      for (let o = 0; o < O; o += 2) {
        let [s00, s01, s10, s11, s20, s21, s30, s31] = [0, 0, 0, 0, 0, 0, 0, 0];
        for (let i = 0; i < 3; i++) {
          // The three columns of a kernel row lie side by side in x and in w: one loop of 3 * C.
          const w0 = o * 9 * C + i * 6 * C;
          const x0 = (h + i) * ROW + v * C;
          const x1 = x0 + C;
          const x2 = x1 + C;
          const x3 = x2 + C;
          for (let c = 0; c < 3 * C; c++) {
            const p = w[w0 + 2 * c]!;
            const q = w[w0 + 2 * c + 1]!;
            const a = x[x0 + c]!;
            s00 += a * p;
            s01 += a * q;
            const d = x[x1 + c]!;
            s10 += d * p;
            s11 += d * q;
            const e = x[x2 + c]!;
            s20 += e * p;
            s21 += e * q;
            const f = x[x3 + c]!;
            s30 += f * p;
            s31 += f * q;
          }
        }
        const [p, q] = [b[o]!, b[o + 1]!];
        const y0 = (h * W + v) * O + o;
        y[y0] = Math.max(s00 + p, 0);
        y[y0 + 1] = Math.max(s01 + q, 0);
        y[y0 + O] = Math.max(s10 + p, 0);
        y[y0 + O + 1] = Math.max(s11 + q, 0);
        y[y0 + 2 * O] = Math.max(s20 + p, 0);
        y[y0 + 2 * O + 1] = Math.max(s21 + q, 0);
        y[y0 + 3 * O] = Math.max(s30 + p, 0);
        y[y0 + 3 * O + 1] = Math.max(s31 + q, 0);
      }
    }
  }
}

function conv2x3(x: Float32Array, w: WeightArray, b: Float32Array, y: Float32Array): void {
  for (let h = 0; h < H; h++) {
    for (let v = 0; v < W; v += 2) {
      const y0 = (h * W + v) * O;
      for (let o = 0; o < O - 1; o += 3) {
        let [s00, s01, s02, s10, s11, s12] = [0, 0, 0, 0, 0, 0];
        for (let i = 0; i < 3; i++) {
          const w0 = o * 9 * C + i * 9 * C;
          const x0 = (h + i) * ROW + v * C;
          const x1 = x0 + C;
          for (let c = 0; c < 3 * C; c += 2) {
            const t = w0 + 3 * c;
            const p = x[x0 + c]!;
            const q = x[x1 + c]!;
            const u0 = w[t]!;
            s00 += p * u0;
            s10 += q * u0;
            const u1 = w[t + 1]!;
            s01 += p * u1;
            s11 += q * u1;
            const u2 = w[t + 2]!;
            s02 += p * u2;
            s12 += q * u2;
            const d = x[x0 + c + 1]!;
            const e = x[x1 + c + 1]!;
            const v0 = w[t + 3]!;
            s00 += d * v0;
            s10 += e * v0;
            const v1 = w[t + 4]!;
            s01 += d * v1;
            s11 += e * v1;
            const v2 = w[t + 5]!;
            s02 += d * v2;
            s12 += e * v2;
          }
        }
        y[y0 + o] = Math.max(s00 + b[o]!, 0);
        y[y0 + o + 1] = Math.max(s01 + b[o + 1]!, 0);
        y[y0 + o + 2] = Math.max(s02 + b[o + 2]!, 0);
        y[y0 + O + o] = Math.max(s10 + b[o]!, 0);
        y[y0 + O + o + 1] = Math.max(s11 + b[o + 1]!, 0);
        y[y0 + O + o + 2] = Math.max(s12 + b[o + 2]!, 0);
      }
      // 64 is 21 * 3 + 1: the last channel alone.
      let [s0, s1] = [0, 0];
      for (let i = 0; i < 3; i++) {
        const w0 = (O - 1) * 9 * C + i * 3 * C;
        const x0 = (h + i) * ROW + v * C;
        for (let c = 0; c < 3 * C; c++) {
          const u = w[w0 + c]!;
          s0 += x[x0 + c]! * u;
          s1 += x[x0 + C + c]! * u;
        }
      }
      y[y0 + O - 1] = Math.max(s0 + b[O - 1]!, 0);
      y[y0 + 2 * O - 1] = Math.max(s1 + b[O - 1]!, 0);
    }
  }
}

type KernelFunction = (x: Float32Array, w: WeightArray, b: Float32Array, y: Float32Array) => void;

function packed(
  name: string,
  kernel: KernelFunction,
  rows: number,
  columns: number,
  width: number,
): Candidate {
  const bind: Candidate["bind"] = (x, w, b, y) => {
    const panels = packColumns(w, rows, columns, width, new Float64Array(w.length));
    return () => kernel(x, panels, b, y);
  };
  return { name, bind };
}

function plain(name: string, kernel: (...args: Parameters<Candidate["bind"]>) => void): Candidate {
  return { name, bind: (x, w, b, y) => () => kernel(x, w, b, y) };
}

export interface HandWritten {
  readonly naive: Candidate;
  readonly blocked: readonly Candidate[];
}

export const handWritten = {
  gemm: {
    naive: plain("naive", gemmNaive),
    blocked: [
      packed("4x2", gemm4x2, K, N, 2),
      packed("2x4", gemm2x4, K, N, 4),
      packed("2x3", gemm2x3, K, N, 3),
    ],
  },
  gemv: {
    naive: plain("naive", gemvNaive),
    blocked: [packed("1x4", gemv4, KV, N, 4), packed("1x8", gemv8, KV, N, 8)],
  },
  conv: {
    naive: plain("naive", convNaive),
    blocked: [packed("4x2", conv4x2, 9 * C, O, 2), packed("2x3", conv2x3, 9 * C, O, 3)],
  },
} as const satisfies Record<string, HandWritten>;
