/** Small tables on standard output: columns padded to their widest cell, numbers to the right. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const lines = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  for (const [n, line] of lines.entries()) {
    const cells = line.map((cell, i) =>
      n > 0 && typeof rows[n - 1]![i] === "number" ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!),
    );
    console.log(cells.join("  ").trimEnd());
  }
}

/** A figure, its bound, and whether it holds. */
export function verdict(value: number, most: number): string {
  return value <= most ? "ok" : "MISSED";
}

export const kilobytes = (bytes: number): string => `${(bytes / 1024).toFixed(1)} kB`;
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
export const milliseconds = (ms: number): string => `${ms.toFixed(ms < 10 ? 2 : 0)} ms`;
