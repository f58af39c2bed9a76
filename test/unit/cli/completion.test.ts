// What the shells are told: the words of virtssh's own command line, and targets.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { listTargets } from "../../../helper/cli/completion-targets.ts";
import type { ListedName } from "../../../helper/libvirt/list-domains.ts";
import { EACCES } from "../../../helper/sys/errno.ts";
import { FakeLibvirtd, PROC } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem, type FakeSystemOptions, SYSTEM_SOCKET } from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";
import { runWords } from "./run.ts";

const DAEMON = new FakeLibvirtd({ domains: [{ name: "web" }, { name: "wiki" }, { name: "off", state: "shut off" }] });

function print(words: readonly string[], options: FakeSystemOptions = { system: DAEMON }): string {
  const sys = new FakeSystem(options);
  const startedMs = sys.nowMs();
  expect(runWords(words, sys)).toBe(0);
  expect(sys.nowMs() - startedMs).toBeLessThanOrEqual(1_000);
  expect(sys.log.filter((line) => line.startsWith("run"))).toEqual([]);
  expect(sys.written(2)).toBe("");
  return sys.written(1);
}

/** The candidates without their descriptions. */
function complete(words: readonly string[], options?: FakeSystemOptions): string[] {
  const lines = print(["complete", "--", ...words], options)
    .split("\n")
    .slice(0, -1);
  return lines.map((line) => line.split("\t")[0] ?? "");
}

test.each([["bash"], ["zsh"], ["fish"]])("virtssh completion %s prints the file that packages install", (shell) => {
  const file = readFileSync(`packaging/completion/virtssh.${shell}`, "utf8");
  expect(print(["completion", shell])).toBe(file);
  expect(file).toMatch(/^[\t\n\x20-\x7e]+$/);
});

test.each([
  [["completion"], "missing required argument 'SHELL'"],
  [
    ["completion", "tcsh"],
    "command-argument value 'tcsh' is invalid for argument 'SHELL'. Allowed choices are bash, zsh, fish",
  ],
])("virtssh %j is wrong usage", (words, problem) => {
  expect(failureOf(() => print(words))).toEqual({ kind: "bad-usage", problem, command: "completion" });
});

test("virtssh completion --help says where it goes", () => {
  expect(print(["completion", "--help"])).toMatch(/~\/\.bashrc: +source <\(virtssh completion bash\)\n/);
});

test("virtssh --help says nothing of what the scripts run", () => {
  expect(print(["--help"])).toContain("completion");
  expect(print(["--help"])).not.toMatch(/complete\b/);
});

test.each<[string, readonly string[], readonly string[]]>([
  ["a command", ["reso"], ["resolve"]],
  ["the other of two commands", ["comp"], ["completion"]],
  ["an option of virtssh's", ["--ver"], ["--version"]],
  ["an option", ["resolve", "--js"], ["--json"]],
  ["an option after the target", ["resolve", "qemu/web", "--js"], ["--json"]],
  ["a target", ["resolve", "we"], ["web.qemu"]],
  ["a target after an option", ["resolve", "--json", "we"], ["web.qemu"]],
  ["a target after an option's value", ["resolve", "--timeout", "5", "we"], ["web.qemu"]],
  ["a target after an option with its value", ["resolve", "--timeout=5", "we"], ["web.qemu"]],
  ["a target after --", ["resolve", "--", "we"], ["web.qemu"]],
  ["the host of proxy", ["proxy", "--fdpass", "we"], ["web.qemu"]],
  ["the domain that is to have a device", ["enable", "--dry-run", "we"], ["web.qemu"]],
  ["a command of a command", ["trust", "f"], ["forget"]],
  ["the target of one", ["trust", "forget", "we"], ["web.qemu"]],
  ["a shell", ["completion", "b"], ["bash"]],
  ["every shell", ["completion", ""], ["bash", "zsh", "fish"]],
  ["no target of a guest that is shut off, where it has to run", ["resolve", "of"], []],
  ["nor to let keys in through its agent", ["keys", "add", "of"], []],
  ["one that can be waited for", ["wait", "--start", "of"], ["off.qemu"]],
  ["one that can be given a device", ["enable", "of"], ["off.qemu"]],
  ["one that doctor can look at", ["doctor", "of"], ["off.qemu"]],
  ["one that can be given keys for its next boot", ["keys", "credential", "of"], ["off.qemu"]],
  ["one whose keys are pinned", ["trust", "show", "of"], ["off.qemu"]],
  ["the target of keys list", ["keys", "list", "--user", "root", "we"], ["web.qemu"]],
  ["the user of each guest", ["keys", "add", "--user", ""], ["root"]],
  ["no other user", ["keys", "add", "--user", "al"], []],
  ["files of keys", ["keys", "add", "qemu/web", "id"], [""]],
  ["files of keys, one after the other", ["keys", "cloud-init", "a.pub", "b"], [""]],
  ["a file to be made", ["keys", "cloud-init", "--iso", "/tmp/s"], [""]],
  ["no third argument", ["keys", "add", "qemu/web", "id.pub", "x"], []],
  ["no value of an option", ["resolve", "--timeout", ""], []],
  ["no second target", ["resolve", "qemu/web", "we"], []],
  ["no option after --", ["resolve", "--", "--js"], []],
  ["no word of an unknown command", ["nope", "we"], []],
  ["nothing but what begins so", ["resolve", "zz"], []],
])("virtssh complete finds %s", (_, words, found) => {
  expect(complete(words)).toEqual(found);
});

test("virtssh complete finds every command for no word at all", () => {
  expect(complete([])).toEqual(complete([""]));
  expect(complete([])).toEqual(expect.arrayContaining(["proxy", "resolve", "inventory", "completion"]));
  expect(complete([])).not.toContain("complete");
});

test("virtssh complete adds a description to each", () => {
  expect(print(["complete", "--", "resol"])).toBe("resolve\tprint the domain and the CID that a target leads to\n");
  expect(print(["complete", "--", "resolve", "we"])).toBe("web.qemu\tqemu:///system\n");
  expect(print(["complete", "--", "enable", "of"])).toBe("off.qemu\tqemu:///system, not running\n");
  expect(print(["complete", "--", "keys", "add", "qemu/web", "id"])).toBe("\tFILE\n");
});

test("virtssh complete makes one call for all guests", () => {
  const system = new FakeLibvirtd({ domains: [{ name: "web" }] });
  complete(["resolve", ""], { system });
  expect(system.calls).toEqual(["authList", 'open "qemu:///system" read-only', "listAllDomains 1 0", "close"]);
});

test.each<[string, FakeSystemOptions]>([
  ["there is no daemon", {}],
  ["a session daemon could be started", { files: { "/usr/sbin/virtqemud": {} } }],
  ["the socket is not for us", { sockets: { [SYSTEM_SOCKET]: EACCES } }],
  ["the daemon is silent", { system: new FakeLibvirtd({ misbehaves: { [PROC.listAllDomains]: "is silent" } }) }],
  ["the daemon talks nonsense", { system: new FakeLibvirtd({ misbehaves: { [PROC.authList]: "sends garbage" } }) }],
])("virtssh complete is silent, within a second, where %s", (_, options) => {
  expect(complete(["resolve", "we"], options)).toEqual([]);
});

const listed = (name: string, uri: ListedName["uri"] = "qemu:///system"): ListedName => ({
  uri,
  name,
  isRunning: true,
});

const GUESTS: readonly ListedName[] = [
  listed("web"),
  listed("Web-2"),
  listed("my vm"),
  listed("-rf"),
  listed("it's"),
  listed("a.b"),
  listed("Bücher"),
  listed("qemu-ga"),
  listed("web", "qemu:///session"),
  listed("own", "qemu:///session"),
  { ...listed("off"), isRunning: false },
  { ...listed("same"), isRunning: false },
  listed("same", "qemu:///session"),
  listed("b\ufffdd"),
];

test.each<[string, readonly string[]]>([
  ["we", ["web.qemu", "web.session.qemu"]],
  ["web.q", ["web.qemu"]],
  ["web.s", ["web.system.qemu", "web.session.qemu"]],
  ["web.sy", ["web.system.qemu"]],
  ["own", ["own.qemu"]],
  ["own.s", ["own.session.qemu"]],
  ["We", ["Web-2.qemu"]],
  ["my", ["my%20vm.qemu"]],
  ["my%20", ["my%20vm.qemu"]],
  ["my vm", []],
  ["%2D", ["%2Drf.qemu"]],
  ["it", ["it%27s.qemu"]],
  ["a.", ["a.b.qemu"]],
  ["Bü", ["Bücher.qemu"]],
  ["of", []],
  ["sa", ["same.session.qemu"]], // the short form is the system's, which does not run
  ["b", []],
  ["qemu/we", ["qemu/web"]],
  ["qemu/my", ["qemu/my%20vm"]],
  ["qemu%we", ["qemu%web"]],
  ["qemu:system/we", ["qemu:system/web"]],
  ["qemu:session/", ["qemu:session/web", "qemu:session/own", "qemu:session/same"]],
  ["qemu-sess", ["qemu-session%web", "qemu-session%own", "qemu-session%same"]],
  ["qemu:sys", ["web", "Web-2", "my%20vm", "-rf", "it%27s", "a.b", "Bücher", "qemu-ga"].map((n) => `qemu:system/${n}`)],
  ["vsock", []],
])("listTargets() makes of %j", (typed, targets) => {
  expect(listTargets(typed, "running", GUESTS).map(({ word }) => word)).toEqual(targets);
});

test("listTargets() offers one form of each guest at first, and the other forms once they are begun", () => {
  const guests = [listed("web"), listed("qa")];
  const words = (typed: string) => listTargets(typed, "running", guests).map(({ word }) => word);
  expect(words("")).toEqual(["web.qemu", "qa.qemu"]);
  expect(words("q")).toEqual(["qemu/web", "qa.qemu", "qemu/qa"]);
  expect(words("qemu")).toEqual(["qemu/web", "qemu/qa"]);
  expect(words("qemu-")).toEqual(["qemu-system%web", "qemu-system%qa"]);
});
