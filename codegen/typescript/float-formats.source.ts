/**
 * Small floats in generated modules: for each format a function that makes the number of a code, one that
 * makes the code nearest to a number, and one that rounds a number and leaves it one.
 *
 * Plain arithmetic: in units of the smallest number above zero a magnitude is an integer times a power of
 * two, and its code is that integer (without the leading bit) behind the exponent; `clz32` finds the
 * exponent, and adding 2^52 rounds to a whole number with ties to even. bfloat16 and float8e8m0, whose
 * exponents are those of float32, look at its bits instead, and at the double itself where float32 lands on a
 * tie. A test holds all of it equal to runtime/float-format.ts.
 */
import { type FloatFormat, formats } from "../../runtime/float-format.ts";
import { numberLiteral, type Types } from "../source/index.ts";

export type FormatName = keyof typeof formats;
type What = "to" | "from" | "round";

/**
 * `toFloat16(x)` is the code, `fromFloat16(code)` the number, `roundFloat16(x)` the nearest number, and
 * `float16Values[code]` the number of a code in memory.
 */
export type FormatFunction = `${What}${Capitalize<FormatName>}` | FormatTable;
type FormatTable = `${FormatName}Values`;

export const formatTable = (dtype: FormatName): FormatTable => `${dtype}Values`;

export function formatFunction(what: What, dtype: FormatName): `${What}${Capitalize<FormatName>}` {
  return `${what}${(dtype[0]!.toUpperCase() + dtype.slice(1)) as Capitalize<FormatName>}`;
}

type Text = (types: Types) => string;

/** Named after what bits are read through. */
export const floatBits: Text = () =>
  `/** The bits of a float. */
const floatBits = /* @__PURE__ */ new DataView(/* @__PURE__ */ new ArrayBuffer(8));`;

const whole = numberLiteral(2 ** 52);

const encodeBfloat16 = `  if (x !== x) return ${formats.bfloat16.nan};
  floatBits.setFloat32(0, x, true);
  const bits = floatBits.getUint32(0, true);
  const rest = bits & 0xffff;
  const above = Math.abs(x) - Math.abs(floatBits.getFloat32(0, true));
  const isUp = rest > 0x8000 || (rest === 0x8000 && (above > 0 || (above === 0 && (bits & 0x10000) !== 0)));
  return (bits >>> 16) + (isUp ? 1 : 0);`;

const decodeBfloat16 = `  floatBits.setInt32(0, code << 16, true);
  return floatBits.getFloat32(0, true);`;

/** Below 2^-126 float32 has no leading bit: the tie between 2^-127 and 2^-126 has other bits. */
const encodePowers = `  const magnitude = Math.abs(x);
  floatBits.setFloat32(0, magnitude, true);
  const bits = floatBits.getInt32(0, true);
  const exponent = bits >> 23;
  if (exponent === 255) return 255;
  const rest = bits & 0x7fffff;
  const half = exponent === 0 ? 0x600000 : 0x400000;
  const isUp = rest > half || (rest === half && magnitude >= floatBits.getFloat32(0, true));
  return exponent + (isUp ? 1 : 0);`;

const decodePowers = `  if (code === 255) return NaN;
  floatBits.setInt32(0, code === 0 ? 0x400000 : code << 23, true);
  return floatBits.getFloat32(0, true);`;

const entries = (Object.keys(formats) as FormatName[]).flatMap((name) => {
  const [to, from] = [formatFunction("to", name), formatFunction("from", name)];
  return [
    [to, encoderOf(name)],
    [from, decoderOf(name)],
    [formatFunction("round", name), rounderOf(name)],
    [formatTable(name), tableOf(name)],
  ] as const;
});

export const formatFunctions = Object.fromEntries(entries) as Readonly<Record<FormatFunction, Text>>;

/** What the text of a function refers to. */
export const formatRequires: Readonly<Record<string, readonly (FormatFunction | "floatBits")[]>> =
  Object.fromEntries(
    (Object.keys(formats) as FormatName[]).flatMap((name) => {
      const [to, from] = [formatFunction("to", name), formatFunction("from", name)];
      const bits = name === "bfloat16" || name === "float8e8m0" ? (["floatBits"] as const) : [];
      return [
        [to, bits],
        [from, bits],
        [formatFunction("round", name), [to, from, ...bits]],
        [formatTable(name), [from, ...bits]],
      ];
    }),
  );

function head(what: What, name: FormatName, parameter: string, { only }: Types): string {
  return `function ${formatFunction(what, name)}(${parameter}${only(": number")})${only(": number")} {`;
}

/**
 * Kernels load a code millions of times: measured, a product of matrices is seven times faster with a table
 * of its numbers than with the arithmetic. It takes 256 kB and a millisecond for 16 bits.
 */
function tableOf(name: FormatName): Text {
  const { sign } = formats[name];
  const length = sign === 0 ? 256 : 2 * sign;
  const number = `(_, code) => ${formatFunction("from", name)}(code)`;
  return () => `/** The number of each code of a ${name}. */
const ${formatTable(name)} = /* @__PURE__ */ new Float32Array(${length}).map(${number});`;
}

function rounderOf(name: FormatName): Text {
  return (types) => `/** The ${name} nearest to x. */
${head("round", name, "x", types)}
  return ${formatFunction("from", name)}(${formatFunction("to", name)}(x));
}`;
}

function encoderOf(name: FormatName): Text {
  const ties = name === "float8e8m0" ? "ties up; it has no sign and no zero" : "ties to even";
  const body =
    name === "bfloat16" ? encodeBfloat16 : name === "float8e8m0" ? encodePowers : encode(formats[name]);
  return (types) => `/** The code of the ${name} nearest to x, ${ties}. */
${head("to", name, "x", types)}
${body}
}`;
}

function decoderOf(name: FormatName): Text {
  const body =
    name === "bfloat16" ? decodeBfloat16 : name === "float8e8m0" ? decodePowers : decode(formats[name]);
  return (types) => `/** The number of a ${name}. */
${head("from", name, "code", types)}
${body}
}`;
}

function encode({ fraction, least, highest, infinity, nan, sign, negativeZero }: FloatFormat): string {
  const one = 2 ** fraction;
  const over = infinity === undefined ? `return ${nan}` : `return sign + ${infinity}`;
  const isNegative = negativeZero ? "x < 0 || Object.is(x, -0)" : "x < 0";
  const found = negativeZero ? "sign + code" : "code === 0 ? 0 : sign + code";
  return `  ${nan === undefined ? `if (x !== x) return ${highest}` : `if (x !== x) return ${nan}`};
  const sign = ${isNegative} ? ${sign} : 0;
  const units = Math.abs(x) * ${numberLiteral(2 ** (fraction - least))};
  const shift = 31 - Math.clz32((units / ${one}) | 1);
  const code = shift * ${one} + (units / ((1 << shift) >>> 0) + ${whole} - ${whole});
  ${nan === undefined ? `return sign + Math.min(code, ${highest});` : `if (code > ${highest}) ${over};\n  return ${found};`}`;
}

function decode({ fraction, least, infinity, nan, sign }: FloatFormat): string {
  const one = 2 ** fraction;
  const exponents = sign / one - 1;
  const unit = numberLiteral(2 ** (least - fraction));
  const special =
    infinity !== undefined
      ? `  if (exponent === ${exponents}) return fraction !== 0 ? NaN : code < ${sign} ? Infinity : -Infinity;\n`
      : nan === undefined
        ? ""
        : nan === sign
          ? `  if (code === ${nan}) return NaN;\n`
          : `  if ((code & ${nan}) === ${nan}) return NaN;\n`;
  return `  const exponent = (code >> ${fraction}) & ${exponents};
  const fraction = code & ${one - 1};
${special}  const units = exponent === 0 ? fraction : (fraction + ${one}) * (1 << (exponent - 1));
  return ((code & ${sign}) === 0 ? units : -units) * ${unit};`;
}
