import { describe, expect, test } from "vitest";
import { readKeyFile } from "../../../helper/authorized-keys/key-file.ts";
import { ETIMEDOUT } from "../../../helper/sys/errno.ts";
import { SystemError } from "../../../helper/sys/system.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";
import { KEYS } from "../../fixtures/host-keys.ts";
import { failureOf } from "../failure-of.ts";

const LINES = KEYS.map(({ key }, index) => `${key.type} ${key.text} key ${index}`);
const [FIRST = "", SECOND = ""] = LINES;

/** From a file, and what is the same, from standard input, in pieces and byte by byte as Latin-1. */
function readBoth(text: string) {
  const file = new FakeSystem({ files: { "/k.pub": { text } } });
  const pieces =
    Buffer.from(text)
      .toString("latin1")
      .match(/[\s\S]{1,700}/g) ?? [];
  const input = new FakeSystem({ streams: { 0: { incoming: pieces } } });
  const keys = readKeyFile("/k.pub", file.nowMs() + 1_000, file);
  expect(readKeyFile("-", input.nowMs() + 1_000, input)).toEqual(keys);
  return keys.map(({ line }) => line);
}

/** Of bytes as Latin-1, on standard input. */
function problemOf(text: string) {
  const sys = new FakeSystem({ streams: { 0: { incoming: text.match(/[\s\S]{1,60000}/g) ?? [] } } });
  const failure = failureOf(() => readKeyFile("-", sys.nowMs() + 1_000, sys));
  expect(failure).toMatchObject({ kind: "bad-key-file", path: undefined });
  return failure.kind === "bad-key-file" ? failure.problem : undefined;
}

describe("readKeyFile() reads", () => {
  test.each([
    ["every kind of key, in their order", LINES.join("\n"), LINES],
    ["past comments and blank lines", `# mine\n\n \t\n${FIRST}\n  # ${SECOND}\n${SECOND}\n\n`, [FIRST, SECOND]],
    ["a key that is there twice once, as it stood first", `${FIRST}\nno-pty ${FIRST} again\n${FIRST}`, [FIRST]],
    ["a file of DOS", `\ufeff${FIRST}\r\n\r\n${SECOND}\r\n`, [FIRST, SECOND]],
    ["a comment in UTF-8", `${FIRST} Jörg 键`, [`${FIRST} Jörg 键`]],
    ["options", `from="::1" ${FIRST}`, [`from="::1" ${FIRST}`]],
  ])("%s", (_, text, lines) => {
    expect(readBoth(text)).toEqual(lines);
  });
});

const PEM = (kind: string) => `-----BEGIN ${kind}-----\nMIIB\n-----END ${kind}-----\n`;

describe("readKeyFile() refuses a private key:", () => {
  test.each([
    ["OpenSSH's", PEM("OPENSSH PRIVATE KEY")],
    ["OpenSSH's, without its first line", "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ==\n"],
    ["RSA's", PEM("RSA PRIVATE KEY")],
    ["one with a passphrase", PEM("ENCRYPTED PRIVATE KEY")],
    ["PKCS #8's", PEM("PRIVATE KEY")],
    ["ssh.com's", "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n"],
    ["PuTTY's", "PuTTY-User-Key-File-3: ssh-ed25519\n"],
    ["ssh 1's", "SSH PRIVATE KEY FILE FORMAT 1.1\n"],
    ["age's", "AGE-SECRET-KEY-1QQQQ\n"],
    ["OpenPGP's", PEM("PGP PRIVATE KEY BLOCK")],
    ["behind public keys", `${FIRST}\n${PEM("OPENSSH PRIVATE KEY")}`],
    ["in a comment", `# ${PEM("OPENSSH PRIVATE KEY")}`],
    ["in UTF-16", Buffer.from(`\ufeff${PEM("OPENSSH PRIVATE KEY")}`, "utf16le").toString("latin1")],
  ])("%s", (_, text) => {
    expect(problemOf(text)).toEqual({ is: "private-key" });
  });
});

describe("readKeyFile() refuses", () => {
  test.each([
    ["nothing", "", { is: "no-key" }],
    ["comments alone", "# a\n\n", { is: "no-key" }],
    ["ssh.com's public key", "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n", { is: "other-format", format: "RFC4716" }],
    ["a public key in PEM", PEM("PUBLIC KEY"), { is: "other-format", format: "PKCS8" }],
    ["an RSA one in PEM", PEM("RSA PUBLIC KEY"), { is: "other-format", format: "PEM" }],
    ["a key beside junk", `${FIRST}\n\njunk\n`, { is: "bad-line", line: 3, problem: "no key" }],
    ["Latin-1", `${FIRST} J\xf6rg`, { is: "bad-line", line: 1, problem: "unsafe characters" }],
    ["a NUL", `${FIRST}\0\n`, { is: "bad-line", line: 1, problem: "unsafe characters" }],
    ["a line feed of another kind", `${FIRST}\x0b${SECOND}`, { is: "bad-line", line: 1, problem: "unsafe characters" }],
    ["more than a MiB", "#".repeat(1_048_577), { is: "too-large", maxBytes: 1_048_576 }],
  ])("%s", (_, text, problem) => {
    expect(problemOf(text)).toEqual(problem);
  });

  test("more keys than libvirt takes", () => {
    const keys = Array.from({ length: 2_049 }, (_, index) => {
      const key = Buffer.from("0000000b7373682d65643235353139", "hex");
      const number = Buffer.alloc(36);
      number.writeUInt32BE(32);
      number.writeUInt32BE(index, 4);
      return `ssh-ed25519 ${Buffer.concat([key, number]).toString("base64")}`;
    });
    expect(problemOf(keys.join("\n"))).toEqual({ is: "too-many", maxKeys: 2_048 });
    expect(readBoth(keys.slice(1).join("\n"))).toHaveLength(2_048);
  });

  test("a file that is not there, and a directory", () => {
    const sys = new FakeSystem({ files: { "/etc": { mode: 0o040755 } } });
    const read = (path: string) => failureOf(() => readKeyFile(path, sys.nowMs() + 1_000, sys));
    expect(read("/no")).toEqual({ kind: "bad-key-file", path: "/no", problem: { is: "refused", errno: "ENOENT" } });
    expect(read("/etc")).toMatchObject({ problem: { is: "refused", errno: "EISDIR" } });
  });
});

test("readKeyFile() waits for standard input until its deadline", () => {
  const sys = new FakeSystem({});
  const limits: number[] = [];
  sys.read = (_fd, _into, deadlineMs) => {
    limits.push(deadlineMs);
    throw new SystemError("poll", ETIMEDOUT);
  };
  expect(failureOf(() => readKeyFile("-", 77, sys))).toMatchObject({ problem: { is: "refused", errno: "ETIMEDOUT" } });
  expect(limits).toEqual([77]);
});

test("readKeyFile() tells whoever sits at a terminal what to do, and gives them time", () => {
  const sys = new FakeSystem({ terminals: [0], streams: { 0: { incoming: [`${FIRST}\n`] } } });
  expect(readKeyFile("-", 0, sys)).toHaveLength(1);
  expect(sys.written(2)).toMatch(/^virtssh: type or paste public keys, .*Ctrl-D.*\n$/);
});
