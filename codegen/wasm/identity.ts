/**
 * Which module a .wasm file belongs to. It may be handed over as bytes or as what an import of the file gave,
 * so the mark is a section of its own, which both can be asked for. Without it a file of another model, or of
 * the same model compiled with other options, would run and give numbers.
 */
import { checksum } from "../typescript/weights.ts";

const section = "shapecast";

export interface Identity {
  readonly section: string;
  readonly bytes: Uint8Array;
}

/** Follows from the code, in which every address is a constant. */
export function identityOf(plain: Uint8Array): Identity {
  const words = new Uint8Array(Math.ceil(plain.length / 4) * 4);
  words.set(plain);
  return { section, bytes: new Uint8Array(Int32Array.of(checksum(words)).buffer) };
}

/** The same binary with the mark behind it, a custom section: its number, size, and name before the bytes. */
export function withIdentity(binary: Uint8Array, { section, bytes }: Identity): Uint8Array<ArrayBuffer> {
  const name = [...section].map((letter) => letter.charCodeAt(0));
  return Uint8Array.from([...binary, 0, 1 + name.length + bytes.length, name.length, ...name, ...bytes]);
}
