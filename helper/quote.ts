/** Quotes text from outside, for people to read and for shells to run. */

/**
 * Characters that could colour a terminal, move its cursor or turn the reading direction: C0, DEL and C1 controls, line and
 * paragraph separators, the direction marks of Unicode's UAX #9 (section 2), characters without width, lone surrogates.
 */
function isUnsafe(code: number): boolean {
  return (
    code < 0x20 ||
    (code >= 0x7f && code <= 0x9f) ||
    code === 0x00ad ||
    code === 0x061c ||
    code === 0x180e ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    code === 0xfeff ||
    (code >= 0xfff9 && code <= 0xfffb) ||
    (code >= 0xe0000 && code <= 0xe007f) ||
    (code >= 0xd800 && code <= 0xdfff)
  );
}

function escapeCode(code: number): string {
  const hex = code.toString(16);
  return code <= 0xff ? `\\x${hex.padStart(2, "0")}` : `\\u{${hex}}`;
}

function codePoints(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0);
}

/** `text` with everything escaped that is not plain to see: no control characters, so no line break either. */
export function escapeUnsafe(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  return codePoints(text)
    .map((code) => (isUnsafe(code) ? escapeCode(code) : String.fromCodePoint(code)))
    .join("");
}

/** The longest text from outside that a message repeats, in UTF-16 units; the rest is cut, and dots say so. */
const MAX_QUOTED = 512;

/** `text` in double quotes, with everything escaped that is not plain to see. */
export function quote(text: string): string {
  const kept = text.slice(0, MAX_QUOTED).replace(/["\\]/g, (mark) => `\\${mark}`);
  return `"${escapeUnsafe(kept)}"${text.length > MAX_QUOTED ? "..." : ""}`;
}

/** JSON in ASCII and on one line: safe to print, and no reader can be confused about its encoding. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A leading `-` would be an option; zsh takes a leading `=` for the path of a command. */
const PLAIN_IN_SHELL = /^[A-Za-z0-9_./:@%+,][A-Za-z0-9_./:@%+=,-]*$/;

/**
 * `text` as one word for bash, dash and zsh. Text with characters that must not reach a terminal comes as `$'…'`, which dash
 * before 0.5.13 does not know: such a name would not survive a paste in any other form.
 */
export function shellQuote(text: string): string {
  if (PLAIN_IN_SHELL.test(text)) return text;
  const codes = codePoints(text);
  if (!codes.some(isUnsafe)) return `'${text.replaceAll("'", "'\\''")}'`;
  const escaped = codes.map((code) => {
    if (code === 0x27 || code === 0x5c) return `\\${String.fromCodePoint(code)}`;
    if (!isUnsafe(code)) return String.fromCodePoint(code);
    return code < 0x80 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
  });
  return `$'${escaped.join("")}'`;
}
