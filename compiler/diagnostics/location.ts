/*
 * Where in the user's own program something was asked for.
 *
 * A model is built by plain calls (`dense({ units: 10 })`), so the only record of "which line of your
 * file" is the call stack at that moment. We read `Error.stack` as text, because it is the one thing every
 * engine offers: V8 writes `at fn (url:line:column)`, Firefox and Safari write `fn@url:line:column`. The
 * user's frame is the first one outside this package. When the package was bundled into the user's own
 * file that question has no answer, and a wrong line is worse than none: the result is then undefined.
 * Nothing here needs Node.
 */

/**
 * A place in a source file; `line` and `column` count from 1, `file` is a path or, for anything but file:, a
 * URL.
 */
export interface SourceLocation {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A chain of calls inside the package deeper than this hides the user's frame. */
const FRAMES_READ = 64;

const isOwn = ownership(pathOf(import.meta.url));

/**
 * The user's frame: the innermost caller outside shapecast, or undefined when the stack does not tell.
 * Costs tens of microseconds (the engine has to write the stack): ask once per layer, not once per node.
 */
export function callSite(): SourceLocation | undefined {
  return firstOutside(stackText(), isOwn);
}

/**
 * The first frame of `stack` whose file is not the package's own, as `own` decides. The stack must begin
 * inside the package; otherwise frames cannot be told apart and the result is undefined.
 */
export function firstOutside(stack: string, own: (file: string) => boolean): SourceLocation | undefined {
  let inside = false;
  for (const line of stack.split("\n")) {
    const frame = frameOf(line.trim());
    if (frame === undefined) continue;
    if (!own(frame.file)) return inside ? frame : undefined;
    inside = true;
  }
  return undefined;
}

/** Decides whether a file belongs to the package whose location module is the file `self`. */
export function ownership(self: string): (file: string) => boolean {
  const root = /^(.*\/)compiler\/diagnostics\/location\.[jt]s$/.exec(self)?.[1];
  if (root === undefined) return (file) => file === self;
  const folders = ["compiler/", "runtime/", "codegen/", "dist/"].map((folder) => root + folder);
  return (file) => folders.some((folder) => file.startsWith(folder));
}

/** `file:line:column`, the form editors and terminals turn into a link. */
export function printLocation(at: SourceLocation): string {
  return `${at.file}:${at.line}:${at.column}`;
}

function stackText(): string {
  const limited = Error as { stackTraceLimit?: number };
  const before = limited.stackTraceLimit;
  const raised = before !== undefined && before < FRAMES_READ && trySetLimit(limited, FRAMES_READ);
  const { stack } = new Error("where");
  if (raised) trySetLimit(limited, before);
  // A program may have replaced Error.prepareStackTrace by something that does not return text.
  return typeof stack === "string" ? stack : "";
}

/** False where the environment froze Error (hardened JavaScript does). */
function trySetLimit(limited: { stackTraceLimit?: number }, limit: number): boolean {
  return Reflect.set(limited, "stackTraceLimit", limit);
}

/**
 * Frames without a file of their own (native code, eval, the engine's internals) are nobody's line:
 * undefined.
 */
function frameOf(line: string): SourceLocation | undefined {
  const match = /^(.+):(\d+):(\d+)$/.exec(line.startsWith("at ") ? v8Place(line) : geckoPlace(line));
  const url = match?.[1];
  if (url === undefined || /^(node:|internal\/|native$|<|eval at |wasm:\/\/)| line \d+ > /.test(url))
    return undefined;
  return { file: pathOf(url), line: Number(match?.[2]), column: Number(match?.[3]) };
}

/** `at fn (place)` or `at place`; a path may itself hold parentheses, so only the outer pair is taken off. */
function v8Place(line: string): string {
  const text = line.slice("at ".length).replace(/^async (?=[/\\]|\w+:)/, "");
  return text.endsWith(")") ? text.slice(text.indexOf(" (") + 2, -1) : text;
}

/** `fn@place` or `place`; a URL may itself hold an @, as package registries' addresses do. */
function geckoPlace(line: string): string {
  const at = line.indexOf("@");
  const name = line.slice(0, Math.max(at, 0));
  return name.includes("://") || name.startsWith("/") ? line : line.slice(at + 1);
}

function pathOf(url: string): string {
  if (!/^[a-z][a-z\d+.-]+:\/\//i.test(url)) return url.replaceAll("\\", "/");
  const bare = url.replace(/[?#].*$/, "");
  if (!bare.startsWith("file://")) return bare;
  return decoded(bare.slice("file://".length)).replace(/^\/(?=[a-z]:\/)/i, "");
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
