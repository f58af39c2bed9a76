// Names, and the way from ssh to the domain: the binary, a real libvirtd, the real ssh, with libvirt-ssh-proxy's and systemd's
// drop-ins beside ours. There is no VSOCK here: all of the way up to the guest's vsock device is real.
import { describe } from "vitest";
import { shellQuote } from "../../helper/quote.ts";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { INSTALLED } from "../lab/installed.ts";
import { runNative } from "../lab/lab.ts";
import { define, notFound, noVsock, ODD, SETUP, shutOff, TEXTS, UUID, UUID_OF_1 } from "./domains.ts";

const LOOKUPS: readonly Fact[] = (
  [
    ["a name", "qemu/web", noVsock("web")],
    ["qemu:system/", "qemu:system/web", noVsock("web")],
    ["qemu:session/ as root, which the system daemon serves", "qemu:session/web", noVsock("web", "qemu:///session")],
    ["qemu%", "qemu%web", noVsock("web")],
    ["qemu-system%", "qemu-system%web", noVsock("web")],
    [".qemu", "web.qemu", noVsock("web")],
    [".system.qemu", "web.system.qemu", noVsock("web")],
    ["capitals in the prefix", "QEMU:System/web", noVsock("web")],
    ["a UUID", `qemu/${UUID}`, noVsock("web")],
    ["a UUID in capitals", `${UUID.toUpperCase()}.qemu`, noVsock("web")],
    ["a UUID without hyphens", `qemu/${UUID.replaceAll("-", "")}`, noVsock("web")],
    ["an ID", "qemu/1", noVsock("web")],
    ["an escaped space", "qemu/my%20vm", noVsock("my vm")],
    ["a capital letter", "qemu/Web", shutOff("Web")],
    [
      "a name in the wrong case is not folded, but asked back",
      "qemu/WEB",
      failure('cannot find domain "WEB" in qemu:///system', "did you mean qemu:system/Web or qemu:system/web?"),
    ],
    ["no such name", "qemu/nope", notFound("nope")],
    ["no such UUID", "qemu/00000000-0000-0000-0000-000000000001", notFound("00000000-0000-0000-0000-000000000001")],
    ["no such ID", "qemu/4711", notFound("4711")],
    ["shut off, with a static CID", "qemu/static", shutOff("static")],
    [
      "paused",
      "qemu/asleep",
      failure('domain "asleep" is paused', "resume it with: virsh -c qemu:///system resume asleep"),
    ],
  ] as const
).map(([name, target, stderr]) => ({ name: `resolve: ${name}`, run: `virtssh resolve '${target}'`, exit: 1, stderr }));

const PRECEDENCE: readonly Fact[] = [
  { name: "a domain named my%20vm is defined", run: define("percent") },
  {
    name: "a name to the letter beats its decoded form",
    run: "virtssh resolve qemu/my%20vm",
    exit: 1,
    stderr: shutOff("my%20vm"),
  },
  { name: "a domain named 1 is defined", run: define("number") },
  {
    name: "a name beats an ID",
    run: "virtssh resolve qemu/1",
    exit: 1,
    stderr: failure(
      'domain "1" is shut off',
      `start it with: virsh -c qemu:///system start ${UUID_OF_1}`, // virsh would take "1" for an ID
    ),
  },
];

const follow = (hint: string) =>
  `hint=$(virtssh resolve "qemu/$ODD" 2>&1 | sed -n 's/^virtssh: hint: ${hint}: //p'); bash -c "$hint"`;
const setOdd = `ODD=${shellQuote(ODD)}`;

/** A hint is one thing to do that works as written, even for the strangest name. */
const HINTS: readonly Fact[] = [
  { name: "a domain with a strange name is defined", run: define("odd") },
  {
    name: "the hint to start a domain starts it",
    run: `${setOdd}; ${follow("start it with")}`,
    stdout: `Domain '${ODD}' started\n\n`,
  },
  {
    name: "the hint to add a vsock device gets as far as the device, for which there is no slot",
    run: `${setOdd}; ${follow("add one with")}`,
    exit: 1,
    stderr: /^virtssh: error: cannot add a vsock device to domain "-it's \$HOME; `id`" while it runs: .*PCI/,
  },
  {
    name: "the hint to resume a domain resumes it",
    run: `${setOdd}; virsh -q suspend -- "$ODD"; ${follow("resume it with")}`,
    stdout: `Domain '${ODD}' resumed\n\n`,
  },
];

const ssh = (target: string) => `ssh -o BatchMode=yes root@${target} true`;
/** What ssh adds when its helper has failed. */
const SSH_ADDS = "mm_receive_fd: recvmsg: expected received 1 got 0\r\nproxy dialer did not pass back a connection\r\n";

const THROUGH_SSH: readonly Fact[] = [
  { name: "ssh qemu/Web keeps the capital", run: ssh("qemu/Web"), exit: 255, stderr: shutOff("Web") + SSH_ADDS },
  { name: "ssh qemu/web is not Web", run: ssh("qemu/web"), exit: 255, stderr: noVsock("web") + SSH_ADDS },
  {
    name: "an alias to one of two domains that differ in case is ambiguous, since ssh has folded it",
    run: ssh("dev"),
    exit: 255,
    stderr:
      failure(
        'domain "web" is ambiguous in qemu:///system: "Web" and "web" differ only in case',
        "use qemu:system/Web or qemu:system/web",
      ) + SSH_ADDS,
  },
  {
    name: "an alias finds a domain whose capital ssh has folded",
    run: ssh("solo"),
    exit: 255,
    stderr: noVsock("Solo") + SSH_ADDS,
  },
  {
    name: "an alias that looks like a target is not taken for one",
    run: ssh("qemu/other"),
    exit: 255,
    stderr: noVsock("web") + SSH_ADDS,
  },
  { name: "an alias with a space in its HostName", run: ssh("spaced"), exit: 255, stderr: noVsock("my vm") + SSH_ADDS },
  { name: "the suffix form", run: ssh("web.qemu"), exit: 255, stderr: noVsock("web") + SSH_ADDS },
];

const G = (target: string) => `ssh -GT ${target} | grep -E '^(proxycommand|proxyusefdpass|checkhostip) '`;
const OURS = `proxyusefdpass yes\nproxycommand /usr/bin/virtssh proxy --fdpass --typed '%n' -- '%h' %p\n`;

/** Beside 20-systemd-ssh-proxy.conf and 30-libvirt-ssh-proxy.conf, as Debian installs them. */
const DROP_IN: readonly Fact[] = [
  ...[
    "qemu/web",
    "qemu/Web",
    "QEMU/WEB",
    "qemu:system/web",
    "qemu:session/x",
    "qemu%x",
    "qemu-session%x",
    "x.qemu",
    "A.B.QEMU",
    "dev",
    "spaced",
  ].map((host) => ({ name: `ssh -G ${host} shows our drop-in`, run: G(host), stdout: `checkhostip no\n${OURS}` })),
  ...["vsock/3", "machine/x", ".host"].map((host) => ({
    name: `ssh -G ${host} is left to systemd's`,
    run: `ssh -GT ${host} | grep '^proxycommand '`,
    stdout: /^proxycommand \S*systemd-ssh-proxy /,
  })),
  { name: "ssh -G of another host is left alone", run: "ssh -GT www.example | grep '^proxycommand '", exit: 1 },
  {
    name: "a name with a backslash in it is not ours",
    run: "ssh -GT slashed | grep -E '^(hostname|proxycommand) '",
    stdout: "hostname qemu/a\\b\n",
  },
  {
    name: "a name with a quote in it is not ours",
    run: "ssh -GT quoted | grep -E '^(hostname|proxycommand) '",
    stdout: "hostname qemu/a'b\n",
  },
];

describe("virtssh finds the domain that is meant", () => {
  const facts = [...SETUP, ...LOOKUPS, ...PRECEDENCE, ...HINTS, ...THROUGH_SSH, ...DROP_IN];
  testFacts(facts, (steps) => runNative({ steps, files: INSTALLED, texts: TEXTS }));
});
