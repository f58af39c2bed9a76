import { expect, test } from "vitest";
import type { PassingFailure } from "../../helper/failure.ts";
import { ECONNRESET, ENODEV, ETIMEDOUT } from "../../helper/sys/errno.ts";
import { ClientGoneError } from "../../helper/sys/system.ts";
import { parseTarget } from "../../helper/target.ts";
import { waitForGuest } from "../../helper/wait.ts";
import type { FakeDomain } from "../fakes/fake-domain.ts";
import { FakeLibvirtd, type FakeLibvirtdOptions, PROC } from "../fakes/fake-libvirtd.ts";
import { type FakeEvent, FakeSystem, type FakeSystemOptions, SYSTEM_SOCKET } from "../fakes/fake-system.ts";
import { failureOf } from "./failure-of.ts";

const WEB: FakeDomain = { name: "web", cid: 7 };
const OFF: FakeDomain = { ...WEB, state: "shut off" };
const GREETING = { incoming: ["SSH-2.0-OpenSSH_10.0\r\n"] };
const LIMIT_MS = 60_000;

interface Case extends FakeSystemOptions {
  readonly domain?: FakeDomain;
  readonly daemon?: FakeLibvirtdOptions;
  readonly ask?: string;
  readonly mayStart?: boolean;
}

/** Waits for a guest, and says what it lacked, in which order. */
function wait({ domain = WEB, daemon, ask = "qemu:system/web", mayStart = false, ...options }: Case) {
  const system = new FakeLibvirtd({ domains: [domain], ...daemon });
  const sys = new FakeSystem({ system, streams: { 7: GREETING, 8: GREETING }, ...options });
  const lacks: string[] = [];
  const onLack = (lack: PassingFailure) => {
    if (lacks.at(-1) !== lack.kind) lacks.push(lack.kind);
  };
  const request = { target: parseTarget(ask), port: 22, deadlineMs: sys.nowMs() + LIMIT_MS };
  const startedMs = sys.nowMs();
  const run = () => {
    const ready = waitForGuest({ request, start: mayStart, onLack }, sys);
    ready.guest[Symbol.dispose]();
    return ready;
  };
  return { sys, system, lacks, run, tookMs: () => sys.nowMs() - startedMs };
}

/** The guest's VSOCK address, from a moment on. */
const from = (ms: number, before: number) => (sys: FakeSystem) =>
  sys.nowMs() >= 1_000_000 + ms ? "connected" : before;

const change = (
  afterMs: number,
  domain: Partial<FakeDomain>,
  event: Parameters<FakeLibvirtd["change"]>[2],
): FakeEvent => ({
  afterMs,
  act: (sys) => {
    const daemon = sys.sockets[SYSTEM_SOCKET];
    if (typeof daemon === "object") daemon.change("web", domain, event);
  },
});

test("waitForGuest() of a guest that is ready waits for nothing", () => {
  const { run, sys, lacks, tookMs } = wait({ vsock: { "7:22": "connected" } });
  expect(run()).toMatchObject({ banner: "SSH-2.0-OpenSSH_10.0", endpoint: { address: { cid: 7, port: 22 } } });
  expect(lacks).toEqual([]);
  expect(tookMs()).toBe(0);
  expect(sys.openDescriptors).toEqual([]);
});

test("waitForGuest() goes through all that a guest lacks while it boots", () => {
  const boot = (sys: FakeSystem) => {
    const ms = sys.nowMs() - 1_000_000;
    return ms < 12_000 ? ETIMEDOUT : ms < 20_000 ? ECONNRESET : "connected";
  };
  const { run, lacks, tookMs, sys } = wait({
    domain: OFF,
    vsock: { "7:22": boot },
    events: [change(5_000, { state: "running" }, "started"), { afterMs: 12_000, act: () => {} }],
  });
  run();
  expect(lacks).toEqual(["domain-stopped", "guest-silent", "guest-refused"]);
  expect(tookMs()).toBeGreaterThanOrEqual(20_000);
  expect(tookMs()).toBeLessThan(20_600); // half a second is the longest rest
  expect(sys.openDescriptors).toEqual([]);
});

test("waitForGuest() is told by libvirt that the domain has started, and does not ask for it", () => {
  const { run, system, tookMs } = wait({
    domain: OFF,
    vsock: { "7:22": "connected" },
    events: [change(25_000, { state: "running" }, "started")],
  });
  run();
  expect(tookMs()).toBe(25_000);
  expect(system.calls.filter((call) => call.startsWith("registerEvent"))).toEqual(['registerEvent 0 "web"']);
  expect(system.calls.filter((call) => call.startsWith("getState"))).toHaveLength(3); // found, watched, started
});

test.each([
  ["paused", "suspended"],
  ["shut off", "stopped"],
] as const)("waitForGuest() stops connecting to a guest whose domain is %s meanwhile", (state, event) => {
  const { run, lacks, tookMs } = wait({
    vsock: { "7:22": from(3_000, ETIMEDOUT) },
    events: [change(100, { state }, event), change(3_000, { state: "running" }, "resumed")],
  });
  run();
  expect(lacks).toEqual(["domain-stopped"]); // and not guest-silent
  expect(tookMs()).toBe(3_000);
});

test("waitForGuest() goes to the CID that the domain has after a restart", () => {
  const { run, sys } = wait({
    vsock: { "7:22": ETIMEDOUT, "8:22": "connected" },
    events: [
      change(100, { state: "shut off" }, "stopped"),
      change(900, { state: "running", id: 9, cid: 8 }, "started"),
    ],
  });
  expect(run().endpoint).toMatchObject({ address: { cid: 8 }, domain: { id: 9 } });
  expect(sys.log.filter((line) => line.startsWith("connect vsock"))).toEqual([
    "connect vsock 7:22",
    "connect vsock 8:22",
  ]);
});

test("waitForGuest() tries again where the guest closes before a word, less and less often", () => {
  let attempts = 0;
  const { run, lacks, tookMs, sys } = wait({
    streams: { 8: { incoming: [] } },
    vsock: {
      "7:22": () => {
        attempts += 1;
        return attempts > 40 ? ECONNRESET : "connected";
      },
    },
  });
  expect(failureOf(run)).toMatchObject({ kind: "not-ready", seconds: 60, because: { kind: "guest-refused" } });
  expect(lacks).toEqual(["guest-closed", "guest-refused"]);
  expect(tookMs()).toBe(LIMIT_MS);
  expect(attempts).toBeLessThan(110); // a second apart, then half of one
  expect(sys.openDescriptors).toEqual([]);
});

test.each<[string, Case, object]>([
  ["shut off", { domain: OFF }, { kind: "domain-stopped", state: "shut off" }],
  ["booting", { vsock: { "7:22": ETIMEDOUT } }, { kind: "guest-silent" }],
  ["not listening", { vsock: { "7:22": ECONNRESET } }, { kind: "guest-refused" }],
  ["not at its CID", { vsock: { "7:22": ENODEV } }, { kind: "no-guest-at-cid" }],
  ["mute", { vsock: { "7:22": "connected" }, streams: { 8: { afterwards: "silence" } } }, { kind: "guest-mute" }],
  [
    "booting, and a bare CID",
    { ask: "vsock/7", vsock: { "7:22": ETIMEDOUT } },
    { kind: "guest-silent", guest: { cid: 7, port: 22 } },
  ],
])("waitForGuest() of a guest that is %s to the end says so, in time", (_, options, because) => {
  const { run, tookMs, sys } = wait(options);
  expect(failureOf(run)).toMatchObject({ kind: "not-ready", seconds: 60, because });
  expect(tookMs()).toBe(LIMIT_MS);
  expect(sys.openDescriptors).toEqual([]);
});

test.each<[string, Case, string]>([
  ["there is no such domain", { ask: "qemu:system/db" }, "domain-not-found"],
  ["it has no vsock device", { domain: { name: "web" } }, "no-vsock-device"],
  ["there is no daemon", { sockets: { [SYSTEM_SOCKET]: 2 } }, "no-daemon"],
  ["the kernel has no VSOCK", { vsock: { "7:22": 97 } }, "vsock-unsupported"],
  [
    "libvirt tells no events",
    { daemon: { errors: { [PROC.registerEvent]: { code: 88, message: "no" } } } },
    "daemon-refused",
  ],
])("waitForGuest() does not wait where %s", (_, options, kind) => {
  const { run, tookMs, sys } = wait(options);
  expect(failureOf(run).kind).toBe(kind);
  expect(tookMs()).toBe(0);
  expect(sys.openDescriptors).toEqual([]);
});

test("waitForGuest() says what the guest lacks, not that the daemon had no time left to answer", () => {
  const { run } = wait({ vsock: { "7:22": ECONNRESET }, answerMs: 7 });
  expect(failureOf(run)).toMatchObject({ kind: "not-ready", seconds: 60, because: { kind: "guest-refused" } });
});

test("waitForGuest() does not judge a guest by an attempt that it had no time to answer", () => {
  const boot = (sys: FakeSystem) => (sys.nowMs() < 1_000_000 + LIMIT_MS - 100 ? ECONNRESET : ETIMEDOUT);
  const { run } = wait({ vsock: { "7:22": boot } });
  expect(failureOf(run)).toMatchObject({ kind: "not-ready", seconds: 60, because: { kind: "guest-refused" } });
});

test("waitForGuest() ends where the domain is removed while it is waited for", () => {
  const remove: FakeEvent = {
    afterMs: 5_000,
    act: (sys) => {
      const daemon = sys.sockets[SYSTEM_SOCKET];
      if (typeof daemon !== "object") return;
      daemon.change("web", {}, "undefined");
      daemon.domains = [];
    },
  };
  const { run, tookMs } = wait({ domain: OFF, events: [remove] });
  expect(failureOf(run)).toMatchObject({ kind: "domain-not-found", name: "web" });
  expect(tookMs()).toBe(5_000);
});

test("waitForGuest() finds a daemon again that was restarted", () => {
  const off = new FakeLibvirtd({ domains: [WEB] });
  let isFirst = true;
  const { run, lacks, sys } = wait({
    vsock: { "7:22": from(2_000, ECONNRESET) },
    daemon: {
      misbehaves: new Proxy(
        {},
        { get: (_, procedure) => (!isFirst && procedure === String(PROC.getState) ? "closes" : undefined) },
      ),
      before: (procedure) => {
        if (procedure === PROC.registerEvent) isFirst = false;
      },
    },
    events: [
      {
        afterMs: 100,
        act: (fake) => {
          fake.sockets[SYSTEM_SOCKET] = 111;
        },
      },
      {
        afterMs: 1_000,
        act: (fake) => {
          fake.sockets[SYSTEM_SOCKET] = off;
        },
      },
    ],
  });
  run();
  expect(lacks).toEqual(["daemon-closed", "no-daemon", "guest-refused"]);
  expect(sys.openDescriptors).toEqual([]);
});

test("waitForGuest() starts a domain that is shut off, over the socket that takes orders", () => {
  const writable = "/run/libvirt/virtqemud-sock";
  const system = new FakeLibvirtd({ domains: [OFF] });
  const { run, sys } = wait({
    mayStart: true,
    vsock: { "7:22": "connected" },
    sockets: { [SYSTEM_SOCKET]: system, [writable]: system },
  });
  run();
  expect(sys.log.filter((line) => line.startsWith("connect unix"))).toEqual([
    `connect unix ${SYSTEM_SOCKET}`,
    `connect unix ${writable}`,
  ]);
  expect(system.calls).toContain('create "web"');
  expect(system.calls).toContain('open "qemu:///system"');
  expect(sys.openDescriptors).toEqual([]);
});

test("waitForGuest() starts no domain that runs", () => {
  const { run, system } = wait({ mayStart: true, vsock: { "7:22": "connected" } });
  run();
  expect(system.calls.filter((call) => call.startsWith("create"))).toEqual([]);
});

test.each<[string, FakeLibvirtdOptions, object]>([
  [
    "will not",
    { errors: { [PROC.create]: { code: 1, message: "no memory" } } },
    { refused: "start it", words: "no memory" },
  ],
  [
    "is asked by nobody it trusts",
    { auth: [2], polkit: { code: 45, message: "no agent" } },
    { refused: "start it", words: "no agent" },
  ],
])("waitForGuest() says why a domain was not started by a daemon that %s", (_, options, failure) => {
  const sockets = { "/run/libvirt/virtqemud-sock": new FakeLibvirtd({ domains: [OFF], ...options }) };
  const { run, sys } = wait({
    domain: OFF,
    mayStart: true,
    sockets: { ...sockets, [SYSTEM_SOCKET]: new FakeLibvirtd({ domains: [OFF] }) },
  });
  expect(failureOf(run)).toMatchObject({ kind: "daemon-refused", name: "web", ...failure });
  expect(sys.openDescriptors).toEqual([]);
});

test("waitForGuest() goes on where somebody else starts the domain first", () => {
  const system = new FakeLibvirtd({
    domains: [OFF],
    before: (procedure, daemon) => {
      if (procedure === PROC.create) daemon.change("web", { state: "running" }, "started");
    },
  });
  const sockets = { [SYSTEM_SOCKET]: system, "/run/libvirt/virtqemud-sock": system };
  expect(wait({ mayStart: true, vsock: { "7:22": "connected" }, sockets }).run().endpoint.address.cid).toBe(7);
});

test("waitForGuest() ends when nobody is left to wait for it", () => {
  const { run, sys } = wait({ vsock: { "7:22": ECONNRESET }, clientWaits: 40 });
  expect(run).toThrow(ClientGoneError);
  expect(sys.openDescriptors).toEqual([]);
});
