// What an agent's keys are asked for with, and what each refusal means.

import { expect, test } from "vitest";
import type { Failure } from "../../../helper/failure.ts";
import { FakeAuthorizedKeys } from "../../fakes/fake-authorized-keys.ts";
import { FakeLibvirtd, type FakeLibvirtdOptions, PROC } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";
import { KEYS } from "../../fixtures/host-keys.ts";
import { runWords } from "../cli/run.ts";
import { failureOf } from "../failure-of.ts";

/** libvirt's read-write socket. */
const WRITABLE = "/run/libvirt/libvirt-sock";

const WEB = { name: "web", uri: "qemu:///system", virshName: "web", target: "qemu:system/web" } as const;
const LINE = KEYS.slice(0, 1).map(({ key }) => `${key.type} ${key.text} mine`)[0] ?? "";

const channel = (state: string) =>
  `<domain type='kvm' id='1'><devices><channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'${state}/></channel></devices></domain>`;

function start(options: FakeLibvirtdOptions, xml = channel(" state='connected'")) {
  const daemon = new FakeLibvirtd({
    domains: [{ name: "web", xml }],
    authorizedKeys: new FakeAuthorizedKeys({ root: "" }),
    ...options,
  });
  const sys = new FakeSystem({ system: daemon, sockets: { [WRITABLE]: daemon }, files: { "/keys": { text: LINE } } });
  const run = (words: readonly string[] = ["add", "qemu/web", "/keys"]) =>
    runWords(["keys", ...words, "--user", "root", "--timeout", "7"], sys);
  return { daemon, sys, run };
}

const LIST = ["list", "qemu/web"];

test("keys are asked for over a connection that may change something, and looked up over one that may not", () => {
  const { daemon, run } = start({});
  expect(run()).toBe(0);
  expect(daemon.calls.filter((call) => /^(open|getKeys|setKeys|lookup)/.test(call))).toEqual([
    'open "qemu:///system" read-only',
    'lookupByName "web"',
    'open "qemu:///system"',
    'getKeys "web" "root" 0',
    `setKeys "web" "root" ${JSON.stringify(LINE)} 1`,
    'getKeys "web" "root" 0',
  ]);
});

const refused = (procedure: number, code: number): FakeLibvirtdOptions => ({
  errors: { [procedure]: { code, message: "no" } },
});
const plain = (code: number): Failure => ({
  kind: "daemon-refused",
  refused: "ask its agent",
  name: "web",
  code,
  words: "no",
  uri: "qemu:///system",
});

/** virErrorNumber */
const [INTERNAL, NO_SUPPORT, FAILED, DENIED, RPC, NO_DOMAIN, INVALID, TIMEOUT] = [1, 3, 9, 29, 39, 42, 55, 68];
const [SYSTEM, UNRESPONSIVE, ACCESS, COMMAND_TIMEOUT, COMMAND_FAILED] = [38, 86, 88, 112, 113];

test.each<[string, number, Failure]>([
  ["a daemon without the call", RPC, { kind: "no-key-calls", domain: WEB, words: "no" }],
  ["a driver without the call", NO_SUPPORT, { kind: "no-key-calls", domain: WEB, words: "no" }],
  ["a domain that is gone", NO_DOMAIN, { kind: "domain-not-found", name: "web", uris: ["qemu:///system"] }],
  ["a domain that is not running, and runs again", INVALID, plain(INVALID)],
  ["a read-only connection", DENIED, plain(DENIED)],
  ["no rights", ACCESS, plain(ACCESS)],
  ["another call that does not end", TIMEOUT, { kind: "agent-silent", domain: WEB, within: "no" }],
  ["an agent that refuses", COMMAND_FAILED, { kind: "agent-refused", domain: WEB, words: "no" }],
  ["an agent that refuses, by a libvirt before 11.2", INTERNAL, { kind: "agent-refused", domain: WEB, words: "no" }],
  ["whatever is nothing of these", FAILED, plain(FAILED)],
])("virtssh keys tells of %s, whether it asks or changes", (_, code, failure) => {
  const errors = { [PROC.getKeys]: { code, message: "no" }, [PROC.setKeys]: { code, message: "no" } };
  expect(failureOf(() => start({ errors }).run(LIST))).toEqual(failure);
  expect(failureOf(() => start(refused(PROC.setKeys, code)).run())).toEqual(failure);
});

test.each([
  ["disconnected", channel(" state='disconnected'"), "agent-not-connected"],
  ["of a state that is not told", channel(""), "agent-not-connected"],
  ["connected", channel(" state='connected'"), "agent-silent"],
  ["not to be found", "<domain id='1'/>", "agent-silent"],
])("an agent that does not answer is told apart by its channel: %s", (_, xml, kind) => {
  expect(failureOf(() => start(refused(PROC.getKeys, UNRESPONSIVE), xml).run(LIST)).kind).toBe(kind);
});

test("a domain without a channel to an agent is told of", () => {
  const daemon = new FakeLibvirtd({ domains: [{ name: "web" }] });
  const sys = new FakeSystem({ system: daemon, sockets: { [WRITABLE]: daemon } });
  const words = ["keys", "list", "qemu/web", "--user", "root"];
  expect(failureOf(() => runWords(words, sys))).toEqual({ kind: "no-agent-channel", domain: WEB });
});

test("a domain that is shut off meanwhile is told of", () => {
  const before: FakeLibvirtdOptions["before"] = (procedure, daemon) => {
    if (procedure === PROC.getKeys) daemon.change("web", { state: "shut off" }, "stopped");
  };
  const { run } = start({ ...refused(PROC.getKeys, INVALID), before });
  expect(failureOf(() => run(LIST))).toEqual({ kind: "domain-stopped", domain: WEB, state: "shut off" });
});

const unknown = (outcome: object) => ({ kind: "keys-unknown", domain: WEB, user: "root", outcome });

test.each<[string, FakeLibvirtdOptions, object]>([
  ["is without an answer", { misbehaves: { [PROC.setKeys]: "is silent" } }, { is: "agent-silent", seconds: 7 }],
  ["the daemon has not survived", { misbehaves: { [PROC.setKeys]: "closes" } }, { is: "daemon-gone" }],
  ["the agent has not survived", refused(PROC.setKeys, COMMAND_TIMEOUT), { is: "not-told", words: "no" }],
  ["an older libvirt has no answer to", refused(PROC.setKeys, UNRESPONSIVE), { is: "not-told", words: "no" }],
  ["has broken the agent's channel", refused(PROC.setKeys, SYSTEM), { is: "not-told", words: "no" }],
])("virtssh keys does not say that a change is not made that %s", (_, options, outcome) => {
  expect(failureOf(() => start(options).run())).toEqual(unknown(outcome));
});

test.each<[string, Pick<FakeLibvirtdOptions, "errors" | "misbehaves">, object]>([
  ["is without an answer", { misbehaves: { [PROC.getKeys]: "is silent" } }, { is: "agent-silent", seconds: 7 }],
  ["the daemon does not survive", { misbehaves: { [PROC.getKeys]: "closes" } }, { is: "daemon-gone" }],
  ["the agent refuses", refused(PROC.getKeys, COMMAND_FAILED), { is: "not-told", words: "no" }],
])("virtssh keys does not say that nothing is changed where only the look afterwards %s", (_, fault, outcome) => {
  const errors = {};
  const misbehaves = {};
  const before: FakeLibvirtdOptions["before"] = (procedure) => {
    if (procedure === PROC.setKeys) {
      Object.assign(errors, fault.errors);
      Object.assign(misbehaves, fault.misbehaves);
    }
  };
  expect(failureOf(() => start({ errors, misbehaves, before }).run())).toEqual(unknown(outcome));
});

test.each<[string, FakeLibvirtdOptions, object]>([
  [
    "without an answer",
    { misbehaves: { [PROC.getKeys]: "is silent" } },
    { kind: "agent-silent", domain: WEB, within: 7 },
  ],
  ["that the daemon does not survive", { misbehaves: { [PROC.getKeys]: "closes" } }, { kind: "daemon-closed" }],
  ["that the agent does not survive", refused(PROC.getKeys, COMMAND_TIMEOUT), { kind: "agent-silent", within: "no" }],
  ["with too long an answer", refused(PROC.getKeys, SYSTEM), { kind: "agent-silent", within: "no" }],
  [
    "with more keys than are read",
    { authorizedKeys: new FakeAuthorizedKeys({ root: "x".repeat(2_097_153), alice: "x".repeat(2_097_153) }) },
    { kind: "keys-too-long", domain: WEB, maxBytes: 2_097_152 },
  ],
  ["with nonsense for an answer", { misbehaves: { [PROC.getKeys]: "adds a word" } }, { kind: "daemon-nonsense" }],
])("virtssh keys changes nothing after a question %s", (_, options, failure) => {
  const { daemon, run } = start(options);
  expect(failureOf(() => run())).toMatchObject(failure);
  expect(daemon.calls.filter((call) => call.startsWith("setKeys"))).toEqual([]);
});

test("a read-write socket that is not there is told of", () => {
  const sys = new FakeSystem({ system: new FakeLibvirtd({ domains: [{ name: "web" }] }) });
  expect(failureOf(() => runWords(["keys", "list", "qemu/web", "--user", "root"], sys)).kind).toBe("no-daemon");
});
