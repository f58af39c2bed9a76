// What `virtssh keys list` prints, and what all three print as JSON.

import { expect, test } from "vitest";
import { KEYS } from "../../fixtures/host-keys.ts";
import { findSchemaErrors } from "../../fixtures/schemas.ts";
import { MINE, OTHER, start } from "./keys-lab.ts";

test.each<[string, string | undefined, string]>([
  ["nothing, of an account without a file", undefined, ""],
  ["nothing, of an empty file", "", ""],
  ["keys in the order of the file", `${MINE.line}\n${OTHER.line}`, `${MINE.listed}\n${OTHER.listed}\n`],
  ["options", `no-pty,command="date" ${MINE.line}`, `${MINE.listed} options: no-pty,command="date"\n`],
  ["a key without a comment", MINE.line.replace(" mine", ""), `${MINE.listed.replace("mine", "no comment")}\n`],
  [
    "a line that is no key",
    `hello\u001b[2J "you"\n${MINE.line}`,
    `not a key: "hello\\x1b[2J \\"you\\""\n${MINE.listed}\n`,
  ],
  [
    "what would colour a terminal",
    `${MINE.line}\u009b31m\u202e`,
    `${MINE.listed.replace("mine", "mine\\x9b31m\\u{202e}")}\n`,
  ],
  [
    "the start of a long comment",
    `${MINE.line}${"x".repeat(600)}`,
    `${MINE.listed.replace("mine", `mine${"x".repeat(508)}...`)}\n`,
  ],
  ["the start of a line that is too long", "x".repeat(65_537), `too long to be looked at: "${"x".repeat(512)}"...\n`],
])("virtssh keys list prints %s", (_, alice, printed) => {
  const { sys, run } = start({ alice });
  expect(run("list")).toBe(0);
  expect(sys.written(1)).toBe(printed);
});

test("virtssh keys list --json has all of each line", () => {
  const junk = `junk${"x".repeat(70_000)}`;
  const { sys, run } = start({ alice: `no-pty ${MINE.line}\n${junk}` });
  run("list", "--json");
  const key = MINE.line.replace(" mine", "");
  const none = { options: null, type: null, bits: null, fingerprint: null, key: null, comment: null };
  expect(JSON.parse(sys.written(1))).toEqual([
    {
      options: "no-pty",
      type: "ED25519",
      bits: 256,
      fingerprint: MINE.listed.split(" ")[1],
      key,
      comment: "mine",
      line: `no-pty ${MINE.line}`,
    },
    { ...none, line: junk },
  ]);
});

test("2048 lines that are as long as all of them can be are listed", () => {
  const lines = Array.from({ length: 2048 }, (_, index) => `${index} ${" ".repeat(1000)}x`);
  const { sys, run } = start({ alice: lines.join("\n") });
  run("list");
  expect(sys.written(1).split("\n")).toHaveLength(2049);
});

test("virtssh keys add --json says what has come of each key", () => {
  const { sys, run } = start({ alice: MINE.line }, { text: `${MINE.line}\n${OTHER.line}` });
  run("add", "--json");
  expect(JSON.parse(sys.written(1))).toMatchObject([
    { change: "present", comment: "mine" },
    { change: "added", comment: "other", line: OTHER.line },
  ]);
});

test.each<["list" | "add" | "remove", string | undefined]>([
  ["list", `junk\u001b\nno-pty ${MINE.line}\n${KEYS.map(({ key }) => `${key.type} ${key.text}`).join("\n")}`],
  ["list", undefined],
  ["add", OTHER.line],
  ["add", `no-pty ${MINE.line}`],
  ["remove", MINE.line],
])("what virtssh keys %s --json prints is as its schema says", (act, alice) => {
  const { sys, run } = start({ alice }, { text: `${MINE.line}\n${OTHER.line}` });
  try {
    run(act, "--json");
  } catch {
    // options that differ: what is printed comes first
  }
  expect(sys.written(1)).not.toBe("");
  expect(findSchemaErrors("virtssh-keys", sys.written(1))).toEqual([]);
});

test("the schema of virtssh keys refuses a line without a fingerprint, and a change that is none", () => {
  const line = { options: "", type: "ED25519", bits: 256, key: "ssh-ed25519 AAAA", comment: "", line: "x" };
  expect(findSchemaErrors("virtssh-keys", JSON.stringify([line]))).toHaveLength(1);
  const all = { ...line, fingerprint: null, change: "changed" };
  expect(findSchemaErrors("virtssh-keys", JSON.stringify([all]))).toHaveLength(1);
});
