import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeUtf8, encodeUtf8 } from "../../helper/utf8.ts";
import { runs } from "./fuzz.ts";
import { hex } from "./hex.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

test.each([
  ["ASCII", "77 65 62", "web"],
  ["two bytes", "c3 bc", "ü"],
  ["three bytes", "e6 9d b1", "東"],
  ["four bytes", "f0 9f 99 82", "🙂"],
  ["the last code point", "f4 8f bf bf", "\u{10ffff}"],
  ["NUL", "00", "\0"],
  ["a byte order mark, which stays", "ef bb bf 61", "\ufeffa"],
  ["a continuation alone", "80", "\ufffd"],
  ["an overlong slash", "c0 af", "\ufffd\ufffd"],
  ["an overlong slash of three bytes", "e0 80 af", "\ufffd\ufffd\ufffd"],
  ["half of a surrogate pair", "ed a0 80", "\ufffd\ufffd\ufffd"],
  ["more than the last code point", "f4 90 80 80", "\ufffd\ufffd\ufffd\ufffd"],
  ["a sequence that is cut short", "f0 9f 99", "\ufffd"],
  ["a sequence that breaks off", "e6 9d 61", "\ufffda"],
  ["bytes that never occur", "fe ff", "\ufffd\ufffd"],
])("decodeUtf8() of %s", (_, bytes, text) => {
  expect(decodeUtf8(hex(bytes))).toBe(text);
});

test("encodeUtf8() refuses half of a surrogate pair", () => {
  expect(() => encodeUtf8("a\ud800")).toThrow(URIError);
});

/** Bytes as they are, and bytes that are nearly UTF-8. */
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .array(fc.constantFrom(0x61, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4), {
      maxLength: 12,
    })
    .map((bytes) => Uint8Array.from(bytes)),
);

test("decodeUtf8() agrees with TextDecoder on any bytes", () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => decodeUtf8(bytes) === decoder.decode(bytes)),
    runs(2000),
  );
});

/** More than is decoded at once: whatever stands where it is cut. */
test.each([
  ["two bytes", "c3 bc"],
  ["three bytes", "e6 9d b1"],
  ["four bytes", "f0 9f 99 82"],
  ["half of a character", "f0 9f 99"],
  ["bytes that go on without end", "80"],
  ["a character, and more that goes on", "f0 9f 99 82 82"],
])("decodeUtf8() agrees with TextDecoder on a long text of %s", (_, part) => {
  for (let shift = 0; shift < 5; shift += 1) {
    const bytes = Buffer.concat([Buffer.alloc(shift, "a"), Buffer.alloc(30_000, hex(part))]);
    expect(decodeUtf8(bytes)).toBe(decoder.decode(bytes));
  }
});

test("encodeUtf8() agrees with TextEncoder", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text));
    }),
    runs(1000),
  );
});
