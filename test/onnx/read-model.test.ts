import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CompileError } from "../../compiler/diagnostics/index.ts";
import type { OnnxModel, OnnxTensor } from "../../compiler/frontend/onnx/model.ts";
import { readModel } from "../../compiler/frontend/onnx/read-model.ts";
import { fromOnnx } from "../../compiler/index.ts";
import { bytesOf, floats, graph, int64s, model, node, reference } from "../support/onnx.ts";
import { writeModel } from "../support/onnx-writer.ts";

const small: OnnxModel = model(
  graph(
    ["x: float32[batch, 3, ?]"],
    [
      node("Conv", ["x", "w"], ["y"], { strides: [2], auto_pad: "SAME_UPPER" }),
      node("my::F", ["y"], ["z"], { alpha: 0.5 }),
    ],
    ["z: float32"],
    [floats("w", [2, 3, 1], [1, 2, 3, 4, 5, 6]), int64s("far", [2], [-1, 2 ** 53])],
  ),
  17,
  [
    {
      name: "F",
      domain: "my",
      overload: "",
      inputs: ["a"],
      outputs: ["b"],
      attributes: ["alpha"],
      defaults: [],
      nodes: [node("LeakyRelu", ["a"], ["b"], { alpha: reference("alpha") })],
      opsets: new Map([["", 17]]),
    },
  ],
  { my: 1 },
);

describe("reading a model", () => {
  test("gives back what was written", () => {
    expect(readModel(writeModel(small))).toEqual(small);
  });

  test("takes the bytes of a Buffer of Node, wherever it lies in its memory", () => {
    const bytes = writeModel(small);
    const shifted = Buffer.concat([Buffer.from([1, 2, 3]), bytes]).subarray(3);
    expect(readModel(shifted).graph.nodes.length).toBe(2);
  });
});

/** The code of what is thrown, which must be a CompileError. */
function refused(body: () => unknown): CompileError | undefined {
  try {
    body();
    return undefined;
  } catch (error) {
    if (error instanceof CompileError) return error;
    throw error;
  }
}

const codeOf = (body: () => unknown): string | undefined => refused(body)?.code;

describe("a file that is no sound model", () => {
  const bytes = writeModel(small);

  test("is refused wherever it is cut off, and never by an exception of the reader", () => {
    for (let length = 0; length < bytes.length; length++) {
      const code = codeOf(() => fromOnnx(bytes.subarray(0, length)));
      if (code !== undefined) expect(code).toMatch(/^E(31|41|50|21)/);
    }
  });

  test("is refused or read when any of its bytes are others", () => {
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const damaged = bytes.slice();
        for (const [at, value] of changes) damaged[at] = value;
        codeOf(() => fromOnnx(damaged));
      }),
      { numRuns: 2000, seed: 4 },
    );
  });

  test.each([
    ["nothing", new Uint8Array()],
    ["text", new TextEncoder().encode("<html>not a model</html>")],
    ["a field of the wrong type", new Uint8Array([0x3d, 1, 2, 3, 4])],
    ["a length beyond the end", new Uint8Array([0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f])],
  ])("is E3101 when it is %s", (_, damaged) => {
    expect(codeOf(() => fromOnnx(damaged))).toBe("E3101");
  });

  test("is E5001 when graphs are nested without end", () => {
    let inner = graph([], [], []);
    for (let depth = 0; depth < 100; depth++)
      inner = graph([], [node("If", ["c"], ["y"], { then_branch: inner })], []);
    expect(codeOf(() => fromOnnx(bytesOf(inner)))).toBe("E5001");
  });

  test.each([
    ["nodes", [0x0a, 0]],
    ["tensors", [0x2a, 0]],
    ["inputs", [0x5a, 0]],
    ["sparse tensors", [0x7a, 4, 0x0a, 0, 0x12, 0]],
  ])("is E5001 when it is made of millions of empty %s", (_, field) => {
    const inside = Uint8Array.from({ length: 4_500_000 }, (_, i) => field[i % field.length]!);
    const bytes = new BinaryWriter().tag(7, WireType.LengthDelimited).bytes(inside).finish();
    expect(codeOf(() => fromOnnx(bytes))).toBe("E5001");
  });

  test.each([
    ["nodes", [], [0x0a, 0], 100_001],
    ["inputs of a node", [0x0a], [0x0a, 0], 4097],
    ["outputs of a node", [0x0a], [0x12, 0], 4097],
    ["inputs", [], [0x5a, 0], 4097],
    ["outputs", [], [0x62, 0], 4097],
    ["axes of a tensor", [0x2a], [0x08, 1], 65],
    ["axes of a type", [0x5a, 0x12, 0x0a, 0x12], [0x0a, 0], 65],
  ])("is E5001 when it has too many %s, and not for its length with one less", (_, outer, field, count) => {
    const inGraph = (times: number) =>
      outer.reduceRight<Uint8Array>(
        (inside, key) => new BinaryWriter().raw(Uint8Array.of(key)).bytes(inside).finish(),
        Uint8Array.from({ length: times * field.length }, (_, i) => field[i % field.length]!),
      );
    const code = (times: number) =>
      codeOf(() => fromOnnx(new BinaryWriter().raw(Uint8Array.of(0x3a)).bytes(inGraph(times)).finish()));
    expect(code(count)).toBe("E5001");
    expect(code(count - 1)).not.toBe("E5001");
  });

  test("is told of a hundred times, with a count of the rest, when everything is wrong", () => {
    const nodes = Array.from({ length: 300 }, (_, i) => node(`Op${i}`, ["x"], [`y${i}`]));
    const bytes = bytesOf(graph(["x: float32[1]"], nodes, ["y0: float32[1]"]));
    const { diagnostics } = refused(() => fromOnnx(bytes))!;
    expect(diagnostics).toHaveLength(101);
    expect(diagnostics.at(-1)!.message).toBe("200 complaints more, about other names");
  });

  test("is E3103 when a number of it is none of the dtype it is computed in", () => {
    const values = [int64s("d", [], [2 ** 40]), floats("v", [2], [0, 1])];
    const body = graph(["x: int64[4]"], [node("OneHot", ["x", "d", "v"], ["y"])], ["y: float32"], values);
    expect(codeOf(() => fromOnnx(bytesOf(body)))).toBe("E3103");
  });

  test("is E5001 when a name has more bytes than a name has", () => {
    const long = "x".repeat(1_000_000);
    expect(codeOf(() => fromOnnx(bytesOf(graph([`${long}: float32[1]`], [], []))))).toBe("E5001");
  });

  test("is E5001 when functions that call each other twice mean an endless graph", () => {
    const functions = Array.from({ length: 60 }, (_, i) => ({
      name: `F${i}`,
      domain: "my",
      overload: "",
      inputs: ["a"],
      outputs: ["c"],
      attributes: [],
      defaults: [],
      nodes: [
        node(i === 0 ? "Relu" : `my::F${i - 1}`, ["a"], ["b"]),
        node(i === 0 ? "Relu" : `my::F${i - 1}`, ["b"], ["c"]),
      ],
      opsets: new Map([
        ["", 17],
        ["my", 1],
      ]),
    }));
    const body = graph(["x: float32[1]"], [node("my::F59", ["x"], ["y"])], ["y: float32[1]"]);
    expect(codeOf(() => fromOnnx(bytesOf(body, 17, functions, { my: 1 })))).toBe("E5001");
  });
});

describe("a tensor that lies", () => {
  const reading = (tensor: OnnxTensor) =>
    codeOf(() => fromOnnx(bytesOf(graph(["x: float32[1]"], [], ["x: float32[1]"], [tensor]))));
  const lying = (dims: readonly bigint[]): OnnxTensor => {
    const honest = floats("w", [1], [1]);
    // The first field of the message is the dims: one of one byte.
    const head = dims.flatMap((d) => [0x08, ...varint(d)]);
    return { ...honest, bytes: new Uint8Array([...head, ...honest.bytes.subarray(2)]) };
  };

  test.each([
    ["dims of 2^62", [2n ** 62n]],
    ["dims whose product is beyond 2^53", [2n ** 30n, 2n ** 30n]],
    ["a negative dim", [-1n]],
    ["more elements than bytes", [1000n]],
    ["fewer elements than bytes", [0n]],
  ])("about %s is E3102, before memory is spent on it", (_, dims) => {
    expect(reading(lying(dims))).toBe("E3102");
  });
});

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, value); ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 127n) | 128);
  }
}
