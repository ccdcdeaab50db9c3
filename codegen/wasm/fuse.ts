/**
 * One binary for two kinds of engines. With relaxed SIMD a product and the sum it goes into are one
 * instruction, which rounds once; the assembler leaves as much room for either form, so the binaries have one
 * length and differ in these places only. A module carries the plain one and where the places are, a tenth
 * of what a second binary would take.
 */
import type { WasmBinaries } from "../../compiler/ir/target.ts";
import type { Types, Writer } from "../source/index.ts";

const nop = 0x01;

/**
 * How far it is from each instruction that differs, of three bytes, to the next: one byte, or 255 for so many
 * bytes and no instruction there.
 */
export function placesOf({ plain, relaxed }: Required<WasmBinaries>): Uint8Array {
  const distances: number[] = [];
  let last = 0;
  for (let i = 0; i < plain.length; i++) {
    if (plain[i] === relaxed[i]) continue;
    // Both forms of a sum begin with the same byte.
    const at = relaxed[i] === nop ? i : i - 1;
    for (; at - last >= 255; last += 255) distances.push(255);
    distances.push(at - last);
    last = at;
    i = at + 2;
  }
  return Uint8Array.from(distances);
}

/** The function that makes the relaxed binary of the plain one. */
export function writeFuse({ only, element }: Types, writer: Writer): void {
  const bytes = only(": Uint8Array");
  writer.line().line("/** Puts multiply-adds, which round once, in place of products and sums. */");
  writer.block(`function fuse(bytes${bytes}, distances${bytes})${only(": void")}`, () => {
    writer.line("let at = 0;");
    writer.block("for (const distance of distances)", () => {
      writer.line("at += distance;");
      writer.line("if (distance === 255) continue;");
      writer.line(`const code = bytes[at + 1]${element};`);
      writer.line("if (code === 0xe6 || code === 0xf2) bytes.fill(0x01, at, at + 3); // mul: nop");
      writer.line("else bytes.set([code === 0xe4 ? 0x85 : 0x87, 0x02], at + 1); // add: relaxed_madd");
    });
  });
}
