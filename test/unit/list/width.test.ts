import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { measureText } from "../../../helper/list/width.ts";

const FIXTURE = join(import.meta.dirname, "../../fixtures/east-asian-width.txt");

/** Ranges of code points, in hexadecimal. */
function readRanges(title: string): [number, number][] {
  const text = readFileSync(FIXTURE, "utf8");
  const part = new RegExp(`^${title}:\\n([0-9a-f \\n-]+)`, "m").exec(text)?.[1] ?? "";
  return part
    .trim()
    .split(/\s+/)
    .map((range) => {
      const [first = "", last = first] = range.split("-");
      return [Number.parseInt(first, 16), Number.parseInt(last, 16)];
    });
}

/** EastAsianWidth.txt of Unicode 16.0 has them as wide, which older ones do not: hexagrams, trigrams and other signs of the Yijing. */
const WIDE_SINCE: readonly (readonly [number, number])[] = [
  [0x2630, 0x2637],
  [0x268a, 0x268f],
  [0x4dc0, 0x4dff],
  [0x1d300, 0x1d356],
  [0x1d360, 0x1d376],
];

/** Those of which measureText() says something else. */
function findOthers(title: string, width: number): string[] {
  const ranges = readRanges(title);
  expect(ranges.length).toBeGreaterThan(100);
  const found: string[] = [];
  for (const [first, last] of ranges) {
    for (let code = first; code <= last; code += 1) {
      const isNewer = WIDE_SINCE.some(([low, high]) => code >= low && code <= high);
      if (!isNewer && measureText(String.fromCodePoint(code)) !== width) found.push(code.toString(16));
    }
  }
  return found;
}

test("measureText() has two columns for what Unicode calls wide, and one for all else", () => {
  expect(findOthers("wide", 2)).toEqual([]);
  expect(findOthers("others", 1)).toEqual([]);
});

test("measureText() has two columns for what is wide since Unicode 16.0", () => {
  for (const range of WIDE_SINCE) for (const code of range) expect(measureText(String.fromCodePoint(code))).toBe(2);
});

test.each([
  ["nothing", "", 0],
  ["ASCII", "web-1", 5],
  ["an umlaut", "B\u00fccher", 6],
  ["an umlaut of two characters", "Bu\u0308cher", 6],
  ["Han", "\u65e5\u672c", 4],
  ["Hangul, whole", "\ud55c", 2],
  ["Hangul, in its parts", "\u1112\u1161\u11ab", 2],
  ["an emoji", "\u{1f600}", 2],
  ["an emoji with a skin", "\u{1f44b}\u{1f3fd}", 4],
  ["a flag, of two letters", "\u{1f1e9}\u{1f1ea}", 2],
  ["Arabic", "\u0645\u0631\u062d\u0628\u0627", 5],
  ["what is escaped", "\\x1b[31m", 8],
])("measureText() measures %s", (_, text, width) => {
  expect(measureText(text)).toBe(width);
});
