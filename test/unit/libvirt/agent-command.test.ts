// What a guest's agent is asked, and what it can say.
import { expect, test } from "vitest";
import { domainAgentCommand, readField } from "../../../helper/libvirt/agent-command.ts";
import { Connection } from "../../../helper/libvirt/connection.ts";
import { GuestPrograms } from "../../../helper/libvirt/guest-programs.ts";
import { findWritablePlace } from "../../../helper/libvirt/sockets.ts";
import { type FakeProgramsOptions, makeGuestPrograms } from "../../fakes/fake-guest-programs.ts";
import { FakeLibvirtd } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";
import { hex } from "../hex.ts";

const WEB = { name: "web", uuid: hex("00112233445566778899aabbccddeeff"), id: 7 };

test("domainAgentCommand() writes struct qemu_domain_agent_command_args", () => {
  const call = domainAgentCommand(WEB, { execute: "guest-ping" }, 3);
  expect({ program: call.program, procedure: call.procedure }).toEqual({ program: 0x2000_8087, procedure: 3 });
  expect(call.body).toEqual(
    hex(`
    00 00 00 03 77 65 62 00                          // "web"
    00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff  // uuid
    00 00 00 07                                      // id
    00 00 00 18 7b 22 65 78 65 63 75 74 65 22 3a 22  // {"execute":"
    67 75 65 73 74 2d 70 69 6e 67 22 7d              // guest-ping"}
    00 00 00 03                                      // seconds
    00 00 00 00                                      // flags
  `),
  );
});

/** struct qemu_domain_agent_command_ret */
function reply(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(1);
  head.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([head, bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

test.each<[string, Uint8Array, unknown]>([
  ["what it returns", reply('{"return":{"pid":1}}'), { pid: 1 }],
  ["nothing where there is no reply", hex("00 00 00 00"), undefined],
  ["nothing of what is no JSON", reply('{"return":'), undefined],
  ["nothing of another value", reply("[1]"), undefined],
  ["nothing of what only an object's kin have", reply('{"toString":1}'), undefined],
  ["nothing of a reply that is too long", reply(`{"return":"${"a".repeat(70_000)}"}`), undefined],
])("domainAgentCommand() takes %s", (_, bytes, value) => {
  expect(domainAgentCommand(WEB, { execute: "x" }, 1).decode(bytes)).toEqual(value);
});

test("domainAgentCommand() survives a reply that is as deep as it is long", () => {
  const deep = reply(`{"return":${"[".repeat(30_000)}${"]".repeat(30_000)}}`);
  expect(() => domainAgentCommand(WEB, { execute: "x" }, 1).decode(deep)).not.toThrow();
});

test("readField() finds nothing where there is no object", () => {
  expect([null, undefined, 1, "text", [], {}].map((value) => readField(value, "pid"))).toEqual(
    Array(6).fill(undefined),
  );
  expect(readField({ toString: 1 }, "valueOf")).toBeUndefined();
});

const LIMIT_MS = 5_000;

function open(options: FakeProgramsOptions) {
  const system = new FakeLibvirtd({ domains: [{ name: "web" }], agentCommands: makeGuestPrograms(options) });
  const sys = new FakeSystem({ sockets: { "/run/libvirt/virtqemud-sock": system } });
  const deadlineMs = sys.nowMs() + LIMIT_MS;
  const connection = Connection.open(sys, findWritablePlace("qemu:///system", sys), deadlineMs);
  return { system, sys, programs: new GuestPrograms(connection, WEB, { sys, deadlineMs }) };
}

test("GuestPrograms.run() starts a program without a shell, and waits for its end", () => {
  const { system, programs } = open({ programs: { ss: { status: 3, output: "out", complaint: "err", delays: 2 } } });
  expect(programs.run("ss", "-l", "$(id)")).toEqual({ status: 3, output: "out", complaint: "err" });
  expect(system.calls.filter((call) => call.startsWith("agentCommand"))).toEqual([
    'agentCommand "web" {"execute":"guest-exec","arguments":{"path":"ss","arg":["-l","$(id)"],"capture-output":true}} 3 0',
    ...Array(3).fill('agentCommand "web" {"execute":"guest-exec-status","arguments":{"pid":1}} 3 0'),
  ]);
});

test("GuestPrograms.run() knows nothing of a program that is not there, by a libvirt before 11.2", () => {
  expect(open({ refusal: 1 }).programs.run("nope")).toBeUndefined();
});

test("GuestPrograms.run() does not wait for an answer that was too long to be looked at", () => {
  const { sys, programs } = open({ programs: { flood: { output: "a".repeat(60_000) } } });
  const startedMs = sys.nowMs();
  expect(programs.run("flood")).toBeUndefined();
  expect(sys.nowMs()).toBe(startedMs);
});

test("GuestPrograms.run() knows nothing of a program that is not there, or that does not end in time", () => {
  const { sys, programs } = open({ programs: { slow: { delays: 1_000 } } });
  expect(programs.run("nope")).toBeUndefined();
  const startedMs = sys.nowMs();
  expect(programs.run("slow")).toBeUndefined();
  expect(sys.nowMs() - startedMs).toBe(LIMIT_MS);
});

test.each([[true], [false]])("GuestPrograms.mayRun() says whether guest-exec is blocked: %s", (isBlocked) => {
  expect(open({ isBlocked }).programs.mayRun()).toBe(!isBlocked);
});
