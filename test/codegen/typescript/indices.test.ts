/** How indices are printed: split by loop, divided and checked as the bounds allow. */
import { describe, expect, test } from "vitest";
import { add, constant, floorDiv, mod, mul, sub, symbol } from "../../../compiler/dims/index.ts";
import type { Expr, Stmt } from "../../../compiler/ir/loop.ts";
import { kernelText, runEmitted } from "../../support/emitted.ts";
import { binary, buffer, load, loop, number } from "../../support/nests.ts";
import { call, kernel, port, program, store } from "../../support/programs.ts";
import { noise } from "../../support/results.ts";
import { runProgram } from "../../support/run-program.ts";

const [i, j] = [symbol("i"), symbol("j")];

describe("indices", () => {
  test("are split by loop, and a part known outside is computed outside", () => {
    const [x, y] = [buffer("x", 120, "input"), buffer("y", 120, "output")];
    const k = symbol("k");
    const permute = kernel("permute", {
      reads: [x],
      writes: [y],
      body: [
        loop("i", 4, true, [
          loop("j", 5, true, [
            loop("k", 6, true, [
              store(y, add(mul(30, i), mul(6, j), k), load(x, add(mul(20, k), mul(4, j), i))),
            ]),
          ]),
        ]),
      ],
    });
    expect(kernelText(permute)).toMatchInlineSnapshot(`
      "function permute(x: Float32Array, y: Float32Array): void {
        for (let i = 0; i < 4; i++) {
          const i30 = i * 30;
          for (let j = 0; j < 5; j++) {
            const i30_j6 = i30 + j * 6;
            const j4_i = j * 4 + i;
            for (let k = 0; k < 6; k++) {
              y[i30_j6 + k] = x[k * 20 + j4_i]!;
            }
          }
        }
      }"
    `);
  });

  test("divide and take remainders as plain integers where nothing is negative", () => {
    const [x, y] = [buffer("x", 84, "input"), buffer("y", 84, "output")];
    const from = add(mul(7, mod(i, 12)), floorDiv(i, 12));
    const transpose = kernel("transpose", {
      reads: [x],
      writes: [y],
      body: [loop("i", 84, true, [store(y, i, load(x, from))])],
    });
    expect(kernelText(transpose)).toMatchInlineSnapshot(`
      "function transpose(x: Float32Array, y: Float32Array): void {
        for (let i = 0; i < 84; i++) {
          y[i] = x[i * 7 - ((i / 12) | 0) * 83]!;
        }
      }"
    `);
    const p = program({ steps: [call(transpose)] });
    const input = Float32Array.from({ length: 84 }, (_, n) => n);
    expect(runEmitted(p, { x: input })).toEqual(runProgram(p, { x: input }));
  });

  test("floor toward minus infinity where something is negative", () => {
    const y = buffer("y", 40, "output", "int32");
    const value = (at: ReturnType<typeof symbol>): Expr => ({ kind: "index", index: at, dtype: "int32" });
    const below = sub(3, mul(5, i));
    const stores = [floorDiv(below, 7), floorDiv(below, 8), mod(below, 7), mod(below, 8)];
    const floors = kernel("floors", {
      reads: [],
      writes: [y],
      body: [
        loop(
          "i",
          10,
          true,
          stores.map((d, n) => store(y, add(mul(4, i), n), value(d))),
        ),
      ],
    });
    const p = program({ steps: [call(floors)] });
    expect(runEmitted(p, {})).toEqual(runProgram(p, {}));
    expect(kernelText(floors)).toMatchInlineSnapshot(`
      "function floors(y: Int32Array): void {
        for (let i = 0; i < 10; i++) {
          const i4 = i * 4;
          const i2 = i * 2;
          y[i4] = (((i2 + 3) / 7) | 0) - i;
          const i3 = i * 3;
          y[i4 + 1] = ((i3 + 3) >> 3) - i;
          y[i4 + 2] = (i2 + 3) % 7;
          y[i4 + 3] = (i3 + 3) & 7;
        }
      }"
    `);
  });
});

describe("data-dependent indices", () => {
  const [table, ids, y] = [
    buffer("table", 12, "weight"),
    buffer("ids", 4, "input", "int32"),
    buffer("y", 12, "output"),
  ];
  const gather = (mode: "check" | "clamp", wrap: boolean) =>
    kernel("gather", {
      reads: [table, ids],
      writes: [y],
      body: [
        loop("i", 4, true, [
          {
            kind: "bind",
            symbol: "!row",
            value: load(ids, i),
            extent: constant(4),
            mode,
            wrap,
            what: 'embedding "a`$b"',
          },
          loop("j", 3, true, [store(y, add(mul(3, i), j), load(table, add(mul(3, symbol("!row")), j)))]),
        ]),
      ],
    });
  const rows = (data: Float32Array, ...order: number[]) =>
    Float32Array.from(order.flatMap((row) => [...data.subarray(3 * row, 3 * row + 3)]));

  test("are checked, with a RangeError that says what, which and how many", () => {
    const p = program({ steps: [call(gather("check", false))] });
    const data = noise(table, 1);
    expect(runEmitted(p, { ids: Int32Array.of(3, 0, 2, 2) })["y"]).toEqual(rows(data, 3, 0, 2, 2));
    expect(() => runEmitted(p, { ids: Int32Array.of(0, 4, 0, 0) })).toThrow(
      new RangeError('embedding "a`$b": index 4 is not in 0..3'),
    );
    expect(() => runEmitted(p, { ids: Int32Array.of(-1, 0, 0, 0) })).toThrow(RangeError);
  });

  test("count from the end where they may", () => {
    const p = program({ steps: [call(gather("check", true))] });
    expect(runEmitted(p, { ids: Int32Array.of(-1, -4, 3, 0) })["y"]).toEqual(
      rows(noise(table, 1), 3, 0, 3, 0),
    );
    expect(() => runEmitted(p, { ids: Int32Array.of(-5, 0, 0, 0) })).toThrow(
      new RangeError('embedding "a`$b": index -5 is not in -4..3'),
    );
  });

  test("saturate where they are clamped", () => {
    const ids = Int32Array.of(-9, 9, -1, 1);
    const clamped = runEmitted(program({ steps: [call(gather("clamp", false))] }), { ids })["y"];
    expect(clamped).toEqual(rows(noise(table, 1), 0, 3, 0, 1));
    const wrapped = runEmitted(program({ steps: [call(gather("clamp", true))] }), { ids })["y"];
    expect(wrapped).toEqual(rows(noise(table, 1), 0, 3, 3, 1));
  });
});

describe("loops", () => {
  const [x, ids, y] = [
    buffer("x", 12, "input"),
    buffer("ids", 4, "input", "int32"),
    buffer("y", 12, "output"),
  ];
  const [scale, row] = [buffer("scale", 4, "weight"), symbol("!row")];
  const check = (axis: typeof i): Stmt => ({
    kind: "bind",
    symbol: "!row",
    value: load(ids, axis),
    extent: constant(4),
    mode: "check",
    wrap: false,
    what: "row",
  });

  test("check an index and load a value before the loops that do not change them", () => {
    const scaled = binary("mul", load(x, add(mul(3, row), j)), load(scale, i));
    const body = [loop("j", 3, true, [check(i), store(y, add(mul(3, i), j), scaled)])];
    const scaleRows = kernel("scale_rows", {
      reads: [x, ids, scale],
      writes: [y],
      body: [loop("i", 4, true, body)],
    });
    expect(kernelText(scaleRows)).toMatchInlineSnapshot(`
      "function scale_rows(x: Float32Array, ids: Int32Array, scale: Float32Array, y: Float32Array): void {
        for (let i = 0; i < 4; i++) {
          const row = checkedIndex(ids[i]!, 4, "row");
          const scale0 = scale[i]!;
          const i3 = i * 3;
          const row3 = row * 3;
          for (let j = 0; j < 3; j++) {
            y[i3 + j] = x[row3 + j]! * scale0;
          }
        }
      }"
    `);
    const p = program({ steps: [call(scaleRows)] });
    const inputs = { x: noise(x, 4), ids: Int32Array.of(2, 0, 3, 3) };
    expect(runEmitted(p, inputs)).toEqual(runProgram(p, inputs));
  });

  test("keep a load inside when the kernel writes what it reads, or a guard may spare it", () => {
    const guarded: Expr = {
      kind: "guard",
      tests: [sub(j, 1)],
      inside: load(x, i),
      outside: load(y, constant(0)),
      dtype: "float32",
    };
    const running = kernel("running", {
      reads: [x, y],
      writes: [y],
      body: [
        store(y, constant(0), number(1)),
        loop("i", 4, false, [
          loop("j", 3, false, [store(y, constant(0), binary("add", guarded, load(y, constant(0))))]),
        ]),
      ],
    });
    expect(kernelText(running)).toMatchInlineSnapshot(`
      "function running(x: Float32Array, y: Float32Array): void {
        y[0] = 1;
        for (let i = 0; i < 4; i++) {
          for (let j = 0; j < 3; j++) {
            const y0 = y[0]!;
            y[0] = (j >= 1 ? x[i]! : y0) + y0;
          }
        }
      }"
    `);
    const p = program({ inputs: [port("x", x)], outputs: [port("y", y)], steps: [call(running)] });
    const [emitted, expected] = [runEmitted(p, { x: noise(x, 6) }), runProgram(p, { x: noise(x, 6) })];
    expect(emitted["y"]![0]).toBe(expected["y"]![0]);
  });
});
