/**
 * What attributes an operator takes, as data: one spec per attribute says its form, its default, and whether
 * it must be there. The same specs find misspelt, missing and wrongly typed attributes of a whole file before
 * anything is imported, and give an importer its attributes as typed values.
 */
import { type DType, dtypes } from "../../../runtime/dtype.ts";
import { nearest } from "../../../runtime/initializers/nearest.ts";
import { dtypeOfElement, elementTypeName } from "./element-types.ts";
import type { OnnxAttribute, OnnxGraph, OnnxTensor } from "./model.ts";

/** What is wrong with an attribute, in the words that follow its name. */
export interface Misfit {
  readonly problem: string;
  readonly fix: string;
  /** The file is right, but this form is not supported. */
  readonly unsupported?: boolean;
}

export interface AttributeSpec<T> {
  /** E.g. "an integer". */
  readonly form: string;
  readonly required: boolean;
  readonly fallback: T;
  /** Undefined when the attribute has another form. */
  readonly read: (attribute: OnnxAttribute) => T | Misfit | undefined;
}

export type AttributeSpecs = Readonly<Record<string, AttributeSpec<unknown>>>;
export type ValuesOf<A extends AttributeSpecs> = {
  readonly [K in keyof A]: A[K] extends AttributeSpec<infer T> ? T : never;
};

type Reader<T> = (attribute: OnnxAttribute) => T | Misfit | undefined;

function spec<T, D>(form: string, fallback: D, read: Reader<T>): AttributeSpec<T | D> {
  return { form, required: false, fallback, read };
}

/** Makes an attribute one that must be given. */
export function required<T>(optional: AttributeSpec<T>): AttributeSpec<Exclude<T, undefined>> {
  return { ...optional, required: true } as AttributeSpec<Exclude<T, undefined>>;
}

function whole(value: bigint): number | Misfit {
  const n = Number(value);
  if (Number.isSafeInteger(n)) return n;
  return { problem: `is ${value}`, fix: "give an integer below 2^53" };
}

const isMisfit = (value: unknown): value is Misfit =>
  typeof value === "object" && value !== null && "problem" in value;

export function int(): AttributeSpec<number | undefined>;
export function int(fallback: number): AttributeSpec<number>;
export function int(fallback?: number): AttributeSpec<number | undefined> {
  return spec("an integer", fallback, (a) => (a.kind === "int" ? whole(a.value) : undefined));
}

/** An integer that means false or true. */
export function flag(fallback: boolean): AttributeSpec<boolean> {
  return spec("0 or 1", fallback, (a) => (a.kind === "int" ? a.value !== 0n : undefined));
}

export function ints(): AttributeSpec<readonly number[] | undefined>;
export function ints(fallback: readonly number[]): AttributeSpec<readonly number[]>;
export function ints(fallback?: readonly number[]): AttributeSpec<readonly number[] | undefined> {
  return spec("a list of integers", fallback, (a) => {
    // Writers that know no list type write an empty one without a type.
    if (a.kind === "undefined") return [];
    const list = a.kind === "ints" ? a.value.map(whole) : undefined;
    return list?.find(isMisfit) ?? (list as readonly number[] | undefined);
  });
}

export function float(): AttributeSpec<number | undefined>;
export function float(fallback: number): AttributeSpec<number>;
export function float(fallback?: number): AttributeSpec<number | undefined> {
  return spec("a number", fallback, (a) => (a.kind === "float" ? a.value : undefined));
}

export function floats(): AttributeSpec<readonly number[] | undefined>;
export function floats(fallback: readonly number[]): AttributeSpec<readonly number[]>;
export function floats(fallback?: readonly number[]): AttributeSpec<readonly number[] | undefined> {
  return spec("a list of numbers", fallback, (a) => {
    if (a.kind === "undefined") return [];
    return a.kind === "floats" ? a.value : undefined;
  });
}

/** Of a name that is no word of the operator's. */
const SHOWN = 100;
/** Bytes of a string that an operator may take. */
const LONGEST = 65_536;

const utf8 = new TextDecoder("utf-8");

function decoded(bytes: Uint8Array): string | Misfit {
  if (bytes.length <= LONGEST) return utf8.decode(bytes);
  return { problem: `has ${bytes.length} bytes`, fix: `give at most ${LONGEST}` };
}

export function text(): AttributeSpec<string | undefined>;
export function text(fallback: string): AttributeSpec<string>;
export function text(fallback?: string): AttributeSpec<string | undefined> {
  return spec("a string", fallback, (a) => (a.kind === "string" ? decoded(a.value) : undefined));
}

export function texts(): AttributeSpec<readonly string[] | undefined> {
  return spec("a list of strings", undefined, (a) =>
    a.kind === "strings" ? a.value.map((bytes) => utf8.decode(bytes.subarray(0, LONGEST))) : undefined,
  );
}

/** One of the words the operator knows. */
export function word<const W extends string>(words: readonly W[], fallback: NoInfer<W>): AttributeSpec<W> {
  return spec(`one of ${words.join(", ")}`, fallback, (a): W | Misfit | undefined => {
    if (a.kind !== "string") return undefined;
    const given = utf8.decode(a.value.subarray(0, SHOWN));
    const known = words.find((each) => each === given);
    return (
      known ?? {
        problem: `is ${JSON.stringify(given)}`,
        fix: `use one of ${words.join(", ")}; nearest: ${nearest(given, words)[0]}`,
        unsupported: true,
      }
    );
  });
}

export function tensor(): AttributeSpec<OnnxTensor | undefined> {
  return spec("a tensor", undefined, (a) => (a.kind === "tensor" ? a.value : undefined));
}

export function graph(): AttributeSpec<OnnxGraph | undefined> {
  return spec("a graph", undefined, (a) => (a.kind === "graph" ? a.value : undefined));
}

/** A TensorProto.DataType, as the dtype it names. */
export function elementType(): AttributeSpec<DType | undefined>;
export function elementType(fallback: DType): AttributeSpec<DType>;
export function elementType(fallback?: DType): AttributeSpec<DType | undefined> {
  return spec("an element type", fallback, (a): DType | Misfit | undefined => {
    if (a.kind !== "int") return undefined;
    // 0 is "not given".
    if (a.value === 0n && fallback !== undefined) return fallback;
    const known = dtypeOfElement(Number(a.value));
    return (
      known ?? {
        problem: `is ${elementTypeName(Number(a.value))}, which is not computed with`,
        fix: `use one of ${Object.keys(dtypes).join(", ")}`,
        unsupported: true,
      }
    );
  });
}

/** Any form: read by the importer itself, or without an effect here. */
export function anything(): AttributeSpec<OnnxAttribute | undefined> {
  return spec("anything", undefined, (a) => a);
}

export interface ReadAttributes {
  readonly values: Readonly<Record<string, unknown>>;
  readonly misfits: readonly (Misfit & { readonly name: string })[];
}

/** The values of a node's attributes, and everything that is wrong with them. */
export function readAttributes(attributes: readonly OnnxAttribute[], specs: AttributeSpecs): ReadAttributes {
  const values: Record<string, unknown> = {};
  const misfits: (Misfit & { name: string })[] = [];
  const given = new Map(attributes.map((attribute) => [attribute.name, attribute]));
  for (const [name, spec] of Object.entries(specs)) {
    const attribute = given.get(name);
    if (attribute) {
      const value = spec.read(attribute);
      if (isMisfit(value)) misfits.push({ ...value, name });
      else if (value === undefined) misfits.push({ ...wrongForm(attribute, spec), name });
      values[name] = value;
    } else {
      if (spec.required) misfits.push({ problem: "is missing", fix: `give it as ${spec.form}`, name });
      values[name] = spec.fallback;
    }
  }
  for (const name of given.keys())
    if (!Object.hasOwn(specs, name)) misfits.push({ ...unknownName(name, Object.keys(specs)), name });
  return { values, misfits };
}

function wrongForm({ kind }: OnnxAttribute, { form }: AttributeSpec<unknown>): Misfit {
  const has = kind === "undefined" ? "has no value" : `is of type ${kind}`;
  return { problem: `${has}, but must be ${form}`, fix: `give it as ${form}` };
}

function unknownName(name: string, known: readonly string[]): Misfit {
  const [suggestion] = nearest(name.slice(0, SHOWN), known);
  return {
    problem: "is not one of the operator's",
    fix: known.length === 0 ? "it takes none" : `it takes ${known.join(", ")}; nearest: ${suggestion}`,
    unsupported: true,
  };
}
