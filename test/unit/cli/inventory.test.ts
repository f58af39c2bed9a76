// What Ansible is told of the domains.

import { expect, test } from "vitest";
import type { FakeDomain } from "../../fakes/fake-domain.ts";
import { FakeLibvirtd, PROC } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";
import { runWords } from "./run.ts";

const UUID = "4dea22b3-1d52-d8f3-2516-782e98ab3fa";

function domain(digit: number, facts: Omit<FakeDomain, "uuid">): FakeDomain {
  return { uuid: `${UUID}${digit}`, ...facts };
}

const SYSTEM: readonly FakeDomain[] = [
  domain(0, { name: "web", id: 1, cid: 7 }),
  domain(1, { name: "Bücher & my vm", id: 2, cid: 8, state: "paused" }),
  domain(2, { name: "going", id: 3, cid: 9, state: "in shutdown" }),
  domain(3, { name: "plain", id: 4 }),
  domain(4, { name: "off", state: "shut off", cid: 10 }),
];
const SESSION: readonly FakeDomain[] = [domain(5, { name: "web", id: 1, cid: 11 })];

function print(words: readonly string[], system = SYSTEM, session = SESSION): string {
  const sys = new FakeSystem({
    system: new FakeLibvirtd({ domains: system }),
    session: new FakeLibvirtd({ domains: session }),
  });
  expect(runWords(["inventory", ...words], sys)).toBe(0);
  expect(sys.written(2)).toBe("");
  const text = sys.written(1);
  expect(text).toMatch(/^[\x20-\x7e]+\n$/); // one line of ASCII
  return text;
}

function listHosts(system: readonly FakeDomain[]): Record<string, { virtssh_name: unknown }> {
  return JSON.parse(print(["--list"], system, []))._meta.hostvars;
}

const WEB = {
  virtssh_uri: "qemu:///system",
  virtssh_name: "web",
  virtssh_uuid: `${UUID}0`,
  virtssh_id: 1,
  virtssh_state: "running",
  virtssh_cid: 7,
};

test("virtssh inventory has no half of the hosts, where a daemon fails", () => {
  const session = new FakeLibvirtd({ domains: SESSION, misbehaves: { [PROC.getXmlDesc]: "closes" } });
  const sys = new FakeSystem({ system: new FakeLibvirtd({ domains: SYSTEM }), session });
  expect(failureOf(() => runWords(["inventory", "--list"], sys))).toMatchObject({ kind: "daemon-closed" });
  expect(sys.written(1)).toBe("");
});

test("virtssh inventory --list has the live domains with a vsock device, by daemon and by state", () => {
  const { _meta, ...groups } = JSON.parse(print(["--list"]));
  const books = "B\u00fccher%20%26%20my%20vm.system.qemu";
  expect(groups).toEqual({
    virtssh: {
      children: ["virtssh_system", "virtssh_session", "virtssh_running", "virtssh_paused", "virtssh_in_shutdown"],
      vars: { ansible_connection: "ssh" },
    },
    virtssh_system: { hosts: ["web.system.qemu", books, "going.system.qemu"] },
    virtssh_session: { hosts: ["web.session.qemu"] },
    virtssh_running: { hosts: ["web.system.qemu", "web.session.qemu"] },
    virtssh_paused: { hosts: [books] },
    virtssh_in_shutdown: { hosts: ["going.system.qemu"] },
  });
  expect(Object.keys(_meta.hostvars)).toEqual(["web.system.qemu", books, "going.system.qemu", "web.session.qemu"]);
  expect(_meta.hostvars["web.system.qemu"]).toEqual(WEB);
  expect(_meta.hostvars[books]).toMatchObject({ virtssh_name: "Bücher & my vm", virtssh_state: "paused" });
});

test("virtssh inventory --list has its usual groups though nobody is in them", () => {
  const all = {
    children: ["virtssh_system", "virtssh_session", "virtssh_running"],
    vars: { ansible_connection: "ssh" },
  };
  expect(JSON.parse(print(["--list"], [], []))).toEqual({
    virtssh: all,
    virtssh_system: { hosts: [] },
    virtssh_session: { hosts: [] },
    virtssh_running: { hosts: [] },
    _meta: { hostvars: {} },
  });
});

test("virtssh inventory groups have names that Ansible takes", () => {
  const states = ["running", "idle", "paused", "in shutdown", "pmsuspended", "no state"] as const;
  const system = states.map((state, digit) => domain(digit, { name: state, state, cid: 7 + digit }));
  const groups = Object.keys(JSON.parse(print(["--list"], system, [])));
  expect(groups.filter((group) => !/^[a-z_][a-z0-9_]*$/.test(group))).toEqual([]);
  expect(groups).toContain("virtssh_pmsuspended");
});

test.each([
  ["web.system.qemu", WEB],
  ["off.system.qemu", {}],
  ["plain.system.qemu", {}],
  ["web.qemu", {}],
  ["constructor", {}],
  ["", {}],
])("virtssh inventory --host %j", (host, variables) => {
  expect(JSON.parse(print(["--host", host]))).toEqual(variables);
});

test("virtssh inventory lets Ansible run nothing that is in a domain's name", () => {
  const name = "{{ lookup('pipe', 'id') }}";
  const header = "#jinja2: variable_start_string:'[['";
  const hosts = listHosts([domain(0, { name, cid: 7 }), domain(1, { name: header, cid: 8 })]);
  expect(Object.keys(hosts).filter((host) => /[{}#]/.test(host))).toEqual([]);
  expect(Object.values(hosts).map((variables) => variables.virtssh_name)).toEqual([
    { __ansible_unsafe: name },
    { __ansible_unsafe: header },
  ]);
});

test.each<[string, readonly FakeDomain[]]>([
  ["another bears its escapes", [domain(0, { name: "my vm", cid: 7 }), domain(1, { name: "my%20vm", cid: 8 })]],
  [
    "another bears its escapes, though it is shut off",
    [domain(0, { name: "my vm", cid: 7 }), domain(1, { name: "my%20vm", state: "shut off" })],
  ],
  ["it is no UTF-8", [domain(0, { name: "b\ufffdcher", cid: 7 })]],
])("virtssh inventory names a domain by its UUID where %s", (_, system) => {
  expect(Object.keys(listHosts(system))[0]).toBe(`${UUID}0.system.qemu`);
});

test.each([
  [[], { kind: "bad-usage", problem: "one of --list and --host is needed", command: "inventory" }],
  [
    ["--list", "--host", "x"],
    { kind: "bad-usage", problem: "option '--list' cannot be used with option '--host <NAME>'", command: "inventory" },
  ],
  [["--list", "--timeout", "x"], { kind: "bad-number", text: "x" }],
])("virtssh inventory %j fails", (words, failure) => {
  expect(failureOf(() => print(words))).toMatchObject(failure);
});

test("virtssh inventory --list fails where no daemon can be asked", () => {
  const sys = new FakeSystem();
  expect(failureOf(() => runWords(["inventory", "--list"], sys))).toMatchObject({ kind: "no-daemon" });
  expect(sys.written(1)).toBe("");
});

test("virtssh inventory --help has the script that Ansible wants", () => {
  const sys = new FakeSystem();
  expect(runWords(["inventory", "--help"], sys)).toBe(0);
  expect(sys.written(1)).toContain('  #!/bin/sh\n  exec virtssh inventory "$@"\n');
});
