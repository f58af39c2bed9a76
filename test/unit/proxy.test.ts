import { expect, test } from "vitest";
import { type HandOver, proxy, reachGuest } from "../../helper/proxy.ts";
import { EACCES, EAFNOSUPPORT, ECONNRESET, ENODEV, EPERM, ETIMEDOUT } from "../../helper/sys/errno.ts";
import { ClientGoneError } from "../../helper/sys/system.ts";
import { parseTarget } from "../../helper/target.ts";
import type { FakeDomain } from "../fakes/fake-domain.ts";
import { FakeLibvirtd, PROC } from "../fakes/fake-libvirtd.ts";
import type { FakeStream } from "../fakes/fake-stream.ts";
import { type FakeSystemOptions, SYSTEM_SOCKET } from "../fakes/fake-system.ts";
import { failureOf } from "./failure-of.ts";
import { directory, makeSystem, RECORD, RECORDS } from "./hostkeys/surroundings.ts";

const CONNECTED = { "7:22": "connected" } as const;

/** The guest's socket is 7 where no daemon is asked, else 8. */
const GREETING = { 7: { incoming: ["SSH-2.0-x\r\n"] }, 8: { incoming: ["SSH-2.0-x\r\n"] } };

function start(options: FakeSystemOptions = {}, domain: FakeDomain = { name: "web", cid: 7 }) {
  const system = new FakeLibvirtd({ domains: [domain] });
  const sys = makeSystem({
    system,
    streams: GREETING,
    ...options,
    files: { [RECORDS]: directory(), ...options.files },
  });
  const run = (ask = "qemu/web", how: HandOver = "descriptor") => {
    const request = { target: parseTarget(ask), port: 22, deadlineMs: sys.nowMs() + 30_000 };
    proxy(request, { handOver: how, reach: (asked, possible) => reachGuest(asked, possible, sys) }, sys);
  };
  return { sys, run, system };
}

test("proxy() hands the connected socket to ssh, and closes its copy", () => {
  const { sys, run } = start({ vsock: CONNECTED });
  run();
  expect(sys.log).toEqual([
    `connect unix ${SYSTEM_SOCKET}`,
    "connect vsock 7:22",
    "peek 8",
    `remove ${RECORD}`,
    `create ${RECORD}`,
    "close 7",
    "send fd 8 over 1",
    "close 8",
  ]);
  expect(sys.openDescriptors).toEqual([]);
});

const UUID = "00000000-0000-0000-0000-000000000001";

const LEFT = { uri: "qemu:///system", name: "web", uuid: UUID, id: 1, cid: 7, port: 22, program: "ssh", stack: "1407" };

test.each<[string, HandOver, FakeSystemOptions]>([
  ["that it gives the socket", "descriptor", {}],
  ["for which it relays", "relay", {}],
  ["for which it relays, since stdout carries no socket", "descriptor", { stdoutIsSocket: false }],
])("proxy() leaves word of the guest for the ssh %s", (_, how, options) => {
  const { sys, run } = start({ vsock: CONNECTED, ...options });
  run("qemu/web", how);
  expect(JSON.parse(sys.files[RECORD]?.text ?? "")).toEqual(LEFT);
});

const UNTOLD: FakeSystemOptions = {
  vsock: CONNECTED,
  files: { [RECORDS]: directory(1001) },
  fileErrnos: { mkdir: EACCES },
};

test("proxy() takes leave of the daemon before it leaves word, and waits for its answer after that", () => {
  const told: boolean[] = [];
  const before = (procedure: number) => {
    if (procedure === PROC.close) told.push(sys.files[RECORD] !== undefined);
  };
  const { sys, run } = start({
    vsock: CONNECTED,
    system: new FakeLibvirtd({ domains: [{ name: "web", cid: 7 }], before }),
  });
  run();
  expect(told).toEqual([false]);
  expect(sys.log.indexOf(`create ${RECORD}`)).toBeLessThan(sys.log.indexOf("close 7"));
});

test.each(["is silent", "closes", "sends another serial"] as const)(
  "proxy() hands the socket over where the daemon %s when leave is taken of it",
  (misbehaviour) => {
    const system = new FakeLibvirtd({ domains: [{ name: "web", cid: 7 }], misbehaves: { [PROC.close]: misbehaviour } });
    const { sys, run } = start({ vsock: CONNECTED, system });
    const startedMs = sys.nowMs();
    run();
    expect(sys.log.slice(-3)).toEqual(["close 7", "send fd 8 over 1", "close 8"]);
    expect(sys.nowMs() - startedMs).toBeLessThanOrEqual(200);
    expect(sys.openDescriptors).toEqual([]);
  },
);

test("proxy() hands no socket to an ssh that it cannot tell of the guest, which would refuse it", () => {
  const { sys, run } = start(UNTOLD);
  expect(failureOf(run)).toEqual({
    kind: "record-failed",
    path: RECORDS,
    problem: { is: "other-owner", owner: 1001, user: 1000 },
  });
  expect(sys.log.filter((line) => line.startsWith("send fd"))).toEqual([]);
  expect(sys.openDescriptors).toEqual([]);
});

test("proxy() relays for whoever it cannot tell of the guest: that need not be an ssh", () => {
  const { sys, run } = start(UNTOLD);
  run("qemu/web", "relay");
  expect(sys.written(1)).toBe("SSH-2.0-x\r\n");
  expect(sys.files[RECORD]).toBeUndefined();
});

test("proxy() leaves no word of a guest that it does not reach", () => {
  const { sys, run } = start({ vsock: { "7:22": ECONNRESET } });
  expect(failureOf(run).kind).toBe("guest-refused");
  expect(sys.files[RECORD]).toBeUndefined();
});

test("proxy() prints nothing where it hands over the socket", () => {
  const { sys, run } = start({ vsock: CONNECTED });
  run();
  expect([sys.written(1), sys.written(2)]).toEqual(["", ""]);
});

test("proxy() asks no daemon about a bare CID", () => {
  const { sys, run } = start({ vsock: CONNECTED });
  run("vsock/7");
  expect(sys.log).toEqual(["connect vsock 7:22", "peek 7", "send fd 7 over 1", "close 7"]);
});

test("proxy() relays where that is asked for, and needs no socket for stdout", () => {
  const { sys, run } = start({
    vsock: CONNECTED,
    stdoutIsSocket: false,
    streams: { 0: { incoming: ["hello"] }, 8: { incoming: ["SSH-2.0-x\r\n"] } },
  });
  run("qemu/web", "relay");
  expect([sys.written(1), sys.written(8)]).toEqual(["SSH-2.0-x\r\n", "hello"]);
  expect(sys.log.filter((line) => line.startsWith("send fd"))).toEqual([]);
  expect(sys.openDescriptors).toEqual([]);
});

test("proxy() relays where a descriptor is asked for, and stdout cannot carry one", () => {
  const { sys, run } = start({ vsock: CONNECTED, stdoutIsSocket: false });
  run();
  expect(sys.written(1)).toBe("SSH-2.0-x\r\n");
  expect(sys.log.filter((line) => line.startsWith("send fd"))).toEqual([]);
});

const guest = {
  domain: { name: "web", uri: "qemu:///system", virshName: "web", target: "qemu:system/web" },
  cid: 7,
  port: 22,
};

test.each([
  [EAFNOSUPPORT, { kind: "vsock-unsupported" }],
  [EPERM, { kind: "vsock-forbidden", errno: "EPERM" }],
  [EACCES, { kind: "vsock-forbidden", errno: "EACCES" }],
  [ENODEV, { kind: "no-guest-at-cid", guest }],
  [ECONNRESET, { kind: "guest-refused", guest }],
  [ETIMEDOUT, { kind: "guest-silent", guest, seconds: 2 }],
  [113, { kind: "guest-unreachable", guest, errno: "EHOSTUNREACH" }],
  [200, { kind: "guest-unreachable", guest, errno: "errno 200" }],
])("proxy() explains errno %i from connect()", (errno, failure) => {
  const { sys, run } = start({ vsock: { "7:22": errno } });
  expect(failureOf(run)).toEqual(failure);
  expect(sys.log.filter((line) => line.startsWith("send fd"))).toEqual([]);
  expect(sys.openDescriptors).toEqual([]);
});

test("proxy() says of a bare CID what it knows", () => {
  const { run } = start({ vsock: { "9:22": ECONNRESET } });
  expect(failureOf(() => run("vsock/9"))).toEqual({ kind: "guest-refused", guest: { cid: 9, port: 22 } });
});

test.each([
  [30_000, 2],
  [1_500, 1.5],
  [1_000, 1],
  [-5_000, 0],
])("proxy() with %i ms left says that it waited %d s for the guest", (leftMs, seconds) => {
  const { sys } = start({ vsock: { "9:22": ETIMEDOUT } });
  const request = { target: parseTarget("vsock/9"), port: 22, deadlineMs: sys.nowMs() + leftMs };
  expect(failureOf(() => reachGuest(request, "descriptor", sys))).toMatchObject({ kind: "guest-silent", seconds });
});

test.each<[string, FakeDomain, string]>([
  ["is shut off", { name: "web", state: "shut off", cid: 7 }, "domain-stopped"],
  ["has no vsock device", { name: "web" }, "no-vsock-device"],
  ["has another name", { name: "db", cid: 7 }, "domain-not-found"],
])("proxy() connects to no guest whose domain %s", (_, domain, kind) => {
  const { sys, run } = start({ vsock: CONNECTED }, domain);
  expect(failureOf(run).kind).toBe(kind);
  expect(sys.log.filter((line) => line.startsWith("connect vsock"))).toEqual([]);
  expect(sys.openDescriptors).toEqual([]);
});

test("proxy() ends when ssh is gone", () => {
  const { sys, run } = start({ vsock: CONNECTED, clientWaits: 2 });
  expect(run).toThrow(ClientGoneError);
  expect(sys.openDescriptors).toEqual([]);
});

/** What the daemon says of the domain from the second question on. */
const swapped = (domains: readonly FakeDomain[]) => {
  let xmls = 0;
  return new FakeLibvirtd({
    domains: [{ name: "web", id: 3, cid: 7 }],
    before: (procedure, daemon) => {
      if (procedure !== PROC.getXmlDesc) return;
      xmls += 1;
      if (xmls === 2) daemon.domains = domains;
    },
  });
};

test.each<[string, readonly FakeDomain[], string]>([
  ["is gone", [{ name: "other", uuid: "2".repeat(32), id: 4, cid: 7 }], "gone"],
  ["was removed, and another one of that name made", [{ name: "web", uuid: "2".repeat(32), id: 3, cid: 7 }], "gone"],
  ["is shut off", [{ name: "web", uuid: UUID, state: "shut off", cid: 7 }], "stopped"],
  ["was started again", [{ name: "web", uuid: UUID, id: 4, cid: 7 }], "restarted"],
  ["has another vsock device", [{ name: "web", uuid: UUID, id: 3, cid: 8 }], "another cid"],
  ["has no vsock device any more", [{ name: "web", uuid: UUID, id: 3 }], "no vsock device"],
])("proxy() hands no connection over where the domain, by now, %s", (_, domains, change) => {
  const { sys, run } = start({ vsock: CONNECTED, system: swapped(domains) });
  expect(failureOf(run)).toEqual({ kind: "guest-changed", guest, change });
  expect(sys.log.filter((line) => /^(send fd|create)/.test(line))).toEqual([]);
  expect(sys.openDescriptors).toEqual([]);
});

test.each(["descriptor", "relay"] as const)("proxy() takes a domain that was renamed for the same (%s)", (how) => {
  const { sys, run } = start({ vsock: CONNECTED, system: swapped([{ name: "www", uuid: UUID, id: 3, cid: 7 }]) });
  run("qemu/web", how);
  expect(sys.openDescriptors).toEqual([]);
});

test.each<[string, FakeStream]>([
  ["ends", {}],
  ["is reset", { afterwards: "reset" }],
])("proxy() explains a connection that %s before a word", (_, stream) => {
  const { sys, run } = start({ vsock: CONNECTED, streams: { 8: stream } });
  expect(failureOf(run)).toEqual({ kind: "guest-closed", guest });
  expect(sys.openDescriptors).toEqual([]);
});

test("proxy() hands over a guest that is silent for 10 s, and lets ssh wait", () => {
  const { sys, run } = start({ vsock: CONNECTED, streams: { 8: { afterwards: "silence" } } });
  const startedMs = sys.nowMs();
  run();
  expect(sys.nowMs() - startedMs).toBe(10_000);
  expect(sys.log).toContain("send fd 8 over 1");
});

test("reachGuest() waits for no word where another port is relayed", () => {
  const { sys } = start({ vsock: { "7:80": "connected" } });
  const request = { target: parseTarget("qemu/web"), port: 80, deadlineMs: sys.nowMs() + 30_000 };
  using _guest = reachGuest(request, "relay", sys).guest;
  expect(sys.log.filter((line) => line.startsWith("peek"))).toEqual([]);
});

test("proxy() leaves the daemon before it relays", () => {
  const { sys, run } = start({ vsock: CONNECTED });
  run("qemu/web", "relay");
  expect(sys.log.indexOf("close 7")).toBeLessThan(sys.log.indexOf("start child"));
});
