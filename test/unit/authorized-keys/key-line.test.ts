import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findProblem, isBare, parseKeyLine } from "../../../helper/authorized-keys/key-line.ts";
import { encodeBase64 } from "../../../helper/hostkeys/base64.ts";
import { findKey, KEYS } from "../../fixtures/host-keys.ts";
import { runs } from "../fuzz.ts";

const { key: ED25519, certificate: CERTIFICATE } = findKey("Ed25519");
const KEY = `${ED25519.type} ${ED25519.text}`;

test.each(KEYS)("findProblem() lets a key in: $name", ({ key }) => {
  const line = `${key.type} ${key.text} me@example`;
  expect(findProblem(line)).toBeUndefined();
  expect(parseKeyLine(line)).toEqual({ options: "", key, comment: "me@example", line });
});

describe("parseKeyLine() takes apart, as sshd(8) has it,", () => {
  test.each([
    ["a key alone", KEY, "", ""],
    ["a comment of several words", `${KEY} me and  my laptop`, "", "me and  my laptop"],
    ["blanks and tabs in between", `\t ${KEY.replace(" ", " \t ")}\t me `, "", "me"],
    ["a line of DOS", `${KEY} me\r`, "", "me"],
    ["an option", `no-pty ${KEY} me`, "no-pty", "me"],
    [
      "options with blanks and commas in quotes",
      `from="10.0.0.*, x",command="echo a b",no-pty ${KEY}`,
      'from="10.0.0.*, x",command="echo a b",no-pty',
      "",
    ],
    ["a quote in quotes", `command="echo \\"a b\\"" ${KEY}`, 'command="echo \\"a b\\""', ""],
    ["a key in quotes, which is none", `command="${KEY} not" ${KEY} me`, `command="${KEY} not"`, "me"],
  ])("%s", (_, line, ...[options, comment]) => {
    expect(findProblem(line)).toBeUndefined();
    expect(parseKeyLine(line)).toEqual({ options, key: ED25519, comment, line: line.trim() });
  });
});

test.each([
  ["nothing", ""],
  ["blanks", " \t "],
  ["a comment", "# me"],
  ["a comment after blanks", " \t# ssh-ed25519 AAAA"],
])("isBare() is true of %s, which has no key", (_, line) => {
  expect(isBare(line)).toBe(true);
  expect(parseKeyLine(line)).toBeUndefined();
});

test("isBare() is not true of anything else", () => {
  expect([KEY, "junk", "-"].map(isBare)).toEqual([false, false, false]);
});

const field = (bytes: Uint8Array) => [0, 0, bytes.length >> 8, bytes.length & 255, ...bytes];
const blob = (type: string, ...fields: readonly Uint8Array[]) =>
  `${type} ${encodeBase64(Uint8Array.from([Buffer.from(type), ...fields].flatMap(field)))}`;
/** An RSA modulus of so many bits. */
const modulus = (bits: number) => {
  const bytes = new Uint8Array(Math.ceil(bits / 8)).fill(255);
  bytes[0] = 255 >> ((8 - (bits % 8)) % 8);
  return (bytes[0] ?? 0) >= 128 ? Uint8Array.from([0, ...bytes]) : bytes;
};
const rsa = (bits: number) => blob("ssh-rsa", Uint8Array.of(1, 0, 1), modulus(bits));
const point = (bytes: number, first = 4) => Uint8Array.from([first, ...new Uint8Array(bytes).fill(7)]);
const p256 = (curve: string, bytes: Uint8Array) => blob("ecdsa-sha2-nistp256", Buffer.from(curve), bytes);

test.each([
  ["of 1024 bits, the least", rsa(1024)],
  ["of 16384 bits, the most", rsa(16_384)],
  ["of a size that is no multiple of eight", rsa(2049)],
])("findProblem() takes an RSA key %s", (_, line) => {
  expect(findProblem(line)).toBeUndefined();
});

describe("findProblem() finds", () => {
  test.each([
    ["no key", "junk"],
    ["no key", "ssh-ed25519"],
    ["no key", "no-pty"],
    ["no key", "no-pty ssh-ed25519"],
    ["no key", `no-pty, command="x" ${KEY}`],
    ["no key", "https://example.org/keys"],
    ["damaged", "ssh-ed25519 AAAA"],
    ["damaged", `${KEY.slice(0, -4)}`],
    ["damaged", KEY.replace("AAAAC3", "AAAAC4")],
    ["damaged", blob("ssh-ed25519", new Uint8Array(31))],
    ["damaged", `ssh-rsa ${ED25519.text}`],
    ["damaged", rsa(1023)],
    ["damaged", rsa(16_385)],
    ["damaged", blob("ssh-rsa", Uint8Array.of(1, 0, 1), Uint8Array.from([0, 0, ...modulus(2048)]))],
    ["damaged", blob("ssh-rsa", Uint8Array.of(0x81), modulus(2048))],
    ["damaged", p256("nistp384", point(64))],
    ["damaged", p256("nistp256", point(64, 2))],
    ["damaged", p256("nistp256", point(63))],
    ["certificate", `${CERTIFICATE.type} ${CERTIFICATE.text}`],
    ["DSA", blob("ssh-dss", ...Array.from({ length: 4 }, () => modulus(160)))],
    ["unknown type", "ssh-foo AAAAB3NzaC1mb28= me"],
    ["unknown type", "ssh-xmss@openssh.com AAAA"],
    ["open quote", `command="date ${KEY}`],
    ["options", `no-pty,, ${KEY}`],
    ["options", `no-pty, ${KEY}`],
    ["options", `,no-pty ${KEY}`],
    ["options", `command=date ${KEY}`],
    ["options", `a;b ${KEY}`],
    ["unsafe characters", `${KEY} me\u0000`],
    ["unsafe characters", `${KEY} \u001b[2J`],
    ["unsafe characters", `${KEY} \u009b2J`],
    ["unsafe characters", `${KEY} J\ufffdrg`],
    ["unsafe characters", `command="a\rb" ${KEY}`],
  ])("%s in %j", (problem, line) => {
    expect(findProblem(line)).toBe(problem);
  });
});

test("findProblem() and parseKeyLine() agree, and throw at nothing", () => {
  const part = fc.oneof(fc.constantFrom(KEY, " ", ",", '"', "\\", "no-pty", "#", "\t", "ssh-rsa", "AAAA"), fc.string());
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const line = parts.join("");
      if (findProblem(line) === undefined) expect(parseKeyLine(line)).toBeDefined();
    }),
    runs(1_000),
  );
});
