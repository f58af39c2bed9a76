import { expect, test } from "vitest";
import { decodeLatin1, encodeLatin1 } from "../../helper/latin1.ts";

test.each([0, 1, 8_192, 8_193, 20_000])("decodeLatin1() and encodeLatin1() keep %d bytes", (length) => {
  const bytes = Uint8Array.from({ length }, (_, index) => index % 256);
  expect(encodeLatin1(decodeLatin1(bytes))).toEqual(bytes);
});

test("decodeLatin1() makes a character of each byte", () => {
  expect(decodeLatin1(Uint8Array.of(0, 0x41, 0xc3, 0xff))).toBe("\0AÃÿ");
});
