/** UTF-8, for an engine without TextEncoder and TextDecoder. */

/** @throws URIError if `text` holds half of a surrogate pair */
export function encodeUtf8(text: string): Uint8Array {
  return encodeAscii(text) ?? encodeEscaped(encodeURIComponent(text));
}

/** Nearly all text, in a tenth of the time; undefined for other text. */
function encodeAscii(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 0x80) return undefined;
    bytes[at] = code;
  }
  return bytes;
}

function encodeEscaped(escaped: string): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < escaped.length; at += 1) {
    if (escaped[at] !== "%") {
      bytes.push(escaped.charCodeAt(at));
      continue;
    }
    bytes.push(Number.parseInt(escaped.slice(at + 1, at + 3), 16));
    at += 2;
  }
  return Uint8Array.from(bytes);
}

/** Well-formed UTF-8, Unicode Standard, table 3-7: bounds of the lead byte, bounds of the second byte, how many bytes follow. */
const SEQUENCES = [
  { lead: [0xc2, 0xdf], second: [0x80, 0xbf], more: 1 },
  { lead: [0xe0, 0xe0], second: [0xa0, 0xbf], more: 2 },
  { lead: [0xe1, 0xec], second: [0x80, 0xbf], more: 2 },
  { lead: [0xed, 0xed], second: [0x80, 0x9f], more: 2 },
  { lead: [0xee, 0xef], second: [0x80, 0xbf], more: 2 },
  { lead: [0xf0, 0xf0], second: [0x90, 0xbf], more: 3 },
  { lead: [0xf1, 0xf3], second: [0x80, 0xbf], more: 3 },
  { lead: [0xf4, 0xf4], second: [0x80, 0x8f], more: 3 },
] as const;

type Bounds = readonly [low: number, high: number];

/** Of every byte after the second. */
const CONTINUATION: Bounds = [0x80, 0xbf];

function isWithin(byte: number, [low, high]: Bounds): boolean {
  return byte >= low && byte <= high;
}

const REPLACEMENT = 0xfffd;

/** Decodes as TextDecoder does: what is no UTF-8 becomes U+FFFD, one for each maximal subpart (Unicode, section 3.9). */
export function decodeUtf8(bytes: Uint8Array): string {
  const characters: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = findAsciiEnd(bytes, at);
    if (end > at) characters.push(String.fromCharCode.apply(null, [...bytes.subarray(at, end)]));
    at = end;
    if (at === bytes.length) break;
    const { code, length } = decodeOne(bytes, at);
    characters.push(String.fromCodePoint(code));
    at += length;
  }
  return characters.join("");
}

/** The most that one call can have as arguments, and more than any name has. */
const MAX_RUN = 1_024;

/** Where the run of ASCII that begins at `start` ends, or is to be cut. */
function findAsciiEnd(bytes: Uint8Array, start: number): number {
  const most = Math.min(bytes.length, start + MAX_RUN);
  let end = start;
  while (end < most && (bytes[end] ?? 0) < 0x80) end += 1;
  return end;
}

function decodeOne(bytes: Uint8Array, at: number): { code: number; length: number } {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return { code: first, length: 1 };
  if (first < 0xc2 || first > 0xf4) return { code: REPLACEMENT, length: 1 };
  const sequence = SEQUENCES.find(({ lead }) => isWithin(first, lead));
  if (sequence === undefined) return { code: REPLACEMENT, length: 1 };
  let code = first & (0x3f >> sequence.more);
  for (let index = 1; index <= sequence.more; index += 1) {
    const byte = bytes[at + index] ?? 0;
    if (!isWithin(byte, index === 1 ? sequence.second : CONTINUATION)) return { code: REPLACEMENT, length: index };
    code = (code << 6) | (byte & 0x3f);
  }
  return { code, length: sequence.more + 1 };
}
