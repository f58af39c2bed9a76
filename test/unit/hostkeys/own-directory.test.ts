import { expect, test } from "vitest";
import {
  findDirectoryProblem,
  findFileProblem,
  findStateDirectory,
  makeDirectories,
  requireStateDirectory,
} from "../../../helper/hostkeys/own-directory.ts";
import { EACCES, ENOENT } from "../../../helper/sys/errno.ts";
import { SystemError } from "../../../helper/sys/system.ts";
import type { FakeFile } from "../../fakes/fake-files.ts";
import { FakeSystem, type FakeSystemOptions } from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";
import { directory, file, makeSystem } from "./surroundings.ts";

const OURS = "/home/user/.local/state/virtssh";

/** Where the user's state is, for what the environment and the files are. */
const STATES: readonly (readonly [name: string, state: string, options: FakeSystemOptions])[] = [
  ["HOME alone", OURS, { environment: { HOME: "/home/user" } }],
  [
    "a directory of the user's own",
    "/srv/state/virtssh",
    {
      environment: { HOME: "/home/user", XDG_STATE_HOME: "/srv/state" },
      files: { "/srv": directory(0, 0o755), "/srv/state": directory() },
    },
  ],
  [
    "one that is still to be made, in a directory of root's",
    "/srv/state/virtssh",
    {
      environment: { HOME: "/home/user", XDG_STATE_HOME: "/srv/state" },
      files: { "/srv": directory(0, 0o1777) },
    },
  ],
  [
    "one that is still to be made, in the user's",
    "/home/user/a/b/virtssh",
    {
      environment: { HOME: "/home/user", XDG_STATE_HOME: "/home/user/a/b" },
    },
  ],
  [
    "one that is still to be made, in another user's",
    OURS,
    {
      environment: { HOME: "/home/user", XDG_STATE_HOME: "/home/bob/a/b" },
      files: { "/home/bob": directory(1001, 0o777) },
    },
  ],
  [
    "another user's",
    OURS,
    {
      environment: { HOME: "/home/user", XDG_STATE_HOME: "/home/bob/state" },
      files: { "/home/bob": directory(0, 0o755), "/home/bob/state": directory(1001, 0o777) },
    },
  ],
  [
    "one that may not be looked at",
    OURS,
    {
      environment: { HOME: "/home/user", XDG_STATE_HOME: "/root/state" },
      fileErrnos: { "stat /root/state": EACCES },
    },
  ],
  ["a relative path", OURS, { environment: { HOME: "/home/user", XDG_STATE_HOME: ".state" } }],
  ["an empty one", OURS, { environment: { HOME: "/home/user", XDG_STATE_HOME: "" } }],
  ["a relative HOME", OURS, { environment: { HOME: "user" } }],
  ["neither", OURS, { environment: {} }],
  ["another user's HOME, as root", "/root/.local/state/virtssh", { userId: 0, environment: { HOME: "/home/user" } }],
  [
    "another user's of both, as root",
    "/root/.local/state/virtssh",
    {
      userId: 0,
      environment: { HOME: "/home/user", XDG_STATE_HOME: "/home/user/.local/state" },
    },
  ],
  [
    "one of root's own, as root",
    "/var/state/virtssh",
    {
      userId: 0,
      environment: { HOME: "/home/user", XDG_STATE_HOME: "/var/state" },
    },
  ],
];

test.each(STATES)("findStateDirectory() with XDG_STATE_HOME and HOME: %s", (_, state, options) => {
  expect(findStateDirectory(makeSystem(options))).toBe(state);
});

test("requireStateDirectory() explains that there is none", () => {
  const sys = new FakeSystem({
    userId: 1003,
    environment: {},
    files: { "/etc/passwd": file("root:x:0:0::/root:/bin/sh\n", 0) },
  });
  expect(findStateDirectory(sys)).toBeUndefined();
  expect(failureOf(() => requireStateDirectory(sys))).toEqual({ kind: "no-own-directory", uid: 1003 });
});

const facts = (mode: number, uid = 1000) => ({ mode, uid, gid: 1000 });

test.each([
  [0o100600, undefined],
  [0o100755, undefined],
  [0o100620, { is: "open-to-others" }],
  [0o100602, { is: "open-to-others" }],
  [0o104755, undefined],
  [0o040700, { is: "not-a-file" }],
  [0o010600, { is: "not-a-file" }],
  [0o120777, { is: "not-a-file" }],
  [0o140600, { is: "not-a-file" }],
  [0o020600, { is: "not-a-file" }],
])("findFileProblem() of mode %o", (mode, problem) => {
  expect(findFileProblem(facts(mode), 1000)).toEqual(problem);
});

test.each([
  ["another user's", 1001, 1000],
  ["root's", 0, 1000],
  ["a user's, to root", 1000, 0],
])("findFileProblem() of a file that is %s", (_, owner, user) => {
  expect(findFileProblem(facts(0o100600, owner), user)).toEqual({ is: "other-owner", owner, user });
});

test.each<[string, FakeFile, object | undefined]>([
  ["ours alone", directory(), undefined],
  ["ours, for others to read", directory(1000, 0o755), undefined],
  ["ours, for our group to write to", directory(1000, 0o775), { is: "open-to-others" }],
  ["ours, for everybody, and sticky", directory(1000, 0o1777), { is: "open-to-others" }],
  ["another user's", directory(1001), { is: "other-owner", owner: 1001, user: 1000 }],
  ["a file", file(""), { is: "not-a-directory" }],
  ["a symbolic link to one of ours", { link: "/home/user", uid: 1000 }, { is: "not-a-directory" }],
])("findDirectoryProblem() of one that is %s", (_, found, problem) => {
  expect(findDirectoryProblem("/x", makeSystem({ files: { "/x": found } }))).toEqual(problem);
});

test("makeDirectories() makes what is missing on the way, for nobody else", () => {
  const sys = makeSystem();
  makeDirectories("/home/user/a/b/c", sys);
  const made = Object.keys(sys.files).filter((path) => path.startsWith("/home/user/"));
  expect(made.map((path) => [path, sys.files[path]?.mode])).toEqual([
    ["/home/user/a", 0o040700],
    ["/home/user/a/b", 0o040700],
    ["/home/user/a/b/c", 0o040700],
  ]);
});

test.each(["/home/user/a", "/home/user/a/b", "/home/user/a/b/c"])(
  "makeDirectories() is content where somebody else has just made %s",
  (path) => {
    const makeToo = (files: Record<string, FakeFile>) => {
      files[path] = directory();
    };
    const sys = makeSystem({ before: { [`mkdir ${path}`]: makeToo } });
    makeDirectories("/home/user/a/b/c", sys);
    expect(sys.files["/home/user/a/b/c"]?.mode).toBe(0o040700);
  },
);

test("makeDirectories() is content where two make the last one in the same moment", () => {
  let made = 0;
  /** Whoever else is at it makes each directory as soon as its own is there. */
  class Busy extends FakeSystem {
    override makeDirectory(path: string, mode: number): void {
      super.makeDirectory(path, mode);
      made += 1;
      if (path === "/home/user/a") super.makeDirectory("/home/user/a/b", mode);
    }
  }
  const sys = new Busy({ files: { "/": directory(0), "/home": directory(0), "/home/user": directory() } });
  makeDirectories("/home/user/a/b", sys);
  expect([made, sys.files["/home/user/a/b"]?.mode]).toEqual([1, 0o040700]);
});

test.each<[string, FakeSystemOptions, number]>([
  ["may not", { fileErrnos: { "mkdir /home/user/a": EACCES } }, EACCES],
  ["cannot, for a link leads nowhere", { files: { "/home/user/a": { link: "/nowhere" } } }, ENOENT],
  ["cannot, for there is no root", { fileErrnos: { mkdir: ENOENT } }, ENOENT],
])("makeDirectories() gives up where it %s", (_, options, errno) => {
  const sys = makeSystem(options);
  expect(() => makeDirectories("/home/user/a/b", sys)).toThrow(
    expect.objectContaining({ constructor: SystemError, errno }),
  );
});
