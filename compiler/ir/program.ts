/**
 * A Program is a lowered graph: kernels over flat buffers, the order to run them in, and where every buffer
 * lives. It is all a target needs; emitters see nothing of the graph. Steps are the table of contents of the
 * emitted `run`.
 */
import type { DType, TypedArray } from "../../runtime/dtype.ts";
import type { InitializerSpec } from "../../runtime/initializers/index.ts";
import type { Clause, Dim, Shape } from "../dims/index.ts";
import type { Buffer, Kernel } from "./loop.ts";
import type { OpenDims } from "./open-dims.ts";

export interface Port {
  /** The user's name of the input or output: data, not an identifier. */
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly buffer: Buffer;
  /** What an input must hold, as its array stores it, where its elements decided shapes. */
  readonly values?: readonly (number | bigint)[];
}

export interface Weight {
  /** Layer path of the parameter, or a made-up name for a constant of the graph. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly buffer: Buffer;
  /** May be a getter that makes the elements at each use. */
  readonly data: TypedArray;
  /** The same as little-endian bytes at any address, where `data` would be a copy of these. */
  readonly bytes?: () => Uint8Array;
  /** Writes the elements in the order of `buffer` where that is not the order of `data` (see prepack). */
  readonly write?: (target: Float32Array) => void;
  /**
   * Present when `data` is still exactly what this initialiser gives for (seed, name): it may be shipped
   * instead.
   */
  readonly initializer?: { readonly spec: InitializerSpec; readonly seed: number; readonly path: string };
}

export type Step = Call | Repeat | Read | Stop;

export interface Call {
  readonly kind: "call";
  readonly kernel: Kernel;
  /** In the order of the kernel's own: what it reads, then what it writes. */
  readonly buffers: readonly Buffer[];
  /** One for each parameter of the kernel. */
  readonly args: readonly Dim[];
}

/** Runs `body` for axis = 0 .. extent - 1 (a scan over time). */
export interface Repeat {
  readonly kind: "repeat";
  readonly axis: string;
  readonly extent: Dim;
  readonly body: readonly Step[];
}

/** Leaves the repeat in whose body it stands, unless the element is true. */
export interface Stop {
  readonly kind: "stop";
  readonly buffer: Buffer;
  readonly index: Dim;
}

/** Makes a size of an integer that a kernel has computed, for the steps after it. */
export interface Read {
  readonly kind: "read";
  readonly symbol: string;
  readonly buffer: Buffer;
  readonly index: Dim;
  /** What else must hold of it and of the sizes known by then: a run is refused where it does not. */
  readonly guards: readonly Clause[];
  /** The layer or node that needs the size, for messages. */
  readonly subject: string;
}

/** Byte offset of each arena buffer; buffers that are never live together may overlap. */
export interface ArenaPlan {
  readonly bytes: number;
  /** Largest sum of bytes live at one time: no plan can be smaller. */
  readonly lowerBound: number;
  readonly offsets: ReadonlyMap<Buffer, number>;
}

/** What every specialisation of a module has in common. */
export interface Library {
  readonly name: string;
  readonly weights: readonly Weight[];
  readonly kernels: readonly Kernel[];
  /** Run once per set of weights, at instantiation: repacks weights into `packed` buffers. */
  readonly prepare: readonly Step[];
  readonly packed: readonly Buffer[];
  /** Packed buffers that hold a weight's elements, in its order, in their own dtype. */
  readonly widened: readonly { readonly from: Buffer; readonly to: Buffer }[];
}

export interface Program extends Library {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly steps: readonly Step[];
  readonly arena: ArenaPlan;
  /** Multiply-accumulates of one run, at the most. */
  readonly macs: number;
  /** What a run may choose the size of; steps, kernels and ports are written in these symbols. */
  readonly open: OpenDims;
  /** Symbols of the model and the values the sample gave them, for the header. */
  readonly bindings: readonly { readonly symbol: string; readonly value: number }[];
}
