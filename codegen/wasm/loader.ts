/**
 * How a WebAssembly module comes to its instances: `instantiate` at once, and `instantiateAsync` where an
 * engine compiles on its main thread only what is small. The binary is base64 in the module, or passed in by
 * the caller (`wasm: "file"`): edge runtimes take no bytes, only what an import of a .wasm file gave them. An
 * engine that has no WebAssembly, lacks SIMD or may not compile is refused with an error whose `code` is
 * ERR_WEBASSEMBLY, and which names the other target.
 */
import { stringLiteral, templateText, type Writer } from "../source/index.ts";
import { grouped } from "../typescript/signature.ts";
import { checksum, toBase64 } from "../typescript/weights.ts";
import { detectionExpression } from "./assembler/index.ts";
import { refuse } from "./binary.ts";
import type { WasmContext } from "./context.ts";
import { placesOf, writeFuse } from "./fuse.ts";
import type { Identity } from "./identity.ts";
import { pageBytes } from "./memory.ts";

const otherTarget = "compile the model for the ts target (--target ts)";

const hasShippedWeights = ({ plan }: WasmContext) => plan.stored.length > 0;
const fromFile = (context: WasmContext) => context.plan.mode === "file" && hasShippedWeights(context);

/** The few declarations of WebAssembly that the module needs, whatever libraries the type checker has. */
export function writePlatformTypes(context: WasmContext, writer: Writer): void {
  const { segments, binaries } = context;
  if (binaries.identity) {
    writer.line();
    writer.line("/** The bytes of a .wasm file, or the WebAssembly.Module that an import of it gave. */");
    writer.line("export type WasmModule = ArrayBuffer | Uint8Array | object;");
  }
  if (fromFile(context)) {
    writer.line();
    writer.block("export interface Weights", () => {
      writer.line("/** As they are laid out in memory. */");
      writer.line("readonly bytes: Uint8Array;");
    });
  }
  writer.line();
  writer.block("interface WasmInstance", () =>
    writer.block(
      "readonly exports:",
      () => {
        writer.line("readonly memory: { readonly buffer: ArrayBuffer };");
        for (const { name, symbols } of segments)
          writer.line(`readonly ${name}: (${symbols.map((_, i) => `size${i}: number`).join(", ")}) => void;`);
      },
      ";",
    ),
  );
  writer.line();
  writer.line("/** What is used of it, whatever libraries the type checker is given. */");
  writer.block(
    "declare const WebAssembly:",
    () => {
      writer.line("readonly validate: (bytes: Uint8Array) => boolean;");
      writer.line("readonly compile: (bytes: Uint8Array) => Promise<object>;");
      writer.line("readonly instantiate: (module: object, imports: object) => Promise<WasmInstance>;");
      const { binaries } = context;
      const sections = "customSections(module: object, name: string): readonly ArrayBuffer[]";
      const more = binaries.identity ? `; ${sections}` : "";
      writer.line(`readonly Module: { new (bytes: Uint8Array): object${more} };`);
      writer.line("readonly Instance: new (module: object, imports: object) => WasmInstance;");
    },
    ";",
  );
}

/** The exported functions and what they need; `writeInstance` writes `instanceOf`. */
export function writeLoader(context: WasmContext, writer: Writer, writeInstance: () => void): void {
  const { only } = context.types;
  const parameters = [
    ...(context.binaries.identity ? [`wasm${only(": WasmModule")}`] : []),
    ...(fromFile(context) ? [`given${only(": ArrayBuffer | Uint8Array | Weights")}`] : []),
  ];
  const wasm = context.binaries.identity ? "wasm" : "";
  const more = fromFile(context) ? ", given" : "";
  writer.line().line("/** An instance with its own memory. */");
  writer.block(`export function instantiate(${parameters.join(", ")})${only(": Instance")}`, () =>
    writer.line(`return instanceOf(linked(${wasm})${more});`),
  );
  writer.line().line("/** The same for engines that compile at once only what is small. */");
  const head = `export async function instantiateAsync(${parameters.join(", ")})`;
  writer.block(`${head}${only(": Promise<Instance>")}`, () =>
    writer.line(`return instanceOf(await linking(${wasm})${more});`),
  );
  writeInstance();
  if (fromFile(context)) writeLoadWeights(context, writer);
  if (context.binaries.identity) writeLinkGiven(context, context.binaries.identity, writer);
  else writeLinkOwn(context, writer);
  writeRefusal(context, writer);
  if (context.refusals) writeHost(context.refusals, context, writer);
  writeTexts(context, writer);
}

const importsOf = ({ refusals }: WasmContext) => (refusals ? "host" : "{}");

function writeLinkOwn(context: WasmContext, writer: Writer): void {
  const { types, binaries } = context;
  const { only } = types;
  writer.line();
  writer.line(`let compiledWasm${only(": object | undefined")};`);
  writer.line();
  writer.line("/** Compiled when first needed and shared by all instances. */");
  writeTried(`function linked()${only(": WasmInstance")}`, "refusal(cause)", writer, () => {
    writer.line("compiledWasm ??= new WebAssembly.Module(binary());");
    writer.line(`return new WebAssembly.Instance(compiledWasm, ${importsOf(context)});`);
  });
  writer.line();
  writeTried(`async function linking()${only(": Promise<WasmInstance>")}`, "refusal(cause)", writer, () => {
    writer.line("compiledWasm ??= await WebAssembly.compile(binary());");
    writer.line(`return await WebAssembly.instantiate(compiledWasm, ${importsOf(context)});`);
  });
  writer.line();
  writer.block(`function binary()${only(": Uint8Array")}`, () => {
    if (!binaries.relaxed) writer.line("return decode(base64Wasm);");
    else {
      writer.line("const bytes = decode(base64Wasm);");
      writer.line(`if (${detectionExpression("relaxedSimd")}) fuse(bytes, decode(places));`);
      writer.line("return bytes;");
    }
  });
  if (binaries.relaxed) writeFuse(types, writer);
}

function writeLinkGiven(context: WasmContext, { section, bytes: id }: Identity, writer: Writer): void {
  const { types, binaries } = context;
  const { only } = types;
  const bytes = `wasm${only(" as Uint8Array")}`;
  const wasm = `wasm${only(": WasmModule")}`;
  writer.line();
  writeTried(`function linked(${wasm})${only(": WasmInstance")}`, "refusal(cause, wasm)", writer, () => {
    writer.line(`const module = isBytes(wasm) ? new WebAssembly.Module(${bytes}) : wasm;`);
    writer.line(`return new WebAssembly.Instance(own(module), ${importsOf(context)});`);
  });
  writer.line();
  const head = `async function linking(${wasm})${only(": Promise<WasmInstance>")}`;
  writeTried(head, "refusal(cause, wasm)", writer, () => {
    writer.line(`const module = isBytes(wasm) ? await WebAssembly.compile(${bytes}) : wasm;`);
    writer.line(`return await WebAssembly.instantiate(own(module), ${importsOf(context)});`);
  });
  writer.line();
  writer.block(`function isBytes(${wasm})${only(": boolean")}`, () =>
    writer.line("return wasm instanceof ArrayBuffer || ArrayBuffer.isView(wasm);"),
  );
  writer.line().line("/** The module, if it was written with this one. */");
  writer.block(`function own(module${only(": object")})${only(": object")}`, () => {
    writer.line(`const [id] = WebAssembly.Module.customSections(module, "${section}");`);
    const isOther = `!id || \`\${new Uint8Array(id)}\` !== "${id}"`;
    writer.line(`if (${isOther}) throw new TypeError("it belongs to another model or version");`);
    writer.line("return module;");
  });
  if (!binaries.relaxed) return;
  writer.line();
  writer.line("/** Whether this engine takes the .wasm with relaxed SIMD, which is the faster one. */");
  writer.block(`export function relaxedSimd()${only(": boolean")}`, () => {
    writer.line(`return typeof WebAssembly === "object" && ${detectionExpression("relaxedSimd")};`);
  });
}

/** A function whose body says what it cannot do in the words of `refusal`. */
function writeTried(head: string, refusal: string, writer: Writer, body: () => void): void {
  writer.block(head, () => {
    writer.line("try {").indent(body).line("} catch (cause) {");
    writer.indent(() => writer.line(`throw ${refusal};`)).line("}");
  });
}

/** What an error of the engine means, and what to do about it. */
function writeRefusal({ program, types, binaries, memory }: WasmContext, writer: Writer): void {
  const { only } = types;
  const title = templateText(program.name);
  const isFile = binaries.identity !== undefined;
  const bytes = `an instance needs ${grouped(memory.pages * pageBytes)} bytes`;
  const parameters = [`cause${only(": unknown")}`, ...(isFile ? [`wasm${only(": WasmModule")}`] : [])];
  const file =
    "pass the bytes of the .wasm file that was written with this module, or the module an import of it gave";
  const cases: readonly (readonly [test: string, why: string, advice: string])[] = [
    [`typeof WebAssembly !== "object"`, "this engine has no WebAssembly", otherTarget],
    [`!${detectionExpression("simd")}`, "this engine has no WebAssembly SIMD", otherTarget],
    [
      "/main thread/.test(what)",
      "this thread compiles only what is small at once",
      "await instantiateAsync()",
    ],
    ["cause instanceof RangeError", bytes, "keep fewer instances, or compile the model for smaller sizes"],
    ...(isFile
      ? ([
          [
            `cause instanceof TypeError || (isBytes(wasm) && !WebAssembly.validate(wasm${only(" as Uint8Array")}))`,
            "this is not its .wasm, or not for this engine",
            file,
          ],
        ] as const)
      : []),
  ];
  writer.line();
  writer.line("/** Why WebAssembly cannot be run here, and what to do about it. */");
  writer.block(`function refusal(${parameters.join(", ")})${only(": Error")}`, () => {
    writer.line("const what = cause instanceof Error ? cause.message : String(cause);");
    const forbidden = stringLiteral("this engine does not compile WebAssembly here");
    const instead = isFile
      ? `pass what an import of the .wasm file gives, or ${otherTarget}`
      : `${otherTarget}, or with --wasm file where .wasm files can be imported`;
    writer.line(`let [why, advice] = [${forbidden}, ${stringLiteral(instead)}];`);
    cases.forEach(([test, why, advice], i) => {
      writer.line(`${i > 0 ? "else " : ""}if (${test})`);
      writer.line(`  [why, advice] = [${stringLiteral(why)}, ${stringLiteral(advice)}];`);
    });
    writer.line(`const message = \`${title}: \${why} (\${what}); \${advice}\`;`);
    writer.line(`return Object.assign(new Error(message, { cause }), { code: "ERR_WEBASSEMBLY" });`);
  });
}

/** What the binary imports. */
function writeHost(texts: readonly string[], { types }: WasmContext, writer: Writer): void {
  const { only } = types;
  const number = only(": number");
  writer.line();
  writer.line(`const refusals = [`);
  for (const text of texts) writer.line(`  ${stringLiteral(text)},`);
  writer.line("];");
  writer.line();
  writer.line("/** Refuses an index that came from data. */");
  writer.list(
    `function ${refuse.name}`,
    [`at${number}`, `index${number}`, `least${number}`, `extent${number}`],
    `${only(": never")} {`,
  );
  writer.line(
    `  throw new RangeError(\`\${refusals[at]}: index \${index} is not in \${least}..\${extent - 1}\`);`,
  );
  writer.line("}");
  writer.line();
  writer.line(`const host = { ${refuse.module}: { ${refuse.name} } };`);
}

function writeLoadWeights({ plan, program, types }: WasmContext, writer: Writer): void {
  const { only, element } = types;
  const size = plan.blob.length;
  const title = templateText(program.name);
  const stranger = stringLiteral(`${program.name}: these weights belong to another model or version`);
  writer.line();
  writer.line("/** Checks that the bytes are this module's weights. */");
  const head = `loadWeights(given${only(": ArrayBuffer | Uint8Array")})${only(": Weights")}`;
  writer.block(`export function ${head}`, () => {
    writer.line(`if (given?.byteLength !== ${size})`);
    writer.line(
      `  throw new RangeError(\`${title}: expected ${size} bytes of weights, got \${given?.byteLength}\`);`,
    );
    writer.line("const aligned = ArrayBuffer.isView(given) && given.byteOffset % 8 === 0;");
    writer.line("const bytes = aligned ? given : new Uint8Array(given);");
    writer.line(`const words = new Int32Array(bytes.buffer, bytes.byteOffset, ${size / 4});`);
    writer.line("let hash = 0;");
    const step = `hash = (Math.imul(hash, 31) + words[i]${element}) | 0`;
    writer.line(`for (let i = 0; i < words.length; i++) ${step};`);
    writer.line(`if (hash !== ${checksum(plan.blob)})`);
    writer.line(`  throw new Error(${stranger});`);
    writer.line("return { bytes };");
  });
}

/** Base64 and its decoder, at the end of the module where they are not in the reader's way. */
function writeTexts(context: WasmContext, writer: Writer): void {
  const { binaries, plan, types } = context;
  const inlineWeights = hasShippedWeights(context) && plan.mode !== "file";
  if (binaries.identity && !inlineWeights) return;
  writer.line();
  writer.block(`function decode(text${types.only(": string")})${types.only(": Uint8Array")}`, () => {
    writer.line("const binary = atob(text);");
    writer.line("const bytes = new Uint8Array(binary.length);");
    writer.line("for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);");
    writer.line("return bytes;");
  });
  if (!binaries.identity) {
    const { plain, relaxed } = binaries;
    writer.line().line(`const base64Wasm = "${toBase64(plain)}";`);
    if (relaxed) writer.line().line(`const places = "${toBase64(placesOf({ plain, relaxed }))}";`);
  }
  if (inlineWeights) writer.line().line(`const base64 = "${toBase64(plan.blob)}";`);
}
