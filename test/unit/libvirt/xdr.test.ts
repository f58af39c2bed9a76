import fc from "fast-check";
import { expect, test } from "vitest";
import { XdrError, XdrReader, XdrWriter } from "../../../helper/libvirt/xdr.ts";
import { runs } from "../fuzz.ts";
import { hex } from "../hex.ts";

test("XdrReader reads whole numbers from the most significant byte on", () => {
  const reader = new XdrReader(
    hex(`
    20 00 80 86  // unsigned
    ff ff ff ff  // unsigned
    ff ff ff ff  // signed
    7f ff ff ff  // signed
    80 00 00 00  // signed
  `),
  );
  expect([reader.uint32(), reader.uint32()]).toEqual([0x2000_8086, 0xffff_ffff]);
  expect([reader.int32(), reader.int32(), reader.int32()]).toEqual([-1, 2_147_483_647, -2_147_483_648]);
  reader.end();
});

test("XdrReader reads from where its bytes begin, not its buffer", () => {
  const whole = hex("ff ff ff ff  00 00 00 2a  ff ff ff ff");
  expect(new XdrReader(whole.subarray(4, 8)).uint32()).toBe(42);
  expect(() => new XdrReader(whole.subarray(4, 7)).uint32()).toThrow(XdrError);
});

test("XdrReader.string() skips the padding", () => {
  const reader = new XdrReader(
    hex(`
    00 00 00 03  // length
    77 65 62 00  // "web" and one byte of padding
    00 00 00 2a  // next field
  `),
  );
  expect(reader.string(64)).toBe("web");
  expect(reader.uint32()).toBe(42);
});

test.each([
  ["empty", "00 00 00 00", ""],
  ["of four bytes, which need no padding", "00 00 00 04  77 65 62 32", "web2"],
  ["of UTF-8", "00 00 00 02  c3 bc 00 00", "ü"],
  ["that is no UTF-8", "00 00 00 01  ff 00 00 00", "\ufffd"],
  ["as long as its limit", "00 00 00 08  61 61 61 61 61 61 61 61", "aaaaaaaa"],
])("XdrReader.string() reads a string %s", (_, bytes, text) => {
  const reader = new XdrReader(hex(bytes));
  expect(reader.string(8)).toBe(text);
  reader.end();
});

test.each([
  ["longer than its limit", "00 00 00 09  61 61 61 61 61 61 61 61 61 00 00 00"],
  ["cut short", "00 00 00 04  61 61"],
  ["cut short in its padding", "00 00 00 03  61 61 61"],
  ["cut short in its length", "00 00 00"],
  ["of 4 GB", "ff ff ff ff  61 61 61 61"],
  ["that is missing", ""],
])("XdrReader.string() rejects a string that is %s", (_, bytes) => {
  expect(() => new XdrReader(hex(bytes)).string(8)).toThrow(XdrError);
});

test("XdrReader.fixedOpaque() gives bytes without padding, in the memory of the message", () => {
  const bytes = hex("01 02 03 04 05 00 00 00  00 00 00 2a");
  const reader = new XdrReader(bytes);
  const opaque = reader.fixedOpaque(5);
  expect(opaque).toEqual(hex("01 02 03 04 05"));
  expect(opaque.buffer).toBe(bytes.buffer);
  expect(reader.uint32()).toBe(42);
});

test.each([
  ["a value", "00 00 00 01  00 00 00 2a", 42],
  ["none", "00 00 00 00", undefined],
])("XdrReader.optional() reads %s", (_, bytes, value) => {
  const reader = new XdrReader(hex(bytes));
  expect(reader.optional(() => reader.uint32())).toBe(value);
  reader.end();
});

test("XdrReader.optional() rejects a flag that is neither 0 nor 1", () => {
  const reader = new XdrReader(hex("00 00 00 02  00 00 00 2a"));
  expect(() => reader.optional(() => reader.uint32())).toThrow(new XdrError("flag is 2, not 0 or 1"));
});

test("XdrReader.array() reads as many values as it announces", () => {
  const reader = new XdrReader(hex("00 00 00 02  00 00 00 07  00 00 00 08"));
  expect(reader.array(2, () => reader.uint32())).toEqual([7, 8]);
  reader.end();
});

test.each([
  ["more values than it may", "00 00 00 03  00 00 00 07  00 00 00 08  00 00 00 09"],
  ["more values than there are", "00 00 00 02  00 00 00 07"],
  ["4 billion values", "ff ff ff ff"],
])("XdrReader.array() rejects %s", (_, bytes) => {
  const reader = new XdrReader(hex(bytes));
  expect(() => reader.array(2, () => reader.uint32())).toThrow(XdrError);
});

test("XdrReader.end() rejects what is left over", () => {
  const reader = new XdrReader(hex("00 00 00 01  00 00 00 02"));
  reader.uint32();
  expect(() => reader.end()).toThrow(new XdrError("4 bytes too many"));
});

test("XdrReader reads any bytes, or throws XdrError", () => {
  type Read = (reader: XdrReader) => unknown;
  const reads: Read[] = [
    (reader) => reader.uint32(),
    (reader) => reader.int32(),
    (reader) => reader.string(16),
    (reader) => reader.opaque(16),
    (reader) => reader.fixedOpaque(5),
    (reader) => reader.optional(() => reader.string(16)),
    (reader) => reader.array(4, () => reader.string(16)),
    (reader) => reader.end(),
  ];
  // Small words too, or no length would ever fit.
  const word = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 5, 16, 17), fc.integer({ min: 0, max: 0xffff_ffff }));
  const bytes = fc.array(word, { maxLength: 10 }).map((words) => {
    const view = new DataView(new ArrayBuffer(words.length * 4));
    for (const [index, value] of words.entries()) view.setUint32(index * 4, value);
    return new Uint8Array(view.buffer);
  });
  fc.assert(
    fc.property(
      bytes,
      fc.nat({ max: 3 }),
      fc.array(fc.constantFrom(...reads), { maxLength: 8 }),
      (whole, cut, script) => {
        const reader = new XdrReader(whole.subarray(0, Math.max(0, whole.length - cut)));
        try {
          for (const read of script) read(reader);
        } catch (error) {
          expect(error).toBeInstanceOf(XdrError);
        }
      },
    ),
    runs(2000),
  );
});

test("XdrWriter writes words, strings and bytes, padded with zeros", () => {
  const bytes = new XdrWriter()
    .uint32(0xffff_fffe)
    .int32(-1)
    .string("wéb")
    .string("")
    .fixedOpaque(hex("01 02 03 04 05"))
    .toBytes();
  expect(bytes).toEqual(
    hex(`
    ff ff ff fe              // unsigned
    ff ff ff ff              // signed
    00 00 00 04 77 c3 a9 62  // string
    00 00 00 00              // empty string
    01 02 03 04 05 00 00 00  // opaque
  `),
  );
});
