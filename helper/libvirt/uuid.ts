/** A UUID's text (RFC 9562, section 4) and its bytes. */

const HYPHENATED = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const PLAIN = /^[0-9a-f]{32}$/i;

/** The 16 bytes of a UUID with hyphens or without, in any case; undefined for other text. */
export function parseUuid(text: string): Uint8Array | undefined {
  if (!HYPHENATED.test(text) && !PLAIN.test(text)) return undefined;
  const digits = text.replaceAll("-", "");
  return Uint8Array.from({ length: 16 }, (_, index) => Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16));
}

/** 36 characters, lower case, as `virsh domuuid` prints it. */
export function formatUuid(bytes: Uint8Array): string {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const groups = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ];
  return groups.join("-");
}
