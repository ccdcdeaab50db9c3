// A growing byte buffer with the number formats of the WebAssembly binary format: LEB128 integers,
// little-endian IEEE floats, length-prefixed vectors (core specification, "Values"). Integers are written in
// their shortest form, so equal modules are equal bytes. It refuses numbers outside the format's range
// instead of wrapping them.

export class ByteWriter {
  #bytes = new Uint8Array(64);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  bytes(values: ArrayLike<number>): void {
    this.#reserve(values.length);
    this.#bytes.set(values, this.#length);
    this.#length += values.length;
  }

  /** Unsigned LEB128 of an integer in [0, 2^32). */
  u32(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) fail(value, "u32");
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.byte((rest & 0x7f) | 0x80);
    this.byte(rest);
  }

  /**
   * Signed LEB128 of an integer in [-2^31, 2^32); the upper half means the same 32 bits as its negative twin.
   */
  i32(value: number): void {
    if (!Number.isInteger(value) || value < -0x8000_0000 || value > 0xffff_ffff) fail(value, "i32");
    let rest = value | 0;
    for (; rest < -0x40 || rest >= 0x40; rest >>= 7) this.byte((rest & 0x7f) | 0x80);
    this.byte(rest & 0x7f);
  }

  /** Signed LEB128 of an integer in [-2^63, 2^64), read as `i32` does. */
  i64(value: bigint): void {
    if (value < -(2n ** 63n) || value >= 2n ** 64n) fail(value, "i64");
    let rest = BigInt.asIntN(64, value);
    for (; rest < -0x40n || rest >= 0x40n; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80);
    this.byte(Number(rest & 0x7fn));
  }

  /**
   * The nearest f32. Every NaN becomes the canonical one: engines may differ in the bits of the NaN they are
   * given.
   */
  f32(value: number): void {
    const view = new DataView(new ArrayBuffer(4));
    if (Number.isNaN(value)) view.setUint32(0, 0x7fc0_0000, true);
    else view.setFloat32(0, value, true);
    this.bytes(new Uint8Array(view.buffer));
  }

  f64(value: number): void {
    const view = new DataView(new ArrayBuffer(8));
    if (Number.isNaN(value)) view.setUint32(4, 0x7ff8_0000, true);
    else view.setFloat64(0, value, true);
    this.bytes(new Uint8Array(view.buffer));
  }

  /** UTF-8, preceded by its length in bytes. */
  name(text: string): void {
    this.sized(new TextEncoder().encode(text));
  }

  /** Bytes preceded by their count. */
  sized(content: Uint8Array): void {
    this.u32(content.length);
    this.bytes(content);
  }

  /** A count, then each item as `write` puts it. */
  vector<T>(items: readonly T[], write: (item: T, index: number) => void): void {
    this.u32(items.length);
    items.forEach(write);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

function fail(value: number | bigint, format: string): never {
  throw new Error(`internal: ${value} does not fit the WebAssembly format ${format}`);
}
