/** Weights that were set say sizes of the inputs, as a sample would. */
import { CompileError, compile, dense, inspect, sequential, tensor } from "shapecast";
import { describe, expect, test } from "vitest";

const filled = (...shape: number[]) =>
  tensor(
    Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => i % 7),
    shape,
  );

function loaded() {
  const net = sequential([dense({ units: 5 }), dense({ units: 3 })]);
  net.setWeights([filled(20, 5), filled(5), filled(5, 3), filled(3)]);
  return net;
}

describe("weights that were set", () => {
  test("stand in for a sample, with the batch by name", () => {
    const { code, stages } = compile(loaded(), { dims: { batch: 2 } });
    expect(stages.bound.graph.inputs[0]!.type.shape.map(String)).toEqual(["2", "20"]);
    expect(code.split("\n").filter((line) => !line.startsWith(" * options"))).toEqual(
      compile(loaded(), { sample: [2, 20] })
        .code.split("\n")
        .filter((line) => !line.startsWith(" * options")),
    );
  });

  test("stand in for a sample where the batch stays open", () => {
    const { stages } = compile(loaded(), { dims: { batch: { min: 1, max: 8 } } });
    expect(stages.bound.graph.inputs[0]!.type.shape.map(String)).toEqual(["batch", "20"]);
  });

  test("leave to be said what they do not decide", () => {
    const error = refused(() => compile(loaded()));
    expect(error.message).toMatch(/no sample for input "x"\n\n {2}x {3}\[batch, 20\] {3}missing: batch\n/);
    expect(error.message).toContain("as in --sample x=n,20, or these dims by name, as in --dim batch=n");
  });

  test("are no data for predict", () => {
    expect(refused(() => loaded().predict({} as never)).code).toBe("E2102");
  });

  test("and constraints that contradict them are told with both", () => {
    const net = loaded();
    expect(inspect(net).inputs[0]!.shape).toEqual(["batch", "20"]);
    const error = refused(() => compile(net, { dims: { batch: 1 }, constraints: ["x.1 == 21"] }));
    expect(error.message).toContain("x.1 == 21");
    expect(error.message).toContain("20 fixed by setWeights");
  });
});

function refused(build: () => unknown): CompileError {
  try {
    build();
  } catch (error) {
    if (error instanceof CompileError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
