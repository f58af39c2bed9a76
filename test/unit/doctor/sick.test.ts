// Everything that can be wrong on the way to a guest, one thing at a time.

import { expect, test } from "vitest";
import { EACCES, ENOENT } from "../../../helper/sys/errno.ts";
import { SYSTEM_SOCKET } from "../../fakes/fake-system.ts";
import { DROP_IN, DROP_IN_APPLIES, type FakeSsh, find, findStep, type Setting, WEB } from "./fake-client.ts";

const USERS = "/root/.ssh/config";
/** The user's own file, and that ssh has read it before the drop-in. */
const withUsers = (text: string, ssh: FakeSsh): Setting => ({
  files: { [USERS]: { text } },
  ssh: {
    story: [
      `debug1: Reading configuration data ${USERS}`,
      `debug1: ${USERS} line 1: Applying options for *`,
      ...DROP_IN_APPLIES,
    ],
    ...ssh,
  },
});

const NO_STORY = { story: [] };
/** What is wrong, on which step it shows, and as which failure. */
const SICK: readonly [string, Setting, string, object][] = [
  [
    "an old ssh",
    { ssh: { version: "OpenSSH_8.4p1" } },
    "ssh",
    { kind: "ssh-too-old", version: "8.4p1", oldest: "8.5" },
  ],
  ["another ssh", { ssh: { version: "Dropbear v2024.86" } }, "ssh", { kind: "ssh-unknown" }],
  [
    "a file with a bad owner",
    {
      ssh: { refusal: `debug1: x\r\nBad owner or permissions on ${DROP_IN}\r\n` },
      files: { [DROP_IN]: { uid: 1000 } },
    },
    "ssh configuration",
    { kind: "ssh-bad-owner", path: DROP_IN, owner: "another's" },
  ],
  [
    "a file of the user's own with a bad mode",
    { ssh: { refusal: `Bad owner or permissions on ${DROP_IN}\r\n` } },
    "ssh configuration",
    { kind: "ssh-bad-owner", path: DROP_IN, owner: "ours" },
  ],
  [
    "a file whose owner a user namespace does not know",
    {
      ssh: { refusal: `Bad owner or permissions on ${DROP_IN}\r\n` },
      files: { [DROP_IN]: { uid: 65_534 }, "/proc/self/uid_map": { text: "      1000       1000          1\n" } },
    },
    "ssh configuration",
    { kind: "ssh-bad-owner", owner: "unknown here" },
  ],
  [
    "a file that is nobody's",
    {
      ssh: { refusal: `Bad owner or permissions on ${DROP_IN}\r\n` },
      files: { [DROP_IN]: { uid: 65_534 }, "/proc/self/uid_map": { text: "         0          0 4294967295\n" } },
    },
    "ssh configuration",
    { kind: "ssh-bad-owner", owner: "another's" },
  ],
  [
    "a bad option",
    { ssh: { refusal: "x: line 1: Bad configuration option: foo\r\nx: terminating\r\n" } },
    "ssh configuration",
    { kind: "ssh-refuses", host: "qemu/web", words: "x: line 1: Bad configuration option: foo", status: 255 },
  ],
  [
    "no drop-in",
    { ssh: { settings: { proxycommand: undefined, proxyusefdpass: "no" }, ...NO_STORY } },
    "drop-in",
    { kind: "not-our-proxy", host: "qemu/web", dropIn: "not read" },
  ],
  [
    "a drop-in that is not for this host",
    {
      ssh: { settings: { proxycommand: undefined, proxyusefdpass: "no" }, story: DROP_IN_APPLIES.slice(0, 1) },
    },
    "drop-in",
    { kind: "not-our-proxy", host: "qemu/web", dropIn: "not for it" },
  ],
  [
    "a ProxyCommand of the user's own",
    withUsers("Host *\n ProxyCommand nc %h %p\n", { settings: { proxycommand: "nc %h %p" } }),
    "drop-in",
    {
      kind: "not-our-proxy",
      host: "qemu/web",
      command: "nc %h %p",
      at: { path: USERS, line: 2 },
      fdpassAt: { path: DROP_IN, line: 3 },
      dropIn: "too late",
    },
  ],
  [
    "a ProxyCommand of the user's own that passes a descriptor itself",
    withUsers("Host *\n ProxyCommand x\n ProxyUseFdpass yes\n", { settings: { proxycommand: "x" } }),
    "drop-in",
    { kind: "not-our-proxy", host: "qemu/web", command: "x", at: { path: USERS, line: 2 }, dropIn: "too late" },
  ],
  [
    "ProxyCommand none",
    withUsers("Host *\n ProxyCommand none\n", { settings: { proxycommand: undefined } }),
    "drop-in",
    { kind: "not-our-proxy", host: "qemu/web", at: { path: USERS, line: 2 }, dropIn: "too late" },
  ],
  [
    "a ProxyJump",
    withUsers("Host *\n ProxyJump bastion\n", { settings: { proxycommand: undefined, proxyjump: "bastion" } }),
    "drop-in",
    { kind: "jump-host", host: "qemu/web", jump: "bastion", at: { path: USERS, line: 2 } },
  ],
  [
    "virtssh without --fdpass",
    { ssh: { settings: { proxycommand: "/usr/bin/virtssh proxy %h %p" } } },
    "drop-in",
    { kind: "fdpass-mismatch", at: { path: DROP_IN, line: 3 } },
  ],
  [
    "a ControlPath with the name's slash in it",
    withUsers("Host *\n ControlPath ~/.ssh/%h\n", {
      settings: { controlmaster: "auto", controlpath: "/root/.ssh/qemu/web" },
    }),
    "control path",
    {
      kind: "control-path",
      path: "/root/.ssh/qemu/web",
      directory: "/root/.ssh/qemu",
      at: { path: USERS, line: 2 },
      hasName: true,
    },
  ],
  [
    "a ControlPath in a directory that is not there",
    { ssh: { settings: { controlmaster: "auto", controlpath: "/root/cm/0eb3" } } },
    "control path",
    { kind: "control-path", path: "/root/cm/0eb3", directory: "/root/cm", hasName: false },
  ],
  [
    "a shell that runs nothing",
    {
      environment: { HOME: "/root", SHELL: "/sbin/nologin" },
      captures: { "/sbin/nologin": () => ({ status: 1, output: "no\n" }) },
    },
    "shell",
    { kind: "shell-broken", shell: "/sbin/nologin", status: 1 },
  ],
  [
    "an empty SHELL",
    { environment: { HOME: "/root", SHELL: "" } },
    "shell",
    { kind: "shell-broken", shell: "", errno: "ENOENT" },
  ],
  [
    "no program where the ProxyCommand says",
    { ssh: { settings: { proxycommand: '"/opt/a 100%%/virtssh" proxy --fdpass %h %p' } } },
    "helper",
    {
      kind: "helper-broken",
      program: '"/opt/a 100%%/virtssh"',
      words: 'sh: 1: exec: "/opt/a 100%/virtssh": not found',
      status: 127,
    },
  ],
  ["no daemon", { sockets: { [SYSTEM_SOCKET]: ENOENT } }, "qemu:///system", { kind: "no-daemon" }],
  [
    "a socket that is denied",
    { sockets: { [SYSTEM_SOCKET]: EACCES } },
    "qemu:///system",
    { kind: "socket-permission" },
  ],
  ["no such domain", { domain: { name: "Web" } }, "domain", { kind: "domain-not-found", name: "web" }],
  ["a domain that is shut off", { domain: { ...WEB, state: "shut off" } }, "state", { kind: "domain-stopped" }],
  ["a domain without the device", { domain: { name: "web" } }, "vsock device", { kind: "no-vsock-device" }],
  ["a CID that nobody holds", { vsock: {} }, "connect", { kind: "no-guest-at-cid" }],
  ["a guest that closes", { streams: { 8: {} } }, "banner", { kind: "guest-closed" }],
  ["a guest that says nothing", { streams: { 8: { afterwards: "silence" } } }, "banner", { kind: "guest-mute" }],
];

test.each(SICK)("examine() finds %s", (...[, setting, step, failure]) => {
  const findings = find(setting);
  expect(findStep(findings, step)).toMatchObject({ outcome: "failed", failure });
  expect(findings.filter(({ outcome }) => outcome === "failed")).toHaveLength(1);
});
