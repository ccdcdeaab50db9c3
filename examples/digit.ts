/** Draws a digit into a square of pixels in code, so that the examples need no image files. */

type Point = readonly [x: number, y: number];

/** The strokes of a seven, in a unit square. */
const seven: readonly Point[] = [
  [0.25, 0.22],
  [0.75, 0.22],
  [0.42, 0.82],
];

/** size x size pixels from 0 to 1, row by row: a pen of soft edge drawn along the strokes. */
export function drawSeven(size: number): Float32Array {
  const pixels = new Float32Array(size * size);
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) {
      const point: Point = [(column + 0.5) / size, (row + 0.5) / size];
      const distances = seven.slice(1).map((end, i) => distanceToSegment(point, seven[i]!, end));
      pixels[row * size + column] = Math.max(0, Math.min(1, 1.5 - Math.min(...distances) * 28));
    }
  return pixels;
}

/** The rows that are not blank, as characters, darkest last. */
export function showPixels(pixels: Float32Array, size: number): string {
  const shades = " .:+#";
  const rows = Array.from({ length: size }, (_, row) => [...pixels.subarray(row * size, (row + 1) * size)]);
  const lines = rows.map((row) => row.map((p) => shades[Math.round(p * 4)]).join(""));
  return lines.filter((line) => line.trim() !== "").join("\n");
}

function distanceToSegment([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const along = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}
