import { expect, test } from "vitest";
import type { HostKey } from "../../../helper/hostkeys/host-key.ts";
import { answerSsh } from "../../../helper/hostkeys/known-hosts.ts";
import { EACCES, EIO, ETIMEDOUT } from "../../../helper/sys/errno.ts";
import type { FakeFile } from "../../fakes/fake-files.ts";
import type { FakeSystem, FakeSystemOptions } from "../../fakes/fake-system.ts";
import { CA, findKey } from "../../fixtures/host-keys.ts";
import { failureOf } from "../failure-of.ts";
import {
  ADMIN_PINS,
  directory,
  file,
  HEADER,
  HOSTS,
  LEFT,
  makeSystem,
  PINS,
  RECORD,
  recordOf,
  STATE,
  STORE,
  UUID,
} from "./surroundings.ts";

const ENOSPC = 28;
const EROFS = 30;

const ED25519 = findKey("Ed25519").key;
const OTHER = CA;

const NOW = "2026-11-22T05:48:36Z";
const BEFORE = "2026-03-01T12:00:00Z";

const line = ({ type, text }: HostKey) => `* ${type} ${text}`;
const pinned = (key: HostKey, time = NOW) =>
  `${HEADER}# domain "web", port 22, first seen ${time}, last seen ${time}\n${line(key)}\n`;

const ask = (sys: FakeSystem, key: HostKey | undefined = ED25519) => answerSsh({ host: "web.qemu", key }, sys);

/** What there is of pins, without the lock. */
function readStore(sys: FakeSystem): Record<string, string | undefined> {
  const paths = Object.keys(sys.files).filter((path) => path.startsWith(`${HOSTS}/`));
  return Object.fromEntries(paths.map((path) => [path, sys.files[path]?.text]));
}

const DOMAIN = { name: "web", uuid: UUID, target: "qemu:system/web" };

const refused = (path: string, act: string, errno: string) => ({
  kind: "pins-failed",
  path,
  problem: { is: "refused", act, errno },
});

/** Why a first key cannot be written. */
const UNWRITABLE: [name: string, options: FakeSystemOptions, because: object][] = [
  ["the disk is full", { fileErrnos: { [`open ${PINS}.new`]: ENOSPC } }, refused(PINS, "write", "ENOSPC")],
  ["the home is read-only", { fileErrnos: { mkdir: EROFS } }, refused(HOSTS, "write", "EROFS")],
  ["the lock cannot be made", { fileErrnos: { flock: EROFS } }, refused(`${STATE}/lock`, "lock", "EROFS")],
  ["the lock is held", { fileErrnos: { flock: ETIMEDOUT } }, refused(`${STATE}/lock`, "lock", "ETIMEDOUT")],
  [
    "the store may not be written to",
    { fileErrnos: { [`open ${PINS}.new`]: EACCES } },
    refused(PINS, "write", "EACCES"),
  ],
];

test.each(UNWRITABLE)(
  "answerSsh() takes a first key without pinning it where %s, and says so",
  (_, options, because) => {
    const sys = makeSystem({ ...options, files: { ...STORE, ...LEFT } });
    expect(ask(sys)).toEqual({ lines: [line(ED25519)], notice: { kind: "not-pinned", domain: DOMAIN, because } });
    expect(readStore(sys)).toEqual({});
  },
);

test("answerSsh() takes a first key without pinning it for a user without a home", () => {
  const records = { "/run/user/1003": directory(1003), "/run/user/1003/virtssh": directory(1003) };
  const record = { "/run/user/1003/virtssh/4711-567890": file(recordOf(), 1003) };
  const sys = makeSystem({ userId: 1003, environment: {}, files: { ...records, ...record } });
  const because = { kind: "no-own-directory", uid: 1003 };
  expect(ask(sys)).toEqual({ lines: [line(ED25519)], notice: { kind: "not-pinned", domain: DOMAIN, because } });
});

test.each(UNWRITABLE)("answerSsh() knows a pinned key where %s, and is silent about the day", (_, options) => {
  const sys = makeSystem({ ...options, files: { ...STORE, ...LEFT, [PINS]: file(pinned(ED25519, BEFORE)) } });
  expect(ask(sys)).toEqual({ lines: [line(ED25519)] });
  expect(readStore(sys)).toEqual({ [PINS]: pinned(ED25519, BEFORE) });
});

test.each(UNWRITABLE)("answerSsh() calls another key a change where %s", (_, options) => {
  const sys = makeSystem({ ...options, files: { ...STORE, ...LEFT, [PINS]: file(pinned(OTHER, BEFORE)) } });
  expect(ask(sys)).toMatchObject({ lines: [line(OTHER)], notice: { kind: "host-key-changed", since: BEFORE } });
});

type Files = Readonly<Record<string, FakeFile>>;

const problem = (path: string, is: object) => ({ kind: "pins-failed", path, problem: is });

/** Where there may be pins that cannot be read, or not be trusted. */
test.each<[string, Files, object, Record<string, number>?]>([
  ["cannot be read", {}, refused(PINS, "read", "EIO"), { [`open ${PINS}`]: EIO }],
  ["may not be read", {}, refused(PINS, "read", "EACCES"), { [`open ${PINS}`]: EACCES }],
  ["may not be reached", {}, refused(STATE, "read", "EACCES"), { [`lstat ${STATE}`]: EACCES }],
  [
    "are another user's",
    { [PINS]: file(pinned(ED25519), 1001) },
    problem(PINS, { is: "other-owner", owner: 1001, user: 1000 }),
  ],
  ["others may write to", { [PINS]: file(pinned(ED25519), 1000, 0o622) }, problem(PINS, { is: "open-to-others" })],
  [
    "are corrupt",
    { [PINS]: file(`${pinned(ED25519)}* ssh-ed25519 AAAA\n`) },
    problem(PINS, { is: "bad-line", line: 4 }),
  ],
  ["are cut short", { [PINS]: file(pinned(ED25519).slice(0, -9)) }, problem(PINS, { is: "bad-line", line: 3 })],
  ["are a link", { [PINS]: { link: "/x", uid: 1000 }, "/x": file(pinned(ED25519)) }, refused(PINS, "read", "ELOOP")],
  ["lie where others may write", { [HOSTS]: directory(1000, 0o777) }, problem(HOSTS, { is: "open-to-others" })],
  [
    "of the administrator's cannot be read",
    { [ADMIN_PINS]: file("", 0) },
    refused(ADMIN_PINS, "read", "EACCES"),
    { [`open ${ADMIN_PINS}`]: EACCES },
  ],
  [
    "of the administrator's are corrupt",
    { [ADMIN_PINS]: file("?", 0) },
    problem(ADMIN_PINS, { is: "bad-line", line: 1 }),
  ],
])("answerSsh() gives up where the pins %s, and changes nothing", (...[, files, failure, fileErrnos = {}]) => {
  const sys = makeSystem({ fileErrnos, files: { ...STORE, ...LEFT, [PINS]: file(pinned(ED25519)), ...files } });
  const before = readStore(sys);
  expect(failureOf(() => answerSsh({ host: "web.qemu", key: undefined }, sys))).toEqual(failure);
  expect(failureOf(() => ask(sys))).toEqual(failure);
  expect(readStore(sys)).toEqual(before);
});

/** What another ssh does between our first look and our lock. */
const meanwhile = (text: string | undefined, files: Files = {}) =>
  makeSystem({
    files: { ...STORE, ...LEFT, ...files },
    before: {
      [`flock ${STATE}/lock`]: (all) => {
        if (text === undefined) delete all[PINS];
        else all[PINS] = file(text);
      },
    },
  });

test.each([
  ["the same key", ED25519, undefined],
  ["another key", OTHER, "host-key-changed"],
])("answerSsh() heeds %s that another ssh has pinned while it waited in vain for the lock", (_, key, kind) => {
  const sys = makeSystem({
    files: { ...STORE, ...LEFT },
    fileErrnos: { flock: ETIMEDOUT },
    before: {
      [`flock ${STATE}/lock`]: (all) => {
        all[PINS] = file(pinned(key));
      },
    },
  });
  const answer = ask(sys);
  expect([answer.lines, answer.notice?.kind]).toEqual([[line(key)], kind]);
});

test("answerSsh() is content where another ssh has just pinned the same key", () => {
  const sys = meanwhile(pinned(ED25519));
  expect(ask(sys)).toEqual({ lines: [line(ED25519)] });
  expect(readStore(sys)).toEqual({ [PINS]: pinned(ED25519) });
});

test("answerSsh() calls it a change where another ssh has just pinned another key", () => {
  const sys = meanwhile(pinned(OTHER));
  expect(ask(sys)).toMatchObject({ lines: [line(OTHER)], notice: { kind: "host-key-changed", pinned: [OTHER.type] } });
  expect(readStore(sys)).toEqual({ [PINS]: pinned(OTHER) });
});

test("answerSsh() adds its key to those that another ssh has just pinned for another port", () => {
  const first = pinned(OTHER).replace("port 22", "port 2222");
  const sys = meanwhile(first);
  expect(ask(sys)).toEqual({ lines: [line(ED25519)] });
  expect(readStore(sys)).toEqual({ [PINS]: `${first}${pinned(ED25519).slice(HEADER.length)}` });
});

test("answerSsh() pins nothing over what has become corrupt meanwhile", () => {
  const sys = meanwhile("?");
  expect(failureOf(() => ask(sys))).toEqual(problem(PINS, { is: "bad-line", line: 1 }));
  expect(readStore(sys)).toEqual({ [PINS]: "?" });
});

test.each([
  ["forgotten", undefined],
  ["noted", pinned(ED25519)],
  ["replaced", pinned(OTHER)],
])("answerSsh() notes no day where the key has just been %s", (_, text) => {
  const sys = meanwhile(text, { [PINS]: file(pinned(ED25519, BEFORE)) });
  expect(ask(sys)).toEqual({ lines: [line(ED25519)] });
  expect(readStore(sys)).toEqual(text === undefined ? {} : { [PINS]: text });
});

test("answerSsh() removes the half of a file that somebody who was ended has left", () => {
  const sys = makeSystem({ files: { ...STORE, ...LEFT, [`${PINS}.new`]: file("# The ho") } });
  expect(ask(sys)).toEqual({ lines: [line(ED25519)] });
  expect(readStore(sys)).toEqual({ [PINS]: pinned(ED25519) });
});

test("answerSsh() leaves a whole new file where it cannot give it its name, and the next one removes it", () => {
  const sys = makeSystem({ files: { ...STORE, ...LEFT }, fileErrnos: { rename: ENOSPC } });
  const because = refused(PINS, "write", "ENOSPC");
  expect(ask(sys)).toEqual({ lines: [line(ED25519)], notice: { kind: "not-pinned", domain: DOMAIN, because } });
  expect(readStore(sys)).toEqual({ [`${PINS}.new`]: pinned(ED25519) });
  const next = makeSystem({ files: { ...sys.files, ...LEFT } });
  expect(ask(next, OTHER)).toEqual({ lines: [line(OTHER)] });
  expect(readStore(next)).toEqual({ [PINS]: pinned(OTHER) });
});

test("answerSsh() makes the store while another ssh makes it too", () => {
  const make = (all: Record<string, FakeFile>) => {
    all[STATE] = directory();
  };
  const sys = makeSystem({ files: LEFT, before: { [`mkdir ${STATE}`]: make } });
  expect(ask(sys)).toEqual({ lines: [line(ED25519)] });
  expect(readStore(sys)).toEqual({ [PINS]: pinned(ED25519) });
});

/** A key that is as long as the guest likes: OpenSSH's PROTOCOL.u2f lets an application's name be of any length. */
const longKey = (length: number): HostKey => {
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, bytes.length >> 8, bytes.length & 255]), bytes]);
  const type = "sk-ssh-ed25519@openssh.com";
  const blob = [Buffer.from(type), Buffer.alloc(32), Buffer.alloc(length, "a")].map(field);
  return { type, text: Buffer.concat(blob).toString("base64") };
};

test("answerSsh() pins no key that would make the file too long to be read", () => {
  const sys = makeSystem({ files: { ...STORE, ...LEFT, [PINS]: file(pinned(OTHER).replace("port 22", "port 2222")) } });
  const before = readStore(sys);
  expect(failureOf(() => ask(sys, longKey(49_000)))).toEqual(problem(PINS, { is: "too-large", maxBytes: 65_536 }));
  expect(readStore(sys)).toEqual(before);
});

/** `sudo -E`: root, in the environment of a user whose files it must not touch. */
test.each<[string, Record<string, string>]>([
  ["XDG_RUNTIME_DIR and HOME", { XDG_RUNTIME_DIR: "/run/user/1000", HOME: "/home/user" }],
  ["XDG_STATE_HOME", { HOME: "/home/user", XDG_STATE_HOME: "/home/user/.local/state" }],
  ["an XDG_STATE_HOME that is still to be made", { HOME: "/home/user", XDG_STATE_HOME: "/home/user/x/y" }],
])("answerSsh() pins in root's own home with another user's %s", (_, environment) => {
  const record = { "/run/virtssh": directory(0), "/run/virtssh/4711-567890": file(recordOf(), 0) };
  const sys = makeSystem({ userId: 0, environment, files: { ...STORE, ...record } });
  const before = Object.keys(sys.files);
  expect(ask(sys)).toEqual({ lines: [line(ED25519)] });
  const made = Object.keys(sys.files).filter((path) => !before.includes(path));
  expect(made.filter((path) => !path.startsWith("/root/"))).toEqual([]);
  expect(sys.files[`/root/.local/state/virtssh/hosts/${UUID}`]).toEqual(file(pinned(ED25519), 0));
});

test("answerSsh() vouches for nothing as root by a user's record", () => {
  const sys = makeSystem({ userId: 0, files: { ...STORE, ...LEFT, [PINS]: file(pinned(ED25519)) } });
  expect(ask(sys)).toEqual({ lines: [], notice: { kind: "no-record", host: "web.qemu" } });
  expect(sys.files[RECORD]).toBeDefined();
});
