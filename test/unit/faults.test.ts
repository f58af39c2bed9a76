// The table of faults names tests that are there, and docs/faults.md is the one that it makes. `VIRTSSH_UPDATE=1` writes it anew.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { renderFaults } from "../fixtures/fault-page.ts";
import { FAULTS } from "../fixtures/faults.ts";
import { hasTest } from "../fixtures/named-tests.ts";

const PAGE = join(import.meta.dirname, "../../docs/faults.md");
const ALL = Object.values(FAULTS).flat();

test("every fault is injected by a test", () => {
  expect(ALL.filter(({ by }) => by.length === 0)).toEqual([]);
});

test.each(ALL.flatMap(({ by }) => by))("there is a test $test", ({ file, test: name }) => {
  expect(hasTest(file, name)).toBe(true);
});

test("a test that there is not is found missing", () => {
  expect(hasTest("test/daemon/faults.test.ts", "a daemon that sings")).toBe(false);
});

test("the page for readers is the one that the list makes", () => {
  const text = renderFaults();
  if (process.env["VIRTSSH_UPDATE"] !== undefined) writeFileSync(PAGE, text);
  expect(text).toBe(readFileSync(PAGE, "utf8"));
});
