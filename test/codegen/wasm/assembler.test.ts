// Whole modules: what the engine makes of the encoded bytes, and what the assembler refuses to write.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import wabt from "wabt";
import {
  detectionExpression,
  type FunctionAssembler,
  featureDetect,
  featureProbe,
  Module,
} from "../../../codegen/wasm/assembler/index.ts";

type Func = (...args: number[]) => number;

function run(module: Module, imports: WebAssembly.Imports = {}) {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), imports);
  return instance.exports as Record<string, Func> & { readonly memory: WebAssembly.Memory };
}

/** dot(a, b, count) over f32 at byte addresses a and b, four lanes at a time, by `multiplyAdd`. */
function addDot(module: Module, name: string, multiplyAdd: (f: FunctionAssembler) => void): void {
  const f = module.func({ name, params: ["i32", "i32", "i32"], results: ["f32"], exported: true });
  const [a, b, count, sum] = [0, 1, 2, f.local("v128")];
  f.loop();
  multiplyAdd(f.local_get(sum).local_get(a).v128_load().local_get(b).v128_load());
  f.local_set(sum);
  for (const pointer of [a, b]) f.local_get(pointer).i32_const(16).i32_add().local_set(pointer);
  f.local_get(count).i32_const(4).i32_sub().local_tee(count).br_if(0).end();
  for (const lane of [0, 1, 2, 3]) f.local_get(sum).f32x4_extract_lane(lane);
  f.f32_add().f32_add().f32_add().end();
}

function dotOf(addKernel: (module: Module) => void, a: readonly number[], b: readonly number[]): number {
  const module = new Module();
  module.memory({ initial: 1 });
  module.export("memory", "memory");
  addKernel(module);
  const { memory, dot } = run(module);
  const floats = new Float32Array(memory.buffer);
  floats.set(a, 0);
  floats.set(b, 64);
  return dot!(0, 256, a.length);
}

const twelve = Array.from({ length: 12 }, (_, i) => i - 3);
const expectedDot = twelve.reduce((sum, x) => sum + x * (x + 1), 0);
const plusOne = twelve.map((x) => x + 1);

describe("an encoded module", () => {
  test("runs a vector loop over its own memory", () => {
    const add = (module: Module) => addDot(module, "dot", (f) => f.f32x4_mul().f32x4_add());
    expect(dotOf(add, twelve, plusOne)).toBe(expectedDot);
  });

  test.skipIf(!featureDetect("relaxedSimd"))("runs relaxed multiply-add where the engine has it", () => {
    const add = (module: Module) => {
      addDot(module, "dot", (f) => {
        const [a, b, sum] = [f.local("v128"), f.local("v128"), f.local("v128")];
        f.local_set(b).local_set(a).local_set(sum);
        f.local_get(a).local_get(b).local_get(sum).f32x4_relaxed_madd();
      });
    };
    expect(dotOf(add, twelve, plusOne)).toBe(expectedDot);
  });

  test("calls imports and its own functions, and shares an imported memory", () => {
    const module = new Module();
    const twice = module.importFunc({ module: "env", name: "twice" }, { params: ["f64"], results: ["f64"] });
    module.importMemory({ module: "env", name: "memory" }, { initial: 1, maximum: 2 });
    module.data(8, Uint8Array.of(7, 0, 0, 0));
    const load = module.func({ name: "load", params: ["i32"], results: ["i32"] });
    load.local_get(0).i32_load().end();
    const f = module.func({ name: "main", results: ["f64"], exported: true });
    f.i32_const(8).call(load.index).f64_convert_i32_s().call(twice).end();
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
    const { main } = run(module, { env: { memory, twice: (x: number) => 2 * x } });
    expect(main!()).toBe(14);
    new Int32Array(memory.buffer)[2] = -50;
    expect(main!()).toBe(-100);
  });

  test("keeps globals, copies and fills memory, and branches through tables and typed blocks", () => {
    const module = new Module();
    module.memory({ initial: 1, maximum: 1 });
    module.export("memory", "memory");
    const counter = module.global({ type: "i32", value: 40, mutable: true });
    const half = module.global({ type: "f64", value: 0.5 });
    const next = module.func({ name: "next", results: ["i32"], exported: true });
    next.global_get(counter).i32_const(1).i32_add().global_set(counter).global_get(counter).end();
    module
      .func({ name: "half", results: ["f64"], exported: true })
      .global_get(half)
      .end();
    const fill = module.func({ name: "fill", exported: true });
    fill.i32_const(0).i32_const(3).i32_const(5).memory_fill();
    fill.i32_const(100).i32_const(2).i32_const(6).memory_copy().end();
    const pick = module.func({ name: "pick", params: ["i32"], results: ["i32"], exported: true });
    pick.block("i32").block("i32").i32_const(10).local_get(0).br_table([0, 1], 2).end();
    pick.i32_const(1).i32_add().end().i32_const(100).i32_add().end();
    const swap = module.func({
      name: "difference",
      params: ["i32", "i32"],
      results: ["i32"],
      exported: true,
    });
    const pair = { params: ["i32", "i32"], results: ["i32"] } as const;
    swap.local_get(1).local_get(0).block(pair).i32_sub().end().end();

    const { memory, next: count, half: constant, fill: write, pick: choose, difference } = run(module);
    expect([count!(), count!(), constant!()]).toEqual([41, 42, 0.5]);
    write!();
    expect([...new Uint8Array(memory.buffer, 98, 9)]).toEqual([0, 0, 3, 3, 3, 0, 0, 0, 0]);
    expect([0, 1, 2].map((n) => choose!(n))).toEqual([111, 110, 10]);
    expect(difference!(3, 10)).toBe(7);
  });

  test("keeps one of equal functions, unless another was added in between", () => {
    const module = new Module();
    const constant = (value: number, type: "i32" | "f32" = "i32") => {
      const f = module.func({ name: `${value}`, results: [type] });
      return type === "i32" ? f.i32_const(value).end() : f.f32_const(value).end();
    };
    const fused = (add: "f32x4_add" | "fusibleAdd") => {
      const f = module.func({ name: add, params: ["v128"], results: ["v128"] });
      f.local_get(0).local_get(0).fusibleMul("f32x4").local_get(0);
      return (add === "f32x4_add" ? f.f32x4_add() : f.fusibleAdd("f32x4")).end();
    };
    const indices = [7, 8, 7, 8, 9].map((value) => module.equal(constant(value)));
    expect(indices).toEqual([0, 1, 0, 1, 2]);
    expect(module.equal(constant(7, "f32"))).toBe(3);
    const late = constant(7);
    constant(10);
    expect(module.equal(late)).toBe(4);
    // Equal as they stand, but not where products and sums are fused.
    expect([fused("f32x4_add"), fused("fusibleAdd")].map((f) => module.equal(f))).toEqual([6, 7]);
    const failed = () => {
      module.equal(constant(11));
      throw new Error("refused");
    };
    expect(() => module.attempt(failed)).toThrow("refused");
    expect(module.equal(constant(11))).toBe(8);
  });

  test("computes random integer expressions as JavaScript does", () => {
    const operations = {
      i32_add: (a: number, b: number) => (a + b) | 0,
      i32_sub: (a: number, b: number) => (a - b) | 0,
      i32_mul: Math.imul,
      i32_xor: (a: number, b: number) => a ^ b,
      i32_shr_s: (a: number, b: number) => a >> b,
      i32_lt_u: (a: number, b: number) => Number(a >>> 0 < b >>> 0),
    };
    type Name = keyof typeof operations;
    type Expression = number | { readonly name: Name; readonly a: Expression; readonly b: Expression };
    const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
      expression: fc.oneof(
        { maxDepth: 6, withCrossShrink: true },
        fc.integer(),
        fc.record({
          name: fc.constantFrom(...(Object.keys(operations) as Name[])),
          a: tie("expression"),
          b: tie("expression"),
        }),
      ),
    }));
    const evaluate = (e: Expression): number =>
      typeof e === "number" ? e : operations[e.name](evaluate(e.a), evaluate(e.b));
    const assemble = (f: FunctionAssembler, e: Expression): FunctionAssembler =>
      typeof e === "number" ? f.i32_const(e) : assemble(assemble(f, e.a), e.b)[e.name]();
    fc.assert(
      fc.property(expression, (e) => {
        const module = new Module();
        assemble(module.func({ name: "main", results: ["i32"], exported: true }), e).end();
        const { main } = run(module);
        expect(main!()).toBe(evaluate(e));
      }),
      { numRuns: 100 },
    );
  });

  test("is byte for byte what wabt writes for the same text", async () => {
    const module = new Module();
    module.memory({ initial: 1, maximum: 300 });
    module.export("memory", "memory");
    module.global({ type: "f32", value: -0.1, mutable: true });
    module.data(
      1000,
      Uint8Array.from({ length: 200 }, (_, i) => i),
    );
    addDot(module, "dot", (f) => f.f32x4_mul().f32x4_add());
    addDot(module, "dot2", (f) => {
      const unused = [f.local("f32"), f.local("f32"), f.local("v128")];
      f.f32x4_mul().f32x4_add().local_tee(unused[2]!);
    });
    const bytes = module.encode();
    const { readWasm, parseWat } = await wabt();
    const read = readWasm(bytes, { readDebugNames: false, simd: true });
    const parsed = parseWat("again.wat", read.toText({}), { simd: true });
    expect([...parsed.toBinary({}).buffer]).toEqual([...bytes]);
    read.destroy();
    parsed.destroy();
  });

  test("lists equal function types once and carries names only when asked", () => {
    const build = () => {
      const module = new Module();
      for (const name of ["alpha", "beta"]) module.func({ name, params: ["f32"] }).end();
      return module;
    };
    const plain = build().encode();
    // Header, then section 1 of 5 bytes: one type, (f32) -> ().
    expect([...plain.slice(8, 15)]).toEqual([1, 5, 1, 0x60, 1, 0x7d, 0]);
    expect(new TextDecoder().decode(plain)).not.toContain("beta");
    const named = build().encode({ names: true });
    expect(new TextDecoder().decode(named)).toContain("beta");
    expect([...named.slice(0, plain.length)]).toEqual([...plain]);
    expect(WebAssembly.validate(named)).toBe(true);
  });
});

/** The message of the error that `write` causes in a function (i32, v128) -> f32. */
function refusal(write: (f: FunctionAssembler) => void): string {
  const f = new Module().func({ name: "kernel", params: ["i32", "v128"], results: ["f32"] });
  try {
    write(f);
  } catch (error) {
    return (error as Error).message;
  }
  return "accepted";
}

describe("the assembler refuses at once, naming opcode and function", () => {
  test.each<[string, (f: FunctionAssembler) => void, string]>([
    [
      "a wrong operand",
      (f) => f.local_get(1).local_get(0).f32x4_mul(),
      "f32x4.mul needs v128, but i32 is on the stack",
    ],
    ["a missing operand", (f) => f.local_get(1).f32x4_mul(), "f32x4.mul needs v128, but the stack is empty"],
    [
      "operands of an outer block",
      (f) => f.local_get(0).block().drop(),
      "drop needs a value, but the stack is empty",
    ],
    ["a wrong result", (f) => f.i32_const(1).end(), "end needs f32, but i32 is on the stack"],
    ["leftovers", (f) => f.i32_const(1).f32_const(1).end(), "end leaves (i32) on the stack of its function"],
    ["a loop that lacks its value", (f) => f.loop("f32").end(), "end needs f32, but the stack is empty"],
    ["an unknown local", (f) => f.local_get(2), "local.get names local 2, which does not exist"],
    ["an unknown function", (f) => f.call(9), "call names function 9, which does not exist"],
    ["an unknown global", (f) => f.global_get(0), "global.get names global 0, which does not exist"],
    ["a depth outside the function", (f) => f.br(1), "br names depth 1 of 1"],
    ["a branch without its value", (f) => f.i32_const(1).br_if(0), "br_if needs f32, but the stack is empty"],
    ["an else without if", (f) => f.block().else(), "else belongs to an if, not to a block"],
    [
      "an if that yields nothing on one side",
      (f) => f.local_get(0).if("f32").f32_const(1).end(),
      "end closes an if without else that must turn () into (f32)",
    ],
    [
      "unlike operands of select",
      (f) => f.f32_const(1).local_get(1).i32_const(1).select(),
      "select needs v128, but f32",
    ],
    [
      "a lane that is not there",
      (f) => f.local_get(1).f32x4_extract_lane(4),
      "f32x4.extract_lane has lanes 0 to 3, not 4",
    ],
    ["too much alignment", (f) => f.local_get(0).v128_load(0, 32), "v128.load cannot be aligned to 32 bytes"],
    ["an odd alignment", (f) => f.local_get(0).v128_load(0, 3), "v128.load cannot be aligned to 3 bytes"],
    ["a short constant", (f) => f.v128_const(new Uint8Array(8)), "v128.const takes 16 bytes, not 8"],
    [
      "code after the last end",
      (f) => f.f32_const(0).end().i32_const(0),
      "i32.const comes after the function's end",
    ],
  ])("%s", (_, write, problem) => {
    const message = refusal(write);
    expect(message).toContain(`internal: ${problem}`);
    expect(message).toMatch(/\(function kernel, instruction \d+\)$/);
  });

  test("but not the code after a branch, whose stack may hold anything", () => {
    expect(refusal((f) => f.f32_const(0).br(0).f32_add().end())).toBe("accepted");
    expect(refusal((f) => f.block().br(0).select().drop().end().unreachable().end())).toBe("accepted");
    expect(refusal((f) => f.f32_const(0).return().i32_const(1).end())).toContain("end needs f32, but i32");
  });
});

describe("the module refuses", () => {
  test("a body without its end, a second memory, imports after functions and equal export names", () => {
    const open = new Module();
    open.func({ name: "open" }).block().end();
    expect(() => open.encode()).toThrow("internal: function open lacks its last end");
    const module = new Module();
    module.memory({ initial: 1 });
    expect(() => module.memory({ initial: 1 })).toThrow("one memory");
    module.func({ name: "f", exported: true }).end();
    expect(() => module.export("f", "memory")).toThrow('two exports "f"');
    expect(() => module.importFunc({ module: "env", name: "late" }, {})).toThrow("env.late comes after");
  });

  test("memory limits and data that cannot be", () => {
    expect(() => new Module().memory({ initial: 2, maximum: 1 })).toThrow("2 to 1 pages");
    expect(() => new Module().memory({ initial: 1, maximum: 65_537 })).toThrow("65537 pages");
    const module = new Module();
    module.memory({ initial: 1 });
    module.data(65_535, Uint8Array.of(1, 2));
    expect(() => module.encode()).toThrow("data at 65535 of 2 bytes is outside a memory of 65536 bytes");
  });

  test("no data that ends at the last byte", () => {
    const module = new Module();
    module.memory({ initial: 1 });
    module.data(65_534, Uint8Array.of(1, 2));
    expect(() => run(module)).not.toThrow();
  });
});

describe("feature detection", () => {
  test.each(["simd", "relaxedSimd"] as const)(
    "of %s gives the emitted module the same answer",
    async (feature) => {
      const answer: unknown = new Function(`return ${detectionExpression(feature)}`)();
      expect(answer).toBe(featureDetect(feature));
      const { readWasm } = await wabt();
      const validate = (enabled: boolean) => () => {
        const options = { readDebugNames: false, simd: enabled || feature !== "simd", relaxed_simd: enabled };
        const module = readWasm(featureProbe(feature), options);
        module.validate();
        module.destroy();
      };
      expect(validate(true)).not.toThrow();
      expect(validate(false)).toThrow();
      expect(featureProbe(feature).length).toBeLessThanOrEqual(40);
    },
  );
});
