// What `virtssh enable` makes of what a domain has, beside what ../../daemon/enable.test.ts shows of it.

import { expect, test } from "vitest";
import type { Failure } from "../../../helper/failure.ts";
import type { DomainPart, RefusedRequest } from "../../../helper/failure-facts.ts";
import { EACCES } from "../../../helper/sys/errno.ts";
import type { FakeDomain } from "../../fakes/fake-domain.ts";
import type { FakeFile } from "../../fakes/fake-files.ts";
import { FakeLibvirtd, type FakeLibvirtdOptions, PROC } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";
import { runWords } from "./run.ts";

/** libvirt's read-write socket, by which a domain is changed. */
const WRITABLE = "/run/libvirt/libvirt-sock";

const WEB = { name: "web", uri: "qemu:///system", virshName: "web", target: "qemu:system/web" } as const;
const XML = "<vsock model='virtio'><cid auto='yes'/></vsock>";
const LIVE = 'domain "web" has a vsock device';
const CONFIG = 'the configuration of domain "web" has a vsock device';
const PASSING = "its configuration has none: the device is gone once the domain is shut off";
const LOOK =
  "if its sshd does not answer, run in the guest: systemctl daemon-reload && systemctl start sshd-vsock.socket";
const NONE_YET = "the running domain has none until it is shut down and started again";
const START = "start it with: virtssh wait --start qemu:system/web";
const SAVED = "the next start restores what managedsave has saved; the start after that has the device";

type Web = Omit<FakeDomain, "name">;

function start(domain: Web, options: FakeLibvirtdOptions = {}) {
  const daemon = new FakeLibvirtd({ domains: [{ name: "web", ...domain }], ...options });
  const sys = new FakeSystem({ system: daemon, sockets: { [WRITABLE]: daemon } });
  const run = (words: readonly string[]) => runWords(["enable", ...words, "qemu/web"], sys);
  return { daemon, sys, run };
}

const listChanges = (daemon: FakeLibvirtd) => daemon.calls.filter((call) => call.startsWith("attachDevice"));

const NEITHER: Web = { isConfigured: false };
const LIVE_ALONE: Web = { cid: 7, isConfigured: false };
const CONFIG_ALONE: Web = { isConfigured: true };
const OFF: Web = { state: "shut off", isConfigured: false };
const OFF_WITH: Web = { state: "shut off", isConfigured: true };
const TRANSIENT: Web = { isTransient: true };

test.each<[string, Web, { words?: readonly string[]; flags: number; says: readonly string[] }]>([
  ["one that runs", NEITHER, { flags: 3, says: [`${LIVE} now (cid 9)`, `${CONFIG} now`, LOOK] }],
  ["one that is shut off", OFF, { flags: 2, says: [`${CONFIG} now`, START] }],
  ["one that was saved", { ...OFF, isSaved: true }, { flags: 2, says: [`${CONFIG} now`, SAVED] }],
  ["a transient one", TRANSIENT, { flags: 1, says: [`${LIVE} now (cid 9)`, LOOK] }],
  [
    "one that is paused",
    { ...NEITHER, state: "paused" },
    { flags: 3, says: [`${LIVE} now (cid 9)`, `${CONFIG} now`, LOOK] },
  ],
  ["one whose configuration lacks it", LIVE_ALONE, { flags: 2, says: [`${LIVE} already (cid 7)`, `${CONFIG} now`] }],
  [
    "one whose configuration has it",
    CONFIG_ALONE,
    { flags: 1, says: [`${LIVE} now (cid 9)`, `${CONFIG} already`, LOOK] },
  ],
  ["--live", NEITHER, { words: ["--live"], flags: 1, says: [`${LIVE} now (cid 9)`, PASSING, LOOK] }],
  ["--config", NEITHER, { words: ["--config"], flags: 2, says: [`${CONFIG} now`, NONE_YET] }],
  ["--config of one that is shut off", OFF, { words: ["--config"], flags: 2, says: [`${CONFIG} now`, START] }],
  [
    "--live --config",
    NEITHER,
    { words: ["--live", "--config"], flags: 3, says: [`${LIVE} now (cid 9)`, `${CONFIG} now`, LOOK] },
  ],
  [
    "--live --config, where one has it",
    LIVE_ALONE,
    { words: ["--live", "--config"], flags: 2, says: [`${LIVE} already (cid 7)`, `${CONFIG} now`] },
  ],
])("virtssh enable adds a device to %s", (_, domain, { words = [], flags, says }) => {
  const { daemon, sys, run } = start(domain);
  expect(run(words)).toBe(0);
  expect(sys.written(1)).toBe(says.map((line) => `${line}\n`).join(""));
  expect(listChanges(daemon)).toEqual([`attachDevice "web" ${XML} ${flags}`]);
});

const hasOne = (has: DomainPart, lacks?: DomainPart): Failure => {
  return { kind: "has-vsock-device", domain: WEB, has, ...(lacks === undefined ? {} : { lacks }) };
};
const noPart = (part: DomainPart): Failure => ({ kind: "no-such-part", domain: WEB, part });

test.each<[string, Web, { words: readonly string[]; failure: Failure }]>([
  ["a second one", { cid: 7 }, { words: [], failure: hasOne("live") }],
  ["a second one, --live", { cid: 7 }, { words: ["--live"], failure: hasOne("live") }],
  ["a second one, --config", { cid: 7 }, { words: ["--config"], failure: hasOne("live") }],
  ["a second one, to a transient domain", { ...TRANSIENT, cid: 7 }, { words: ["--config"], failure: hasOne("live") }],
  [
    "--live, where the configuration alone lacks it",
    LIVE_ALONE,
    { words: ["--live"], failure: hasOne("live", "config") },
  ],
  [
    "--config, where what runs alone lacks it",
    CONFIG_ALONE,
    { words: ["--config"], failure: hasOne("config", "live") },
  ],
  ["--live of one that is shut off, and has it", OFF_WITH, { words: ["--live"], failure: hasOne("config") }],
  ["one that is shut off, and has a CID", { state: "shut off", cid: 7 }, { words: [], failure: hasOne("config") }],
  ["--live of one that is shut off", OFF, { words: ["--live"], failure: noPart("live") }],
  ["--live --config of one that is shut off", OFF, { words: ["--live", "--config"], failure: noPart("live") }],
  ["--config of a transient one", TRANSIENT, { words: ["--config"], failure: noPart("config") }],
])("virtssh enable refuses %s, dry or not", (_, domain, { words, failure }) => {
  for (const dry of [[], ["--dry-run"]]) {
    const { daemon, sys, run } = start(domain);
    expect(failureOf(() => run([...dry, ...words]))).toEqual(failure);
    expect([sys.written(1), listChanges(daemon)]).toEqual(["", []]);
  }
});

test.each<[string, Web, readonly string[]]>([
  ["both", NEITHER, [`would add to domain "web": ${XML}`, `would add to the configuration of domain "web": ${XML}`]],
  ["one of them", LIVE_ALONE, [`${LIVE} already (cid 7)`, `would add to the configuration of domain "web": ${XML}`]],
  ["a domain that is shut off", OFF, [`would add to the configuration of domain "web": ${XML}`]],
])("virtssh enable --dry-run says what it would add to %s, and only reads", (_, domain, says) => {
  const { daemon, sys, run } = start(domain);
  expect(run(["--dry-run"])).toBe(0);
  expect(sys.written(1)).toBe(says.map((line) => `${line}\n`).join(""));
  expect(listChanges(daemon)).toEqual([]);
  expect(daemon.calls.filter((call) => call.startsWith("open"))).toEqual(['open "qemu:///system" read-only']);
});

/** virErrorNumber */
const [INTERNAL_ERROR, CONFIG_UNSUPPORTED, UNSUPPORTED, DENIED] = [1, 67, 84, 88];
const refused = (code: number) => ({ errors: { [PROC.attachDevice]: { code, message: "no" } } });
const hotplug = (isConfigured: boolean | undefined): Failure => ({
  kind: "hotplug-refused",
  domain: WEB,
  words: "no",
  isConfigured,
});
const plain = (code: number, refused: RefusedRequest = "add a device"): Failure => ({
  kind: "daemon-refused",
  refused,
  name: "web",
  code,
  words: "no",
  uri: "qemu:///system",
});

test.each<[string, Web, { code: number; words?: readonly string[]; failure: Failure }]>([
  ["no slot", NEITHER, { code: INTERNAL_ERROR, failure: hotplug(false) }],
  ["no slot, and a configuration that has it", CONFIG_ALONE, { code: INTERNAL_ERROR, failure: hotplug(true) }],
  ["no slot, and no configuration", TRANSIENT, { code: INTERNAL_ERROR, failure: hotplug(undefined) }],
  ["a machine without hotplug", NEITHER, { code: UNSUPPORTED, failure: hotplug(false) }],
  [
    "a configuration of which libvirt makes nothing",
    OFF,
    { code: INTERNAL_ERROR, failure: plain(INTERNAL_ERROR, "configure a device") },
  ],
  [
    "an emulator without the device",
    OFF,
    { code: CONFIG_UNSUPPORTED, failure: plain(CONFIG_UNSUPPORTED, "configure a device") },
  ],
  ["no rights", NEITHER, { code: DENIED, failure: plain(DENIED) }],
  [
    "no vhost_vsock",
    NEITHER,
    {
      code: CONFIG_UNSUPPORTED,
      failure: { kind: "no-vhost-vsock", paths: ["/dev/vhost-vsock", "/sys/module/vhost_vsock"] },
    },
  ],
])("virtssh enable tells of %s", (_, domain, { code, failure }) => {
  expect(failureOf(() => start(domain, refused(code)).run([]))).toEqual(failure);
});

test("virtssh enable tells of an emulator without the device, on a host with vhost_vsock", () => {
  const { sys, run } = start(NEITHER, refused(CONFIG_UNSUPPORTED));
  sys.files["/dev/vhost-vsock"] = {};
  expect(failureOf(() => run([]))).toEqual(plain(CONFIG_UNSUPPORTED));
});

test.each<[string, string | undefined, FakeFile]>([
  ["the group that may open it", "kvm", { mode: 0o020660, gid: 104 }],
  ["nobody, where that is root alone", undefined, { mode: 0o020600 }],
])("virtssh enable tells of a device that a session's daemon may not open, and of %s", (_, group, device) => {
  const daemon = new FakeLibvirtd({ domains: [{ name: "web", ...NEITHER }], ...refused(CONFIG_UNSUPPORTED) });
  const sys = new FakeSystem({
    session: daemon,
    files: { "/dev/vhost-vsock": device, "/etc/group": { text: "kvm:x:104:\n" } },
    fileErrnos: { "open /dev/vhost-vsock": EACCES },
  });
  const failure = failureOf(() => runWords(["enable", "qemu:session/web"], sys));
  const path = "/dev/vhost-vsock";
  expect(failure).toEqual({ kind: "vhost-permission", path, ...(group === undefined ? {} : { group }) });
});

/** What somebody else does before the first attempt. */
const meanwhile = (change: Partial<FakeDomain>): FakeLibvirtdOptions => {
  let isDone = false;
  return {
    before: (procedure, daemon) => {
      if (procedure !== PROC.attachDevice || isDone) return;
      isDone = true;
      daemon.change("web", change, "defined");
    },
  };
};

test.each<[string, Partial<FakeDomain>, readonly string[]]>([
  ["is given one while it runs", { cid: 8 }, [`${LIVE} already (cid 8)`, `${CONFIG} now`]],
  ["is given one in its configuration", { isConfigured: true }, [`${LIVE} now (cid 9)`, `${CONFIG} already`, LOOK]],
  ["is shut off", { state: "shut off" }, [`${CONFIG} now`, START]],
])("virtssh enable does what is left to do for a domain that meanwhile %s", (_, change, says) => {
  const { sys, run } = start(NEITHER, meanwhile(change));
  expect(run([])).toBe(0);
  expect(sys.written(1)).toBe(says.map((line) => `${line}\n`).join(""));
});

test("virtssh enable tells of a domain that meanwhile got all of it", () => {
  const { daemon, run } = start(NEITHER, meanwhile({ cid: 8, isConfigured: true }));
  expect(failureOf(() => run([]))).toEqual(hasOne("live"));
  expect(listChanges(daemon)).toHaveLength(1);
});

test("virtssh enable does not say that a request without an answer is not done", () => {
  const { run } = start(NEITHER, { misbehaves: { [PROC.attachDevice]: "is silent" } });
  const failure = failureOf(() => run(["--timeout", "7"]));
  expect(failure).toEqual({ kind: "attach-unanswered", domain: WEB, seconds: 7 });
});

test("virtssh enable needs a domain", () => {
  const sys = new FakeSystem();
  expect(failureOf(() => runWords(["enable", "vsock/7"], sys))).toMatchObject({ kind: "bad-usage", command: "enable" });
  expect(sys.log).toEqual([]);
});

test("virtssh enable tells of a daemon whose read-write socket is missing", () => {
  const sys = new FakeSystem({ system: new FakeLibvirtd({ domains: [{ name: "web" }] }) });
  expect(failureOf(() => runWords(["enable", "qemu/web"], sys)).kind).toBe("no-daemon");
});

test("virtssh enable tells of a daemon that does not say what the configuration is", () => {
  const { daemon, run } = start(NEITHER, { misbehaves: { [PROC.isPersistent]: "sends garbage" } });
  expect(failureOf(() => run([])).kind).toBe("daemon-nonsense");
  expect(listChanges(daemon)).toEqual([]);
});
