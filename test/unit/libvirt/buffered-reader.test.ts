import fc from "fast-check";
import { expect, test } from "vitest";
import { BufferedReader } from "../../../helper/libvirt/buffered-reader.ts";
import { runs } from "../fuzz.ts";

test("BufferedReader gives what was sent, in pieces of any size, however it arrives", () => {
  const sizes = fc.array(fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 20_000 })), { maxLength: 8 });
  fc.assert(
    fc.property(
      sizes,
      fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 5 }),
      (wanted, arrives) => {
        const total = wanted.reduce((sum, size) => sum + size, 0);
        const sent = Uint8Array.from({ length: total + 100 }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
        let at = 0;
        let turn = 0;
        const reader = new BufferedReader((into) => {
          expect(into.length).toBeGreaterThan(0);
          const count = Math.min(into.length, arrives[turn++ % arrives.length] ?? 1, sent.length - at);
          into.set(sent.subarray(at, at + count));
          at += count;
          return count;
        });
        const read = wanted.map((size) => reader.readExactly(size));
        expect(Buffer.concat(read).equals(sent.subarray(0, total))).toBe(true);
        expect(read.map((bytes) => bytes.length)).toEqual(wanted);
      },
    ),
    runs(200),
  );
});

test("BufferedReader passes on what ends the stream", () => {
  const reader = new BufferedReader(() => {
    throw new RangeError("the end");
  });
  expect(reader.readExactly(0)).toHaveLength(0);
  expect(() => reader.readExactly(1)).toThrow(RangeError);
});
