// All the domains of all the daemons that can be asked, in few round trips.

import { expect, test } from "vitest";
import { listDomains, listNames } from "../../../helper/libvirt/list-domains.ts";
import { EACCES, ECONNREFUSED } from "../../../helper/sys/errno.ts";
import type { FakeDomain } from "../../fakes/fake-domain.ts";
import { FakeLibvirtd, PROC } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem, type FakeSystemOptions, SYSTEM_SOCKET } from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";
import { daemon } from "./resolve-case.ts";

const LIMIT_MS = 30_000;

function list(options: FakeSystemOptions, sys = new FakeSystem(options), all = true) {
  const startedMs = sys.nowMs();
  try {
    return listDomains({ all, deadlineMs: startedMs + LIMIT_MS }, sys);
  } finally {
    expect(sys.openDescriptors).toEqual([]);
    expect(sys.nowMs() - startedMs).toBeLessThanOrEqual(LIMIT_MS);
  }
}

const names = (options: FakeSystemOptions) => list(options).domains.map(({ uri, name }) => `${name} in ${uri}`);

const webs = { system: daemon(["web", "db"]), session: daemon(["web"]) };
const noPolkit = { auth: [2], polkit: { code: 45, message: "authentication failed" } };
const closes = { misbehaves: { [PROC.getXmlDesc]: "closes" } } as const;
const deniedList = { errors: { [PROC.getAllDomainStats]: { code: 88, message: "access denied" } } };

test("listDomains() describes each domain", () => {
  const domains: FakeDomain[] = [
    { name: "web", uuid: "4dea22b3-1d52-d8f3-2516-782e98ab3fa0", id: 12, cid: 7 },
    { name: "my vm", uuid: "4dea22b3-1d52-d8f3-2516-782e98ab3fa1", id: 13, state: "paused" },
    { name: "Ü-off", uuid: "4dea22b3-1d52-d8f3-2516-782e98ab3fa2", state: "shut off", cid: 9 },
  ];
  const common = { uri: "qemu:///system", socketPath: SYSTEM_SOCKET };
  const web = { ...common, name: "web", uuid: domains[0]?.uuid, id: 12, state: "running", cid: 7 };
  const paused = { ...common, name: "my vm", uuid: domains[1]?.uuid, id: 13, state: "paused", cid: undefined };
  // The CID of its configuration may be another guest's by now.
  const off = { ...common, name: "Ü-off", uuid: domains[2]?.uuid, id: -1, state: "shut off", cid: undefined };
  expect(list({ system: daemon(domains) }).domains).toEqual([web, paused, off]);
  expect(list({}, new FakeSystem({ system: daemon(domains) }), false).domains).toEqual([web, paused]);
});

const ofSystem = ["web in qemu:///system", "db in qemu:///system"];
const ofSession = ["web in qemu:///session"];

test.each<[string, FakeSystemOptions, string[]]>([
  ["both daemons", webs, [...ofSystem, ...ofSession]],
  ["the system daemon alone, for root", { ...webs, userId: 0 }, ofSystem],
  ["the session daemon, where there is no other", { session: webs.session }, ofSession],
  [
    "the session daemon, where nobody listens on the other's socket",
    { session: webs.session, sockets: { [SYSTEM_SOCKET]: ECONNREFUSED } },
    ofSession,
  ],
  [
    "the session daemon, where the other's socket is not for us",
    { session: webs.session, sockets: { [SYSTEM_SOCKET]: EACCES } },
    ofSession,
  ],
  ["the session daemon, where polkit says no", { system: daemon(["web"], noPolkit), session: webs.session }, ofSession],
  [
    "the session daemon, where the other refuses to list",
    { system: daemon(["web"], deniedList), session: webs.session },
    ofSession,
  ],
  ["the system daemon, where there is no other", { system: webs.system }, ofSystem],
  ["nothing, where there is nothing", { system: daemon([]) }, []],
])("listDomains() lists %s", (_, options, domains) => {
  expect(names(options)).toEqual(domains);
});

test.each<[string, FakeSystemOptions, object]>([
  ["no daemon", {}, { kind: "no-daemon", uris: ["qemu:///system", "qemu:///session"] }],
  ["no daemon for root", { userId: 0 }, { kind: "no-daemon", uris: ["qemu:///system"] }],
  ["no daemon that we may ask", { sockets: { [SYSTEM_SOCKET]: EACCES } }, { kind: "socket-permission" }],
  [
    "a daemon that refuses",
    { system: daemon(["web"], deniedList) },
    { kind: "daemon-refused", refused: "list domains", code: 88 },
  ],
  [
    "two daemons that fail",
    { system: daemon(["web"], closes), session: daemon([], deniedList) },
    { kind: "daemon-closed" },
  ],
  [
    "a domain that libvirt has trouble with",
    { system: daemon(["web"], { errors: { [PROC.getXmlDesc]: { code: 1, message: "internal error" } } }) },
    { kind: "daemon-refused", refused: "read it", name: "web", code: 1, words: "internal error" },
  ],
  [
    "XML that is none",
    { system: daemon([{ name: "web", xml: "<html/>" }]) },
    { kind: "daemon-nonsense", detail: "domain XML: the root element is not <domain>" },
  ],
])("listDomains() fails for %s", (_, options, failure) => {
  expect(failureOf(() => list(options))).toMatchObject(failure);
});

test("listDomains() never starts a session daemon", () => {
  const sys = new FakeSystem({ files: { "/usr/sbin/virtqemud": {} } });
  expect(failureOf(() => list({}, sys))).toMatchObject({ kind: "no-daemon" });
  expect(sys.log.filter((line) => line.startsWith("run"))).toEqual([]);
});

test("listDomains() leaves out a domain that is gone when its XML is read", () => {
  let reads = 0;
  const before = (called: number, system: FakeLibvirtd) => {
    reads += called === PROC.getXmlDesc ? 1 : 0;
    if (reads === 2) system.domains = system.domains.filter(({ name }) => name !== "db");
  };
  const uuid = (digit: number) => String(digit).padStart(32, "0");
  const domains = ["web", "db", "mail", "dns"].map((name, index) => ({ name, uuid: uuid(index), cid: 3 + index }));
  const { domains: found } = list({ system: new FakeLibvirtd({ domains, before }) });
  expect(found.map(({ name }) => name)).toEqual(["web", "mail", "dns"]);
});

test.each([
  [true, [{ name: "web", id: -1, state: "shut off", cid: undefined }]],
  [false, []],
])("listDomains() takes a domain that stops before its XML is read for shut off: all is %s", (all, found) => {
  const uuid = String(1).padStart(32, "0");
  const before = (called: number, system: FakeLibvirtd) => {
    if (called === PROC.getXmlDesc) system.domains = [{ name: "web", uuid, cid: 7, state: "shut off" }];
  };
  const system = new FakeLibvirtd({ domains: [{ name: "web", uuid, cid: 7 }], before });
  expect(list({}, new FakeSystem({ system }), all).domains).toMatchObject(found);
});

test("listDomains() leaves out a domain that is not for us to read", () => {
  const errors = { [PROC.getXmlDesc]: { code: 88, message: "access denied" } };
  expect(list({ system: daemon(["web"], { errors }) })).toEqual({ domains: [], denied: undefined });
});

/** Counts how often the program waits for a daemon, and how many calls that daemon has before it then. */
class CountingSystem extends FakeSystem {
  waits = 0;
  mostCalls = 0;
  #calls = 0;

  override write(fd: number, bytes: Uint8Array, deadlineMs: number): void {
    this.#calls += 1;
    this.mostCalls = Math.max(this.mostCalls, this.#calls);
    super.write(fd, bytes, deadlineMs);
  }

  override read(fd: number, into: Uint8Array, deadlineMs: number): number {
    this.waits += 1;
    this.#calls = 0;
    return super.read(fd, into, deadlineMs);
  }
}

test("listDomains() asks about several domains at once, and never has more than five calls before a daemon", () => {
  const system = daemon(Array.from({ length: 500 }, (_, index) => `vm${index}`));
  const sys = new CountingSystem({ system });
  expect(list({}, sys).domains.length).toBe(500);
  expect(sys.waits).toBeLessThan(400);
  expect(sys.mostCalls).toBe(4); // max_client_requests in libvirtd.conf is 5
});

test("listDomains() makes one call for all domains, and one for each that is live", () => {
  const off = { name: "off", state: "shut off" } as const;
  const system = daemon(["web", off, "db"]);
  list({ system });
  const asked = ['getXmlDesc "web" 0', 'getXmlDesc "db" 0'];
  const opened = ["authList", 'open "qemu:///system" read-only'];
  expect(system.calls).toEqual([...opened, "getAllDomainStats 0 1 0", ...asked, "close"]);
});

test.each<[string, FakeSystemOptions, object | undefined]>([
  ["nothing where both can be", webs, undefined],
  ["nothing where there is no other", { session: webs.session }, undefined],
  ["a socket that is not for us", { ...webs, sockets: { [SYSTEM_SOCKET]: EACCES } }, { kind: "socket-permission" }],
  ["polkit's no", { ...webs, system: daemon(["web"], noPolkit) }, { kind: "daemon-refused", refused: "connect" }],
  ["a system's daemon that closes", { ...webs, system: daemon(["web", "db"], closes) }, { kind: "daemon-closed" }],
  [
    "a session's that is silent",
    { ...webs, session: daemon([], { misbehaves: { [PROC.open]: "is silent" } }) },
    { kind: "daemon-silent" },
  ],
  ["a refusal", { ...webs, system: daemon(["web"], deniedList) }, { kind: "daemon-refused", refused: "list domains" }],
])("listDomains() tells of a daemon that cannot be asked: %s", (_, options, denied) => {
  const failure = list(options).denied?.failure;
  if (denied === undefined) expect(failure).toBeUndefined();
  else expect(failure).toMatchObject(denied);
});

test("listNames() asks for nothing but the list", () => {
  const system = daemon(["web", { name: "off", state: "shut off" }]);
  const sys = new FakeSystem({ system });
  expect(listNames(sys, sys.nowMs() + LIMIT_MS)).toEqual([
    { uri: "qemu:///system", name: "web", isRunning: true },
    { uri: "qemu:///system", name: "off", isRunning: false },
  ]);
  expect(system.calls).toEqual(["authList", 'open "qemu:///system" read-only', "listAllDomains 1 0", "close"]);
  expect(sys.openDescriptors).toEqual([]);
});
