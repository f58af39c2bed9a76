// Bytes as fixtures write them: hex digits, white space as it pleases, and a `//` comment at the end of any line.

export function hex(text: string): Uint8Array {
  const digits = text.replace(/\/\/.*$/gm, "").replace(/\s+/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error(`not hex: ${digits}`);
  return Uint8Array.from(Buffer.from(digits, "hex"));
}
