import { expect, test } from "vitest";
import { runKnownHosts } from "../../../helper/hostkeys/run-known-hosts.ts";
import { CA, findKey } from "../../fixtures/host-keys.ts";
import { failureOf } from "../failure-of.ts";
import { file, LEFT, makeSystem, PINS, STORE } from "./surroundings.ts";

const { key } = findKey("Ed25519");
const PINNED = `* ${key.type} ${key.text}\n`;

const start = (pins?: string) =>
  makeSystem({ files: { ...STORE, ...LEFT, ...(pins === undefined ? {} : { [PINS]: file(pins) }) } });

test.each<[string, readonly string[], string]>([
  ["the pinned keys when it asks which types to prefer", ["ORDER", "NONE", "NONE", "web.qemu"], PINNED],
  ["the pinned keys when it asks about one", ["HOSTNAME", key.type, key.text, "web.qemu"], PINNED],
  ["the pinned keys when it asks about an address", ["ADDRESS", key.type, key.text, "web.qemu"], PINNED],
  ["the same without the dashes of the drop-in", ["HOSTNAME", key.type, key.text, "web.qemu"], PINNED],
])("runKnownHosts() prints %s", (name, words, printed) => {
  const sys = start(PINNED);
  expect(runKnownHosts(name.includes("without") ? words : ["--", ...words], sys)).toBeUndefined();
  expect([sys.written(1), sys.written(2)]).toEqual([printed, ""]);
});

test("runKnownHosts() prints nothing where there is nothing", () => {
  const sys = start();
  runKnownHosts(["--", "ORDER", "NONE", "NONE", "web.qemu"], sys);
  expect(sys.written(1)).toBe("");
});

test.each(["-x", "a b", "", "web;reboot", "--", "$(id)"])("runKnownHosts() takes %j for a host's name", (host) => {
  const sys = makeSystem();
  expect(runKnownHosts(["--", "HOSTNAME", key.type, key.text, host], sys)).toEqual({ kind: "no-record", host });
  expect(sys.written(1)).toBe("");
});

test("runKnownHosts() prints the pinned key and returns what is wrong where another one is shown", () => {
  const sys = start(PINNED);
  const notice = runKnownHosts(["--", "HOSTNAME", CA.type, CA.text, "web.qemu"], sys);
  expect(notice).toMatchObject({ kind: "host-key-changed" });
  expect([sys.written(1), sys.written(2)]).toEqual([PINNED, ""]);
});

test.each<[string, readonly string[], string | undefined]>([
  ["no words", [], undefined],
  ["a word too few", ["--", "HOSTNAME", key.type, key.text], undefined],
  ["a word too many", ["--", "HOSTNAME", key.type, key.text, "web.qemu", "x"], undefined],
  ["a reason that ssh does not give", ["--", "hostname", key.type, key.text, "web.qemu"], "hostname"],
  ["a key that is none", ["--", "HOSTNAME", key.type, "AAAA", "web.qemu"], `${key.type} AAAA`],
  ["no key", ["--", "HOSTNAME", "NONE", "NONE", "web.qemu"], "NONE NONE"],
  ["a key of another type", ["--", "HOSTNAME", "ssh-rsa", key.text, "web.qemu"], `ssh-rsa ${key.text}`],
  [
    "a key with a line after it",
    ["--", "HOSTNAME", key.type, `${key.text}\n*`, "web.qemu"],
    `${key.type} ${key.text}\n*`,
  ],
])("runKnownHosts() refuses %s, and changes nothing", (_, words, word) => {
  const sys = start();
  expect(failureOf(() => runKnownHosts(words, sys))).toEqual({
    kind: "bad-usage",
    problem: expect.any(String),
    command: "known-hosts",
    ...(word === undefined ? {} : { word }),
  });
  expect(sys.log).toEqual([]);
});
