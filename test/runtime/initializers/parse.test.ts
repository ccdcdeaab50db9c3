import { describe, expect, test } from "vitest";
import { type InitializerInput, parseInitializer } from "../../../runtime/initializers/index.ts";

describe("parseInitializer", () => {
  test.each([
    ["glorotUniform", { kind: "glorotUniform" }],
    ["he_normal", { kind: "heNormal" }],
    ["HeUniform", { kind: "heUniform" }],
    ["leCunNormal", { kind: "lecunNormal" }],
    ["randomNormal", { kind: "randomNormal", mean: 0, stddev: 0.05 }],
    ["orthogonal", { kind: "orthogonal", gain: 1 }],
    [
      { kind: "randomUniform", minval: -1 },
      { kind: "randomUniform", minval: -1, maxval: 0.05 },
    ],
    [
      { kind: "constant", value: undefined },
      { kind: "constant", value: 0 },
    ],
    [
      { kind: "varianceScaling", mode: "fan_out", distribution: "untruncated_normal" },
      { kind: "varianceScaling", scale: 1, mode: "fanOut", distribution: "untruncatedNormal" },
    ],
  ])("completes %j with Keras's defaults", (input, expected) => {
    expect(parseInitializer(input)).toEqual(expected);
  });

  test("is the identity on its own result", () => {
    const spec = parseInitializer({ kind: "truncatedNormal", stddev: 2 });
    expect(parseInitializer(spec)).toEqual(spec);
  });

  test.each<[InitializerInput, string]>([
    [
      "glorotUnifrm",
      'unknown initializer "glorotUnifrm"; did you mean glorotUniform or glorotNormal? Known: zeros',
    ],
    ["orthogonl", "did you mean orthogonal"],
    ["constructor", 'unknown initializer "constructor"'],
    [{ kind: "constant", val: 1 }, 'initializer constant has no argument "val"; it takes value'],
    [{ kind: "zeros", value: 1 }, 'initializer zeros has no argument "value"; it takes none'],
    [{ kind: "randomNormal", mean: "0" }, "randomNormal.mean is 0, not a finite number"],
    [{ kind: "constant", value: Number.NaN }, "constant.value is NaN, not a finite number"],
    [
      { kind: "varianceScaling", mode: "fan" },
      'varianceScaling.mode is "fan", not one of fanIn, fanOut, fanAvg',
    ],
    [{ kind: "varianceScaling", scale: 0 }, "varianceScaling.scale is 0, but must be positive"],
    [{ kind: "randomNormal", stddev: -1 }, "randomNormal.stddev is -1"],
    [{ kind: "randomUniform", minval: 1, maxval: 0 }, "randomUniform has minval 1 above maxval 0"],
  ])("refuses %j and says what is known", (input, message) => {
    expect(() => parseInitializer(input)).toThrow(message);
    expect(() => parseInitializer(input)).toThrow(RangeError);
  });
});
