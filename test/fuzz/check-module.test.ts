import { checkModule, type InputsOf, ulpDistance } from "shapecast/fuzz";
import { describe, expect, test } from "vitest";

const signature = {
  inputs: { x: { dtype: "float32", shape: [2, 3] }, k: { dtype: "int32", shape: [1] } },
  outputs: { y: { dtype: "float32", shape: [2, 3] } },
} as const;

type Inputs = InputsOf<typeof signature>;

/** What a well-behaved module does; each test breaks one part of it. */
interface Parts {
  readonly check: (inputs: Inputs) => void;
  readonly memory: () => Float32Array;
  readonly compute: (inputs: Inputs, y: Float32Array) => void;
}

function checkOne(
  name: string,
  value: ArrayLike<number> | undefined,
  type: { new (): ArrayLike<number> },
  n: number,
) {
  if (!(value instanceof type)) throw new TypeError(`input "${name}" has the wrong type`);
  if (value.length !== n) throw new RangeError(`input "${name}" has the wrong length`);
}

const good: Parts = {
  check: ({ x, k }) => {
    checkOne("x", x, Float32Array, 6);
    checkOne("k", k, Int32Array, 1);
  },
  memory: () => new Float32Array(6),
  compute: ({ x, k }, y) => {
    for (let i = 0; i < 6; i++) y[i] = x[i]! * k[0]!;
  },
};

function moduleOf(parts: Partial<Parts>) {
  const { check, memory, compute } = { ...good, ...parts };
  const instantiate = () => {
    const y = memory();
    return {
      run(inputs: Inputs) {
        check(inputs);
        compute(inputs, y);
        return { y };
      },
    };
  };
  return { signature, instantiate };
}

const input: Inputs = { x: Float32Array.of(1, 2, 3, 4, 5, 6), k: Int32Array.of(2) };
const checking = (parts: Partial<Parts>) => () => checkModule(moduleOf(parts), input);

test("a module whose weights are in a file is not run without them", () => {
  const module = { ...moduleOf({}), loadWeights: (bytes: Uint8Array) => bytes };
  expect(() => checkModule(module, input)).toThrow(
    "checkModule needs the weights of this module, which are in a file beside it",
  );
  checkModule(module, input, { weights: new Uint8Array(4) });
});

describe("checkModule", () => {
  test("passes a module that keeps its promises, and leaves the input alone", () => {
    const before = structuredClone(input);
    checkModule(moduleOf({}), input, { reference: ({ x, k }) => ({ y: x.map((v) => v * k[0]!) }) });
    expect(input).toEqual(before);
  });

  test("finds outputs of another length or class than the signature says", () => {
    expect(checking({ memory: () => new Float32Array(7) })).toThrow(
      'output "y" has 7 elements; float32[2, 3] promises 6',
    );
    expect(checking({ memory: () => new Float64Array(6) as unknown as Float32Array })).toThrow(
      'output "y" is Float64Array; float32[2, 3] promises a Float32Array',
    );
  });

  test("finds outputs that change from run to run", () => {
    let runs = 0;
    const compute: Parts["compute"] = (_, y) => {
      y[4] = runs++;
    };
    expect(checking({ compute })).toThrow(
      'the same input gives other outputs the second time: output "y" element 4 was 0, is 1',
    );
  });

  test("finds what an earlier input left behind", () => {
    let worst = 0;
    const compute: Parts["compute"] = ({ x }, y) => {
      worst = Math.max(worst, x[5]!);
      y[0] = worst;
    };
    expect(checking({ compute })).toThrow("outputs depend on what was run before");
    const memory: Parts["compute"] = ({ x }, y) => {
      y[0] = Math.max(y[0]!, x[5]!);
    };
    expect(checking({ compute: memory })).toThrow(
      'outputs depend on what was run before: output "y" element 0 was 6, is NaN',
    );
  });

  test("finds instances that share memory", () => {
    const shared = new Float32Array(6);
    expect(checking({ memory: () => shared })).toThrow(
      'running a second instance changes the outputs of the first: output "y" element 0 was 2, is NaN',
    );
  });

  test("finds modified inputs", () => {
    const compute: Parts["compute"] = ({ x }) => {
      x[1] = 9;
    };
    expect(checking({ compute })).toThrow('run modifies its inputs: input "x" element 1 was 2, is 9');
  });

  test("tells a zero from a negative zero", () => {
    let runs = 0;
    const compute: Parts["compute"] = (_, y) => {
      y[0] = runs++ === 0 ? 0 : -0;
    };
    expect(checking({ compute })).toThrow("element 0 was 0, is -0");
  });

  test("finds inputs that are not refused, or not by name", () => {
    expect(checking({ check: () => {}, compute: () => {} })).toThrow(
      'a missing input "x" is accepted; a RangeError or TypeError is promised',
    );
    const onlyTypes: Parts["check"] = (inputs) => {
      if (!(inputs.x instanceof Float32Array)) throw new TypeError('"x"?');
      if (!(inputs.k instanceof Int32Array)) throw new TypeError('"k"?');
    };
    expect(checking({ check: onlyTypes })).toThrow(
      'input "x" with 7 elements is accepted; a RangeError or TypeError is promised',
    );
    const nameless: Parts["check"] = (inputs) => {
      try {
        good.check(inputs);
      } catch {
        throw new RangeError("no");
      }
    };
    expect(checking({ check: nameless })).toThrow('a missing input "x" is refused without naming "x": no');
    const wrongClass: Parts["check"] = (inputs) => {
      try {
        good.check(inputs);
      } catch (error) {
        throw new Error(String(error));
      }
    };
    expect(checking({ check: wrongClass })).toThrow(/a missing input "x" raises Error: .* is promised/);
  });

  test("finds an instance damaged by a refused input", () => {
    let damage = 0;
    const check: Parts["check"] = (inputs) => {
      damage += Number(inputs.x?.length !== 6);
      good.check(inputs);
    };
    const compute: Parts["compute"] = (_, y) => {
      y[0] = damage;
    };
    expect(checking({ check, compute })).toThrow(
      'after refusing a missing input "x" the instance gives other outputs: output "y" element 0 was 0, is 1',
    );
  });

  test("explains an input that run refuses", () => {
    const compute: Parts["compute"] = () => {
      throw new RangeError("index 900 is not below 10");
    };
    expect(checking({ compute })).toThrow(
      "run refuses an input of the signature's types: RangeError: index 900 is not below 10; " +
        "if k holds indices, give inputs() their range",
    );
  });

  test("compares with a reference: output, place, both values and the distance", () => {
    const check = (y: ArrayLike<number>, tolerance = {}) =>
      checkModule(moduleOf({}), input, { reference: () => ({ y }), ...tolerance });
    const near = [2, 4, 6, 8, 10 + 2 ** -20, 12];
    expect(() => check(near)).toThrow(
      'output "y" differs from the reference: element 4 [1, 1] is 10, expected 10.00000095367431640625'.slice(
        0,
        85,
      ),
    );
    expect(() => check([2, 4, 6, 8, 10.5, 99])).toThrow(/2 of 6 elements are outside exact equality$/);
    expect(() => check([2, 4, 6, 8, 10.5, 99], { ulp: 3, rtol: 1e-5 })).toThrow(
      /outside ulp 3, rtol 0\.00001$/,
    );
    check(near, { ulp: 1 });
    check([2, 4, 6, 8, 10.5, 12], { atol: 0.5 });
    check([2, 4, 6, 8, 10.5, 12], { rtol: 0.05 });
    expect(() => check([1])).toThrow(
      'the reference gives 1 elements for output "y", which has 6: float32[2, 3]',
    );
  });

  test("takes the weights of a module that does not carry them", () => {
    const given: unknown[] = [];
    const module = {
      signature,
      instantiate(weights: Uint8Array) {
        given.push(weights);
        return moduleOf({}).instantiate();
      },
    };
    const weights = Uint8Array.of(1, 2);
    checkModule(module, input, { weights });
    expect(given).toEqual([weights, weights]);
    checkModule(module, input, { instantiate: () => moduleOf({}).instantiate() });
    expect(given).toHaveLength(2);
  });
});

describe("the distance in ULP", () => {
  test("counts representable numbers, across zero too", () => {
    expect(ulpDistance(1, 1 + 2 ** -23, "float32")).toBe(1);
    expect(ulpDistance(1, 1 + 2 ** -52, "float64")).toBe(1);
    expect(ulpDistance(2 ** -149, -(2 ** -149), "float32")).toBe(2);
    expect(ulpDistance(3.4028234663852886e38, Number.POSITIVE_INFINITY, "float32")).toBe(1);
    expect(ulpDistance(7, -2, "int32")).toBe(9);
  });

  test("is 0 for equal values, both zeros and both NaN, and infinite for one NaN", () => {
    expect(ulpDistance(0, -0, "float32")).toBe(0);
    expect(ulpDistance(Number.NaN, Number.NaN, "float64")).toBe(0);
    expect(ulpDistance(Number.NaN, 1, "float32")).toBe(Number.POSITIVE_INFINITY);
  });
});
