/**
 * Protocol buffers at the level of fields. Reading is a table per message: field number to what is done with
 * it; everything else is skipped. A file is not to be trusted: wrong wire types, lengths beyond the end, deep
 * nesting and floods of tiny messages end in a CompileError before memory or time is spent on them. Payloads
 * (weights, long strings) are views of the file's bytes and are never copied here.
 */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { CompileError, fail } from "../../diagnostics/index.ts";

/** Messages and strings of one file; the largest graphs known have some hundred thousands. */
const MESSAGES = 2_000_000;
/** Numbers in the lists of attributes and dims of one file: tensors are counted by their bytes. */
const NUMBERS = 4_000_000;
/** Bytes of one name; a list of numbers is longer, no name is. */
const NAME_BYTES = 65_536;
/** Graphs in graphs and types in types; protocol buffers themselves stop at 100. */
const DEPTH = 64;

/** What reading one file may still spend. */
export class Budget {
  #messages = MESSAGES;
  #numbers = NUMBERS;
  #depth = 0;

  message(): void {
    if (--this.#messages < 0) tooMuch(`has more than ${MESSAGES} messages and strings`);
  }

  numbers(count: number): void {
    this.#numbers -= count;
    if (this.#numbers < 0) tooMuch(`has more than ${NUMBERS} numbers outside of its tensors`);
  }

  /** Runs `body` one level deeper. */
  nested<T>(body: () => T): T {
    if (++this.#depth > DEPTH) tooMuch(`is nested more than ${DEPTH} deep`);
    const result = body();
    this.#depth--;
    return result;
  }
}

function tooMuch(what: string): never {
  return fail({
    code: "E5001",
    message: `the ONNX file ${what}`,
    fix: "use a file that an exporter wrote; this one is damaged or made to exhaust its reader",
  });
}

/** The value of the field that is being read; one of these is called once. */
export class Field {
  readonly #reader: BinaryReader;
  readonly #budget: Budget;
  readonly #type: WireType;

  constructor(reader: BinaryReader, budget: Budget, type: WireType) {
    this.#reader = reader;
    this.#budget = budget;
    this.#type = type;
  }

  /** A view of a length-delimited field. */
  bytes(): Uint8Array {
    this.#expect(WireType.LengthDelimited);
    return this.#reader.bytes();
  }

  /** A name. Bytes that are no UTF-8 are replaced: a name is only ever compared and shown. */
  text(): string {
    this.#budget.message();
    const bytes = this.bytes();
    if (bytes.length > NAME_BYTES) tooMuch(`has a name of ${bytes.length} bytes`);
    return decoder.decode(bytes);
  }

  int(): bigint {
    this.#expect(WireType.Varint);
    return BigInt(this.#reader.int64());
  }

  /** An enumeration or a version: what is no int32 becomes -1, which none of them is. */
  number(): number {
    const value = this.int();
    return value === BigInt.asIntN(32, value) ? Number(value) : -1;
  }

  float(): number {
    this.#expect(WireType.Bit32);
    return this.#reader.float();
  }

  /** One element, or all of a packed list. */
  ints(into: bigint[]): void {
    this.#list(WireType.Varint, (reader) => into.push(BigInt(reader.int64())));
  }

  floats(into: number[]): void {
    this.#list(WireType.Bit32, (reader) => into.push(reader.float()));
  }

  message<T>(read: (bytes: Uint8Array, budget: Budget) => T): T {
    const bytes = this.bytes();
    this.#budget.message();
    return this.#budget.nested(() => read(bytes, this.#budget));
  }

  #list(single: WireType, read: (reader: BinaryReader) => void): void {
    if (this.#type !== WireType.LengthDelimited) {
      this.#expect(single);
      this.#budget.numbers(1);
      read(this.#reader);
      return;
    }
    const packed = new BinaryReader(this.#reader.bytes());
    while (packed.pos < packed.len) {
      this.#budget.numbers(1);
      read(packed);
    }
  }

  #expect(type: WireType): void {
    if (this.#type !== type) throw new Error(`wire type ${this.#type} where ${type} belongs`);
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export type Fields = Readonly<Record<number, (field: Field) => void>>;

/** Reads one message by its table. Throws the reader's own errors: see `reading`. */
export function readFields(bytes: Uint8Array, budget: Budget, fields: Fields): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const read = fields[number];
    if (read) read(new Field(reader, budget, type));
    else reader.skip(type, number);
    if (reader.pos > reader.len) throw new RangeError("premature EOF");
  }
}

/**
 * Runs a reader and says in a CompileError (E3101) what of it is damaged. Only what the wire reader throws is
 * taken for damage; anything else is a defect of this program.
 */
export function reading<T>(what: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof CompileError || !isDamage(error)) throw error;
    return fail({
      code: "E3101",
      message: `${what} is truncated or damaged: ${error.message}`,
      fix: "export or download the file again; it has to be a binary ONNX model",
    });
  }
}

function isDamage(error: unknown): error is Error {
  const plain = error instanceof RangeError || (error instanceof Error && error.constructor === Error);
  return plain && !error.message.startsWith("internal:");
}
