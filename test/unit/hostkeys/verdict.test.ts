import { expect, test } from "vitest";
import type { HostKey } from "../../../helper/hostkeys/host-key.ts";
import type { Pin } from "../../../helper/hostkeys/pin-file.ts";
import { judge, listLines, readOffer, selectPins, type Verdict } from "../../../helper/hostkeys/verdict.ts";
import { CA, findKey, RSA_CA } from "../../fixtures/host-keys.ts";

const ED25519 = findKey("Ed25519");
const RSA = findKey("RSA of 3072 bits").key;

const facts = { name: "web", port: 22, firstSeen: "2026-11-22T05:48:36Z", lastSeen: "2026-11-22T05:48:36Z" };

const plain = (key: HostKey): Pin => ({ key, line: 0 });
const signer = (key: HostKey): Pin => ({ ...plain(key), marker: "@cert-authority" });
const revoked = (key: HostKey): Pin => ({ ...plain(key), marker: "@revoked" });

test("readOffer() is a plain key itself, and what a certificate holds", () => {
  expect(readOffer(RSA)).toEqual({ key: RSA });
  expect(readOffer(ED25519.certificate)).toEqual({ key: ED25519.key, signer: CA });
});

test("readOffer() has nothing for a certificate that cannot be read", () => {
  expect(readOffer({ ...ED25519.certificate, type: "ssh-dss-cert-v01@openssh.com" })).toBeUndefined();
});

const key = { key: ED25519.key };
const certificate = { key: ED25519.key, signer: CA };

test.each<[string, readonly Pin[], readonly [ofKey: Verdict, ofCertificate: Verdict]]>([
  // what is pinned, and what the key is then, by itself and in a certificate
  ["nothing", [], ["new", "new"]],
  ["that key", [plain(ED25519.key)], ["known", "known"]],
  ["another key of its type", [plain(CA)], ["changed", "changed"]],
  ["a key of another type", [plain(RSA)], ["changed", "changed"]],
  ["that key among others", [plain(RSA), plain(ED25519.key)], ["known", "known"]],
  ["its signer", [signer(CA)], ["changed", "known"]],
  ["another signer", [signer(RSA_CA)], ["changed", "changed"]],
  ["its signer as a plain key", [plain(CA)], ["changed", "changed"]],
  ["that key as a signer", [signer(ED25519.key)], ["changed", "changed"]],
  ["another signer, and that key", [signer(RSA_CA), plain(ED25519.key)], ["known", "known"]],
  ["its signer, and another key", [signer(CA), plain(RSA)], ["changed", "known"]],
  ["that another key is revoked", [revoked(RSA)], ["new", "new"]],
  ["that this key is revoked", [revoked(ED25519.key)], ["known", "known"]],
  ["that its signer is revoked", [revoked(CA)], ["new", "known"]],
  ["that another one is revoked, and a third", [revoked(RSA), plain(RSA_CA)], ["changed", "changed"]],
])("judge() where what is pinned is %s", (_, pins, verdicts) => {
  expect([judge(pins, key), judge(pins, certificate)]).toEqual(verdicts);
});

test("selectPins() takes those of the port, and those of no port", () => {
  const [ssh, other, any]: Pin[] = [
    { ...plain(RSA), facts },
    { ...plain(RSA), facts: { ...facts, port: 2222 } },
    plain(RSA),
  ];
  expect(selectPins([ssh, other, any] as Pin[], 22)).toEqual([ssh, any]);
  expect(selectPins([ssh, other, any] as Pin[], 2222)).toEqual([other, any]);
  expect(selectPins([ssh, other] as Pin[], 23)).toEqual([]);
});

const line = ({ type, text }: HostKey) => `* ${type} ${text}`;

test.each<[string, readonly Pin[], readonly string[]]>([
  ["nothing", [], []],
  ["keys", [plain(RSA), plain(CA)], [line(RSA), line(CA)]],
  ["a key that is revoked", [revoked(RSA)], [`@revoked ${line(RSA)}`]],
  ["a signer, and a key", [signer(CA), plain(RSA)], [`@cert-authority ${line(CA)}`, line(RSA)]],
  [
    "signers alone, as keys too",
    [signer(CA), signer(RSA_CA)],
    [`@cert-authority ${line(CA)}`, `@cert-authority ${line(RSA_CA)}`, line(CA), line(RSA_CA)],
  ],
  [
    "a signer, and a key that is revoked",
    [revoked(RSA), signer(CA)],
    [`@revoked ${line(RSA)}`, `@cert-authority ${line(CA)}`, line(CA)],
  ],
])("listLines() of %s", (_, pins, lines) => {
  expect(listLines(pins)).toEqual(lines);
});
