import fc from "fast-check";
import { expect, test } from "vitest";
import { countSlips, findNear } from "../../../helper/libvirt/near-names.ts";
import { runs } from "../fuzz.ts";

test.each([
  ["", "", 0],
  ["web", "web", 0],
  ["", "web", 3],
  ["web", "", 3],
  ["web", "wb", 1],
  ["web", "weeb", 1],
  ["web", "wev", 1],
  ["web", "wbe", 1],
  ["ab", "ba", 1],
  ["guest", "gusets", 2],
  ["kitten", "sitting", 3],
  ["ca", "abc", 3], // optimal string alignment: no letter takes part in two slips
])("countSlips() from %j to %j is %d", (one, other, slips) => {
  expect(countSlips(one, other, 9)).toBe(slips);
  expect(countSlips(one, other, slips)).toBe(slips);
  expect(countSlips(one, other, slips - 1)).toBe(Number.POSITIVE_INFINITY);
});

test("countSlips() is the same both ways, none for a name itself, and no more than the longer name has letters", () => {
  const names = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(names, names, (one, other) => {
      expect(countSlips(one, other, 12)).toBe(countSlips(other, one, 12));
      expect(countSlips(one, one, 0)).toBe(0);
      expect(countSlips(one, other, 12)).toBeLessThanOrEqual(Math.max(one.length, other.length));
    }),
    runs(200),
  );
});

const candidates = (...names: string[]) =>
  names.map((name) => ({ name, uri: "qemu:///system", target: `qemu:system/${name}` }));

test.each([
  ["web", ["wbe", "db"], ["wbe"]],
  ["web", ["WEB"], ["WEB"]],
  ["web", ["wxyz"], []],
  ["we", ["web", "wx"], []], // too little was typed
  ["web", ["web-2", "web-1"], ["web-1", "web-2"]],
  ["web", ["web-1", "wbe"], ["wbe", "web-1"]],
  ["web", ["weba", "webb", "webc", "webd"], ["weba", "webb", "webc"]],
  ["database", ["databse", "datbse", "dtbse"], ["databse", "datbse"]],
  ["", ["web"], []],
  ["web", [], []],
])("findNear() of %j among %j", (name, names, near) => {
  expect(findNear(name, candidates(...names)).map((candidate) => candidate.name)).toEqual(near);
});

test("findNear() looks through the most domains and the longest names that there are in no time to speak of", () => {
  const names = Array.from({ length: 2_000 }, (_, index) => `${"a".repeat(250)}${index}`);
  expect(findNear("a".repeat(255), candidates(...names))).toHaveLength(3);
});
