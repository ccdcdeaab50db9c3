/**
 * Angles of any size as quarter turns and a rest of at most pi/4.
 *
 * A float32 x above 2^20 is m * 2^e with an integer m of 24 bits. Only the bits of 2/pi from 2^-e on can move
 * m * 2^e * 2/pi by less than four turns of a quarter, so a window of 96 of them, as an integer, is
 * multiplied by m modulo 2^64: the two bits on top are the quarter turns, the other 62 the rest (Payne and
 * Hanek, 1983). No float32 comes closer to a multiple of pi/2 than about 2^-30, so half of them would do.
 */
import type { FunctionAssembler } from "../assembler/index.ts";
import type { Angle } from "./circular.ts";
import type { Lanes, Value } from "./lanes.ts";

/** pi/2: its first 33 bits, by which quarter turns up to 2^20 multiply exactly, and the rest. */
const halfPiHigh = 1.5707963267341256;
const halfPiLow = 6.077100506506192e-11;
const shifter = 1.5 * 2 ** 52;
const largest = 2 ** 20;

/** The first 320 bits of 2/pi after the point. */
const twoOverPi = 0xa2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e0n;
const bitsOfTwoOverPi = 320n;
/** Word k starts where window positions 64 k do: position 0 belongs to e = -3, the least there is. */
const word = (k: bigint) => BigInt.asIntN(64, twoOverPi >> (bitsOfTwoOverPi - 59n - 64n * k));

/** Rest and quarter turns of each lane; `exact` is the index of the function `addExactReduction` added. */
export function reduceAngle(m: Lanes, x: Value, exact: number): Angle {
  const { f } = m;
  const kept = m.keep(x);
  const d = m.doubles();
  const [restLow, restHigh, turnsLow, turnsHigh] = [0, 0, 0, 0].map(() => f.local("v128"));
  const half = (of: Value, rest: number, turns: number) => {
    const wide = d.keep(d.op("f64x2.promote_low_f32x4", of));
    d.madd(wide, d.c(2 / Math.PI), d.c(shifter))();
    f.local_set(turns);
    const count = d.keep(d.sub(d.local(turns), d.c(shifter)));
    d.madd(count, d.c(-halfPiLow), d.madd(count, d.c(-halfPiHigh), wide))();
    f.local_set(rest);
  };
  half(kept, restLow!, turnsLow!);
  half(
    m.shuffle([8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15], kept, kept),
    restHigh!,
    turnsHigh!,
  );
  m.op("v128.any_true", m.gt(m.abs(kept), m.c(largest)))();
  f.if();
  const [even, odd] = [f.local("v128"), f.local("v128")];
  const lane = (i: number, into: number) => {
    kept();
    f.f32x4_extract_lane(i).call(exact).local_set(into);
  };
  const pair = (first: number, rest: number, turns: number) => {
    lane(first, even);
    lane(first + 1, odd);
    m.shuffle([...bytes(0, 8), ...bytes(16, 8)], m.local(even), m.local(odd))();
    f.local_set(rest);
    m.shuffle([...bytes(8, 8), ...bytes(24, 8)], m.local(even), m.local(odd))();
    f.local_set(turns);
  };
  pair(0, restLow!, turnsLow!);
  pair(2, restHigh!, turnsHigh!);
  f.end();
  const narrow = (of: number) => m.op("f32x4.demote_f64x2_zero", m.local(of));
  return {
    rest: m.keep(m.shuffle([...bytes(0, 8), ...bytes(16, 8)], narrow(restLow!), narrow(restHigh!))),
    quarters: m.keep(
      m.shuffle(
        [...bytes(0, 4), ...bytes(8, 4), ...bytes(16, 4), ...bytes(24, 4)],
        m.local(turnsLow!),
        m.local(turnsHigh!),
      ),
    ),
  };
}

const bytes = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

/** Writes (f32) -> v128: the rest in one double, the quarter turns in the low bits of the other. */
export function writeExactReduction(f: FunctionAssembler): void {
  const [rest, turns] = [f.local("f64"), f.local("f64")];
  f.local_get(0).f32_abs().f32_const(largest).f32_le().if();
  writeSmall(f, rest, turns);
  f.else();
  f.local_get(0).f32_abs().f32_const(Number.POSITIVE_INFINITY).f32_lt().if();
  writeLarge(f, rest, turns);
  f.else().f64_const(Number.NaN).local_set(rest).end();
  f.end();
  f.local_get(rest).f64x2_splat().local_get(turns).f64x2_replace_lane(1).end();
}

function writeSmall(f: FunctionAssembler, rest: number, turns: number): void {
  f.local_get(0)
    .f64_promote_f32()
    .f64_const(2 / Math.PI)
    .f64_mul()
    .f64_const(shifter)
    .f64_add();
  f.local_set(turns);
  const count = f.local("f64");
  f.local_get(turns).f64_const(shifter).f64_sub().local_set(count);
  f.local_get(0).f64_promote_f32();
  f.local_get(count).f64_const(halfPiHigh).f64_mul().f64_sub();
  f.local_get(count).f64_const(halfPiLow).f64_mul().f64_sub().local_set(rest);
}

function writeLarge(f: FunctionAssembler, rest: number, turns: number): void {
  const [m, shift, high, low, product, quarters] = Array.from({ length: 6 }, () => f.local("i64")) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const far = f.local("i32");
  f.local_get(0).i32_reinterpret_f32().i32_const(0x7fffff).i32_and().i32_const(0x800000).i32_or();
  f.i64_extend_i32_u().local_set(m);
  // The window's position e + 3 is the biased exponent less 147.
  f.local_get(0).i32_reinterpret_f32().i32_const(23).i32_shr_u().i32_const(255).i32_and();
  f.i32_const(147).i32_sub().local_tee(far).i64_extend_i32_u().i64_const(63n).i64_and().local_set(shift);
  f.local_get(far).i32_const(63).i32_gt_s().local_set(far);
  const at = (k: bigint) =>
    f
      .i64_const(word(k + 1n))
      .i64_const(word(k))
      .local_get(far)
      .select();
  const window = (k: bigint) => {
    at(k).local_get(shift).i64_shl();
    at(k + 1n)
      .i64_const(1n)
      .i64_shr_u()
      .i64_const(63n)
      .local_get(shift)
      .i64_sub()
      .i64_shr_u()
      .i64_or();
  };
  window(0n);
  f.local_set(high);
  window(1n);
  f.i64_const(32n).i64_shr_u().local_set(low);
  f.local_get(m).local_get(high).i64_mul();
  f.local_get(m).local_get(low).i64_mul().i64_const(32n).i64_shr_u().i64_add().local_tee(product);
  f.i64_const(1n << 61n)
    .i64_add()
    .i64_const(62n)
    .i64_shr_u()
    .local_tee(quarters);
  f.i64_const(62n).i64_shl().local_set(high);
  f.local_get(product).local_get(high).i64_sub().f64_convert_i64_s();
  f.f64_const((Math.PI / 2) * 2 ** -62)
    .f64_mul()
    .local_set(rest);
  // A negative angle turns the other way.
  const sign = f.local("f64");
  f.f64_const(1).local_get(0).f64_promote_f32().f64_copysign().local_set(sign);
  f.local_get(rest).local_get(sign).f64_mul().local_set(rest);
  f.local_get(quarters).f64_convert_i64_s().local_get(sign).f64_mul().f64_const(shifter).f64_add();
  f.local_set(turns);
}
