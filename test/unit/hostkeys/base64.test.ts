import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBase64, encodeBase64 } from "../../../helper/hostkeys/base64.ts";
import { runs } from "../fuzz.ts";
import { hex } from "../hex.ts";

// RFC 4648, section 10, and both of its last two characters.
const VECTORS: readonly (readonly [bytes: string, text: string])[] = [
  ["", ""],
  ["66", "Zg=="],
  ["66 6f", "Zm8="],
  ["66 6f 6f", "Zm9v"],
  ["66 6f 6f 62", "Zm9vYg=="],
  ["66 6f 6f 62 61", "Zm9vYmE="],
  ["66 6f 6f 62 61 72", "Zm9vYmFy"],
  ["fb ff bf", "+/+/"],
  ["00 00 00 00", "AAAAAA=="],
  ["ff ff ff ff", "/////w=="],
];

test.each(VECTORS)("encodeBase64() of %s is %j", (bytes, text) => {
  expect(encodeBase64(hex(bytes))).toBe(text);
});

test.each(VECTORS)("decodeBase64() has %s for %j", (bytes, text) => {
  expect(decodeBase64(text)).toEqual(hex(bytes));
});

test.each([
  ["cut short", "Zg"],
  ["without its padding", "Zm8"],
  ["with too much padding", "Zm9v="],
  ["of padding alone", "===="],
  ["with padding inside", "Zg==Zg=="],
  ["with a space", "Zm 9v"],
  ["with a line break", "Zm9v\n"],
  ["of the URL's alphabet", "-_-_"],
  ["with a letter that is none of ASCII", "Zm9ü"],
  ["with bits that say nothing, two bytes of padding", "Zh=="],
  ["with bits that say nothing, one byte of padding", "Zm9="],
])("decodeBase64() has nothing for text %s", (_, text) => {
  expect(decodeBase64(text)).toBeUndefined();
});

test("encodeBase64() agrees with Buffer, and decodeBase64() reads it back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = encodeBase64(bytes);
      expect(text).toBe(Buffer.from(bytes).toString("base64"));
      expect(decodeBase64(text)).toEqual(bytes);
    }),
    runs(500),
  );
});

/** Near to base64, or not at all. */
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.constantFrom(..."AQgwEIMUz0189+/="), { maxLength: 12 }).map((characters) => characters.join("")),
);

test("decodeBase64() reads no two texts as the same bytes", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const bytes = decodeBase64(text);
      if (bytes !== undefined) expect(Buffer.from(bytes).toString("base64")).toBe(text);
    }),
    runs(2000),
  );
});
