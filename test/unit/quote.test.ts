import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { escapeUnsafe, formatJson, quote, shellQuote } from "../../helper/quote.ts";
import { runs } from "./fuzz.ts";

/** Control characters, all that turn the direction of reading, line breaks of Unicode, and halves of characters. */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}]/u;

const character = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 1 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) },
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  fc.constantFrom(
    "\u202e",
    "\u2066",
    "\u200f",
    "\u061c",
    "\u001b",
    "\u009b",
    "\r",
    "\n",
    "\t",
    "\0",
    '"',
    "'",
    "\\",
    "$",
    "`",
    "!",
  ),
);
const anyText = fc.array(character, { maxLength: 40 }).map((characters) => characters.join(""));

test.each([
  ["plain text", "web", '"web"'],
  ["nothing", "", '""'],
  ["umlauts and signs that are plain to see", "Bücher 東京 🙂", '"Bücher 東京 🙂"'],
  ["a quotation mark", 'a"b', '"a\\"b"'],
  ["a backslash", "a\\b", '"a\\\\b"'],
  ["text that looks escaped", "\\x1b", '"\\\\x1b"'],
  ["an escape sequence", "\u001b[31m", '"\\x1b[31m"'],
  ["a C1 control", "\u009b31m", '"\\x9b31m"'],
  ["a line break and a tab", "a\r\n\tb", '"a\\x0d\\x0a\\x09b"'],
  ["NUL and DEL", "\0\u007f", '"\\x00\\x7f"'],
  ["a direction override", "a\u202eb", '"a\\u{202e}b"'],
  ["a direction isolate", "\u2067x\u2069", '"\\u{2067}x\\u{2069}"'],
  ["an Arabic letter mark", "\u061c", '"\\u{61c}"'],
  ["a zero-width space and a byte order mark", "\u200b\ufeff", '"\\u{200b}\\u{feff}"'],
  ["a line separator", "\u2028", '"\\u{2028}"'],
  ["half a character", "\ud83d!", '"\\u{d83d}!"'],
])("quote() of %s", (_, text, quoted) => {
  expect(quote(text)).toBe(quoted);
});

test("quote() cuts what is too long, and says so", () => {
  expect(quote("a".repeat(512))).toBe(`"${"a".repeat(512)}"`);
  expect(quote("a".repeat(513))).toBe(`"${"a".repeat(512)}"...`);
  expect(quote("a".repeat(4_000_000))).toHaveLength(517);
  expect(quote(`${"a".repeat(511)}🙂`)).toBe(`"${"a".repeat(511)}\\u{d83d}"...`);
});

test("quote() and escapeUnsafe() let no control or direction character out", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(quote(text)).not.toMatch(UNSAFE);
      expect(escapeUnsafe(text)).not.toMatch(UNSAFE);
    }),
    runs(2000),
  );
});

test("quote() leaves one pair of quotation marks that is not escaped", () => {
  fc.assert(
    fc.property(anyText, (text) => /^"(?:[^"\\]|\\.)*"$/u.test(quote(text))),
    runs(1000),
  );
});

test("formatJson() is ASCII on one line, and means the same", () => {
  fc.assert(
    fc.property(anyText, fc.integer(), (text, number) => {
      const json = formatJson({ [text]: number, name: text });
      expect(json).toMatch(/^[\x20-\x7e]*$/);
      expect(JSON.parse(json)).toEqual({ [text]: number, name: text });
    }),
    runs(1000),
  );
});

test.each([
  ["a target", "qemu:system/web", "qemu:system/web"],
  ["nothing", "", "''"],
  ["a space", "my vm", "'my vm'"],
  ["an apostrophe", "it's", "'it'\\''s'"],
  ["what a shell would expand", '$(id) `id` * ~ ! "', `'$(id) \`id\` * ~ ! "'`],
  ["what looks like an option", "-rf", "'-rf'"],
  ["what zsh takes for the path of a command", "=ls", "'=ls'"],
  ["umlauts", "Bücher", "'Bücher'"],
  ["an escape sequence", "a\u001b[31m'", "$'a\\x1b[31m\\''"],
  ["a direction override", "a\u202eb", "$'a\\U0000202eb'"],
  ["a control character before a digit", "\u00019", "$'\\x019'"],
])("shellQuote() of %s", (_, text, quoted) => {
  expect(shellQuote(text)).toBe(quoted);
});

test("shellQuote() lets no control or direction character out", () => {
  fc.assert(
    fc.property(anyText, (text) => !UNSAFE.test(shellQuote(text))),
    runs(2000),
  );
});

/** What a shell makes of words, in one run of it. */
function readByShell(shell: string, words: readonly string[]): string[] {
  const script = words.map((word) => `printf '%s\\0' ${word}\n`).join("");
  const output = execFileSync(shell, { input: script, env: { LC_ALL: "C.UTF-8", PATH: "" }, encoding: "utf8" });
  return output.split("\0").slice(0, -1);
}

/** What can be a word of a command line at all: whole characters, and no NUL. */
const wordText = anyText.filter((text) => !/[\0\p{Cs}]/u.test(text));

test("shellQuote() means to bash what the text is", () => {
  fc.assert(
    fc.property(fc.array(wordText, { minLength: 50, maxLength: 50 }), (texts) => {
      expect(readByShell("/bin/bash", texts.map(shellQuote))).toEqual(texts);
    }),
    runs(20),
  );
});

test("shellQuote() means to dash what the text is, where nothing in it must be hidden", () => {
  const safe = wordText.map((text) =>
    Array.from(text)
      .filter((one) => escapeUnsafe(one) === one)
      .join(""),
  );
  fc.assert(
    fc.property(fc.array(safe, { minLength: 50, maxLength: 50 }), (texts) => {
      expect(readByShell("/bin/dash", texts.map(shellQuote))).toEqual(texts);
    }),
    runs(20),
  );
});
