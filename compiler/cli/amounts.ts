/**
 * Numbers for people: sizes in decimal units with two digits that matter, counts with separators, whatever
 * the locale.
 */

const scales: readonly (readonly [number, string])[] = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** 1024 -> "1.0 kB", 794120 -> "794 kB", 10 -> "10 B". */
export const bytes = (n: number): string => scaled(n, "B");

/** 203264 -> "203 kMAC". */
export const macs = (n: number): string => scaled(n, "MAC");

/** 203530 -> "203,530". */
export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

export function milliseconds(n: number): string {
  if (n >= 1000) return `${(n / 1000).toFixed(1)} s`;
  return n >= 10 ? `${n.toFixed(0)} ms` : n >= 0.1 ? `${n.toFixed(1)} ms` : `${(n * 1000).toFixed(1)} µs`;
}

function scaled(n: number, unit: string): string {
  const [scale, prefix] = scales.find(([each]) => n >= each * 0.9995) ?? [1, ""];
  const value = n / scale;
  const digits = scale === 1 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${prefix}${unit}`;
}
