// Which daemons are asked, in which order, and what ends the search.

import { describe, expect, test } from "vitest";
import { EACCES, ECONNREFUSED } from "../../../helper/sys/errno.ts";
import type { FakeDomain } from "../../fakes/fake-domain.ts";
import { PROC } from "../../fakes/fake-libvirtd.ts";
import {
  FakeSystem,
  type FakeSystemOptions,
  SESSION_LIBVIRTD_SOCKET,
  SESSION_SOCKET,
  SYSTEM_LIBVIRTD_SOCKET,
  SYSTEM_SOCKET,
} from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";
import { type Case, daemon, find, resolve, resolveIn } from "./resolve-case.ts";

const denied = { errors: { [PROC.lookupByName]: { code: 88, message: "access denied" } } };
const broken = { errors: { [PROC.lookupByName]: { code: 1, message: "internal error" } } };
const noPolkit = { auth: [2], polkit: { code: 45, message: "authentication failed" } };
const noAgent = { auth: [2], polkit: { code: 94, message: "authentication unavailable" } };
const cancelled = { auth: [2], polkit: { code: 79, message: "authentication cancelled" } };

const shutOff: FakeDomain = { name: "web", state: "shut off" };

test.each<[string, Case, string]>([
  ["the system daemon first", { ask: "qemu/web", system: daemon(["web"]), session: daemon(["web"]) }, "system"],
  [
    "the system daemon, though its domain is shut off",
    { ask: "qemu/web", system: daemon([shutOff]), session: daemon(["web"]) },
    "system",
  ],
  [
    "the system daemon, though its domain has no vsock",
    { ask: "qemu/web", system: daemon([{ name: "web" }]), session: daemon(["web"]) },
    "system",
  ],
  [
    "the system daemon's ID before the session daemon's name",
    { ask: "qemu/42", system: daemon([{ name: "web", id: 42 }]), session: daemon(["42", "web"]) },
    "system",
  ],
  [
    "the session daemon, where the system's has none",
    { ask: "qemu/web", system: daemon(["db"]), session: daemon(["web"]) },
    "session",
  ],
  ["the session daemon, where there is no other", { ask: "qemu/web", session: daemon(["web"]) }, "session"],
  [
    "the session daemon, where nobody listens on the other's socket",
    { ask: "qemu/web", session: daemon(["web"]), sockets: { [SYSTEM_SOCKET]: ECONNREFUSED } },
    "session",
  ],
  [
    "the session daemon, where the other's socket is not for us",
    { ask: "qemu/web", session: daemon(["web"]), sockets: { [SYSTEM_SOCKET]: EACCES } },
    "session",
  ],
  [
    "the session daemon, where polkit says no",
    { ask: "qemu/web", system: daemon(["web"], noPolkit), session: daemon(["web"]) },
    "session",
  ],
  [
    "the session daemon, where polkit has no agent",
    { ask: "qemu/web", system: daemon(["web"], noAgent), session: daemon(["web"]) },
    "session",
  ],
  [
    "the session daemon, where polkit was cancelled",
    { ask: "qemu/web", system: daemon(["web"], cancelled), session: daemon(["web"]) },
    "session",
  ],
  [
    "the session daemon alone",
    { ask: "qemu:session/web", system: daemon(["web"]), session: daemon(["web"]) },
    "session",
  ],
  [
    "the session daemon alone, by the suffix",
    { ask: "web.session.qemu", system: daemon(["web", "web.session"]), session: daemon(["web"]) },
    "session",
  ],
  ["the system daemon alone", { ask: "qemu:system/web", system: daemon(["web"]), session: daemon(["web"]) }, "system"],
  [
    "the monolithic daemons",
    { ask: "qemu:session/web", sockets: { [SESSION_LIBVIRTD_SOCKET]: daemon(["web"]) } },
    "session",
  ],
  [
    "root's session, which the system daemon serves",
    { ask: "qemu:session/web", userId: 0, system: daemon(["web"]) },
    "session",
  ],
])("resolveAt() asks %s", (_, asked, scope) => {
  expect(find(asked)).toBe(`web in qemu:///${scope}`);
});

test("resolveAt() asks every daemon for the text itself before any for what it decodes to", () => {
  const system = daemon(["my vm"]);
  const session = daemon(["my%20vm"]);
  expect(find({ ask: "qemu/my%20vm", system, session })).toBe("my%20vm in qemu:///session");
  expect(find({ ask: "qemu/my%20vm", system, session: daemon(["db"]) })).toBe("my vm in qemu:///system");
  expect(find({ ask: "qemu/my%20vm", system: daemon([]), session: daemon(["my vm"]) })).toBe(
    "my vm in qemu:///session",
  );
});

test("resolveAt() asks over one connection to each daemon", () => {
  const asked: Case = { ask: "qemu/my%20vm", system: daemon([]), session: daemon(["my vm"]) };
  const sys = new FakeSystem(asked);
  resolveIn(sys, asked);
  expect(sys.log.filter((line) => line.startsWith("connect"))).toEqual([
    `connect unix ${SYSTEM_SOCKET}`,
    `connect unix ${SESSION_SOCKET}`,
  ]);
});

const bothUris = ["qemu:///system", "qemu:///session"];
const missing = (path: string) => ({ path, met: "missing" });
const systemMissing = [missing(SYSTEM_SOCKET), missing(SYSTEM_LIBVIRTD_SOCKET)];
const sessionMissing = [missing(SESSION_SOCKET), missing(SESSION_LIBVIRTD_SOCKET)];
const refusedLookup = { kind: "daemon-refused", refused: "look it up", name: "web", uri: "qemu:///system" };
const refusedConnect = { ...refusedLookup, refused: "connect" };

test.each<[string, Case, object]>([
  [
    "nobody has it",
    { ask: "qemu/web", system: daemon([]), session: daemon([]) },
    { kind: "domain-not-found", name: "web", uris: bothUris },
  ],
  [
    "only one could be asked, and has it not",
    { ask: "qemu/web", system: daemon([]) },
    { kind: "domain-not-found", name: "web", uris: ["qemu:///system"] },
  ],
  [
    "only the session's could be asked",
    { ask: "qemu/web", session: daemon([]) },
    { kind: "domain-not-found", name: "web", uris: ["qemu:///session"] },
  ],
  [
    "there is no daemon",
    { ask: "qemu/web" },
    { kind: "no-daemon", attempts: [...systemMissing, ...sessionMissing], uris: bothUris, installed: undefined },
  ],
  [
    "there is no daemon for root",
    { ask: "qemu/web", userId: 0 },
    { kind: "no-daemon", attempts: systemMissing, uris: ["qemu:///system"], installed: undefined },
  ],
  [
    "root has it in a session of another",
    { ask: "qemu/web", userId: 0, system: daemon([]), session: daemon(["web"]) },
    { kind: "domain-not-found", uris: ["qemu:///system"] },
  ],
  [
    "one's socket is not for us, and the other has it not",
    { ask: "qemu/web", session: daemon([]), sockets: { [SYSTEM_SOCKET]: EACCES } },
    { kind: "socket-permission", path: SYSTEM_SOCKET },
  ],
  [
    "one has it not, and the other's socket is not for us",
    { ask: "qemu/web", system: daemon([]), sockets: { [SESSION_SOCKET]: EACCES } },
    { kind: "socket-permission", path: SESSION_SOCKET },
  ],
  [
    "one's socket is not for us, and there is no other",
    { ask: "qemu/web", sockets: { [SYSTEM_SOCKET]: EACCES } },
    { kind: "socket-permission", path: SYSTEM_SOCKET },
  ],
  [
    "one may not tell, and the other has it not",
    { ask: "qemu/web", system: daemon([], denied), session: daemon([]) },
    { ...refusedLookup, code: 88, words: "access denied" },
  ],
  [
    "polkit says no, and there is no other",
    { ask: "qemu/web", system: daemon(["web"], noPolkit) },
    { ...refusedConnect, code: 45, words: "authentication failed" },
  ],
  ["it may not tell", { ask: "qemu:system/web", system: daemon(["web"], denied) }, { ...refusedLookup, code: 88 }],
  [
    "the system daemon may not tell, so that it has one",
    { ask: "qemu/web", system: daemon(["web"], denied), session: daemon(["web"]) },
    { ...refusedLookup, code: 88 },
  ],
  // Final, though the session daemon has one: whatever is wrong here, another guest is not the answer.
  [
    "the system daemon fails",
    { ask: "qemu/web", system: daemon([], broken), session: daemon(["web"]) },
    { ...refusedLookup, code: 1, words: "internal error" },
  ],
  [
    "the system daemon is silent",
    {
      ask: "qemu/web",
      system: daemon([], { misbehaves: { [PROC.lookupByName]: "is silent" } }),
      session: daemon(["web"]),
    },
    { kind: "daemon-silent", path: SYSTEM_SOCKET },
  ],
  [
    "the system daemon closes",
    { ask: "qemu/web", system: daemon([], { misbehaves: { [PROC.authList]: "closes" } }), session: daemon(["web"]) },
    { kind: "daemon-closed", path: SYSTEM_SOCKET },
  ],
  [
    "the system daemon wants SASL",
    { ask: "qemu/web", system: daemon([], { auth: [1] }), session: daemon(["web"]) },
    { kind: "daemon-wants-sasl", path: SYSTEM_SOCKET },
  ],
  [
    "the system daemon talks nonsense",
    { ask: "qemu/web", system: daemon([], { misbehaves: { [PROC.open]: "sends garbage" } }), session: daemon(["web"]) },
    { kind: "daemon-nonsense", path: SYSTEM_SOCKET },
  ],
  [
    "the system daemon's socket is broken",
    { ask: "qemu/web", session: daemon(["web"]), sockets: { [SYSTEM_SOCKET]: 36 } },
    { kind: "socket-broken", path: SYSTEM_SOCKET },
  ],
  [
    "its state may not be read",
    {
      ask: "qemu/web",
      system: daemon(["web"], { errors: { [PROC.getState]: { code: 88, message: "no" } } }),
      session: daemon(["web"]),
    },
    { ...refusedLookup, refused: "read it", code: 88 },
  ],
  [
    "its XML may not be read",
    {
      ask: "qemu/web",
      system: daemon(["web"], { errors: { [PROC.getXmlDesc]: { code: 88, message: "no" } } }),
      session: daemon(["web"]),
    },
    { ...refusedLookup, refused: "read it", code: 88 },
  ],
  [
    "its XML is none",
    { ask: "qemu/web", system: daemon([{ name: "web", xml: "<network/>" }]) },
    { kind: "daemon-nonsense", path: SYSTEM_SOCKET, detail: "domain XML: the root element is not <domain>" },
  ],
])("resolveAt() fails where %s", (_, asked, failure) => {
  expect(failureOf(() => resolve(asked))).toMatchObject(failure);
});

describe("starting a session daemon", () => {
  const VIRTQEMUD = "/usr/sbin/virtqemud";
  const installed: FakeSystemOptions = {
    files: { [VIRTQEMUD]: {} },
    programs: {
      [VIRTQEMUD]: (sys) => {
        sys.sockets[SESSION_SOCKET] = daemon(["web"]);
        return 0;
      },
    },
  };

  test("resolveAt() starts one for a target that names the session", () => {
    expect(find({ ask: "qemu:session/web", ...installed })).toBe("web in qemu:///session");
  });

  test.each<[string, Case]>([
    ["for a target that does not name it", { ask: "qemu/web", ...installed }],
    [
      "where LIBVIRT_AUTOSTART says not to",
      {
        ask: "qemu:session/web",
        ...installed,
        environment: { XDG_RUNTIME_DIR: "/run/user/1000", LIBVIRT_AUTOSTART: "0" },
      },
    ],
    ["for root", { ask: "qemu:session/web", ...installed, userId: 0 }],
  ])("resolveAt() starts none %s", (_, asked) => {
    const sys = new FakeSystem(asked);
    expect(failureOf(() => resolveIn(sys, asked))).toMatchObject({ kind: "no-daemon" });
    expect(sys.log.filter((line) => line.startsWith("run"))).toEqual([]);
  });
});
