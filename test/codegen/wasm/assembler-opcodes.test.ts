// The opcode tables against an independent reader of the binary format: every row is assembled and read back
// by wabt.

import { expect, test } from "vitest";
import wabt from "wabt";
import type { ImmediateKind, Immediates } from "../../../codegen/wasm/assembler/immediates.ts";
import {
  type FunctionAssembler,
  Module,
  type OpcodeName,
  opcodeNames,
  opcodes,
} from "../../../codegen/wasm/assembler/index.ts";
import type { Opcode } from "../../../codegen/wasm/assembler/opcode.ts";

const { readWasm } = await wabt();
const features = {
  simd: true,
  relaxed_simd: true,
  sat_float_to_int: true,
  bulk_memory: true,
  multi_value: true,
};

function disassemble(bytes: Uint8Array): string {
  const module = readWasm(bytes, { readDebugNames: false, ...features });
  try {
    module.validate();
    return module.toText({ foldExprs: false, inlineExport: false });
  } finally {
    module.destroy();
  }
}

const sampleImmediates: { readonly [K in ImmediateKind]: Immediates[K] } = {
  none: [],
  blockType: [],
  depth: [0],
  depths: [[0, 1], 0],
  func: [0],
  local: [0],
  global: [0],
  memory: [24],
  lane: [1],
  laneMemory: [1, 300, 1],
  memoryIndex: [],
  memoryPair: [],
  i32: [-7],
  i64: [-7n],
  f32: [1.5],
  f64: [2.5],
  v128: [Uint8Array.from({ length: 16 }, (_, i) => i)],
  shuffle: [[31, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]],
};

/** Bodies for the instructions whose effect is not in their row; each holds the instruction once. */
const bodies: Partial<Record<OpcodeName, (f: FunctionAssembler) => void>> = {
  unreachable: (f) => f.unreachable(),
  block: (f) => f.block().end(),
  loop: (f) => f.loop().end(),
  if: (f) => f.i32_const(1).if().end(),
  else: (f) => f.i32_const(1).if("i32").i32_const(2).else().i32_const(3).end().drop(),
  end: (f) => f.block().end(),
  br: (f) => f.br(0),
  br_if: (f) => f.i32_const(1).br_if(0),
  br_table: (f) => f.block().i32_const(1).br_table([0, 1], 0).end(),
  return: (f) => f.return(),
  call: (f) => f.call(f.index),
  drop: (f) => f.i32_const(1).drop(),
  select: (f) => f.f32_const(1).f32_const(2).i32_const(1).select().drop(),
  "local.get": (f) => f.local_get(f.local("f64")).drop(),
  "local.set": (f) => f.f64_const(1).local_set(f.local("f64")),
  "local.tee": (f) => f.f64_const(1).local_tee(f.local("f64")).drop(),
  "global.get": (f) => f.global_get(0).drop(),
  "global.set": (f) => f.i32_const(1).global_set(0),
};

function assembleOne(name: OpcodeName): Uint8Array {
  const module = new Module();
  module.memory({ initial: 1 });
  module.global({ type: "i32", value: 0, mutable: true });
  const opcode: Opcode = opcodes[name];
  const f = module.func({ name: "one", ...opcode.signature });
  opcode.signature?.params.forEach((_, index) => {
    f.local_get(index);
  });
  const body = bodies[name];
  if (body) body(f);
  else f.instruction(name, sampleImmediates[opcode.immediate]);
  f.end();
  return module.encode();
}

test("every opcode is read back by wabt under the name it has in the table", () => {
  const mentions = opcodeNames.map((name) => {
    const words = disassemble(assembleOne(name)).split(/[\s()]+/);
    return words.includes(name) ? name : `${name} was read as: ${words.slice(-8).join(" ")}`;
  });
  expect(mentions).toEqual([...opcodeNames]);
});

test("a wrong code would be noticed: the text of one opcode does not mention another", () => {
  const text = disassemble(assembleOne("f32x4.mul")).split(/[\s()]+/);
  expect(opcodeNames.filter((name) => text.includes(name)).sort()).toEqual([
    "f32x4.mul",
    "i32.const", // the global every sample module has
    "local.get",
  ]);
});

/** Codes behind `prefix` that wabt has no instruction for. */
function unknownCodes(prefix: readonly number[], codes: readonly number[], leb: boolean): number[] {
  const empty = new Module();
  empty.func({ name: "f" }).end();
  const shell = empty.encode();
  // The code section is last: id, size, count, body size, no locals, end.
  const head = shell.slice(0, shell.length - 6);
  return codes.filter((code) => {
    const encoded = leb && code > 0x7f ? [(code & 0x7f) | 0x80, code >> 7] : [code];
    const body = [0, ...prefix, ...encoded, ...new Array<number>(20).fill(0), 0x0b];
    const bytes = Uint8Array.from([...head, 10, body.length + 2, 1, body.length, ...body]);
    try {
      readWasm(bytes, { readDebugNames: false, check: true, ...features }).destroy();
      return false;
    } catch (error) {
      return /unexpected opcode/.test(String(error));
    }
  });
}

test("the tables hold every vector instruction that exists, and no code twice", () => {
  const codes = Array.from({ length: 0x180 }, (_, code) => code);
  const rows: readonly Opcode[] = Object.values(opcodes);
  const inTable = rows.filter(({ prefix }) => prefix === 0xfd).map(({ code }) => code);
  const unknown = new Set(unknownCodes([0xfd], codes, true));
  expect(inTable.toSorted((a, b) => a - b)).toEqual(codes.filter((code) => !unknown.has(code)));
  expect(inTable.length).toBe(236 + 20);
});

test("of the scalar instructions only those on tables, references and exceptions are left out", () => {
  const codes = Array.from({ length: 0xfc }, (_, code) => code);
  const rows: readonly Opcode[] = Object.values(opcodes);
  const inTable = new Set(rows.filter(({ prefix }) => prefix === undefined).map(({ code }) => code));
  const unknown = new Set(unknownCodes([], codes, false));
  const left = codes.filter((code) => !inTable.has(code) && !unknown.has(code));
  // call_indirect, catch_all, typed select, table.get and .set, ref.null, ref.is_null, ref.func
  expect(left).toEqual([0x11, 0x19, 0x1c, 0x25, 0x26, 0xd0, 0xd1, 0xd2]);
});

test("immediates reach the text as they were given", () => {
  const module = new Module();
  module.memory({ initial: 1 });
  const f = module.func({ name: "immediates" });
  f.i32_const(16).i32_const(0).v128_load(32, 4).v128_load32_lane(3, 1000, 2).drop();
  f.i32_const(0).f32_load(0xffff_fffc).drop();
  f.i32_const(0x8000_0000)
    .i64_const(-(2n ** 63n))
    .f64_const(0.1)
    .f32_const(Number.NaN);
  f.drop().drop().drop().drop();
  f.v128_const(Float32Array.of(1, 2, 3, 4))
    .f32x4_extract_lane(2)
    .drop()
    .end();
  expect(disassemble(module.encode())).toMatchInlineSnapshot(`
    "(module
      (type (;0;) (func))
      (func (;0;) (type 0)
        i32.const 16
        i32.const 0
        v128.load offset=32 align=4
        v128.load32_lane offset=1000 align=2 3
        drop
        i32.const 0
        f32.load offset=4294967292
        drop
        i32.const -2147483648
        i64.const -9223372036854775808
        f64.const 0x1.999999999999ap-4 (;=0.1;)
        f32.const nan (;=nan;)
        drop
        drop
        drop
        drop
        v128.const i32x4 0x3f800000 0x40000000 0x40400000 0x40800000
        f32x4.extract_lane 2
        drop)
      (memory (;0;) 1))
    "
  `);
});
