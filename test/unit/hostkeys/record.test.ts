import { expect, test } from "vitest";
import type { Endpoint } from "../../../helper/endpoint.ts";
import { findRecord, leaveRecord, removeRecord } from "../../../helper/hostkeys/record.ts";
import { EACCES } from "../../../helper/sys/errno.ts";
import { ClientGoneError } from "../../../helper/sys/system.ts";
import type { FakeFile } from "../../fakes/fake-files.ts";
import { describeProcess } from "../../fakes/fake-process.ts";
import type { FakeSystemOptions } from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";
import {
  directory,
  file,
  LEFT,
  makeSystem,
  RECORD,
  RECORDS,
  RUNTIME,
  recordOf,
  SSH,
  STARTED,
  STATE,
  STORE,
  UUID,
} from "./surroundings.ts";

const ENOSPC = 28;

const ENDPOINT: Endpoint = {
  domain: { uri: "qemu:///system", name: "web", uuid: UUID, id: 3, state: "running", cid: 7 },
  address: { cid: 7, port: 22 },
};

const FOUND = { uri: "qemu:///system", name: "web", uuid: UUID, id: 3, cid: 7, port: 22 };

test("leaveRecord() writes what the guest is, for our parent, and for nobody else to read", () => {
  const sys = makeSystem();
  leaveRecord(ENDPOINT, sys);
  expect(sys.files[RECORDS]?.mode).toBe(0o040700);
  expect(sys.files[RECORD]).toEqual(file(recordOf()));
});

test("leaveRecord() replaces the record of the same ssh, which connects once more", () => {
  const sys = makeSystem({ files: LEFT });
  leaveRecord({ ...ENDPOINT, address: { cid: 8, port: 2222 } }, sys);
  expect(sys.files[RECORD]?.text).toBe(recordOf({ cid: 8, port: 2222 }));
});

test("leaveRecord() replaces a symbolic link of that name, and not what it leads to", () => {
  const sys = makeSystem({ files: { ...LEFT, [RECORD]: { link: "/home/user/x" }, "/home/user/x": file("mine") } });
  leaveRecord(ENDPOINT, sys);
  expect([sys.files[RECORD]?.text, sys.files["/home/user/x"]?.text]).toEqual([recordOf(), "mine"]);
});

test("nothing is left for the parent of an orphan, nor found: it has other children that ssh has left behind", () => {
  const sys = makeSystem({ isClientGone: true, files: { [RECORDS]: directory(), [RECORD]: file(recordOf()) } });
  const before = { ...sys.files };
  expect(() => leaveRecord(ENDPOINT, sys)).toThrow(ClientGoneError);
  expect(() => findRecord(sys)).toThrow(ClientGoneError);
  expect(sys.files).toEqual(before);
});

test("leaveRecord() leaves none of a bare CID, which has no UUID", () => {
  const sys = makeSystem();
  leaveRecord({ domain: undefined, address: { cid: 7, port: 22 } }, sys);
  expect(sys.log).toEqual([]);
});

/** 255 bytes, the most that libvirt takes, each of six characters in JSON. */
const LONGEST = "\u0001".repeat(255);

test.each(["web", 'a "b" \\', "ü🙂", "\u202e\u001b[31m", LONGEST, "x\n"])(
  "findRecord() finds what leaveRecord() has left of a domain called %j",
  (name) => {
    const sys = makeSystem();
    leaveRecord({ ...ENDPOINT, ...(ENDPOINT.domain && { domain: { ...ENDPOINT.domain, name } }) }, sys);
    expect(sys.files[RECORD]?.text).toMatch(/^[ -~]*$/);
    expect(findRecord(sys)).toEqual({ path: RECORD, record: expect.objectContaining({ ...FOUND, name }) });
  },
);

/** Where the record goes, best first. */
const PLACES: readonly (readonly [name: string, path: string, options: FakeSystemOptions])[] = [
  [
    "in XDG_RUNTIME_DIR",
    "/srv/run/virtssh",
    {
      environment: { XDG_RUNTIME_DIR: "/srv/run" },
      files: { "/srv/run": directory() },
    },
  ],
  ["with the state without it", `${STATE}/run`, { environment: { HOME: "/home/user" } }],
  ["with the state where it is relative", `${STATE}/run`, { environment: { XDG_RUNTIME_DIR: "run" } }],
  ["with the state where it is missing", `${STATE}/run`, { environment: { XDG_RUNTIME_DIR: "/srv/run" } }],
  [
    "with the state where it is everybody's",
    `${STATE}/run`,
    {
      environment: { XDG_RUNTIME_DIR: "/tmp" },
      files: { "/tmp": directory(0, 0o1777) },
    },
  ],
  [
    "with the state where it is another user's",
    `${STATE}/run`,
    {
      environment: { XDG_RUNTIME_DIR: "/run/user/1001" },
      files: { "/run/user/1001": directory(1001, 0o777) },
    },
  ],
  [
    "with the state where a directory of ours in it is open to others",
    `${STATE}/run`,
    {
      environment: { XDG_RUNTIME_DIR: "/srv/run" },
      files: { "/srv/run": directory(), "/srv/run/virtssh": directory(1000, 0o770) },
    },
  ],
  [
    "with the state where a symbolic link is in it",
    `${STATE}/run`,
    {
      environment: { XDG_RUNTIME_DIR: "/srv/run" },
      files: { "/srv/run": directory(), "/srv/run/virtssh": { link: "/home/user", uid: 1000 } },
    },
  ],
  [
    "in /run/user without it, and without a home",
    RECORDS,
    { environment: {}, files: { "/etc/passwd": file("", 0, 0o644) } },
  ],
  [
    "with the state, where there is no runtime directory",
    `${STATE}/run`,
    {
      environment: { HOME: "/home/user" },
      fileErrnos: { [`stat ${RUNTIME}`]: 2 },
    },
  ],
  [
    "with the state, where there is no room in the runtime directory",
    `${STATE}/run`,
    { files: { [RECORDS]: directory() }, fileErrnos: { [`open ${RECORD}`]: ENOSPC } },
  ],
  ["in /run for root", "/run/virtssh", { userId: 0, environment: {} }],
  [
    "in /run for root who is logged in, too: /run/user/0 is gone with that session",
    "/run/virtssh",
    {
      userId: 0,
      environment: {},
      files: { "/run/user/0": directory(0) },
    },
  ],
  [
    "in root's own for root with another user's environment",
    "/run/virtssh",
    {
      userId: 0,
      environment: { XDG_RUNTIME_DIR: RUNTIME, HOME: "/home/user", XDG_STATE_HOME: "/home/user/.local/state" },
      files: STORE,
    },
  ],
];

test.each(PLACES)("leaveRecord() leaves it %s, where findRecord() finds it", (_, path, options) => {
  const sys = makeSystem(options);
  const before = Object.keys(sys.files);
  leaveRecord(ENDPOINT, sys);
  const made = Object.keys(sys.files).filter((name) => !before.includes(name));
  expect(made.filter((name) => !`${path}/`.startsWith(`${name}/`))).toEqual([`${path}/4711-567890`]);
  expect(findRecord(sys)).toEqual({ path: `${path}/4711-567890`, record: expect.objectContaining(FOUND) });
});

const REFUSED = { is: "refused", act: "write" };

const NO_HOME = { environment: {}, files: { "/etc/passwd": file("", 0, 0o644) }, userId: 1003 };

test.each<[string, FakeSystemOptions, object]>([
  [
    "its parent is out of sight",
    { parentId: 0 },
    {
      kind: "record-failed",
      path: "/proc/0/stat",
      problem: { is: "refused", act: "read", errno: "ENOENT" },
    },
  ],
  [
    "there is no room",
    { fileErrnos: { [`open ${RECORD}`]: ENOSPC, [`mkdir ${STATE}/run`]: ENOSPC } },
    {
      kind: "record-failed",
      path: RECORD,
      problem: { ...REFUSED, errno: "ENOSPC" },
    },
  ],
  [
    "nothing is the user's own",
    { ...NO_HOME, files: { ...NO_HOME.files, "/run/user/1003": directory(0, 0o777) } },
    {
      kind: "record-failed",
      path: "/run/user/1003/virtssh",
      problem: { is: "other-owner", owner: 0, user: 1003 },
    },
  ],
  [
    "nothing can be made",
    { environment: { HOME: "/home/user" }, fileErrnos: { mkdir: EACCES } },
    {
      kind: "record-failed",
      path: `${STATE}/run`,
      problem: { ...REFUSED, errno: "EACCES" },
    },
  ],
])("leaveRecord() explains that %s", (_, options, failure) => {
  const sys = makeSystem(options);
  expect(failureOf(() => leaveRecord(ENDPOINT, sys))).toEqual(failure);
});

/** What is not the record of our parent, or not to be trusted. */
type Unusable = [name: string, files: Readonly<Record<string, FakeFile>>, options?: FakeSystemOptions];

const NONE: readonly Unusable[] = [
  ["there is none", {}],
  ["it is of another process", { [`${RECORDS}/4712-567890`]: file(recordOf()) }],
  ["it is of a process that had the pid before", { [`${RECORDS}/4711-567889`]: file(recordOf()) }],
  ["it is of what the process ran before", { [RECORD]: file(recordOf({ program: "bash" })) }],
  ["the process now runs something else", { ...LEFT, ...describeProcess({ ...SSH, program: "scp" }) }],
  [
    "the process has begun anew, as a program of the same name",
    { ...LEFT, ...describeProcess({ ...SSH, stack: "1408" }) },
  ],
  ["the process is out of sight", LEFT, { parentId: 0 }],
  ["the process is gone", { [RECORD]: file(recordOf()) }, { parentId: 99 }],
  ["another user owns it", { [RECORD]: file(recordOf(), 1001) }],
  ["root owns it", { [RECORD]: file(recordOf(), 0) }],
  ["others may write to it", { [RECORD]: file(recordOf(), 1000, 0o620) }],
  ["it is a symbolic link", { [RECORD]: { link: "/home/user/x", uid: 1000 }, "/home/user/x": file(recordOf()) }],
  ["it is a directory", { [RECORD]: directory() }],
  ["it is a FIFO", { [RECORD]: { mode: 0o010600, uid: 1000 } }],
  ["its directory is another user's", { [RECORDS]: directory(1001), [RECORD]: file(recordOf()) }],
  ["its directory is open to others", { [RECORDS]: directory(1000, 0o770), [RECORD]: file(recordOf()) }],
  ["its directory is a symbolic link", { [RECORDS]: { link: "/home/user", uid: 1000 }, [RECORD]: file(recordOf()) }],
  ["it is empty", { [RECORD]: file("") }],
  ["it is cut short", { [RECORD]: file(recordOf().slice(0, -1)) }],
  ["it is longer than any", { [RECORD]: file(`${recordOf({ name: "a".repeat(4096) })}`) }],
  ["it is null", { [RECORD]: file("null") }],
  ["it is a number", { [RECORD]: file("1") }],
  ["it is a list", { [RECORD]: file("[]") }],
  ["it is of NUL bytes", { [RECORD]: file("\0".repeat(100)) }],
  ["it cannot be read", { [RECORD]: file(recordOf()) }, { fileErrnos: { [`open ${RECORD}`]: EACCES } }],
];

test.each<Unusable>(NONE)("findRecord() finds none where %s", (_, files, options) => {
  const sys = makeSystem({ ...options, files: { [RECORDS]: directory(), ...files } });
  expect(findRecord(sys)).toBeUndefined();
  expect(sys.log).toEqual([]);
});

test("removeRecord() takes it away, and those of processes that are gone", () => {
  const sys = makeSystem({
    files: {
      ...LEFT,
      ...describeProcess({ pid: 12, startTime: 100, program: "ssh" }),
      [`${RECORDS}/12-100`]: file("of one that runs"),
      [`${RECORDS}/12-99`]: file("of one that had its pid"),
      [`${RECORDS}/13-100`]: file("of one that is gone"),
      [`${RECORDS}/README`]: file("of the user's own"),
    },
  });
  removeRecord(RECORD, sys);
  const left = Object.keys(sys.files).filter((path) => path.startsWith(`${RECORDS}/`));
  expect(left).toEqual([`${RECORDS}/12-100`, `${RECORDS}/README`]);
});

test("leaveRecord() takes away records of processes that are gone, which will not ask", () => {
  const stale = [1, 2, 3].map((pid) => [`${RECORDS}/${pid}-${STARTED}`, file("")]);
  const sys = makeSystem({ files: { [RECORDS]: directory(), ...Object.fromEntries(stale) } });
  leaveRecord(ENDPOINT, sys);
  expect(Object.keys(sys.files).filter((path) => path.startsWith(`${RECORDS}/`))).toEqual([RECORD]);
});

test("removeRecord() looks at 8 others at most", () => {
  const stale = Array.from({ length: 100 }, (_, index) => [`${RECORDS}/${1000 + index}-${STARTED}`, file("")]);
  const sys = makeSystem({ files: { ...LEFT, ...Object.fromEntries(stale) } });
  removeRecord(RECORD, sys);
  expect(Object.keys(sys.files).filter((path) => path.startsWith(`${RECORDS}/`)).length).toBe(92);
});

test.each<[string, FakeSystemOptions]>([
  ["somebody else has taken it away", { files: { [RECORDS]: directory() } }],
  ["it cannot be taken away", { files: LEFT, fileErrnos: { unlink: EACCES } }],
  ["the directory cannot be listed", { files: LEFT, fileErrnos: { opendir: EACCES } }],
])("removeRecord() is content where %s", (_, options) => {
  removeRecord(RECORD, makeSystem(options));
});
