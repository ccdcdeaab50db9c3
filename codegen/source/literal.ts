/**
 * Data as source text. Names come from models and may be hostile: `__proto__`, quotes, newlines, `*` + `/`,
 * U+2028, `</script>`, bidirectional overrides. Everything that is not plain visible text is escaped, so a
 * literal can neither end early, nor change the meaning of what surrounds it, nor look like something it is
 * not (CVE-2021-42574).
 */

/** Control, format, private and unpaired characters and every space but the plain one. */
const invisible = /[\p{C}\p{Z}]/gu;

/** A double-quoted string literal, safe in a module and in a script element. */
export function stringLiteral(text: string): string {
  return escapeInvisible(JSON.stringify(text)).replace(/<(?=[/!])/g, "\\x3C");
}

/** Text as it stands in a template literal, between the backticks. */
export function templateText(text: string): string {
  return stringLiteral(text).slice(1, -1).replace(/[`$]/g, "\\$&");
}

/** Text that may stand in a comment of either kind: one line, unable to close the comment. */
export function commentText(text: string): string {
  return escapeInvisible(text)
    .replace(/\*(?=\/)/g, "*\\")
    .replace(/<(?=[/!])/g, "<\\");
}

/** A numeric literal that reads back as exactly `value`, negative zero, NaN and infinities included. */
export function numberLiteral(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/**
 * A property name as it stands in a type or an object literal. Only `__proto__` needs the computed form
 * there.
 */
export function propertyKey(name: string): string {
  if (name === "__proto__") return '["__proto__"]';
  return isIdentifier(name) ? name : stringLiteral(name);
}

/** `object.name` or `object["name"]`. */
export function member(object: string, name: string): string {
  return isIdentifier(name) ? `${object}.${name}` : `${object}[${stringLiteral(name)}]`;
}

/** ASCII identifiers only: all that is ever written bare. Reserved words are legal as property names. */
export function isIdentifier(text: string): boolean {
  return /^[A-Za-z_$][\w$]*$/.test(text);
}

function escapeInvisible(text: string): string {
  return text.replace(invisible, (character) => (character === " " ? " " : escapeUnits(character)));
}

function escapeUnits(character: string): string {
  return [...Array(character.length).keys()]
    .map((unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, "0")}`)
    .join("");
}
