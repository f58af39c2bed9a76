import { expect, test } from "vitest";
import { openSocket } from "../../../helper/libvirt/open-socket.ts";
import type { Place } from "../../../helper/libvirt/sockets.ts";
import { EACCES, ECONNREFUSED, ENOENT, EPERM, ETIMEDOUT } from "../../../helper/sys/errno.ts";
import { FakeLibvirtd } from "../../fakes/fake-libvirtd.ts";
import {
  type FakeProgram,
  FakeSystem,
  type FakeSystemOptions,
  SESSION_LIBVIRTD_SOCKET,
  SESSION_SOCKET,
  SYSTEM_LIBVIRTD_SOCKET,
  SYSTEM_SOCKET,
} from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";

const SYSTEM: Place = { uri: "qemu:///system", paths: [SYSTEM_SOCKET, SYSTEM_LIBVIRTD_SOCKET], daemons: [] };
const VIRTQEMUD = "/usr/sbin/virtqemud";
const LIBVIRTD = "/usr/sbin/libvirtd";
const SESSION: Place = {
  uri: "qemu:///session",
  paths: [SESSION_SOCKET, SESSION_LIBVIRTD_SOCKET],
  daemons: [VIRTQEMUD, LIBVIRTD],
};

function open(place: Place, options: FakeSystemOptions) {
  const sys = new FakeSystem(options);
  return { sys, act: () => openSocket(sys, place, sys.nowMs() + 30_000) };
}

test.each<[string, Record<string, FakeLibvirtd | number>, string]>([
  ["the modular daemon's socket", { [SYSTEM_SOCKET]: new FakeLibvirtd() }, SYSTEM_SOCKET],
  [
    "the monolithic daemon's, where the other is missing",
    { [SYSTEM_LIBVIRTD_SOCKET]: new FakeLibvirtd() },
    SYSTEM_LIBVIRTD_SOCKET,
  ],
  [
    "the monolithic daemon's, where nobody listens on the other",
    { [SYSTEM_SOCKET]: ECONNREFUSED, [SYSTEM_LIBVIRTD_SOCKET]: new FakeLibvirtd() },
    SYSTEM_LIBVIRTD_SOCKET,
  ],
  [
    "the modular daemon's, where both listen",
    { [SYSTEM_SOCKET]: new FakeLibvirtd(), [SYSTEM_LIBVIRTD_SOCKET]: new FakeLibvirtd() },
    SYSTEM_SOCKET,
  ],
])("openSocket() opens %s", (_, sockets, path) => {
  const { sys, act } = open(SYSTEM, { sockets });
  expect(act().path).toBe(path);
  expect(sys.openDescriptors).toHaveLength(1);
});

const missing = (path: string) => ({ path, met: "missing" });
const deserted = (path: string) => ({ path, met: "nobody-listens" });

test.each<[string, FakeSystemOptions, object]>([
  [
    "there is none",
    {},
    {
      kind: "no-daemon",
      attempts: [missing(SYSTEM_SOCKET), missing(SYSTEM_LIBVIRTD_SOCKET)],
      uris: ["qemu:///system"],
      installed: undefined,
    },
  ],
  [
    "nobody listens, though a daemon is installed",
    { sockets: { [SYSTEM_SOCKET]: ECONNREFUSED }, files: { [LIBVIRTD]: {} } },
    {
      kind: "no-daemon",
      attempts: [deserted(SYSTEM_SOCKET), missing(SYSTEM_LIBVIRTD_SOCKET)],
      uris: ["qemu:///system"],
      installed: "libvirtd",
    },
  ],
  [
    "only a group may open it",
    {
      sockets: { [SYSTEM_SOCKET]: EACCES, [SYSTEM_LIBVIRTD_SOCKET]: new FakeLibvirtd() },
      files: { [SYSTEM_SOCKET]: { mode: 0o140770, gid: 112 }, "/etc/group": { text: "libvirt:x:112:\n" } },
    },
    { kind: "socket-permission", path: SYSTEM_SOCKET, group: "libvirt" },
  ],
  [
    "a security module forbids it",
    { sockets: { [SYSTEM_SOCKET]: EPERM } },
    { kind: "socket-permission", path: SYSTEM_SOCKET },
  ],
  [
    "its queue stays full",
    { sockets: { [SYSTEM_SOCKET]: ETIMEDOUT } },
    { kind: "daemon-silent", path: SYSTEM_SOCKET, seconds: 30 },
  ],
  [
    "its name is too long",
    { sockets: { [SYSTEM_SOCKET]: 36 } },
    { kind: "socket-broken", path: SYSTEM_SOCKET, errno: "ENAMETOOLONG" },
  ],
])("openSocket() explains it where %s", (_, options, failure) => {
  const { sys, act } = open(SYSTEM, options);
  expect(failureOf(act)).toEqual(failure);
  expect(sys.openDescriptors).toEqual([]);
});

/** Ends with `status` after `tries` runs; then, and only then, the daemon's socket is there. */
function startsAfter(tries: number, status = 0): FakeProgram {
  let left = tries;
  return (sys) => {
    left -= 1;
    if (left === 0) sys.sockets[SESSION_SOCKET] = new FakeLibvirtd();
    return left > 0 ? 1 : status;
  };
}

const run = (program: string) => `run ${program} --daemon --timeout=120`;
const tried = [`connect unix ${SESSION_SOCKET}`, `connect unix ${SESSION_LIBVIRTD_SOCKET}`];

test.each<[string, FakeSystemOptions, string[]]>([
  ["that runs, and starts none", { session: new FakeLibvirtd() }, [`connect unix ${SESSION_SOCKET}`]],
  [
    "that it starts",
    { files: { [VIRTQEMUD]: {} }, programs: { [VIRTQEMUD]: startsAfter(1) } },
    [...tried, run(VIRTQEMUD), `connect unix ${SESSION_SOCKET}`],
  ],
  [
    "of the other kind, where the first is not installed",
    { files: { [LIBVIRTD]: {} }, programs: { [LIBVIRTD]: startsAfter(1) } },
    [...tried, run(LIBVIRTD), `connect unix ${SESSION_SOCKET}`],
  ],
  [
    "that somebody else has started meanwhile, so that ours leaves",
    { files: { [VIRTQEMUD]: {} }, programs: { [VIRTQEMUD]: startsAfter(1, 1) } },
    [...tried, run(VIRTQEMUD), `connect unix ${SESSION_SOCKET}`],
  ],
  [
    "that is ready only after others have left",
    { files: { [VIRTQEMUD]: {} }, programs: { [VIRTQEMUD]: startsAfter(3) } },
    [...tried, run(VIRTQEMUD), ...tried, run(VIRTQEMUD), ...tried, run(VIRTQEMUD), `connect unix ${SESSION_SOCKET}`],
  ],
])("openSocket() reaches a session daemon %s", (_, options, log) => {
  const { sys, act } = open(SESSION, options);
  expect(act().path).toBe(SESSION_SOCKET);
  // However often the sockets are tried between two starts.
  const story = sys.log.filter((line, at) => line !== sys.log[at - tried.length] || !line.startsWith("connect"));
  expect(story).toEqual(log);
});

test.each<[string, FakeSystemOptions, object]>([
  ["none is installed", {}, { path: "virtqemud", reason: "not installed" }],
  ["it fails", { programs: { [VIRTQEMUD]: () => 1 } }, { path: VIRTQEMUD, reason: "it ended with status 1" }],
  ["it opens no socket", { programs: { [VIRTQEMUD]: () => 0 } }, { path: VIRTQEMUD, reason: "it opened no socket" }],
  ["it may not be run", { programs: { [VIRTQEMUD]: () => -EACCES } }, { path: VIRTQEMUD, reason: "EACCES" }],
  ["it has just been removed", { programs: { [VIRTQEMUD]: () => -ENOENT } }, { path: VIRTQEMUD, reason: "ENOENT" }],
  [
    "it takes too long",
    { programs: { [VIRTQEMUD]: () => -ETIMEDOUT } },
    { path: VIRTQEMUD, reason: "it was not ready in time" },
  ],
])("openSocket() explains why it can start no session daemon: %s", (_, options, facts) => {
  const files = options.programs === undefined ? {} : { [VIRTQEMUD]: {} };
  const { sys, act } = open(SESSION, { files, ...options });
  expect(failureOf(act)).toEqual({ kind: "daemon-start", ...facts });
  expect(sys.log.filter((line) => line.startsWith("run")).length).toBeLessThanOrEqual(5);
});

test("openSocket() starts nothing for a place that names no daemons", () => {
  const { sys, act } = open({ ...SESSION, daemons: [] }, { files: { [VIRTQEMUD]: {} } });
  expect(failureOf(act)).toMatchObject({ kind: "no-daemon" });
  expect(sys.log).toEqual(tried);
});
