/** UTF-8, for an engine without TextEncoder and TextDecoder. */

/** By the engine's own encoder, the one for URIs. @throws URIError if `text` holds half of a surrogate pair */
export function encodeUtf8(text: string): Uint8Array {
  return encodeBelow(0x80, text) ?? encodeBelow(0x100, unescape(encodeURIComponent(text))) ?? new Uint8Array();
}

/** A byte for each character; undefined where one is not below `limit`. */
function encodeBelow(limit: number, text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= limit) return undefined;
    bytes[at] = code;
  }
  return bytes;
}

/** What one call may have as arguments. A typed array serves as their list as it is. */
const CHUNK_BYTES = 8_192;

/** Decodes as TextDecoder does: what is no UTF-8 becomes U+FFFD, one for each maximal subpart (Unicode, section 3.9). */
export function decodeUtf8(bytes: Uint8Array): string {
  if (bytes.length <= CHUNK_BYTES) return decodeChunk(bytes);
  const chunks: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = findCut(bytes, at + CHUNK_BYTES);
    chunks.push(decodeChunk(bytes.subarray(at, end)));
    at = end;
  }
  return chunks.join("");
}

/** The last place up to `most` that is in no character: one has four bytes at most, so after three that go on with one, the next does not. */
function findCut(bytes: Uint8Array, most: number): number {
  for (let cut = most; cut > most - 4; cut -= 1) {
    const byte = bytes[cut] ?? 0;
    if ((byte & 0xc0) !== 0x80) return cut;
  }
  return most;
}

/** By the engine's own decoder, the one for URIs, which takes nothing but well-formed UTF-8: bytecode takes many times as long. */
function decodeChunk(bytes: Uint8Array): string {
  try {
    return decodeURIComponent(escape(Reflect.apply(String.fromCharCode, undefined, bytes)));
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return decodeMalformed(bytes);
  }
}

const REPLACEMENT = 0xfffd;

function decodeMalformed(bytes: Uint8Array): string {
  const codes: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    at += 1;
    if (first < 0x80) {
      codes.push(first);
      continue;
    }
    const more = countMore(first);
    const end = more === 0 ? at : findEnd(bytes, at, more);
    codes.push(more > 0 && end - at === more ? readCode(bytes, at, end) : REPLACEMENT);
    at = end;
  }
  return Reflect.apply(String.fromCodePoint, undefined, codes);
}

/** How many bytes go on with a character of more than one; 0 for a byte that begins none: Unicode Standard, table 3-7. */
function countMore(first: number): number {
  if (first < 0xc2 || first > 0xf4) return 0;
  return first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
}

/** Where the bytes at `at`, which go on with a character, stop to do so: `more` of them are all of it. */
function findEnd(bytes: Uint8Array, at: number, more: number): number {
  if (!isSecond(bytes[at - 1] ?? 0, bytes[at] ?? 0)) return at;
  let end = at + 1;
  while (end < at + more && ((bytes[end] ?? 0) & 0xc0) === 0x80) end += 1;
  return end;
}

/** Of the same table: after some first bytes fewer may stand. */
function isSecond(first: number, byte: number): boolean {
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  return byte >= low && byte <= high;
}

/** RFC 3629, section 3: the first byte is the one before `at`, and has as many bits fewer as there are more bytes. */
function readCode(bytes: Uint8Array, at: number, end: number): number {
  let code = (bytes[at - 1] ?? 0) & (0x3f >> (end - at));
  for (let index = at; index < end; index += 1) code = (code << 6) | ((bytes[index] ?? 0) & 0x3f);
  return code;
}
