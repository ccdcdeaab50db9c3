/**
 * The words a user gave as option values, read into what the compiler takes. Throws E1002 with an example of
 * what would do.
 */
import type { DType } from "../../runtime/dtype.ts";
import { dtypes } from "../../runtime/dtype.ts";
import { nearest } from "../../runtime/initializers/nearest.ts";
import { fail } from "../diagnostics/index.ts";
import type { Options } from "./command-line.ts";
import { type GivenData, readData } from "./sample-data.ts";

/** The shape of one input, its dtype where the user wrote one, and its values where shapes depend on them. */
export interface GivenSample {
  readonly shape: readonly number[];
  readonly dtype?: DType;
  readonly data?: GivenData;
}

/**
 * `--sample x=2,20`, `--sample tokens=int32:1,128`, or just sizes for the only input (name ""); values in
 * brackets behind a dtype, `--sample shape=int32:[2,3]`, or in a .json or .npy file below `cwd`.
 */
export function readSamples(options: Options, cwd: string): ReadonlyMap<string, GivenSample> {
  const samples = new Map<string, GivenSample>();
  for (const text of options.get("sample") ?? []) {
    const [, name = "", value = ""] = /^(?:(.*)=)?(.*)$/s.exec(text)!;
    if (samples.has(name))
      fail({
        code: "E1002",
        message: `--sample gives input "${name}" twice`,
        facts: [
          { subject: "--sample", value: print(samples.get(name)!) },
          { subject: "--sample", value: text },
        ],
        fix: "give each input once",
      });
    samples.set(name, readSample(text, value, cwd));
  }
  return samples;
}

function readSample(text: string, value: string, cwd: string): GivenSample {
  const [, word, list = ""] = /^(?:([a-z]\w*):)?(.*)$/s.exec(value.trim())!;
  const data = readData(text, list.trim(), word !== undefined, cwd);
  const dtype = word === undefined ? {} : { dtype: readDtype(word) };
  if (data) return { shape: data.shape, data, ...dtype };
  const bare = list.replace(/^\[(.*)\]$/s, "$1").trim();
  const shape = bare === "" ? [] : bare.split(/[,x]/).map((size) => readSize(text, size.trim()));
  return { shape, ...dtype };
}

/**
 * Any number is taken, NaN and 2.5 too: whether it can be a size is for the binder to say, with the input's
 * declaration.
 */
function readSize(text: string, size: string): number {
  const value = Number(size);
  if (size !== "" && (size === "NaN" || !Number.isNaN(value))) return value;
  return fail({
    code: "E1002",
    message: `--sample ${text} has the size "${size}", which is not a number`,
    fix: "write the input's name and its sizes, as in --sample x=2,20",
  });
}

function readDtype(word: string): DType {
  if (Object.hasOwn(dtypes, word)) return word as DType;
  const known = Object.keys(dtypes);
  return fail({
    code: "E1002",
    message: `--sample has the dtype "${word}"; did you mean "${nearest(word, known)[0]}"?`,
    fix: `write one of ${known.join(", ")}`,
  });
}

const print = ({ shape, dtype }: GivenSample): string => `${dtype ? `${dtype}:` : ""}${shape.join(",")}`;

/** One of a list of words, or undefined when the option is not given. */
export function readWord<W extends string>(
  options: Options,
  name: string,
  words: readonly W[],
): W | undefined {
  const given = options.get(name)?.[0];
  const found = words.find((word) => word === given);
  if (given === undefined || found !== undefined) return found;
  return fail({
    code: "E1002",
    message: `--${name} is "${given}"; did you mean "${nearest(given, words)[0]}"?`,
    fix: `write one of ${words.join(", ")}`,
  });
}

export function readSeed(options: Options): number | undefined {
  const given = options.get("seed")?.[0];
  const seed = Number(given);
  if (given === undefined || Number.isSafeInteger(seed)) return given === undefined ? undefined : seed;
  return fail({
    code: "E1002",
    message: `--seed is "${given}", but it must be a whole number below 2^53`,
    fix: "write it as in --seed 1",
  });
}

/** `--runs 20`: how often, 1 or more. */
export function readRuns(options: Options): number | undefined {
  const given = options.get("runs")?.[0];
  if (given === undefined) return undefined;
  const runs = Number(given);
  if (Number.isSafeInteger(runs) && runs > 0) return runs;
  return fail({
    code: "E1002",
    message: `--runs is "${given}", but it must be a whole number from 1 on`,
    fix: "write it as in --runs 20",
  });
}

const units: Readonly<Record<string, number>> = { "": 1, kb: 1e3, mb: 1e6, gb: 1e9 };

/** `--max-params 1000000`, `50MB`, `1GB`. */
export function readBytes(options: Options, name: string): number | undefined {
  const given = options.get(name)?.[0];
  if (given === undefined) return undefined;
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?(?:e\d+)?)\s*([kmg]?b?)$/i.exec(given) ?? [];
  const scale =
    units[
      unit
        .toLowerCase()
        .replace(/^([kmg])$/, "$1b")
        .replace(/^b$/, "")
    ];
  if (number !== undefined && scale !== undefined) return Math.floor(Number(number) * scale);
  return fail({
    code: "E1002",
    message: `--${name} is "${given}", which is not a number of bytes`,
    fix: `write it as in --${name} 50MB or --${name} 1000000`,
  });
}
