import fc from "fast-check";
import { expect, test } from "vitest";
import { formatUuid, parseUuid } from "../../../helper/libvirt/uuid.ts";
import { runs } from "../fuzz.ts";
import { hex } from "../hex.ts";

const BYTES = hex("4dea22b3 1d52 d8f3 2516 782e98ab3fa0");

test.each([
  ["in lower case", "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"],
  ["in capitals", "4DEA22B3-1D52-D8F3-2516-782E98AB3FA0"],
  ["without hyphens", "4dea22b31d52d8f32516782e98ab3fa0"],
])("parseUuid() reads one %s", (_, text) => {
  expect(parseUuid(text)).toEqual(BYTES);
});

test.each([
  "",
  "web",
  "4dea22b3-1d52-d8f3-2516-782e98ab3fa",
  "4dea22b3-1d52-d8f3-2516-782e98ab3fa00",
  "4dea22b31-d52-d8f3-2516-782e98ab3fa0",
  "4dea22b3-1d52d8f3-2516-782e98ab3fa0",
  "4dea22b3_1d52_d8f3_2516_782e98ab3fa0",
  "{4dea22b3-1d52-d8f3-2516-782e98ab3fa0}",
  " 4dea22b3-1d52-d8f3-2516-782e98ab3fa0",
  "4dea22b3-1d52-d8f3-2516-782e98ab3fa0\n",
  "gdea22b3-1d52-d8f3-2516-782e98ab3fa0",
  "4dea22b31d52d8f32516782e98ab3fa",
])("parseUuid(%j) is none", (text) => {
  expect(parseUuid(text)).toBeUndefined();
});

test("formatUuid() is how virsh prints one", () => {
  expect(formatUuid(BYTES)).toBe("4dea22b3-1d52-d8f3-2516-782e98ab3fa0");
  expect(formatUuid(new Uint8Array(16))).toBe("00000000-0000-0000-0000-000000000000");
});

test("parseUuid() reads what formatUuid() prints", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      expect(parseUuid(formatUuid(bytes))).toEqual(bytes);
    }),
    runs(300),
  );
});
