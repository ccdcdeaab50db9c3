/**
 * The seeded initialisers as text, for modules that ship a seed instead of weights.
 * `initializerSource` picks the functions that the given kinds need; callers print the calls that
 * runtime's `planFill` works out. This is a generated file: `npx jiti scripts/embed-initializers.ts`
 * cuts it out of runtime/random and runtime/initializers.
 */

interface EmbeddedFunction {
  readonly uses: readonly string[];
  readonly ts: string;
  readonly js: string;
}

/** Callees before callers. */
const functions: Readonly<Record<string, EmbeddedFunction>> = {
  mulHigh: {
    uses: [],
    ts: `function mulHigh(a: number, b: number): number {
  const middle = Math.imul(a >>> 16, b & 65535) + (Math.imul(a & 65535, b & 65535) >>> 16);
  const carry = Math.imul(a & 65535, b >>> 16) + (middle & 65535);
  return Math.imul(a >>> 16, b >>> 16) + (middle >>> 16) + (carry >>> 16);
}
`,
    js: `function mulHigh(a, b) {
  const middle = Math.imul(a >>> 16, b & 65535) + (Math.imul(a & 65535, b & 65535) >>> 16);
  const carry = Math.imul(a & 65535, b >>> 16) + (middle & 65535);
  return Math.imul(a >>> 16, b >>> 16) + (middle >>> 16) + (carry >>> 16);
}
`,
  },
  philox: {
    uses: ["mulHigh"],
    ts: `function philox(
  out: Float32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): Uint32Array {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i += 4) {
    let a = c0 + (i >>> 2);
    let b = c1;
    let c = c2;
    let d = c3;
    for (let round = 0; round < 10; round++) {
      const next = mulHigh(c, 0xcd9e8d57) ^ b ^ (k0 + Math.imul(round, 0x9e3779b9));
      b = Math.imul(c, 0xcd9e8d57);
      c = mulHigh(a, 0xd2511f53) ^ d ^ (k1 + Math.imul(round, 0xbb67ae85));
      d = Math.imul(a, 0xd2511f53);
      a = next;
    }
    bits[i] = a;
    bits[i + 1] = b;
    bits[i + 2] = c;
    bits[i + 3] = d;
  }
  return bits;
}
`,
    js: `function philox(out, c0, c1, c2, c3, k0, k1) {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i += 4) {
    let a = c0 + (i >>> 2);
    let b = c1;
    let c = c2;
    let d = c3;
    for (let round = 0; round < 10; round++) {
      const next = mulHigh(c, 0xcd9e8d57) ^ b ^ (k0 + Math.imul(round, 0x9e3779b9));
      b = Math.imul(c, 0xcd9e8d57);
      c = mulHigh(a, 0xd2511f53) ^ d ^ (k1 + Math.imul(round, 0xbb67ae85));
      d = Math.imul(a, 0xd2511f53);
      a = next;
    }
    bits[i] = a;
    bits[i + 1] = b;
    bits[i + 2] = c;
    bits[i + 3] = d;
  }
  return bits;
}
`,
  },
  fillUniform: {
    uses: ["philox"],
    ts: `function fillUniform(
  out: Float32Array,
  k0: number,
  k1: number,
  c2: number,
  c3: number,
  low: number,
  high: number,
): void {
  const bits = philox(out, 0, 0, c2, c3, k0, k1);
  const step = (high - low) / 0x1000000;
  for (let i = 0; i < out.length; i++) out[i] = low + (bits[i]! >>> 8) * step;
}
`,
    js: `function fillUniform(out, k0, k1, c2, c3, low, high) {
  const bits = philox(out, 0, 0, c2, c3, k0, k1);
  const step = (high - low) / 0x1000000;
  for (let i = 0; i < out.length; i++) out[i] = low + (bits[i] >>> 8) * step;
}
`,
  },
  minusLog: {
    uses: [],
    ts: `function minusLog(x: number): number {
  let halvings = 0;
  while (x < 0.7) {
    x *= 2;
    halvings++;
  }
  const s = (1 - x) / (1 + x);
  let series = 0;
  for (let n = 21; n > 0; n -= 2) series = series * s * s + 1 / n;
  return halvings * Math.LN2 + 2 * s * series;
}
`,
    js: `function minusLog(x) {
  let halvings = 0;
  while (x < 0.7) {
    x *= 2;
    halvings++;
  }
  const s = (1 - x) / (1 + x);
  let series = 0;
  for (let n = 21; n > 0; n -= 2) series = series * s * s + 1 / n;
  return halvings * Math.LN2 + 2 * s * series;
}
`,
  },
  poly: {
    uses: [],
    ts: `function poly(
  x: number,
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
  g: number,
  h: number,
): number {
  return ((((((h * x + g) * x + f) * x + e) * x + d) * x + c) * x + b) * x + a;
}
`,
    js: `function poly(x, a, b, c, d, e, f, g, h) {
  return ((((((h * x + g) * x + f) * x + e) * x + d) * x + c) * x + b) * x + a;
}
`,
  },
  normalQuantile: {
    uses: ["minusLog", "poly"],
    ts: `function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (q * q <= 0.180625) {
    const r = 0.180625 - q * q;
    const a = poly(
      r,
      3.3871328727963665,
      133.14166789178438,
      1971.5909503065513,
      13731.69376550946,
      45921.95393154987,
      67265.7709270087,
      33430.57558358813,
      2509.0809287301227,
    );
    const b = poly(
      r,
      1,
      42.31333070160091,
      687.1870074920579,
      5394.196021424751,
      21213.794301586597,
      39307.89580009271,
      28729.085735721943,
      5226.495278852854,
    );
    return (q * a) / b;
  }
  const r = Math.sqrt(minusLog(q < 0 ? p : 1 - p)) - 1.6;
  const c = poly(
    r,
    1.4234371107496835,
    4.630337846156546,
    5.769497221460691,
    3.6478483247632045,
    1.2704582524523684,
    0.2417807251774506,
    0.022723844989269184,
    0.0007745450142783414,
  );
  const d = poly(
    r,
    1,
    2.053191626637759,
    1.6763848301838038,
    0.6897673349851,
    0.14810397642748008,
    0.015198666563616457,
    0.0005475938084995345,
    1.0507500716444169e-9,
  );
  return q < 0 ? -c / d : c / d;
}
`,
    js: `function normalQuantile(p) {
  const q = p - 0.5;
  if (q * q <= 0.180625) {
    const r = 0.180625 - q * q;
    const a = poly(
      r,
      3.3871328727963665,
      133.14166789178438,
      1971.5909503065513,
      13731.69376550946,
      45921.95393154987,
      67265.7709270087,
      33430.57558358813,
      2509.0809287301227,
    );
    const b = poly(
      r,
      1,
      42.31333070160091,
      687.1870074920579,
      5394.196021424751,
      21213.794301586597,
      39307.89580009271,
      28729.085735721943,
      5226.495278852854,
    );
    return (q * a) / b;
  }
  const r = Math.sqrt(minusLog(q < 0 ? p : 1 - p)) - 1.6;
  const c = poly(
    r,
    1.4234371107496835,
    4.630337846156546,
    5.769497221460691,
    3.6478483247632045,
    1.2704582524523684,
    0.2417807251774506,
    0.022723844989269184,
    0.0007745450142783414,
  );
  const d = poly(
    r,
    1,
    2.053191626637759,
    1.6763848301838038,
    0.6897673349851,
    0.14810397642748008,
    0.015198666563616457,
    0.0005475938084995345,
    1.0507500716444169e-9,
  );
  return q < 0 ? -c / d : c / d;
}
`,
  },
  fillNormal: {
    uses: ["philox", "normalQuantile"],
    ts: `function fillNormal(
  out: Float32Array,
  k0: number,
  k1: number,
  c2: number,
  c3: number,
  mean: number,
  stddev: number,
): void {
  const bits = philox(out, 0, 0, c2, c3, k0, k1);
  for (let i = 0; i < out.length; i++)
    out[i] = mean + stddev * normalQuantile((bits[i]! + 0.5) / 0x100000000);
}
`,
    js: `function fillNormal(out, k0, k1, c2, c3, mean, stddev) {
  const bits = philox(out, 0, 0, c2, c3, k0, k1);
  for (let i = 0; i < out.length; i++)
    out[i] = mean + stddev * normalQuantile((bits[i] + 0.5) / 0x100000000);
}
`,
  },
  fillTruncatedNormal: {
    uses: ["philox", "normalQuantile"],
    ts: `function fillTruncatedNormal(
  out: Float32Array,
  k0: number,
  k1: number,
  c2: number,
  c3: number,
  mean: number,
  stddev: number,
): void {
  const bits = philox(out, 0, 0, c2, c3, k0, k1);
  const tail = 0.02275013194817921;
  for (let i = 0; i < out.length; i++)
    out[i] = mean + stddev * normalQuantile(tail + (1 - 2 * tail) * ((bits[i]! + 0.5) / 0x100000000));
}
`,
    js: `function fillTruncatedNormal(out, k0, k1, c2, c3, mean, stddev) {
  const bits = philox(out, 0, 0, c2, c3, k0, k1);
  const tail = 0.02275013194817921;
  for (let i = 0; i < out.length; i++)
    out[i] = mean + stddev * normalQuantile(tail + (1 - 2 * tail) * ((bits[i] + 0.5) / 0x100000000));
}
`,
  },
  fillConstant: {
    uses: [],
    ts: `function fillConstant(out: Float32Array, value: number): void {
  out.fill(value);
}
`,
    js: `function fillConstant(out, value) {
  out.fill(value);
}
`,
  },
  fillIdentity: {
    uses: [],
    ts: `function fillIdentity(out: Float32Array, columns: number, gain: number): void {
  out.fill(0);
  for (let i = 0; i < Math.min(out.length, columns * columns); i += columns + 1) out[i] = gain;
}
`,
    js: `function fillIdentity(out, columns, gain) {
  out.fill(0);
  for (let i = 0; i < Math.min(out.length, columns * columns); i += columns + 1) out[i] = gain;
}
`,
  },
  fillBlock: {
    uses: [],
    ts: `function fillBlock(out: Float32Array, start: number, length: number, value: number): void {
  out.fill(0);
  out.fill(value, start, start + length);
}
`,
    js: `function fillBlock(out, start, length, value) {
  out.fill(0);
  out.fill(value, start, start + length);
}
`,
  },
  dot: {
    uses: [],
    ts: `function dot(v: Float64Array, a: number, b: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    s0 += v[a + i]! * v[b + i]!;
    s1 += v[a + i + 1]! * v[b + i + 1]!;
    s2 += v[a + i + 2]! * v[b + i + 2]!;
    s3 += v[a + i + 3]! * v[b + i + 3]!;
  }
  for (; i < length; i++) s0 += v[a + i]! * v[b + i]!;
  return s0 + s1 + (s2 + s3);
}
`,
    js: `function dot(v, a, b, length) {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    s0 += v[a + i] * v[b + i];
    s1 += v[a + i + 1] * v[b + i + 1];
    s2 += v[a + i + 2] * v[b + i + 2];
    s3 += v[a + i + 3] * v[b + i + 3];
  }
  for (; i < length; i++) s0 += v[a + i] * v[b + i];
  return s0 + s1 + (s2 + s3);
}
`,
  },
  orthonormalise: {
    uses: ["dot"],
    ts: `function orthonormalise(v: Float64Array, at: number, length: number): void {
  let before = 0;
  let after = dot(v, at, at, length);
  do {
    before = after;
    for (let other = 0; other < at; other += length) {
      const along = dot(v, at, other, length);
      for (let i = 0; i < length; i++) v[at + i]! -= along * v[other + i]!;
    }
    after = dot(v, at, at, length);
  } while (after < 1e-6 * before);
  const norm = Math.sqrt(after);
  for (let i = 0; i < length; i++) v[at + i]! /= norm;
}
`,
    js: `function orthonormalise(v, at, length) {
  let before = 0;
  let after = dot(v, at, at, length);
  do {
    before = after;
    for (let other = 0; other < at; other += length) {
      const along = dot(v, at, other, length);
      for (let i = 0; i < length; i++) v[at + i] -= along * v[other + i];
    }
    after = dot(v, at, at, length);
  } while (after < 1e-6 * before);
  const norm = Math.sqrt(after);
  for (let i = 0; i < length; i++) v[at + i] /= norm;
}
`,
  },
  fillOrthogonal: {
    uses: ["philox", "normalQuantile", "orthonormalise"],
    ts: `function fillOrthogonal(
  out: Float32Array,
  k0: number,
  k1: number,
  c2: number,
  c3: number,
  columns: number,
  gain: number,
): void {
  const rows = out.length / columns;
  const length = Math.max(rows, columns);
  const bits = philox(out, 0, 0, c2, c3, k0, k1);
  const v = new Float64Array(out.length);
  for (let i = 0; i < v.length; i++) v[i] = normalQuantile((bits[i]! + 0.5) / 0x100000000);
  for (let at = 0; at < v.length; at += length) orthonormalise(v, at, length);
  for (let i = 0; i < v.length; i++)
    out[i] = gain * v[rows < columns ? i : (i % columns) * rows + Math.floor(i / columns)]!;
}
`,
    js: `function fillOrthogonal(out, k0, k1, c2, c3, columns, gain) {
  const rows = out.length / columns;
  const length = Math.max(rows, columns);
  const bits = philox(out, 0, 0, c2, c3, k0, k1);
  const v = new Float64Array(out.length);
  for (let i = 0; i < v.length; i++) v[i] = normalQuantile((bits[i] + 0.5) / 0x100000000);
  for (let at = 0; at < v.length; at += length) orthonormalise(v, at, length);
  for (let i = 0; i < v.length; i++)
    out[i] = gain * v[rows < columns ? i : (i % columns) * rows + Math.floor(i / columns)];
}
`,
  },
};

/** The fills each kind of initialiser may call. */
const fillsOfKind: Readonly<Record<string, readonly string[]>> = {
  zeros: ["fillConstant"],
  ones: ["fillConstant"],
  unitForgetBias: ["fillBlock"],
  constant: ["fillConstant"],
  randomNormal: ["fillNormal"],
  randomUniform: ["fillUniform"],
  truncatedNormal: ["fillTruncatedNormal"],
  varianceScaling: ["fillUniform", "fillNormal", "fillTruncatedNormal"],
  glorotUniform: ["fillUniform"],
  glorotNormal: ["fillTruncatedNormal"],
  heUniform: ["fillUniform"],
  heNormal: ["fillTruncatedNormal"],
  lecunUniform: ["fillUniform"],
  lecunNormal: ["fillTruncatedNormal"],
  orthogonal: ["fillOrthogonal"],
  identity: ["fillIdentity"],
};

/**
 * The names of the functions that the given kinds (or fills) need, callees first: what
 * `initializerSource` declares at the top level of the module, and the caller must keep free. Throws for a
 * name that is neither a kind nor a fill.
 */
export function initializerNames(kinds: readonly string[]): readonly string[] {
  const needed = new Set<string>();
  const need = (name: string): void => {
    const found = functions[name];
    if (found === undefined) throw new Error(`internal: no initializer or fill is called ${name}`);
    needed.add(name);
    found.uses.forEach(need);
  };
  for (const kind of kinds) (fillsOfKind[kind] ?? [kind]).forEach(need);
  return Object.keys(functions).filter((name) => needed.has(name));
}

/**
 * The functions that initialisers of the given kinds need, as source text without imports or exports. A kind
 * is an initialiser ("glorotUniform", all it might call) or a fill of runtime's FillCall ("fillUniform",
 * exactly that). The `ts` text compiles under tsc's strictest flags.
 */
export function initializerSource(kinds: readonly string[], format: "ts" | "js"): string {
  return initializerNames(kinds)
    .map((name) => functions[name]![format])
    .join("\n");
}
