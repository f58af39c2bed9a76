// Every sentence has been seen from a real cause: ../fixtures/causes.ts says in which test, and ../fixtures/sentences.md is for
// readers. That each test does print its sentence is for the end of `npm test` to tell.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CAUSES } from "../fixtures/causes.ts";
import { hasTest } from "../fixtures/named-tests.ts";
import { findUnproved, ROWS, renderTable } from "../fixtures/proof.ts";
import { SENTENCES } from "../fixtures/sentences.ts";

const TABLE = join(import.meta.dirname, "../fixtures/sentences.md");

/** Sentences that no test causes. A further one has to be worth it. */
const MAX_NEVER = 2;

test("each sentence has a cause, and each cause a sentence", () => {
  const count = (kind: string) => SENTENCES.filter((sentence) => sentence.kind === kind).length;
  const counts = Object.entries(CAUSES).map(([kind, causes]) => [kind, causes.length]);
  expect(counts).toEqual(counts.map(([kind]) => [kind, count(String(kind))]));
});

test("few sentences have never been seen", () => {
  const never = ROWS.filter(({ cause }) => cause !== undefined && "never" in cause);
  expect(never.length).toBeLessThanOrEqual(MAX_NEVER);
});

test.each(ROWS.flatMap(({ cause }) => (cause === undefined || "never" in cause ? [] : [cause])))(
  "there is a test $test",
  ({ file, test: name }) => {
    expect(hasTest(file, name)).toBe(true);
  },
);

test("the table for readers is the one that the causes make", () => {
  const text = renderTable();
  if (process.env["VIRTSSH_UPDATE"] !== undefined) writeFileSync(TABLE, text);
  expect(text).toBe(readFileSync(TABLE, "utf8"));
});

const row = ROWS.find(({ cause }) => cause !== undefined && !("never" in cause));
const seen = () => {
  if (row?.cause === undefined || "never" in row.cause) throw new Error("no sentence has a cause");
  const { error, hint } = row.sentence;
  return {
    file: row.cause.file,
    test: `a > ${row.cause.test}`,
    text: `virtssh: error: ${error}\nvirtssh: hint: ${hint}\n`,
  };
};

test("a sentence that was printed by its test is proved; by another test, or in other words, it is not", () => {
  const all = findUnproved([]);
  expect(findUnproved([seen()])).toEqual(all.slice(1));
  expect(findUnproved([{ ...seen(), test: "a > b" }])).toEqual(all);
  expect(findUnproved([{ ...seen(), text: seen().text.replace("error: ", "error: not ") }])).toEqual(all);
});

test.each(SENTENCES)(
  "the pattern of $kind matches its own example, and no other sentence: $error",
  ({ error, hint, pattern }) => {
    const text = (one: { error: string; hint: string | undefined }) =>
      `virtssh: error: ${one.error}\n${one.hint === undefined ? "" : `virtssh: hint: ${one.hint}\n`}`;
    expect(pattern.test(text({ error, hint }))).toBe(true);
    expect(SENTENCES.filter((other) => pattern.test(text(other))).map((other) => other.error)).toEqual([error]);
  },
);
