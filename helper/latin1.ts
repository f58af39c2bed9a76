/** Bytes as text with a character for each, and back: what is no UTF-8 stays as it is. */

/** The most that one call can have as arguments. A typed array serves as their list as it is. */
const CHUNK = 8_192;

export function decodeLatin1(bytes: Uint8Array): string {
  const chunks: string[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK) {
    chunks.push(Reflect.apply(String.fromCharCode, undefined, bytes.subarray(at, at + CHUNK)));
  }
  return chunks.join("");
}

export function encodeLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}
