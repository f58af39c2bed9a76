import { expect, test } from "vitest";
import {
  changeOwnPins,
  type Edit,
  listPinned,
  readAdminPins,
  readOwnPins,
} from "../../../helper/hostkeys/pin-store.ts";
import { EACCES, EIO, ENOENT, ETIMEDOUT } from "../../../helper/sys/errno.ts";
import type { FakeFile } from "../../fakes/fake-files.ts";
import type { FakeSystemOptions } from "../../fakes/fake-system.ts";
import { findKey } from "../../fixtures/host-keys.ts";
import { failureOf } from "../failure-of.ts";
import { ADMIN_PINS, directory, file, HOSTS, makeSystem, PINS, STATE, STORE, UUID } from "./surroundings.ts";

const ENOSPC = 28;
const ELOOP = "ELOOP";

const { key } = findKey("Ed25519");
const ONE = `* ${key.type} ${key.text}\n`;
const PIN = { key, line: 0 };

const keep: Edit = (text) => text;
const write =
  (text: string | undefined): Edit =>
  () =>
    text;

const refused = (act: string, errno: string) => ({ is: "refused", act, errno });

test("readAdminPins() and readOwnPins() are none where there is no file", () => {
  const sys = makeSystem();
  expect(readAdminPins(UUID, sys)).toEqual({ path: ADMIN_PINS, pins: [] });
  expect(readOwnPins(UUID, sys)).toEqual({ path: PINS, pins: [] });
  expect(sys.log).toEqual([]);
});

test("readOwnPins() is none for a user without a home", () => {
  const sys = makeSystem({ userId: 1003, environment: {} });
  expect(readOwnPins(UUID, sys).pins).toEqual([]);
});

test("readAdminPins() takes a file of anybody's, through a link too: who may write to /etc is root", () => {
  const sys = makeSystem({ files: { [ADMIN_PINS]: { link: "/srv/pins" }, "/srv/pins": file(ONE, 1001, 0o666) } });
  expect(readAdminPins(UUID, sys).pins).toEqual([PIN]);
});

test("readOwnPins() reads the user's", () => {
  const sys = makeSystem({ files: { ...STORE, [PINS]: file(ONE) } });
  expect(readOwnPins(UUID, sys)).toEqual({ path: PINS, pins: [PIN] });
  expect(sys.log).toEqual([]);
});

const LIMIT = 65_536;

/** One key, and as many bytes as told. */
const longest = (bytes: number) => `${ONE}#${"x".repeat(bytes - ONE.length - 2)}\n`;

test("readOwnPins() reads a file of 65536 bytes", () => {
  const sys = makeSystem({ files: { ...STORE, [PINS]: file(longest(LIMIT)) } });
  expect(readOwnPins(UUID, sys).pins).toEqual([PIN]);
});

type Files = Readonly<Record<string, FakeFile>>;

/** What must not be read, or cannot be; and so is not changed either. */
const UNREADABLE: readonly [
  name: string,
  files: Files,
  failure: { path: string; problem: object },
  errnos?: Record<string, number>,
][] = [
  [
    "belongs to another user",
    { [PINS]: file(ONE, 1001) },
    { path: PINS, problem: { is: "other-owner", owner: 1001, user: 1000 } },
  ],
  ["belongs to root", { [PINS]: file(ONE, 0) }, { path: PINS, problem: { is: "other-owner", owner: 0, user: 1000 } }],
  ["others may write to", { [PINS]: file(ONE, 1000, 0o660) }, { path: PINS, problem: { is: "open-to-others" } }],
  ["is a symbolic link", { [PINS]: { link: "/x" }, "/x": file(ONE) }, { path: PINS, problem: refused("read", ELOOP) }],
  ["is a link that leads nowhere", { [PINS]: { link: "/x" } }, { path: PINS, problem: refused("read", ELOOP) }],
  ["is a directory", { [PINS]: directory() }, { path: PINS, problem: refused("read", "EISDIR") }],
  ["is a FIFO", { [PINS]: { mode: 0o010600, uid: 1000 } }, { path: PINS, problem: { is: "not-a-file" } }],
  ["is too large", { [PINS]: file(longest(LIMIT + 1)) }, { path: PINS, problem: { is: "too-large", maxBytes: LIMIT } }],
  ["holds a line that is no key", { [PINS]: file(`${ONE}?\n`) }, { path: PINS, problem: { is: "bad-line", line: 2 } }],
  [
    "may not be read",
    { [PINS]: file(ONE) },
    { path: PINS, problem: refused("read", "EACCES") },
    { [`open ${PINS}`]: EACCES },
  ],
  [
    "is on a broken disk",
    { [PINS]: file(ONE) },
    { path: PINS, problem: refused("read", "EIO") },
    { [`open ${PINS}`]: EIO },
  ],
  [
    "is in another user's directory",
    { [HOSTS]: directory(1001), [PINS]: file(ONE) },
    { path: HOSTS, problem: { is: "other-owner", owner: 1001, user: 1000 } },
  ],
  [
    "is in a directory for all",
    { [HOSTS]: directory(1000, 0o777), [PINS]: file(ONE) },
    { path: HOSTS, problem: { is: "open-to-others" } },
  ],
  [
    "is in a linked directory",
    { [HOSTS]: { link: "/x", uid: 1000 }, [PINS]: file(ONE) },
    { path: HOSTS, problem: { is: "not-a-directory" } },
  ],
  [
    "is under another user's directory",
    { [STATE]: directory(1001), [PINS]: file(ONE) },
    { path: STATE, problem: { is: "other-owner", owner: 1001, user: 1000 } },
  ],
  [
    "is under a directory for the group",
    { [STATE]: directory(1000, 0o770), [PINS]: file(ONE) },
    { path: STATE, problem: { is: "open-to-others" } },
  ],
  ["is under a file", { [STATE]: file("") }, { path: STATE, problem: { is: "not-a-directory" } }],
];

test.each([...UNREADABLE])("readOwnPins() refuses what %s", (...[, files, failure, fileErrnos = {}]) => {
  const sys = makeSystem({ files: { ...STORE, ...files }, fileErrnos });
  expect(failureOf(() => readOwnPins(UUID, sys))).toEqual({ kind: "pins-failed", ...failure });
});

test.each([...UNREADABLE])("changeOwnPins() leaves alone what %s", (...[, files, failure, fileErrnos = {}]) => {
  const sys = makeSystem({ files: { ...STORE, ...files }, fileErrnos });
  const before = { ...sys.files };
  expect(failureOf(() => changeOwnPins(UUID, write("new"), sys))).toEqual({ kind: "pins-failed", ...failure });
  delete sys.files[`${STATE}/lock`];
  expect(sys.files).toEqual(before);
});

test("changeOwnPins() makes the store, and replaces the file in one act under a lock", () => {
  const sys = makeSystem();
  changeOwnPins(UUID, write(ONE), sys);
  expect(sys.log.slice(-5)).toEqual([
    `make directory ${HOSTS} 700`,
    `lock ${STATE}/lock`,
    `remove ${PINS}.new`,
    `create ${PINS}.new`,
    `rename ${PINS}.new ${PINS}`,
  ]);
  expect(sys.files[PINS]).toEqual(file(ONE));
  expect([sys.files[STATE]?.mode, sys.files[HOSTS]?.mode]).toEqual([0o040700, 0o040700]);
});

test("changeOwnPins() tells what there is, and takes what is to be", () => {
  const sys = makeSystem({ files: { ...STORE, [PINS]: file(ONE) } });
  let seen: unknown[] = [];
  changeOwnPins(
    UUID,
    (...told) => {
      seen = told;
      return `${ONE}${ONE}`;
    },
    sys,
  );
  expect(seen).toEqual([ONE, [PIN]]);
  expect(sys.files[PINS]?.text).toBe(`${ONE}${ONE}`);
});

test.each<[string, string | undefined, Edit]>([
  ["what there is already", ONE, keep],
  ["that there shall be none, where there is none", undefined, keep],
])("changeOwnPins() writes nothing where it is told %s", (_, text, edit) => {
  const sys = makeSystem({ files: { ...STORE, ...(text === undefined ? {} : { [PINS]: file(text) }) } });
  const before = sys.files[PINS];
  changeOwnPins(UUID, edit, sys);
  expect(sys.files[PINS]).toBe(before);
  expect(sys.log.filter((line) => /^(create|rename|remove)/.test(line))).toEqual([]);
});

test("changeOwnPins() removes the file where there shall be none", () => {
  const sys = makeSystem({ files: { ...STORE, [PINS]: file(ONE) } });
  changeOwnPins(UUID, write(undefined), sys);
  expect(sys.files[PINS]).toBeUndefined();
});

test("changeOwnPins() lets go of the lock, whatever happens", () => {
  const sys = makeSystem({ files: STORE });
  const fail = () => {
    throw new Error("of the test");
  };
  expect(() => changeOwnPins(UUID, fail, sys)).toThrow("of the test");
  changeOwnPins(UUID, write(ONE), sys);
  changeOwnPins(UUID, write(`${ONE}${ONE}`), sys);
  expect(sys.files[PINS]?.text).toBe(`${ONE}${ONE}`);
});

test("changeOwnPins() reads what somebody else has written while it waited for the lock", () => {
  const writeToo = (files: Record<string, FakeFile>) => {
    files[PINS] = file(ONE);
  };
  const sys = makeSystem({ files: STORE, before: { [`flock ${STATE}/lock`]: writeToo } });
  changeOwnPins(UUID, (text) => `${text}# mine\n`, sys);
  expect(sys.files[PINS]?.text).toBe(`${ONE}# mine\n`);
});

test.each<[string, FakeFile]>([
  ["a file", file("half a ke")],
  ["a symbolic link", { link: "/home/user/x" }],
])("changeOwnPins() removes %s that somebody who was ended has left, and not where it leads", (_, left) => {
  const sys = makeSystem({ files: { ...STORE, [`${PINS}.new`]: left, "/home/user/x": file("mine") } });
  changeOwnPins(UUID, write(ONE), sys);
  expect([sys.files[PINS]?.text, sys.files[`${PINS}.new`], sys.files["/home/user/x"]?.text]).toEqual([
    ONE,
    undefined,
    "mine",
  ]);
});

test("changeOwnPins() never writes more than can be read again", () => {
  const sys = makeSystem({ files: { ...STORE, [PINS]: file(ONE) } });
  const problem = { is: "too-large", maxBytes: LIMIT };
  expect(failureOf(() => changeOwnPins(UUID, write(longest(LIMIT + 1)), sys))).toMatchObject({ path: PINS, problem });
  expect(sys.files[PINS]?.text).toBe(ONE);
  changeOwnPins(UUID, write(longest(LIMIT)), sys);
  expect(readOwnPins(UUID, sys).pins).toEqual([PIN]);
});

const LOCK = `${STATE}/lock`;

test.each<[string, FakeSystemOptions, object]>([
  ["a store cannot be made", { fileErrnos: { mkdir: EACCES } }, { path: HOSTS, problem: refused("write", "EACCES") }],
  [
    "somebody holds on to the lock",
    { files: STORE, fileErrnos: { flock: ETIMEDOUT } },
    { path: LOCK, problem: refused("lock", "ETIMEDOUT") },
  ],
  [
    "the lock is a symbolic link",
    { files: { ...STORE, [LOCK]: { link: "/x" } } },
    { path: LOCK, problem: refused("lock", ELOOP) },
  ],
  [
    "there is no room",
    { files: STORE, fileErrnos: { [`open ${PINS}.new`]: ENOSPC } },
    { path: PINS, problem: refused("write", "ENOSPC") },
  ],
  [
    "what was left cannot be removed",
    { files: STORE, fileErrnos: { unlink: EACCES } },
    { path: PINS, problem: refused("write", "EACCES") },
  ],
  [
    "the new file cannot be put there",
    { files: STORE, fileErrnos: { rename: EIO } },
    { path: PINS, problem: refused("write", "EIO") },
  ],
])("changeOwnPins() explains that %s", (_, options, failure) => {
  const sys = makeSystem(options);
  expect(failureOf(() => changeOwnPins(UUID, write(ONE), sys))).toEqual({ kind: "pins-failed", ...failure });
  expect(sys.files[PINS]).toBeUndefined();
});

test("changeOwnPins() explains that the file cannot be removed", () => {
  const sys = makeSystem({ files: { ...STORE, [PINS]: file(ONE) }, fileErrnos: { unlink: EACCES } });
  const failure = failureOf(() => changeOwnPins(UUID, write(undefined), sys));
  expect(failure).toEqual({ kind: "pins-failed", path: PINS, problem: refused("remove", "EACCES") });
});

test("changeOwnPins() explains that there is no place for it", () => {
  const sys = makeSystem({ userId: 1003, environment: {} });
  expect(failureOf(() => changeOwnPins(UUID, write(ONE), sys))).toEqual({ kind: "no-own-directory", uid: 1003 });
});

const OTHER = "00000000-0000-0000-0000-000000000001";

test("listPinned() has the UUIDs of both stores, and nothing else that lies there", () => {
  const sys = makeSystem({
    files: {
      "/etc/virtssh/hosts": directory(0, 0o755),
      [`/etc/virtssh/hosts/${OTHER}`]: file("", 0),
      "/etc/virtssh/hosts/README": file("", 0),
      ...STORE,
      [PINS]: file(ONE),
      [`${PINS}.new`]: file(""),
      [`${HOSTS}/${OTHER}`]: file(""),
      [`${HOSTS}/${UUID.toUpperCase()}`]: file(""),
      [`${HOSTS}/${UUID.replaceAll("-", "")}`]: file(""),
    },
  });
  expect(listPinned(sys)).toEqual({ admin: [OTHER], own: [OTHER, UUID] });
});

test("listPinned() has none where there is no store", () => {
  expect(listPinned(makeSystem())).toEqual({ admin: [], own: [] });
  expect(listPinned(makeSystem({ userId: 1003, environment: {} }))).toEqual({ admin: [], own: [] });
});

test.each<[string, FakeSystemOptions, object]>([
  [
    "be listed",
    { files: STORE, fileErrnos: { [`opendir ${HOSTS}`]: EACCES } },
    { path: HOSTS, problem: refused("list", "EACCES") },
  ],
  [
    "be trusted",
    { files: { ...STORE, [HOSTS]: directory(1001) } },
    { path: HOSTS, problem: { is: "other-owner", owner: 1001, user: 1000 } },
  ],
])("listPinned() explains that a store cannot %s", (_, options, failure) => {
  const admin = { [`opendir /etc/virtssh/hosts`]: ENOENT };
  const sys = makeSystem({ ...options, fileErrnos: { ...admin, ...options.fileErrnos } });
  expect(failureOf(() => listPinned(sys))).toEqual({ kind: "pins-failed", ...failure });
});
