// What ssh hears, and what is pinned then. known-hosts-faults.test.ts has what cannot be read or written, and what others do meanwhile.
import { expect, test } from "vitest";
import type { HostKey } from "../../../helper/hostkeys/host-key.ts";
import { answerSsh } from "../../../helper/hostkeys/known-hosts.ts";
import type { FakeFile } from "../../fakes/fake-files.ts";
import { describeProcess } from "../../fakes/fake-process.ts";
import type { FakeSystemOptions } from "../../fakes/fake-system.ts";
import { CA, CERTIFICATE_BY_RSA_CA, findKey, KEYS, RSA_CA } from "../../fixtures/host-keys.ts";
import { failureOf } from "../failure-of.ts";
import {
  ADMIN_PINS,
  directory,
  file,
  HEADER,
  LEFT,
  makeSystem,
  PINS,
  RECORD,
  RECORDS,
  recordOf,
  SSH,
  STORE,
  UUID,
} from "./surroundings.ts";

const ED25519 = findKey("Ed25519");
const RSA = findKey("RSA of 3072 bits");
const OTHER = CA; // another Ed25519 key

const NOW = "2026-11-22T05:48:36Z";
const BEFORE = "2026-03-01T12:00:00Z";

const line = ({ type, text }: HostKey) => `* ${type} ${text}`;
const comment = (first: string, last: string, { name = '"web"', port = 22 } = {}) =>
  `# domain ${name}, port ${port}, first seen ${first}, last seen ${last}`;
const pinned = (key: HostKey, first = NOW, last = NOW) => `${HEADER}${comment(first, last)}\n${line(key)}\n`;

/** A system in which `proxy` has just left its record, and what ssh hears about a key. */
function start(files: Readonly<Record<string, FakeFile>> = {}, options: FakeSystemOptions = {}) {
  const sys = makeSystem({ ...options, files: { ...STORE, ...LEFT, ...files } });
  const ask = (key: HostKey | undefined) => answerSsh({ host: "web.qemu", key }, sys);
  const askAgain = (key: HostKey | undefined, record: object = {}) => {
    sys.files[RECORD] = file(recordOf(record));
    return ask(key);
  };
  return { sys, ask, askAgain };
}

const DOMAIN = { name: "web", uuid: UUID, target: "qemu:system/web" };

type Files = Record<string, FakeFile>;

test.each<[string, (files: Files) => void]>([
  ["there is none", (files) => delete files[RECORD]],
  [
    "it is what the process left before it became ssh",
    (files) => Object.assign(files, { [RECORD]: file(recordOf({ program: "bash" })) }),
  ],
  [
    "it is what another ssh left before it became this one",
    (files) => Object.assign(files, describeProcess({ ...SSH, stack: "1408" })),
  ],
  [
    "it was left for a process that had its pid",
    (files) => Object.assign(files, describeProcess({ ...SSH, startTime: 567_891 })),
  ],
  ["it is another user's", (files) => Object.assign(files, { [RECORD]: file(recordOf(), 1001) })],
  ["it lies where others may write", (files) => Object.assign(files, { [RECORDS]: directory(1000, 0o777) })],
  ["it is in shreds", (files) => Object.assign(files, { [RECORD]: file('{"uri":') })],
  ["our parent is out of sight", (files) => delete files["/proc/4711/stat"]],
])("answerSsh() neither pins nor vouches without a record: %s", (_, change) => {
  const { sys, ask } = start({ [PINS]: file(pinned(ED25519.key)) });
  change(sys.files);
  const before = { ...sys.files };
  expect(ask(undefined)).toEqual({ lines: [] });
  expect(ask(ED25519.key)).toEqual({ lines: [], notice: { kind: "no-record", host: "web.qemu" } });
  expect(ask(RSA.certificate)).toEqual({ lines: [], notice: { kind: "no-record", host: "web.qemu" } });
  expect(sys.files).toEqual(before);
  expect(sys.log).toEqual([]);
});

test.each(KEYS)("answerSsh() pins the first key, and lets ssh go on: $name", ({ key }) => {
  const { sys, ask, askAgain } = start();
  expect(ask(undefined)).toEqual({ lines: [] });
  expect(ask(key)).toEqual({ lines: [line(key)] });
  expect(sys.files[PINS]).toEqual(file(pinned(key)));
  expect(askAgain(undefined)).toEqual({ lines: [line(key)] });
  expect(askAgain(key)).toEqual({ lines: [line(key)] });
});

test("answerSsh() makes the store for the first key of all", () => {
  const sys = makeSystem({ files: LEFT });
  expect(answerSsh({ host: "web", key: ED25519.key }, sys)).toEqual({ lines: [line(ED25519.key)] });
  expect(sys.files[PINS]).toEqual(file(pinned(ED25519.key)));
});

test("answerSsh() keeps the record for the question about the key, and takes it away then", () => {
  const { sys, ask } = start();
  ask(undefined);
  expect(sys.files[RECORD]).toBeDefined();
  ask(ED25519.key);
  expect(sys.files[RECORD]).toBeUndefined();
  expect(ask(ED25519.key)).toEqual({ lines: [], notice: { kind: "no-record", host: "web.qemu" } });
});

test("answerSsh() writes nothing about a key that it has seen on the same day", () => {
  const { sys, ask } = start({ [PINS]: file(pinned(ED25519.key)) }, { utcTime: "2026-11-22T23:59:59Z" });
  expect(ask(ED25519.key)).toEqual({ lines: [line(ED25519.key)] });
  expect(sys.log).toEqual([`remove ${RECORD}`]);
});

test.each<[string, object, string]>([
  ["the day", {}, comment(BEFORE, NOW)],
  ["the new name", { name: 'www "2"\n' }, comment(BEFORE, NOW, { name: String.raw`"www \"2\"\n"` })],
])("answerSsh() notes %s when a key is seen again", (_, record, noted) => {
  const others = `# mine\n${line(RSA.key).replace("*", "web")}\r\n`;
  const text = `${pinned(ED25519.key, BEFORE, BEFORE)}${others}`;
  const { sys, ask } = start({ [PINS]: file(text), [RECORD]: file(recordOf(record)) });
  expect(ask(ED25519.key)).toEqual({ lines: [line(ED25519.key), line(RSA.key)] });
  expect(sys.files[PINS]).toEqual(file(`${HEADER}${noted}\n${line(ED25519.key)}\n${others}`));
});

test("answerSsh() notes a new name on the same day", () => {
  const { sys, ask } = start({ [PINS]: file(pinned(ED25519.key)), [RECORD]: file(recordOf({ name: "www" })) });
  expect(ask(ED25519.key)).toEqual({ lines: [line(ED25519.key)] });
  expect(sys.files[PINS]?.text).toContain('# domain "www", port 22,');
});

const CHANGE = { kind: "host-key-changed", domain: DOMAIN, port: 22 };

test.each<[string, HostKey, string]>([
  ["another key of its type", OTHER, "ssh-ed25519"],
  ["a key of another type", RSA.key, "ssh-rsa"],
  ["a certificate of another key", RSA.certificate, "ssh-rsa"],
])("answerSsh() calls %s a change, and prints what is pinned", (_, key, offered) => {
  const { sys, ask } = start({ [PINS]: file(pinned(ED25519.key, BEFORE, BEFORE)) });
  expect(ask(key)).toEqual({
    lines: [line(ED25519.key)],
    notice: { ...CHANGE, offered, pinned: ["ssh-ed25519"], since: BEFORE },
  });
  expect(sys.files[PINS]?.text).toBe(pinned(ED25519.key, BEFORE, BEFORE));
  expect(sys.files[RECORD]).toBeUndefined();
});

test("answerSsh() holds a key against those of its port alone, and keeps them in one file", () => {
  const { sys, ask, askAgain } = start();
  ask(ED25519.key);
  expect(askAgain(RSA.key, { port: 2222 })).toEqual({ lines: [line(RSA.key)] });
  expect(sys.files[PINS]?.text).toBe(`${pinned(ED25519.key)}${comment(NOW, NOW, { port: 2222 })}\n${line(RSA.key)}\n`);
  expect(askAgain(undefined)).toEqual({ lines: [line(ED25519.key)] });
  expect(askAgain(ED25519.key, { port: 2222 }).notice).toMatchObject({ port: 2222, pinned: ["ssh-rsa"] });
});

test("answerSsh() has nothing pinned for a domain of the same name that was made anew", () => {
  const { sys, ask, askAgain } = start();
  ask(ED25519.key);
  const rebuilt = UUID.replace("4dea", "5dea");
  expect(askAgain(OTHER, { uuid: rebuilt })).toEqual({ lines: [line(OTHER)] });
  expect(sys.files[PINS]?.text).toBe(pinned(ED25519.key));
  expect(sys.files[PINS.replace(UUID, rebuilt)]?.text).toBe(pinned(OTHER));
});

test.each<[string, object, string]>([
  ["a session's domain", { uri: "qemu:///session" }, "qemu:session/web"],
  ["a name that ssh would not take", { name: "my vm" }, "qemu:system/my%20vm"],
])("answerSsh() names the target of %s", (_, record, target) => {
  const { ask } = start({ [PINS]: file(pinned(ED25519.key)), [RECORD]: file(recordOf(record)) });
  expect(ask(OTHER).notice).toMatchObject({ domain: { target } });
});

test.each(KEYS)("answerSsh() pins a certificate by the key inside, with whose own is known: $name", (known) => {
  const { sys, ask, askAgain } = start();
  expect(ask(known.certificate)).toEqual({ lines: [line(known.key)] });
  expect(sys.files[PINS]?.text).toBe(pinned(known.key));
  expect(askAgain(known.key)).toEqual({ lines: [line(known.key)] });
  expect(askAgain(known.certificate)).toEqual({ lines: [line(known.key)] });
});

test("answerSsh() takes another certificate of the pinned key", () => {
  const { ask } = start({ [PINS]: file(pinned(ED25519.key)) });
  expect(ask(CERTIFICATE_BY_RSA_CA)).toEqual({ lines: [line(ED25519.key)] });
});

test("answerSsh() refuses a certificate that it cannot read, and pins nothing", () => {
  const { sys, ask } = start();
  const type = "ssh-mldsa44-cert-v01@openssh.com";
  expect(failureOf(() => ask({ ...ED25519.certificate, type }))).toEqual({ kind: "bad-certificate", type });
  expect([sys.files[PINS], sys.files[RECORD]]).toEqual([undefined, undefined]);
});

const admin = (...lines: readonly string[]) => ({ [ADMIN_PINS]: file(`${lines.join("\n")}\n`, 0, 0o644) });

/** What an administrator has pinned, and what ssh hears of a key that is right. */
test.each<[string, readonly string[], HostKey, readonly string[]]>([
  ["a key", [line(ED25519.key)], ED25519.key, [line(ED25519.key)]],
  ["a key by another name", [line(ED25519.key).replace("*", "web.example")], ED25519.key, [line(ED25519.key)]],
  ["a key, and it comes in a certificate", [line(ED25519.key)], ED25519.certificate, [line(ED25519.key)]],
  ["a signer", [`@cert-authority ${line(CA)}`], RSA.certificate, [`@cert-authority ${line(CA)}`, line(CA)]],
  ["a key for the port", [comment(BEFORE, BEFORE), line(RSA.key)], RSA.key, [line(RSA.key)]],
])("answerSsh() hears of the administrator first: %s", (...[, lines, key, printed]) => {
  const own = { [PINS]: file(pinned(OTHER, BEFORE, BEFORE)) };
  const { sys, ask, askAgain } = start({ ...own, ...admin(...lines) });
  const before = { ...sys.files };
  expect(ask(undefined)).toEqual({ lines: printed });
  expect(ask(key)).toEqual({ lines: printed });
  expect(askAgain(key)).toEqual({ lines: printed });
  delete before[RECORD];
  expect(sys.files).toEqual(before);
});

test.each<[string, readonly string[], HostKey, readonly string[]]>([
  ["another key", [line(OTHER)], ED25519.key, ["ssh-ed25519"]],
  ["a key of another type", [line(RSA.key)], ED25519.key, ["ssh-rsa"]],
  ["a signer, and it is a plain key", [`@cert-authority ${line(CA)}`], ED25519.key, ["ssh-ed25519"]],
  ["another signer", [`@cert-authority ${line(RSA_CA)}`], ED25519.certificate, ["ssh-rsa"]],
  ["its signer, but as a key", [line(CA)], ED25519.certificate, ["ssh-ed25519"]],
  ["another key, and one that is revoked", [`@revoked ${line(OTHER)}`, line(RSA.key)], ED25519.key, ["ssh-rsa"]],
])("answerSsh() calls a key a change where the administrator has pinned %s", (...[, lines, key, types]) => {
  const { sys, ask } = start({ [PINS]: file(pinned(ED25519.key)), ...admin(...lines) });
  const answer = ask(key);
  const isUncertified = lines.every((one) => one.startsWith("@cert-authority")) ? { isUncertified: true } : {};
  const change = { ...CHANGE, ...isUncertified, offered: "ssh-ed25519", pinned: types, adminPath: ADMIN_PINS };
  expect(answer.notice).toEqual(change);
  expect(answer.lines.slice(0, lines.length)).toEqual(lines);
  expect(sys.files[PINS]?.text).toBe(pinned(ED25519.key));
});

test("answerSsh() says since when the administrator's key is pinned, if that file has it", () => {
  const { ask } = start(admin(`@revoked ${line(OTHER)}`, comment(BEFORE, NOW), line(RSA.key)));
  expect(ask(ED25519.key).notice).toMatchObject({ since: BEFORE });
});

test("answerSsh() pins a key of the user's own for a port of which the administrator says nothing", () => {
  const { sys, ask } = start(admin(comment(BEFORE, BEFORE, { port: 2222 }), line(RSA.key)));
  expect(ask(ED25519.key)).toEqual({ lines: [line(ED25519.key)] });
  expect(sys.files[PINS]?.text).toBe(pinned(ED25519.key));
});

const REVOKED = `@revoked ${line(OTHER)}`;

test("answerSsh() pins and knows a key beside those that are revoked, and tells ssh of both", () => {
  const { sys, ask, askAgain } = start(admin(REVOKED));
  expect(ask(undefined)).toEqual({ lines: [REVOKED] });
  expect(ask(RSA.key)).toEqual({ lines: [REVOKED, line(RSA.key)] });
  expect(sys.files[PINS]?.text).toBe(pinned(RSA.key));
  expect(askAgain(RSA.key)).toEqual({ lines: [REVOKED, line(RSA.key)] });
  expect(askAgain(ED25519.key)).toEqual({
    lines: [REVOKED, line(RSA.key)],
    notice: { ...CHANGE, offered: "ssh-ed25519", pinned: ["ssh-rsa"], since: NOW },
  });
});

test.each<[string, HostKey]>([
  ["key", OTHER],
  ["signer", ED25519.certificate],
])("answerSsh() pins nothing with a %s that is revoked, and lets ssh say so", (_, key) => {
  const { sys, ask } = start(admin(REVOKED));
  expect(ask(key)).toEqual({ lines: [REVOKED] });
  expect(sys.files[PINS]).toBeUndefined();
});

test("answerSsh() tells ssh of a pinned key that was revoked since", () => {
  const { ask } = start({ ...admin(REVOKED), [PINS]: file(pinned(OTHER)) });
  expect(ask(OTHER)).toEqual({ lines: [REVOKED, line(OTHER)] });
});

test("answerSsh() goes by a user's own signer too, and lines without a comment are for every port", () => {
  const text = `@cert-authority ${line(CA)}\n${REVOKED.replace(OTHER.text, RSA_CA.text).replace(OTHER.type, RSA_CA.type)}\n`;
  const { sys, ask } = start({ [PINS]: file(text), [RECORD]: file(recordOf({ port: 2222 })) });
  expect(ask(RSA.certificate).notice).toBeUndefined();
  expect(sys.files[PINS]?.text).toBe(text);
});
