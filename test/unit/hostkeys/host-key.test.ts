import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeBase64 } from "../../../helper/hostkeys/base64.ts";
import {
  type HostKey,
  isCertificate,
  isSameKey,
  parseHostKey,
  readCertificate,
  readFields,
} from "../../../helper/hostkeys/host-key.ts";
import { CA, CERTIFICATE_BY_RSA_CA, findKey, KEYS, RSA_CA } from "../../fixtures/host-keys.ts";
import { runs } from "../fuzz.ts";
import { hex } from "../hex.ts";

const ED25519 = findKey("Ed25519");

test.each(KEYS)("parseHostKey() takes a key and a certificate: $name", ({ key, certificate }) => {
  expect(parseHostKey(key.type, key.text)).toEqual(key);
  expect(parseHostKey(certificate.type, certificate.text)).toEqual(certificate);
});

const blob = (bytes: string) => encodeBase64(hex(bytes));

test.each<[string, string, string]>([
  ["of another type than its blob's", "ssh-rsa", ED25519.key.text],
  ["of a certificate's type", ED25519.certificate.type, ED25519.key.text],
  ["without a type", "", blob("00 00 00 00")],
  ["whose type has a space", "a b", blob("00 00 00 03  61 20 62")],
  ["whose type breaks the line", "a\nb", blob("00 00 00 03  61 0a 62")],
  ["whose type is longer than any", "a".repeat(65), blob(`00 00 00 41 ${"61".repeat(65)}`)],
  ["that is no base64", "ssh-ed25519", `${ED25519.key.text}!`],
  ["with a line after it", "ssh-ed25519", `${ED25519.key.text}\n* ssh-rsa AAAA`],
  ["that is empty", "ssh-ed25519", ""],
  ["that ends with its type", "ssh-rsa", blob("00 00 00 07  73 73 68 2d 72 73 61")],
  ["with a field too few", "ssh-rsa", blob("00 00 00 07  73 73 68 2d 72 73 61  00 00 00 01 03")],
  [
    "with a field that is cut short",
    "ssh-rsa",
    blob("00 00 00 07  73 73 68 2d 72 73 61  00 00 00 01 03  00 00 00 02 7f"),
  ],
  [
    "with a field too many",
    "ssh-ed25519",
    encodeBase64(Buffer.concat([Buffer.from(ED25519.key.text, "base64"), Buffer.alloc(4)])),
  ],
  ["whose type is cut short", "ssh", blob("00 00 00 04  73 73 68")],
  ["of a length that would be negative", "ssh", blob("ff ff ff ff  73 73 68")],
  ["that is longer than any", "x", `${blob("00 00 00 01 78 00")}${"A".repeat(65_536)}`],
  ["NONE, which ssh says where there is none", "NONE", "NONE"],
])("parseHostKey() refuses one %s", (_, type, text) => {
  expect(parseHostKey(type, text)).toBeUndefined();
});

test("isSameKey() tells keys apart by their type and their text", () => {
  expect(isSameKey(ED25519.key, { ...ED25519.key })).toBe(true);
  expect(isSameKey(ED25519.key, CA)).toBe(false);
  expect(isSameKey(ED25519.key, { ...ED25519.key, type: "ssh-rsa" })).toBe(false);
});

test.each(KEYS)("isCertificate() tells a certificate from its key: $name", ({ key, certificate }) => {
  expect([isCertificate(key), isCertificate(certificate)]).toEqual([false, true]);
});

test.each(KEYS)("readCertificate() finds the key and its signer: $name", ({ key, certificate }) => {
  expect(readCertificate(certificate)).toEqual({ key, signer: CA });
});

test("readCertificate() reads one without a name, valid for ever, with options, signed by RSA", () => {
  expect(readCertificate(CERTIFICATE_BY_RSA_CA)).toEqual({ key: ED25519.key, signer: RSA_CA });
});

const typed = (type: string): HostKey => ({ ...ED25519.certificate, type });

test.each<[string, HostKey]>([
  ["of DSA", typed("ssh-dss-cert-v01@openssh.com")],
  ["of a kind to come", typed("ssh-mldsa44-cert-v02@openssh.com")],
  ["of what every object has", typed("constructor-cert-v01@openssh.com")],
  ["of no kind", typed("-cert-v01@openssh.com")],
  ["of more fields than it has", typed("sk-ecdsa-sha2-nistp256-cert-v01@openssh.com")],
  ["that is no base64", { ...ED25519.certificate, text: "?" }],
  ["that is empty", { ...ED25519.certificate, text: "" }],
  ["that is a plain key", { ...ED25519.certificate, text: ED25519.key.text }],
])("readCertificate() has nothing for one %s", (_, key) => {
  expect(readCertificate(key)).toBeUndefined();
});

/** What is behind the signer (the signature) is ssh's to look at. */
test.each(KEYS)("readCertificate() has nothing for one that is cut short before its signer ends: $name", (known) => {
  const bytes = Buffer.from(known.certificate.text, "base64");
  const signerEnd = bytes.indexOf(Buffer.from(CA.text, "base64")) + Buffer.from(CA.text, "base64").length;
  for (let length = 0; length < bytes.length; length += 1) {
    const text = encodeBase64(bytes.subarray(0, length));
    const read = readCertificate({ ...known.certificate, text });
    expect(read).toEqual(length < signerEnd ? undefined : { key: known.key, signer: CA });
  }
});

test.each<[string, string, readonly string[] | undefined]>([
  ["two fields", "00 00 00 01 78  00 00 00 02 79 7a", ["78", "797a"]],
  ["an empty one", "00 00 00 00", [""]],
  ["none", "", []],
  ["one that is cut short", "00 00 00 01 78  00 00 00 02 79", undefined],
  ["a length that is cut short", "00 00 00 01 78  00 00 00", undefined],
])("readFields() reads %s", (_, bytes, fields) => {
  const read = readFields({ type: "x", text: blob(bytes) });
  expect(read?.map((field) => Buffer.from(field).toString("hex"))).toEqual(fields);
});

/** A certificate with some of its bytes changed, and cut short or with more behind it. */
const mutated = fc
  .record({
    known: fc.constantFrom(...KEYS),
    changes: fc.array(fc.tuple(fc.nat(800), fc.nat(255)), { maxLength: 5 }),
    length: fc.nat(900),
    more: fc.uint8Array({ maxLength: 20 }),
  })
  .map(({ known, changes, length, more }) => {
    const bytes = Buffer.from(known.certificate.text, "base64");
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    return { type: known.certificate.type, text: encodeBase64(Buffer.concat([bytes.subarray(0, length), more])) };
  });

const anyCertificate = fc.oneof(
  mutated,
  fc.record({
    type: fc.constantFrom(...KEYS.map(({ certificate }) => certificate.type)),
    text: fc.uint8Array({ maxLength: 300 }).map(encodeBase64),
  }),
);

test("readCertificate() comes to an end with any bytes, and its keys are keys", () => {
  fc.assert(
    fc.property(anyCertificate, (key) => {
      readFields(key);
      const read = readCertificate(key);
      if (read === undefined) return;
      expect(parseHostKey(read.key.type, read.key.text)).toEqual(read.key);
      expect(Buffer.from(read.signer.text, "base64").toString("base64")).toBe(read.signer.text);
    }),
    runs(2000),
  );
});
