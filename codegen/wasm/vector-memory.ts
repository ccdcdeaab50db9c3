/**
 * Four elements between memory and lanes of 32 bits. Elements side by side are one access; those two or three
 * apart are picked from two that stay between the first and the last of them, so that nothing outside the
 * buffer is touched; elements in falling order are turned around. Anything else is gathered one by one.
 */
import { print } from "../../compiler/dims/index.ts";
import { strideOf } from "../../compiler/ir/affine.ts";
import type { Expr, Stmt } from "../../compiler/ir/loop.ts";
import { type DType, dtypes } from "../../runtime/dtype.ts";
import type { Address } from "./address.ts";
import type { OpcodeName } from "./assembler/index.ts";
import { firstLane, laneCount } from "./flatten.ts";
import { emitAddress, type Scope } from "./scope.ts";
import { unsupported } from "./unsupported.ts";

type Load = Expr & { kind: "load" };

/** Instructions that load one element as an i32, and that widen four of them. */
interface Narrow {
  readonly element: OpcodeName & `i32.load${string}`;
  readonly widen: readonly OpcodeName[];
}

const narrow: Partial<Record<DType, Narrow>> = {
  int8: { element: "i32.load8_s", widen: ["i16x8.extend_low_i8x16_s", "i32x4.extend_low_i16x8_s"] },
  uint8: { element: "i32.load8_u", widen: ["i16x8.extend_low_i8x16_u", "i32x4.extend_low_i16x8_u"] },
  bool: { element: "i32.load8_u", widen: ["i16x8.extend_low_i8x16_u", "i32x4.extend_low_i16x8_u"] },
  int16: { element: "i32.load16_s", widen: ["i32x4.extend_low_i16x8_s"] },
  uint16: { element: "i32.load16_u", widen: ["i32x4.extend_low_i16x8_u"] },
};

const whole: ReadonlySet<DType> = new Set(["float32", "int32", "uint32"]);

/** Whether elements of this dtype can be lanes. */
export const hasLanes = (dtype: DType) => whole.has(dtype) || narrow[dtype] !== undefined;

/** Leaves the four elements on the stack; within a straight line each address is loaded once. */
export function emitVectorLoad(scope: Scope, e: Load, lane: string): void {
  const { f } = scope;
  const stride = strideOf(e.index, lane);
  if (stride === undefined) throw new Error("internal: lanes of an address that is not linear");
  const key = `${stride} ${e.buffer.name} ${print(firstLane(e.index, lane))}`;
  const known = scope.loaded.get(key);
  if (known) {
    f.local_get(known.local);
    return;
  }
  const last = stride < 0 ? 3 * stride : 0;
  const first = scope.addresses.of(e.buffer, firstLane(e.index, lane));
  const address = { ...first, offset: first.offset + last };
  if (whole.has(e.buffer.dtype)) emitWhole(scope, address, Math.abs(stride));
  else emitNarrow(scope, address, Math.abs(stride), narrow[e.buffer.dtype]!, dtypes[e.buffer.dtype].bytes);
  if (stride < 0) turnAround(scope);
  const local = f.local("v128");
  f.local_tee(local);
  scope.loaded.set(key, { buffer: e.buffer, local });
}

function emitWhole(scope: Scope, address: Address, stride: number): void {
  const { f } = scope;
  const at = (element: number) => {
    emitAddress(scope, address, 4);
    return (address.offset + element) * 4;
  };
  if (stride === 0) f.v128_load32_splat(at(0));
  else if (stride === 1) f.v128_load(at(0));
  else if (stride < laneCount) {
    f.v128_load(at(0));
    f.v128_load(at(3 * stride - 3));
    f.i8x16_shuffle([0, stride, 7 - stride, 7].flatMap(bytesOfLane));
  } else {
    f.v128_load32_splat(at(0));
    for (let i = 1; i < laneCount; i++) {
      const vector = f.local("v128");
      f.local_set(vector);
      emitAddress(scope, address, 4);
      f.local_get(vector).v128_load32_lane(i, (address.offset + i * stride) * 4);
    }
  }
}

const bytesOfLane = (i: number) => [4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3];

function emitNarrow(scope: Scope, address: Address, stride: number, how: Narrow, bytes: number): void {
  const { f } = scope;
  const element = (i: number) => {
    emitAddress(scope, address, bytes);
    f.instruction(how.element, [(address.offset + i * stride) * bytes]);
  };
  if (stride === 1) {
    emitAddress(scope, address, bytes);
    const offset = address.offset * bytes;
    if (bytes === 1) f.v128_load32_zero(offset, 1);
    else f.v128_load64_zero(offset, 2);
    for (const name of how.widen) f.instruction(name, []);
    return;
  }
  element(0);
  f.i32x4_splat();
  if (stride === 0) return;
  for (let i = 1; i < laneCount; i++) {
    element(i);
    f.i32x4_replace_lane(i);
  }
}

function turnAround({ f }: Scope): void {
  const vector = f.local("v128");
  f.local_tee(vector).local_get(vector);
  f.i8x16_shuffle([3, 2, 1, 0].flatMap(bytesOfLane));
}

/** Stores what `value` leaves; integers of fewer bits than 32 wrap around. */
export function emitVectorStore(
  scope: Scope,
  s: Stmt & { kind: "store" },
  lane: string,
  value: () => void,
): void {
  const { f } = scope;
  const { dtype } = s.buffer;
  const { bytes } = dtypes[dtype];
  if (strideOf(s.index, lane) !== 1) unsupported("stores of lanes that lie apart");
  if (!hasLanes(dtype)) unsupported(`lanes of ${dtype}`);
  const address = scope.addresses.of(s.buffer, firstLane(s.index, lane));
  const offset = address.offset * bytes;
  emitAddress(scope, address, bytes);
  value();
  if (bytes === 4) {
    f.v128_store(offset);
    return;
  }
  const vector = f.local("v128");
  const low = [0, 1, 2, 3].flatMap((i) => bytesOfLane(i).slice(0, bytes));
  f.local_tee(vector).local_get(vector);
  f.i8x16_shuffle(Array.from({ length: 16 }, (_, i) => low[i % low.length]!));
  if (bytes === 1) f.v128_store32_lane(0, offset, 1);
  else f.v128_store64_lane(0, offset, 2);
}
