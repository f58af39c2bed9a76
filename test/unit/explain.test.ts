// Every sentence, in one file that can be read from top to bottom: ../fixtures/failures.txt. After a change of words,
// VIRTSSH_UPDATE=1 npx vitest run --project unit explain writes it anew; read the difference.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { explain } from "../../helper/explain.ts";
import type { Failure } from "../../helper/failure.ts";
import { EXAMPLES } from "./failure-examples.ts";

const GOLDEN = join(import.meta.dirname, "../fixtures/failures.txt");

/** As main.ts prints it. */
function render(failure: Failure): string {
  const { error, hint } = explain(failure);
  return `virtssh: error: ${error}\n${hint === undefined ? "" : `virtssh: hint: ${hint}\n`}`;
}

const sections = Object.entries<readonly Failure[]>(EXAMPLES);
const sentences = sections.flatMap(([kind, failures]) => failures.map((failure) => [kind, explain(failure)] as const));

test("explain() has the words of the golden file", () => {
  const text = sections.map(([kind, failures]) => `# ${kind}\n\n${failures.map(render).join("\n")}`).join("\n");
  if (process.env["VIRTSSH_UPDATE"] !== undefined) writeFileSync(GOLDEN, text);
  expect(text).toBe(readFileSync(GOLDEN, "utf8"));
});

test("every kind of failure has an example", () => {
  expect(sections.filter(([, failures]) => failures.length === 0)).toEqual([]);
});

test.each(sentences)("explain() of %s keeps to the form of messages", (_, { error, hint }) => {
  expect(error).toMatch(/^[a-z"]/);
  for (const line of [error, ...(hint === undefined ? [] : [hint])]) {
    expect(line).not.toMatch(/[.!]$/);
    expect(line).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u);
    expect(line).not.toMatch(/\b(?:please|sorry|failed to|unable to|error:)/i);
    expect(line).not.toMatch(/undefined|null|NaN|\[object|\$\{/);
    expect(line.length).toBeLessThan(700);
  }
});

test.each(sentences)("explain() of %s gives a command that a shell can read", (_, { hint }) => {
  const command = /\bwith: (.*)$/.exec(hint ?? "")?.[1] ?? "";
  // What is left after quoted words are taken out is plain, but for pipes and the like.
  const plain = command.replace(/\$?'(?:[^'\\]|\\.)*'|\\'/g, "").replaceAll(" && ", " ");
  expect(plain).not.toMatch(/['"`$\\;&<>(){}*?]/);
});
