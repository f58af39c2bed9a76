import { expect, test } from "vitest";
import { EACCES } from "../../../helper/sys/errno.ts";
import { ClientGoneError } from "../../../helper/sys/system.ts";
import type { FakeDomain } from "../../fakes/fake-domain.ts";
import { FakeLibvirtd } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem, SYSTEM_SOCKET } from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";
import { runWords } from "./run.ts";

const WEB: FakeDomain = { name: "web", uuid: "4dea22b3-1d52-d8f3-2516-782e98ab3fa0", id: 12, cid: 7 };

/** What is printed for these words; nothing is printed anywhere else. */
function print(words: readonly string[], ...domains: readonly FakeDomain[]): string {
  const sys = new FakeSystem({ system: new FakeLibvirtd({ domains }) });
  expect(runWords(words, sys)).toBe(0);
  expect(sys.written(2)).toBe("");
  return Buffer.from(sys.written(1), "latin1").toString();
}

test("virtssh --version prints the name and the version", () => {
  expect(print(["--version"])).toBe("virtssh 0.0.0-test\n");
});

test.each([["--help"], ["-h"]])("virtssh %s prints the commands and the forms of a target", (word) => {
  const help = print([word]);
  for (const part of [
    "Usage: virtssh",
    "proxy",
    "resolve",
    "qemu/NAME",
    "qemu%NAME",
    "NAME.system.qemu",
    "vsock/CID",
  ]) {
    expect(help).toContain(part);
  }
});

test.each([
  ["proxy", ["<HOST> [PORT]", "--fdpass", "--typed <NAME>", "--timeout <SECONDS>"]],
  ["known-hosts", ["<REASON> <TYPE> <KEY> <HOST>", "%I", "%t", "%K", "%n"]],
  [
    "keys",
    ["list", "add", "remove", "credential", "cloud-init", "authorized_keys", "polkit", "virtssh-keys.schema.json"],
  ],
  ["list", ["--all", "--no-probe", "--json", "virtssh-list.schema.json"]],
  ["trust", ["list", "show", "forget", "~/.local/state/virtssh/hosts", "/etc/virtssh/hosts/UUID", "@cert-authority"]],
  ["enable", ["<TARGET>", "--live", "--config", "--dry-run", "--timeout <SECONDS>", "vsock port 22"]],
  ["resolve", ["<TARGET>", "--json", "--timeout <SECONDS>"]],
  ["setup", ["--print", "--remove", "~/.ssh/virtssh.conf", "below its HostName: Include virtssh.conf"]],
])("virtssh %s --help prints its arguments and options", (command, parts) => {
  const help = print([command, "--help"]);
  for (const part of [`Usage: virtssh ${command}`, ...parts]) expect(help).toContain(part);
});

test("virtssh resolve prints what a target leads to", () => {
  expect(print(["resolve", "qemu/web"], WEB)).toBe(
    [
      "uri:   qemu:///system",
      "name:  web",
      "uuid:  4dea22b3-1d52-d8f3-2516-782e98ab3fa0",
      "id:    12",
      "state: running",
      "cid:   7",
      "port:  22",
      "",
    ].join("\n"),
  );
});

test("virtssh resolve --timeout takes a number of seconds", () => {
  expect(print(["resolve", "--timeout", "5", "qemu/web"], WEB)).toBe(
    print(["resolve", "qemu/web", "--timeout=5"], WEB),
  );
});

test("virtssh resolve --json prints the same as one JSON object", () => {
  const line = print(["resolve", "--json", "qemu/web"], WEB);
  expect(line).toMatch(/^\{.*\}\n$/);
  expect(JSON.parse(line)).toEqual({
    uri: "qemu:///system",
    name: "web",
    uuid: WEB.uuid,
    id: 12,
    state: "running",
    cid: 7,
    port: 22,
  });
});

test("virtssh resolve knows no domain for a bare CID", () => {
  expect(print(["resolve", "vsock/7"])).toBe("cid:   7\nport:  22\n");
  const nothing = { uri: null, name: null, uuid: null, id: null, state: null };
  expect(JSON.parse(print(["resolve", "vsock/7", "--json"]))).toEqual({ ...nothing, cid: 7, port: 22 });
});

test("virtssh resolve lets no name colour the terminal or fake a line", () => {
  const name = "a\u001b[31m\r\u202eü";
  expect(print(["resolve", `qemu/${name}`], { name, cid: 7 })).toContain("\nname:  a\\x1b[31m\\x0d\\u{202e}ü\n");
  const json = print(["resolve", "--json", `qemu/${name}`], { name, cid: 7 });
  expect(json).toMatch(/^[\x20-\x7e]*\n$/);
  expect(JSON.parse(json)).toMatchObject({ name });
});

test.each([
  [["resolve", "qemu/db"], { kind: "domain-not-found", name: "db" }],
  [["resolve", "db"], { kind: "bad-target", text: "db" }],
  [["resolve", "--timeout", "x", "qemu/web"], { kind: "bad-number", text: "x" }],
  [["resolve", "--timeout=0", "qemu/web"], { kind: "bad-number", text: "0" }],
])("virtssh %j fails", (words, failure) => {
  expect(failureOf(() => print(words, WEB))).toMatchObject(failure);
});

test.each([
  [[], { problem: "no command given", command: "" }],
  [["resolv"], { problem: "unknown command 'resolv' (Did you mean resolve?)", command: "" }],
  [["--wat"], { problem: "unknown option '--wat'", command: "" }],
  [["resolve"], { problem: "missing required argument 'TARGET'", command: "resolve" }],
  [
    ["resolve", "a", "b"],
    { problem: "too many arguments for 'resolve'. Expected 1 argument but got 2: a, b", command: "resolve" },
  ],
  [["keys", "list", "qemu/web"], { problem: "required option '--user <USER>' not specified", command: "keys list" }],
  [["keys", "lst"], { problem: "unknown command 'lst' (Did you mean list?)", command: "keys" }],
  [["keys"], { problem: "no command given", command: "keys" }],
  [["trust", "show"], { problem: "missing required argument 'TARGET'", command: "trust show" }],
  [["resolve", "--wat", "a"], { problem: "unknown option '--wat'", command: "resolve" }],
  [["resolve", "--jsn", "a"], { problem: "unknown option '--jsn' (Did you mean --json?)", command: "resolve" }],
  [["resolve", "a", "--timeout"], { problem: "option '--timeout <SECONDS>' argument missing", command: "resolve" }],
  [["\u001b[31m"], { problem: "unknown command '\\x1b[31m'", command: "" }],
])("virtssh %j is wrong usage", (words, facts) => {
  const sys = new FakeSystem();
  expect(failureOf(() => runWords(words, sys))).toEqual({ kind: "bad-usage", ...facts });
  expect([sys.written(1), sys.written(2)]).toEqual(["", ""]);
});

/** Nobody reads what is printed. */
const UNREAD = { streams: { 1: { takesBytes: 0 } } };

test.each([
  ["its help", ["--help"]],
  ["a command's", ["keys", "list", "--help"]],
  ["a list", ["list"]],
  ["a fact", ["resolve", "qemu/web"]],
  ["a script", ["completion", "bash"]],
])("virtssh ends without a word where nobody reads %s", (_, words) => {
  const sys = new FakeSystem({ ...UNREAD, system: new FakeLibvirtd({ domains: [WEB] }) });
  expect(runWords(words, sys)).toBe(141);
  expect(sys.written(2)).toBe("");
});

test("virtssh tells of a failure, though nobody reads what it has printed", () => {
  const session = new FakeLibvirtd({ domains: [WEB] });
  const sys = new FakeSystem({ ...UNREAD, session, sockets: { [SYSTEM_SOCKET]: EACCES } });
  expect(failureOf(() => runWords(["list"], sys))).toMatchObject({ kind: "socket-permission" });
});

/** Whose reader goes while a daemon is waited for. */
class LeftSystem extends FakeSystem {
  override read(): number {
    throw new ClientGoneError();
  }
}

test.each([
  ["wait", "qemu/web"],
  ["enable", "qemu/web"],
  ["keys", "list", "--user", "root", "qemu/web"],
  ["trust", "forget", "qemu/web"],
])("virtssh %s does not stop half-way without a word", (...words) => {
  const sys = new LeftSystem({ system: new FakeLibvirtd({ domains: [WEB] }) });
  expect(() => runWords(words, sys)).toThrow(ClientGoneError);
});

test("a command that only tells may stop half-way", () => {
  const sys = new LeftSystem({ system: new FakeLibvirtd({ domains: [WEB] }) });
  expect(runWords(["resolve", "qemu/web"], sys)).toBe(141);
});
