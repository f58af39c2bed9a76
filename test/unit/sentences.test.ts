// Every sentence has been seen from a real cause: ../fixtures/causes.ts says in which test, and ../fixtures/sentences.md is for
// readers. That each test does print its sentence is for the end of `npm test` to tell.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { CAUSES } from "../fixtures/causes.ts";
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

/** The text of a test's file, and of the files beside it, which have some of its facts. */
function readTests(file: string): string {
  const folder = dirname(file);
  const others = readdirSync(folder).filter((name) => /^[a-z-]+\.ts$/.test(name));
  return [file, ...others.map((name) => join(folder, name))].map((path) => readFileSync(path, "utf8")).join("\n");
}

/** A template makes many names; one that says nothing by itself would make them all. */
function namesInTemplates(text: string): RegExp[] {
  const templates = [...text.matchAll(/`([^`\n]{4,})`/g)].map(([, template = ""]) => template.split(/\$\{[^}]*\}/));
  const literal = (part: string) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const telling = templates.filter((parts) => parts.length > 1 && parts.join("").trim().length >= 5);
  return telling.map((parts) => new RegExp(`^${parts.map(literal).join(".+")}$`));
}

test.each(ROWS.flatMap(({ cause }) => (cause === undefined || "never" in cause ? [] : [cause])))(
  "there is a test $test",
  ({ file, test: name }) => {
    const text = readTests(file);
    const isLiteral = text.includes(JSON.stringify(name.replace(/^'(.*)'$/, "$1")));
    expect(isLiteral || namesInTemplates(text).some((pattern) => pattern.test(name))).toBe(true);
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
