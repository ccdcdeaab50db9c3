/**
 * Protocol buffers at the level of fields. Reading is a table per message: field number to what is done with
 * it; everything else is skipped. A file is not to be trusted: wrong wire types, lengths beyond the end, deep
 * nesting and floods of tiny messages end in a CompileError before memory or time is spent on them. Payloads
 * (weights, long strings) are views of the file's bytes and are never copied here.
 */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { CompileError, fail } from "../../diagnostics/index.ts";

/**
 * What the messages and strings of one file may take, in units of about fifty bytes of memory. A graph of
 * fifty thousand nodes with the types of all values takes half of it.
 */
const UNITS = 2_000_000;
/** Nodes of one file, those of functions and of graphs in graphs among them. */
const NODES = 100_000;
/** Inputs of one node, graph or function, and outputs of one. */
const WIDTH = 4096;
/** Axes of one tensor. */
const RANK = 64;
/** Numbers in the lists of attributes and dims of one file: tensors are counted by their bytes. */
const NUMBERS = 4_000_000;
/** Bytes of one name; a list of numbers is longer, no name is. */
const NAME_BYTES = 65_536;
/** Graphs in graphs and types in types; protocol buffers themselves stop at 100. */
const DEPTH = 64;

/** What reading one file may still spend. */
class Budget {
  #units = UNITS;
  #numbers = NUMBERS;
  #nodes = NODES;
  #depth = 0;

  node(): void {
    if (--this.#nodes < 0) tooMuch(`has more than ${NODES} nodes`);
  }

  message(units = 1): void {
    this.#units -= units;
    if (this.#units < 0) tooMuch("has more messages and strings than any network");
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

/** One more input or output of what has such a list. */
export function widen<T>(list: T[], one: T): void {
  if (list.push(one) > WIDTH) tooMuch(`has a node or a graph of more than ${WIDTH} inputs or outputs`);
}

/** One more axis of a shape. */
export function deepen<T>(dims: T[], one: T): void {
  if (dims.push(one) > RANK) tooMuch(`has a tensor of more than ${RANK} axes`);
}

/**
 * Where a reader is in the file. One serves the whole file: a nested message is a stretch of it, so nothing
 * is allocated for one but what is kept of it.
 */
export class Field {
  readonly #bytes: Uint8Array;
  readonly #reader: BinaryReader;
  readonly #budget = new Budget();
  /** Of the message that is being read. */
  #start = 0;
  #end: number;
  #type: WireType = WireType.Varint;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#reader = new BinaryReader(bytes);
    this.#end = bytes.length;
  }

  /** Goes to the next field that is in `known`; its number, or 0 at the end of the message. */
  next(known: Readonly<Record<number, unknown>>): number {
    const reader = this.#reader;
    while (reader.pos < this.#end) {
      const tag = reader.uint32();
      const [number, type] = [tag >>> 3, (tag & 7) as WireType];
      if (number === 0 || type > 5) throw new Error(`field ${number} of wire type ${type}`);
      this.#type = type;
      if (known[number] !== undefined) return number;
      skip(reader, type, number);
    }
    if (reader.pos > this.#end) throw new RangeError("a field ends behind its message");
    return 0;
  }

  /** The bytes of the message that is being read. */
  whole(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** A view of a length-delimited field. */
  bytes(): Uint8Array {
    const end = this.#stretch();
    const start = this.#reader.pos;
    this.#reader.pos = end;
    return this.#bytes.subarray(start, end);
  }

  /** Bytes that count as a message of their own: a view takes as much as one. */
  counted(units = 4): Uint8Array {
    this.#budget.message(units);
    return this.bytes();
  }

  /** A name. Bytes that are no UTF-8 are replaced: a name is only ever compared and shown. */
  text(): string {
    const bytes = this.counted(1);
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
    this.#list(WireType.Varint, (reader) => void into.push(BigInt(reader.int64())));
  }

  /** The same of sizes. */
  dims(into: bigint[]): void {
    this.#list(WireType.Varint, (reader) => deepen(into, BigInt(reader.int64())));
  }

  floats(into: number[]): void {
    this.#list(WireType.Bit32, (reader) => void into.push(reader.float()));
  }

  /** The message that is read now is a node. */
  node(): void {
    this.#budget.node();
  }

  /** A message in this one; `units` say what becomes of it. */
  message<T>(read: Read<T>, units = 1): T {
    this.#budget.message(units);
    const [start, end] = [this.#start, this.#end];
    this.#end = this.#stretch();
    this.#start = this.#reader.pos;
    const result = this.#budget.nested(() => read(this));
    [this.#start, this.#end] = [start, end];
    return result;
  }

  #list(single: WireType, read: (reader: BinaryReader) => void): void {
    const reader = this.#reader;
    if (this.#type !== WireType.LengthDelimited) {
      this.#expect(single);
      this.#budget.numbers(1);
      read(reader);
      return;
    }
    const end = this.#stretch();
    while (reader.pos < end) {
      this.#budget.numbers(1);
      read(reader);
    }
    if (reader.pos > end) throw new RangeError("a number ends behind its list");
  }

  /** Where the length-delimited field ends that begins here. */
  #stretch(): number {
    this.#expect(WireType.LengthDelimited);
    const length = this.#reader.uint32();
    const end = this.#reader.pos + length;
    if (end > this.#end)
      throw new RangeError(`${length} bytes where ${this.#end - this.#reader.pos} are left`);
    return end;
  }

  #expect(type: WireType): void {
    if (this.#type !== type) throw new Error(`wire type ${this.#type} where ${type} belongs`);
  }
}

/** Past one field. Not the reader's own skip, which makes a view of each of what may be millions. */
export function skip(reader: BinaryReader, type: WireType, number: number): void {
  if (type === WireType.Varint) reader.uint32();
  else if (type === WireType.Bit32) reader.pos += 4;
  else if (type === WireType.Bit64) reader.pos += 8;
  else if (type === WireType.LengthDelimited) {
    const length = reader.uint32();
    reader.pos += length;
  } else reader.skip(type, number);
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export type Read<T> = (field: Field) => T;

/** What is done with each field of a message. */
export type Fields<T> = Readonly<Record<number, (into: T, field: Field) => void>>;

/** Fills `into` from one message, and returns it. Throws the wire reader's own errors: see `reading`. */
export function fill<T>(into: T, fields: Fields<T>, field: Field): T {
  for (let number = field.next(fields); number !== 0; number = field.next(fields))
    fields[number]!(into, field);
  return into;
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
