/**
 * Integer-valued functions that JavaScript defines otherwise than tensor libraries do. Embedded in modules as
 * text.
 */

/**
 * The nearest integer, ties to even, as ONNX Round, NumPy and IEEE 754 roundTiesToEven. Keeps the sign of
 * zero.
 */
export function roundEven(x: number): number {
  const up = Math.round(x);
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

/**
 * The remainder with the sign of the divisor, as ONNX Mod without fmod and NumPy's mod. NaN for a zero
 * divisor.
 */
export function floorMod(a: number, b: number): number {
  const remainder = a % b;
  if (remainder === 0) return b < 0 ? -0 : 0;
  return remainder < 0 !== b < 0 ? remainder + b : remainder;
}
