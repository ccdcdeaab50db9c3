// Builds a WebAssembly module and writes it in the binary format (core specification, "Modules"). It keeps
// what a compiled network needs: function types (equal ones once), imported functions and one memory,
// imported or its own, functions, globals, exports, active data segments and function names. Same calls, same
// bytes.
// It refuses tables, start functions, several memories and passive segments: no emitted module has a use for
// them.

import { ByteWriter } from "./byte-writer.ts";
import { assembleFunction, type BodyOptions, type FunctionAssembler } from "./function-assembler.ts";
import { type FunctionType, type Signature, typeByte, type ValueType, writeTypes } from "./types.ts";

/** Sizes in pages of 65,536 bytes. */
export interface MemoryLimits {
  readonly initial: number;
  readonly maximum?: number;
}

export interface ImportName {
  readonly module: string;
  readonly name: string;
}

export interface FunctionDeclaration extends FunctionType {
  /** For messages and, with `names`, for profilers and disassemblers. */
  readonly name: string;
  /** Also exports the function under `name`. */
  readonly exported?: boolean;
}

export interface GlobalDeclaration {
  readonly type: "i32" | "f32" | "f64";
  readonly value: number;
  readonly mutable?: boolean;
}

/** Sixteen bytes that nobody changes. */
interface VectorConstant {
  readonly type: "v128";
  readonly bytes: Uint8Array;
  readonly mutable?: false;
}

export interface EncodeOptions extends BodyOptions {
  /** Adds a name section with the names of the functions. */
  readonly names?: boolean;
}

const pageBytes = 65_536;
const maximumPages = 65_536;
const externKind = { func: 0, memory: 2, global: 3 } as const;
export type ExternKind = keyof typeof externKind;

interface Func {
  readonly name: string;
  readonly type: Signature;
}

interface Memory extends MemoryLimits {
  readonly from?: ImportName;
}

interface Export {
  readonly name: string;
  readonly kind: ExternKind;
  readonly index: number;
}

export class Module {
  readonly #types: Signature[] = [];
  readonly #typeIndices = new Map<string, number>();
  readonly #imported: (Func & { readonly from: ImportName })[] = [];
  readonly #functions: (Func & { readonly body: FunctionAssembler })[] = [];
  readonly #globals: (GlobalDeclaration | VectorConstant)[] = [];
  readonly #constants = new Map<string, number>();
  readonly #shared = new Map<string, number>();
  readonly #equals = new Map<string, number>();
  readonly #exports: Export[] = [];
  readonly #segments: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  #memory: Memory | undefined;

  /**
   * Declares a function the host provides and returns its index. All imports come before the first `func`.
   */
  importFunc(from: ImportName, type: FunctionType): number {
    const name = `${from.module}.${from.name}`;
    if (this.#functions.length > 0) throw new Error(`internal: import ${name} comes after a function`);
    const { params = [], results = [] } = type;
    return this.#imported.push({ name, from, type: { params, results } }) - 1;
  }

  importMemory(from: ImportName, limits: MemoryLimits): void {
    this.#setMemory({ ...limits, from });
  }

  memory(limits: MemoryLimits): void {
    this.#setMemory(limits);
  }

  /** Starts a function; write its body through the result, `end` included, before `encode`. */
  func({ name, params = [], results = [], exported = false }: FunctionDeclaration): FunctionAssembler {
    const type = { params, results };
    const index = this.#imported.length + this.#functions.length;
    const body = assembleFunction({
      name,
      index,
      type,
      typeIndex: (blockType) => this.#typeIndex(blockType),
      func: (callee) => this.#func(callee)?.type,
      global: (variable) => this.#variable(variable),
    });
    this.#functions.push({ name, type, body });
    if (exported) this.export(name, "func", index);
    return body;
  }

  /** The index of the function that `write` adds, the first time it is asked for by `name`. */
  shared(name: string, write: () => FunctionAssembler): number {
    const known = this.#shared.get(name) ?? write().index;
    this.#shared.set(name, known);
    return known;
  }

  /** The index of a finished function, or of an equal one before it, which it gives way to. */
  equal(f: FunctionAssembler): number {
    const { type } = this.#func(f.index)!;
    const bytes = [f.encode(), f.encode({ fused: true })].map((body) => body.join());
    const key = `${type.params}:${type.results} ${bytes.join(" ")}`;
    const known = this.#equals.get(key);
    const isLast = this.#functions.at(-1)?.body === f;
    // Others may call what comes after it by number.
    if (known === undefined || !isLast) {
      this.#equals.set(key, known ?? f.index);
      return f.index;
    }
    this.#functions.pop();
    return known;
  }

  /** Returns the index for `global_get` and `global_set`. */
  global(declaration: GlobalDeclaration): number {
    return this.#globals.push(declaration) - 1;
  }

  /**
   * The index of the global that holds these 16 bytes, the same one for equal bytes. To get it is one load;
   * V8 puts a `v128.const` together from two halves that it moves through other registers.
   */
  constant(lanes: ArrayBufferView): number {
    const bytes = new Uint8Array(lanes.buffer, lanes.byteOffset, lanes.byteLength).slice();
    const key = bytes.join();
    const known = this.#constants.get(key) ?? this.#globals.push({ type: "v128", bytes }) - 1;
    this.#constants.set(key, known);
    return known;
  }

  export(name: string, kind: ExternKind, index = 0): void {
    if (this.#exports.some((other) => other.name === name))
      throw new Error(`internal: two exports "${name}"`);
    this.#exports.push({ name, kind, index });
  }

  /** Takes back the functions and exports that `write` has added if it throws. */
  attempt<T>(write: () => T): T {
    const counts = [this.#functions.length, this.#exports.length] as const;
    try {
      return write();
    } catch (error) {
      [this.#functions.length, this.#exports.length] = counts;
      for (const known of [this.#shared, this.#equals])
        for (const [name, index] of known) if (this.#func(index) === undefined) known.delete(name);
      throw error;
    }
  }

  /** Bytes that memory holds at `offset` when the module is instantiated. */
  data(offset: number, bytes: Uint8Array): void {
    this.#segments.push({ offset, bytes });
  }

  encode({ names = false, fused = false }: EncodeOptions = {}): Uint8Array<ArrayBuffer> {
    // Bodies and imports come first: the types they mention are what the type section lists.
    const bodies = this.#functions.map(({ body }) => body.encode({ fused }));
    const imports = this.#importSection();
    const declarations = section((out) =>
      out.vector(this.#functions, ({ type }) => out.u32(this.#typeIndex(type))),
    );
    const code = section((out) => out.vector(bodies, (body) => out.sized(body)));

    const out = new ByteWriter();
    out.bytes([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    const put = (id: number, content: Uint8Array) => {
      // An empty vector is one byte: such a section says nothing and is left out.
      if (content.length === 1) return;
      out.byte(id);
      out.sized(content);
    };
    put(1, this.#typeSection());
    put(2, imports);
    put(3, declarations);
    put(5, this.#memorySection());
    put(6, this.#globalSection());
    put(7, this.#exportSection());
    put(10, code);
    put(11, this.#dataSection());
    if (names) put(0, this.#nameSection());
    return out.finish();
  }

  #func(index: number): Func | undefined {
    return this.#imported[index] ?? this.#functions[index - this.#imported.length];
  }

  #variable(index: number) {
    const found = this.#globals[index];
    return found && { type: found.type as ValueType, mutable: found.mutable ?? false };
  }

  #typeIndex({ params = [], results = [] }: FunctionType): number {
    const key = `${params}:${results}`;
    const known = this.#typeIndices.get(key);
    if (known !== undefined) return known;
    this.#typeIndices.set(key, this.#types.length);
    return this.#types.push({ params, results }) - 1;
  }

  #setMemory(memory: Memory): void {
    const { initial, maximum = maximumPages } = memory;
    if (this.#memory !== undefined) throw new Error("internal: a module has one memory");
    if (initial > maximum || maximum > maximumPages) {
      throw new Error(`internal: memory of ${initial} to ${maximum} pages`);
    }
    this.#memory = memory;
  }

  #typeSection(): Uint8Array {
    return section((out) =>
      out.vector(this.#types, ({ params, results }) => {
        out.byte(0x60);
        writeTypes(out, params);
        writeTypes(out, results);
      }),
    );
  }

  #importSection(): Uint8Array {
    return section((out) => {
      out.u32(this.#imported.length + (this.#memory?.from === undefined ? 0 : 1));
      for (const { from, type } of this.#imported) {
        writeImport(out, from, "func");
        out.u32(this.#typeIndex(type));
      }
      if (this.#memory?.from === undefined) return;
      writeImport(out, this.#memory.from, "memory");
      writeLimits(out, this.#memory);
    });
  }

  #memorySection(): Uint8Array {
    const own = this.#memory === undefined || this.#memory.from !== undefined ? [] : [this.#memory];
    return section((out) => out.vector(own, (memory) => writeLimits(out, memory)));
  }

  #globalSection(): Uint8Array {
    const write = {
      i32: [0x41, (out: ByteWriter, value: number) => out.i32(value)],
      f32: [0x43, (out: ByteWriter, value: number) => out.f32(value)],
      f64: [0x44, (out: ByteWriter, value: number) => out.f64(value)],
    } as const;
    return section((out) =>
      out.vector(this.#globals, (global) => {
        out.bytes([typeByte[global.type], global.mutable ? 1 : 0]);
        if (global.type === "v128") out.bytes([0xfd, 0x0c, ...global.bytes]);
        else {
          out.byte(write[global.type][0]);
          write[global.type][1](out, global.value);
        }
        out.byte(0x0b);
      }),
    );
  }

  #exportSection(): Uint8Array {
    return section((out) =>
      out.vector(this.#exports, ({ name, kind, index }) => {
        out.name(name);
        out.byte(externKind[kind]);
        out.u32(index);
      }),
    );
  }

  #dataSection(): Uint8Array {
    return section((out) => out.vector(this.#segments, (segment) => this.#writeSegment(out, segment)));
  }

  #writeSegment(out: ByteWriter, { offset, bytes }: { offset: number; bytes: Uint8Array }): void {
    const size = (this.#memory?.initial ?? 0) * pageBytes;
    if (offset + bytes.length > size) {
      throw new Error(
        `internal: data at ${offset} of ${bytes.length} bytes is outside a memory of ${size} bytes`,
      );
    }
    // Active, memory 0, at the constant offset.
    out.bytes([0x00, 0x41]);
    out.i32(offset);
    out.byte(0x0b);
    out.sized(bytes);
  }

  #nameSection(): Uint8Array {
    const funcNames = section((out) =>
      out.vector([...this.#imported, ...this.#functions], ({ name }, index) => {
        out.u32(index);
        out.name(name);
      }),
    );
    return section((out) => {
      out.name("name");
      out.byte(1);
      out.sized(funcNames);
    });
  }
}

function section(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter();
  write(out);
  return out.finish();
}

function writeImport(out: ByteWriter, { module, name }: ImportName, kind: ExternKind): void {
  out.name(module);
  out.name(name);
  out.byte(externKind[kind]);
}

function writeLimits(out: ByteWriter, { initial, maximum }: MemoryLimits): void {
  out.byte(maximum === undefined ? 0 : 1);
  out.u32(initial);
  if (maximum !== undefined) out.u32(maximum);
}
