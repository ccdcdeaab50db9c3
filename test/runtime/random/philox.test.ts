import { describe, expect, test } from "vitest";
import { hashPath } from "../../../runtime/random/path-hash.ts";
import { philox } from "../../../runtime/random/philox.ts";
import { fillUniform } from "../../../runtime/random/uniform.ts";

const hex = (words: ArrayLike<number>) =>
  Array.from(words, (word) => word.toString(16).padStart(8, "0")).join(" ");

describe("philox4x32-10", () => {
  // Lines "philox4x32 10" of Random123's tests/kat_vectors: counter, key, expected block.
  type Words4 = [number, number, number, number];
  test.each<[counter: Words4, key: [number, number], expected: string]>([
    [[0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      "d16cfe09 94fdcceb 5001e420 24126ea1",
    ],
  ])("gives Random123's known answer for counter %j and key %j", (counter, key, expected) => {
    expect(hex(philox(new Float32Array(4), ...counter, ...key))).toBe(expected);
  });

  test("later blocks are those of the following counters", () => {
    const words = philox(new Float32Array(12), 7, 1, 2, 3, 4, 5);
    for (const block of [0, 1, 2])
      expect(words.slice(4 * block, 4 * block + 4)).toEqual(
        philox(new Float32Array(4), 7 + block, 1, 2, 3, 4, 5),
      );
  });

  test.each([0, 1, 2, 3, 5, 6, 7])(
    "an array of %d elements gets the first words of a longer one",
    (length) => {
      const longer = philox(new Float32Array(8), 0, 0, 1, 2, 3, 4);
      expect(philox(new Float32Array(length), 0, 0, 1, 2, 3, 4)).toEqual(longer.slice(0, length));
    },
  );

  test("writes only inside the view it was given", () => {
    const whole = new Float32Array(12).fill(5);
    philox(whole.subarray(3, 9), 0, 0, 1, 2, 3, 4);
    expect([...whole.subarray(0, 3), ...whole.subarray(9)]).toEqual([5, 5, 5, 5, 5, 5]);
  });
});

describe("uniform numbers", () => {
  test("are the upper 24 bits of the words as a fraction", () => {
    const uniform = new Float32Array(1000);
    fillUniform(uniform, 1, 2, 3, 4, 0, 1);
    const words = philox(new Float32Array(1000), 0, 0, 3, 4, 1, 2);
    expect([...uniform]).toEqual(Array.from(words, (word) => Math.floor(word / 256) / 2 ** 24));
  });
});

describe("the hash of a path", () => {
  // Known answers of 64-bit FNV-1a from its authors' test suite.
  test.each([
    ["", "cbf29ce484222325"],
    ["a", "af63dc4c8601ec8c"],
    ["foobar", "85944171f73967e8"],
  ])("of %j is FNV-1a's known answer", (path, expected) => {
    const [low, high] = hashPath(path);
    expect(hex([high, low]).replace(" ", "")).toBe(expected);
  });

  test("covers text outside ASCII", () => {
    expect(hashPath("schicht_ä")).not.toEqual(hashPath("schicht_ö"));
  });
});
