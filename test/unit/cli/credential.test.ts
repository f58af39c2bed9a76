// What `virtssh keys credential` makes of a configuration, beside what ../../daemon/credential.test.ts shows of it.

import { describe, expect, test } from "vitest";
import { EACCES, ENOENT } from "../../../helper/sys/errno.ts";
import type { FakeDomain } from "../../fakes/fake-domain.ts";
import { FakeLibvirtd, type FakeLibvirtdOptions, PROC } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";
import { runWords } from "./run.ts";

/** libvirt's read-write socket, by which a domain is changed. */
const WRITABLE = "/run/libvirt/libvirt-sock";

const WEB = { name: "web", uri: "qemu:///system", virshName: "web", target: "qemu:system/web" } as const;
const NAME = "ssh.authorized_keys.root";
const KEY = "AAAAC3NzaC1lZDI1NTE5AAAAILs7kCfk7ujV+8PM918VArg8HjhER5O1Zx1HAoHaSUsC";
const LINE = `ssh-ed25519 ${KEY} lab`;
const SHOWN = "256 SHA256:ixLiFDvHieyF8lrJk84M9IkP3jKihxsnaD8oB5n4NwY lab (ED25519)";
const inBase64 = (text: string) => `io.systemd.credential.binary:${NAME}=${Buffer.from(text).toString("base64")}`;
const STRING = inBase64(`${LINE}\n`);

const OWNER = 'the configuration of domain "web"';
const HAS = `${OWNER} has the credential ${NAME}`;
const NONE = `${OWNER} has no credential ${NAME}`;
const TAKES = "the guest takes them at its boot, if root has no authorized_keys file yet";
const START = "start it with: virtssh wait --start qemu:system/web";

interface Parts {
  readonly strings?: readonly string[];
  readonly mode?: string;
  readonly arch?: string;
  readonly more?: string;
}

function render({ strings = [], mode = "sysinfo", arch = "x86_64", more = "" }: Parts): string {
  const entries = strings.map((string) => `\n      <entry>${string}</entry>`).join("");
  const list = strings.length === 0 ? "" : `\n    <oemStrings>${entries}\n    </oemStrings>`;
  const info = `  <sysinfo type='smbios'>\n    <bios/>${list}\n  </sysinfo>\n`;
  return `<domain type='kvm'>\n  <name>web</name>${more}\n${info}  <os>\n    <type arch='${arch}'>hvm</type>\n    <smbios mode='${mode}'/>\n  </os>\n</domain>\n`;
}

const OFF = { name: "web", state: "shut off" } as const;

function start(domain: Partial<FakeDomain> & Parts, options: FakeLibvirtdOptions = {}) {
  const daemon = new FakeLibvirtd({ domains: [{ ...OFF, xml: render(domain), ...domain }], ...options });
  const files = {
    "/key.pub": { text: `# a key\n${LINE}\n` },
    "/private": { text: "-----BEGIN OPENSSH PRIVATE KEY-----\n" },
    "/many.pub": { text: `${LINE} ${"é".repeat(6_100)}\n` },
  };
  const sys = new FakeSystem({ system: daemon, sockets: { [WRITABLE]: daemon }, files });
  const run = (...words: readonly string[]) => {
    const status = runWords(["keys", "credential", "qemu/web", ...words], sys);
    return { status, lines: sys.written(1).split("\n").slice(0, -1) };
  };
  const defined = () => daemon.calls.filter((call) => call.startsWith("defineXml"));
  return { daemon, sys, run, defined, xml: () => daemon.domains[0]?.xml };
}

describe("without FILE", () => {
  test.each<[string, Parts, readonly string[]]>([
    ["none", { strings: ["a"] }, [NONE]],
    ["one in base64", { strings: ["a", STRING] }, [`${HAS}: <entry>${STRING}</entry>`, `  ${SHOWN}`]],
    [
      "one as text",
      { strings: [`io.systemd.credential:${NAME}=${LINE}`] },
      [`${HAS}: <entry>io.systemd.credential:${NAME}=${LINE}</entry>`, `  ${SHOWN}`],
    ],
    [
      "two, of which systemd takes the first",
      { strings: [inBase64("junk\u009b31m"), STRING] },
      [`${HAS}: <entry>${inBase64("junk\u009b31m")}</entry>`],
    ],
    [
      "two, of which systemd cannot read the first",
      { strings: [`io.systemd.credential.binary:${NAME}=!`, STRING] },
      [`${HAS}: <entry>${STRING}</entry>`, `  ${SHOWN}`],
    ],
    [
      "one with options",
      { strings: [inBase64(`no-pty ${LINE}\n`)] },
      [`${HAS}: <entry>${inBase64(`no-pty ${LINE}\n`)}</entry>`, `  ${SHOWN} options: no-pty`],
    ],
    ["none, where the guest sees the host's", { strings: [STRING], mode: "host" }, [NONE]],
    ["none, where there is no SMBIOS", { arch: "s390x" }, [NONE]],
    [
      "one that could colour a terminal",
      { strings: [`io.systemd.credential:${NAME}=\u009b31m`] },
      [`${HAS}: <entry>io.systemd.credential:${NAME}=\\x9b31m</entry>`],
    ],
    [
      "one that is no base64",
      { strings: [`io.systemd.credential.binary:${NAME}=!`] },
      [`${HAS}: <entry>io.systemd.credential.binary:${NAME}=!</entry>`],
    ],
    ["one of another name", { strings: [`io.systemd.credential:${NAME}.other=${LINE}`] }, [NONE]],
    ["one that the guest is not shown", { strings: [STRING], mode: "emulate" }, [NONE]],
  ])("it is shown: %s", (_, parts, lines) => {
    const { daemon, run } = start(parts);
    expect(run()).toEqual({ status: 0, lines });
    expect(daemon.calls.filter((call) => call.startsWith("open"))).toEqual(['open "qemu:///system" read-only']);
  });

  test("it is shown to programs", () => {
    const { run } = start({ strings: [STRING] });
    const [line = ""] = run("--json").lines;
    const [sha256] = /SHA256:\S+/.exec(SHOWN) ?? [];
    const key = `ssh-ed25519 ${KEY}`;
    const facts = { options: "", type: "ED25519", bits: 256, fingerprint: sha256, key, comment: "lab", line: LINE };
    expect(JSON.parse(line)).toEqual({
      uri: "qemu:///system",
      name: "web",
      uuid: "00000000-0000-0000-0000-000000000001",
      changed: false,
      element: `<entry>${STRING}</entry>`,
      keys: [facts],
    });
  });
});

describe("--apply and --remove", () => {
  test("what is written is read with all secrets, twice, and read again", () => {
    const { daemon, run, xml } = start({});
    expect(run("--apply", "/key.pub")).toEqual({ status: 0, lines: [`${HAS} now`, `+ ${SHOWN}`, START, TAKES] });
    expect(xml()).toBe(render({ strings: [STRING] }));
    const reads = 'getXmlDesc "web" 3';
    const start3 = daemon.calls.indexOf(reads);
    expect(daemon.calls.slice(start3 - 1)).toEqual([
      'open "qemu:///system"',
      reads,
      reads,
      'defineXml "web" 0',
      reads,
      "close",
      "close",
    ]);
  });

  test.each<[string, Partial<FakeDomain>, string]>([
    [
      "runs",
      { state: "running", xml: render({}).replace("<domain", "<domain id='1'") },
      "the running domain is as it was until it is shut down and started again",
    ],
    [
      "was saved",
      { isSaved: true },
      "the next start restores what managedsave has saved; the start after that sees the change",
    ],
  ])("a domain that %s", (_, domain, line) => {
    expect(start(domain).run("--apply", "/key.pub").lines.slice(2)).toEqual([line, TAKES]);
  });

  test("strings that were not shown are told of", () => {
    expect(start({ mode: "emulate" }).run("--apply", "/key.pub").lines.at(-1)).toBe(
      "the guest sees the other strings of its <sysinfo> from then on, too",
    );
  });

  test("nothing is written that is there already, and nothing taken out that is not", () => {
    const there = start({ strings: [STRING] });
    expect(there.run("--apply", "/key.pub")).toEqual({ status: 0, lines: [`${HAS} already`, `  ${SHOWN}`] });
    const absent = start({ strings: ["a"] });
    expect(absent.run("--remove")).toEqual({ status: 0, lines: [NONE] });
    expect([...there.defined(), ...absent.defined()]).toEqual([]);
  });

  test("what is taken out is shown, and may still be in the guest", () => {
    const { run, xml } = start({ strings: ["a", STRING] });
    const stays = "keys that the guest has taken stay in it; take them out with:";
    expect(run("--remove").lines).toEqual([
      `${NONE} any more`,
      `- ${SHOWN}`,
      START,
      `${stays} virtssh keys remove qemu:system/web --user root FILE`,
    ]);
    expect(xml()).toBe(render({ strings: ["a"] }));
  });

  test("a key with other options is another one", () => {
    const { run } = start({ strings: [inBase64(`no-pty ${LINE}\n`)] });
    expect(run("--apply", "/key.pub").lines.slice(0, 3)).toEqual([
      `${HAS} now`,
      `+ ${SHOWN}`,
      `- ${SHOWN} options: no-pty`,
    ]);
  });

  test("what the guest is not shown is taken out, too", () => {
    const { run, xml } = start({ strings: ["a", STRING], mode: "host" });
    expect(run("--remove").lines[0]).toBe(`${NONE} any more`);
    expect(xml()).toBe(render({ strings: ["a"], mode: "host" }));
  });

  test("what somebody else writes in between stays", () => {
    let reads = 0;
    const before = (procedure: number, daemon: FakeLibvirtd) => {
      if (procedure === PROC.getXmlDesc) reads += 1;
      // Of the live XML, of the configuration, and of the configuration with all secrets; then once more.
      if (reads === 4) daemon.domains = [{ ...OFF, xml: render({ strings: ["theirs"], more: "<theirs/>" }) }];
    };
    const { run, xml } = start({}, { before });
    expect(run("--apply", "/key.pub").status).toBe(0);
    expect(xml()).toBe(render({ strings: ["theirs", STRING], more: "<theirs/>" }));
  });

  test("for programs", () => {
    const { run } = start({ strings: [STRING] });
    const [line = ""] = run("--remove", "--json").lines;
    expect(JSON.parse(line)).toMatchObject({ changed: true, element: null, keys: [] });
  });
});

test("a second credential, which nobody reads, would be taken out", () => {
  const { run } = start({ strings: [STRING, inBase64("old\n")] });
  expect(run("/key.pub").lines[0]).toBe(`would write to ${OWNER}: <entry>${STRING}</entry>`);
});

test("what would be written is shown, and is not written", () => {
  const { run, defined } = start({ strings: ["a"], mode: "emulate" });
  expect(run("/key.pub").lines).toEqual([
    `would write to ${OWNER}: <entry>${STRING}</entry>`,
    `would write to ${OWNER}: <smbios mode='sysinfo'/>`,
    `+ ${SHOWN}`,
    "write it with: virtssh keys credential --apply qemu:system/web /key.pub",
  ]);
  expect(defined()).toEqual([]);
});

describe("nothing is written", () => {
  const tooLarge = (bytes: number) => ({ kind: "credential-too-large", domain: WEB, bytes, maxBytes: 16_384 });
  const badFile = (path: string, problem: object) => ({ kind: "bad-key-file", path, problem });
  const none = { is: "refused", errno: "ENOENT" };
  test.each<{ name: string; domain?: Partial<FakeDomain> & Parts; words?: readonly string[]; failure: object }>([
    {
      name: "to a transient domain",
      domain: { isTransient: true },
      failure: { kind: "no-configuration", domain: WEB },
    },
    {
      name: "to a machine without SMBIOS",
      domain: { arch: "s390x" },
      failure: { kind: "no-smbios", domain: WEB, arch: "s390x" },
    },
    { name: "beside the host's strings", domain: { mode: "host" }, failure: { kind: "host-smbios", domain: WEB } },
    { name: "where it is too long, in bytes", words: ["/many.pub"], failure: tooLarge(16_439) },
    {
      name: "where others leave no room for it",
      domain: { strings: ["x".repeat(16_380)] },
      failure: tooLarge(16_552),
    },
    { name: "of a private key", words: ["/private"], failure: badFile("/private", { is: "private-key" }) },
    { name: "of a file that is not there", words: ["/none"], failure: badFile("/none", none) },
    { name: "of no file", words: [], failure: { kind: "bad-usage" } },
    { name: "to XML that no libvirt writes", domain: { xml: "<domain><os>" }, failure: { kind: "daemon-nonsense" } },
  ])("$name", ({ domain = {}, words = ["/key.pub"], failure }) => {
    const { run, defined } = start(domain);
    expect(failureOf(() => run("--apply", ...words))).toMatchObject(failure);
    expect(defined()).toEqual([]);
  });

  test("keys are looked at before anybody is asked", () => {
    const { daemon, run } = start({});
    failureOf(() => run("--apply", "/private"));
    expect(daemon.calls).toEqual([]);
  });

  test.each([
    ["with --remove and FILE", ["--remove", "/key.pub"]],
    ["with --remove and --apply", ["--remove", "--apply", "/key.pub"]],
  ])("%s", (_, words) => {
    expect(failureOf(() => start({}).run(...words))).toMatchObject({ kind: "bad-usage" });
  });
});

test("a daemon that refuses is quoted", () => {
  const { run } = start({}, { errors: { [PROC.defineXml]: { code: 38, message: "Read-only file system" } } });
  expect(failureOf(() => run("--apply", "/key.pub"))).toEqual({
    kind: "daemon-refused",
    refused: "change its configuration",
    name: "web",
    code: 38,
    words: "Read-only file system",
    uri: "qemu:///system",
  });
});

test("a socket that may not be opened is named", () => {
  const daemon = new FakeLibvirtd({ domains: [{ ...OFF, xml: render({}) }] });
  const sockets = { "/run/libvirt/virtqemud-sock": ENOENT, [WRITABLE]: EACCES };
  const sys = new FakeSystem({ system: daemon, sockets, files: { "/key.pub": { text: LINE } } });
  const words = ["keys", "credential", "--apply", "qemu/web", "/key.pub"];
  expect(failureOf(() => runWords(words, sys))).toMatchObject({ kind: "socket-permission", path: WRITABLE });
});

test("a domain that has something else afterwards is no success", () => {
  const before = (procedure: number, daemon: FakeLibvirtd) => {
    if (daemon.calls.at(-1)?.startsWith("defineXml") === true && procedure === PROC.getXmlDesc)
      daemon.domains = [{ ...OFF, xml: render({}) }];
  };
  const { run } = start({}, { before });
  expect(failureOf(() => run("--apply", "/key.pub"))).toEqual({ kind: "other-configuration", domain: WEB });
});
