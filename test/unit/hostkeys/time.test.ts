import fc from "fast-check";
import { expect, test } from "vitest";
import { formatTime } from "../../../helper/hostkeys/time.ts";
import { runs } from "../fuzz.ts";

test.each([
  [0, "1970-01-01T00:00:00Z"],
  [1, "1970-01-01T00:00:01Z"],
  [86_399, "1970-01-01T23:59:59Z"],
  [86_400, "1970-01-02T00:00:00Z"],
  [68_169_599, "1972-02-28T23:59:59Z"],
  [68_169_600, "1972-02-29T00:00:00Z"],
  [68_256_000, "1972-03-01T00:00:00Z"],
  [951_782_400, "2000-02-29T00:00:00Z"],
  [1_795_326_516, "2026-11-22T05:48:36Z"],
  [2_147_483_648, "2038-01-19T03:14:08Z"],
  [4_107_542_399, "2100-02-28T23:59:59Z"],
  [4_107_542_400, "2100-03-01T00:00:00Z"],
  [4_294_967_296, "2106-02-07T06:28:16Z"],
  [13_574_563_199, "2400-02-28T23:59:59Z"],
  [13_574_563_200, "2400-02-29T00:00:00Z"],
  [253_402_300_799, "9999-12-31T23:59:59Z"],
])("formatTime(%d) is %s", (unixTime, text) => {
  expect(formatTime(unixTime)).toBe(text);
});

test("formatTime() takes a clock before 1970 for the start of it", () => {
  expect(formatTime(-1)).toBe("1970-01-01T00:00:00Z");
});

const asDate = (unixTime: number) => `${new Date(unixTime * 1000).toISOString().slice(0, 19)}Z`;

test("formatTime() agrees with Date", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 33 }), (unixTime) => {
      expect(formatTime(unixTime)).toBe(asDate(unixTime));
    }),
    runs(1000),
  );
});

test("formatTime() agrees with Date at both ends of each year and each February", () => {
  for (let year = 1970; year <= 2420; year += 1) {
    for (const start of [Date.UTC(year, 0, 1), Date.UTC(year, 1, 1), Date.UTC(year, 2, 1)]) {
      for (const unixTime of [start / 1000 - 1, start / 1000].filter((time) => time >= 0)) {
        expect(formatTime(unixTime)).toBe(asDate(unixTime));
      }
    }
  }
});
