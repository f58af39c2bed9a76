// One example of every failure, in each of its variants. A kind without one does not compile.

import type { Failure } from "../../helper/failure.ts";
import type {
  ConfigLine,
  DomainFacts,
  GuestChange,
  GuestFacts,
  InstalledDaemon,
  SetupProblem,
  StoppedState,
  TargetProblem,
} from "../../helper/failure-facts.ts";
import { AGENT_EXAMPLES } from "./agent-examples.ts";
import { BOOT_EXAMPLES } from "./boot-examples.ts";
import { DEVICE_EXAMPLES } from "./device-examples.ts";
import { HOST_KEY_EXAMPLES } from "./host-key-examples.ts";
import { KEY_EXAMPLES } from "./key-examples.ts";
import { REFUSAL_EXAMPLES } from "./refusal-examples.ts";
import { SSHD_EXAMPLES } from "./sshd-examples.ts";

type Examples = { readonly [Kind in Failure["kind"]]: readonly Extract<Failure, { readonly kind: Kind }>[] };

/** All values of a union, in an order; a value that is left out does not compile. */
function all<Value extends string>(values: Readonly<Record<Value, true>>): Value[] {
  return Object.keys(values) as Value[]; // its keys are its type's, which is what Record says
}

const PROBLEMS: { readonly [Is in TargetProblem["is"]]: [string, Extract<TargetProblem, { readonly is: Is }>] } = {
  empty: ["", { is: "empty" }],
  "no-form": ["my vm", { is: "no-form" }],
  "unknown-prefix": ["qemu:sytem/web", { is: "unknown-prefix", prefix: "qemu:sytem" }],
  "no-name": ["qemu/", { is: "no-name" }],
  "bad-character": ["qemu/a/b", { is: "bad-character", character: "/" }],
  "not-utf8": ["qemu/b\ufffdcher", { is: "not-utf8" }],
  "too-long": [`qemu/${"a".repeat(600)}`, { is: "too-long", bytes: 600, maxBytes: 255 }],
  "bad-cid": ["vsock/x\u001b[31m", { is: "bad-cid", cid: "x\u001b[31m" }],
};

const STATES = all<StoppedState>({
  paused: true,
  "in shutdown": true,
  "shut off": true,
  crashed: true,
  pmsuspended: true,
});

const CHANGES = all<GuestChange>({
  gone: true,
  stopped: true,
  restarted: true,
  "another cid": true,
  "no vsock device": true,
});

const DAEMONS = all<InstalledDaemon>({ virtqemud: true, libvirtd: true });

const SETUP_REFUSALS: readonly Extract<SetupProblem, { readonly is: "refused" }>[] = [
  { is: "refused", act: "read", errno: "EACCES" },
  { is: "refused", act: "write", errno: "EROFS" },
  { is: "refused", act: "make", errno: "ENOSPC" },
  { is: "refused", act: "remove", errno: "EPERM" },
];

const SETUP_PROBLEMS: readonly SetupProblem[] = Object.values<readonly SetupProblem[]>({
  refused: SETUP_REFUSALS,
  "not-a-file": [{ is: "not-a-file" }],
  "too-large": [{ is: "too-large", maxBytes: 1_048_576 }],
  "other-owner": [{ is: "other-owner", owner: 0, user: 1000 }],
  dangling: [{ is: "dangling", target: "../dot files/config" }],
  "read-only": [{ is: "read-only" }],
  foreign: [{ is: "foreign" }],
  busy: [{ is: "busy", lock: "/home/a b/.ssh/config.virtssh-new" }],
} satisfies { readonly [Is in SetupProblem["is"]]: readonly Extract<SetupProblem, { readonly is: Is }>[] }).flat();

const SYSTEM_URI = "qemu:///system";
const SESSION_URI = "qemu:///session";
const SYSTEM_PATH = "/run/libvirt/libvirt-sock-ro";
const SESSION_PATH = "/run/user/1000/libvirt/virtqemud-sock";

const web: DomainFacts = { name: "web", uri: SYSTEM_URI, virshName: "web", target: "qemu:system/web" };
const webInSession: DomainFacts = { ...web, inSession: "qemu:session/web" };
/** A name that must be quoted for a shell, for people, and from virsh. */
const odd: DomainFacts = {
  name: "-my 'vm'\u202e",
  uri: SESSION_URI,
  virshName: "-my 'vm'\u202e",
  target: "qemu:session/-my%20%27vm%27\u202e",
};
/** A name that virsh would take for another domain's ID. */
const numbered: DomainFacts = {
  name: "3",
  uri: SYSTEM_URI,
  virshName: "4dea22b3-1d52-d8f3-2516-782e98ab3fa0",
  target: "qemu:system/3",
};

const guest: GuestFacts = { domain: web, cid: 7, port: 22 };
const oddGuest: GuestFacts = { domain: odd, cid: 7, port: 22 };
const bareGuest: GuestFacts = { cid: 7, port: 2222 };

const DROP_IN: ConfigLine = { path: "/etc/ssh/ssh_config.d/25-virtssh.conf", line: 8 };
const USERS: ConfigLine = { path: "/home/a b/.ssh/config", line: 2 };

const systemAttempts = [
  { path: "/run/libvirt/virtqemud-sock-ro", met: "missing" },
  { path: SYSTEM_PATH, met: "nobody-listens" },
] as const;
const sessionAttempts = [{ path: SESSION_PATH, met: "missing" }] as const;

export const EXAMPLES: Examples = {
  "bad-usage": [
    { kind: "bad-usage", problem: "no command given", command: "" },
    { kind: "bad-usage", problem: "unknown option", word: "--wat\u001b", command: "proxy" },
  ],
  "bad-target": [
    ...Object.values(PROBLEMS),
    ["qemu:system", { is: "no-form" }] as const,
    ["qemu/web:/root/a b", { is: "bad-character", character: "/" }] as const,
  ].map(([text, problem]) => ({ kind: "bad-target", text, problem })),
  "bad-number": [
    { kind: "bad-number", what: "port", text: "ssh", range: "1 to 4294967294" },
    { kind: "bad-number", what: "number of seconds", text: "0", range: "1 to 86400" },
  ],
  "no-runtime-directory": [{ kind: "no-runtime-directory" }],
  "no-daemon": [
    ...[...DAEMONS, undefined].map((installed) => ({
      kind: "no-daemon" as const,
      attempts: systemAttempts,
      uris: [SYSTEM_URI],
      installed,
    })),
    {
      kind: "no-daemon",
      attempts: [...systemAttempts, ...sessionAttempts],
      uris: [SYSTEM_URI, SESSION_URI],
      installed: "libvirtd",
    },
    { kind: "no-daemon", attempts: sessionAttempts, uris: [SESSION_URI], installed: undefined },
  ],
  "socket-permission": [
    { kind: "socket-permission", path: SYSTEM_PATH, group: "libvirt" },
    { kind: "socket-permission", path: "/home/a b/libvirt-sock" },
  ],
  "socket-broken": [
    { kind: "socket-broken", path: SYSTEM_PATH, errno: "EMFILE" },
    { kind: "socket-broken", path: SESSION_PATH, errno: "EXDEV" },
  ],
  "daemon-start": [{ kind: "daemon-start", path: "/usr/sbin/virtqemud", reason: "it ended with status 1" }],
  "daemon-silent": [{ kind: "daemon-silent", path: SYSTEM_PATH, seconds: 30 }],
  "daemon-full": [SYSTEM_PATH, "/run/libvirt/virtqemud-sock-ro", SESSION_PATH].map((path) => ({
    kind: "daemon-full",
    path,
    seconds: 30,
    served: 20,
    waiting: 5,
  })),
  "daemon-closed": [{ kind: "daemon-closed", path: SYSTEM_PATH }],
  "daemon-nonsense": [{ kind: "daemon-nonsense", path: SYSTEM_PATH, detail: "message is 27 bytes" }],
  "daemon-wants-sasl": [{ kind: "daemon-wants-sasl", path: SYSTEM_PATH }],
  ...REFUSAL_EXAMPLES,
  "domain-not-found": [
    { kind: "domain-not-found", name: "wbe", uris: [SYSTEM_URI] },
    { kind: "domain-not-found", name: "wbe", uris: [SYSTEM_URI, SESSION_URI] },
    {
      kind: "domain-not-found",
      name: "wbe",
      uris: [SYSTEM_URI],
      near: [{ name: "web", uri: SYSTEM_URI, target: "qemu:system/web" }],
    },
    {
      kind: "domain-not-found",
      name: "my v",
      uris: [SYSTEM_URI, SESSION_URI],
      near: [
        { name: "my vm", uri: SYSTEM_URI, target: "qemu:system/my%20vm" },
        { name: "my v*", uri: SESSION_URI, target: "qemu:session/my%20v*" },
      ],
    },
  ],
  "domain-ambiguous": [
    {
      kind: "domain-ambiguous",
      name: "web",
      candidates: [
        { name: "WEB", uri: SYSTEM_URI, target: "qemu:system/WEB" },
        { name: "Web", uri: SYSTEM_URI, target: "qemu:system/Web" },
      ],
    },
    {
      kind: "domain-ambiguous",
      name: "my*vm",
      candidates: [
        { name: "My*vm", uri: SESSION_URI, target: "qemu:session/My*vm" },
        { name: "my*vm", uri: SYSTEM_URI, target: "qemu:system/my*vm" },
      ],
    },
  ],
  "domain-stopped": [
    ...STATES.map((state) => ({ kind: "domain-stopped" as const, domain: web, state })),
    { kind: "domain-stopped", domain: odd, state: "shut off" },
    { kind: "domain-stopped", domain: numbered, state: "crashed" },
    { kind: "domain-stopped", domain: webInSession, state: "shut off" },
  ],
  "no-vsock-device": [
    { kind: "no-vsock-device", domain: web },
    { kind: "no-vsock-device", domain: odd },
    { kind: "no-vsock-device", domain: webInSession },
  ],
  ...DEVICE_EXAMPLES,
  ...AGENT_EXAMPLES,
  "vsock-unsupported": [{ kind: "vsock-unsupported" }],
  "vsock-forbidden": [{ kind: "vsock-forbidden", errno: "EPERM" }],
  "no-guest-at-cid": [guest, oddGuest, bareGuest].map((one) => ({ kind: "no-guest-at-cid", guest: one })),
  "guest-refused": [guest, bareGuest].map((one) => ({ kind: "guest-refused", guest: one })),
  "guest-silent": [guest, bareGuest].map((one) => ({ kind: "guest-silent", guest: one, seconds: 1.5 })),
  "guest-unreachable": [guest, bareGuest].map((one) => ({
    kind: "guest-unreachable",
    guest: one,
    errno: "EADDRNOTAVAIL",
  })),
  "guest-mute": [guest, bareGuest].map((one) => ({ kind: "guest-mute", guest: one })),
  "guest-closed": [guest, bareGuest].map((one) => ({ kind: "guest-closed", guest: one })),
  "guest-changed": CHANGES.map((change) => ({ kind: "guest-changed", guest, change })),
  ...SSHD_EXAMPLES,
  "not-ready": [
    { kind: "not-ready", seconds: 60, because: { kind: "domain-stopped", domain: web, state: "shut off" } },
    { kind: "not-ready", seconds: 60, because: { kind: "guest-silent", guest, seconds: 2 } },
    { kind: "not-ready", seconds: 60, because: { kind: "guest-refused", guest: oddGuest } },
    { kind: "not-ready", seconds: 1, because: { kind: "guest-mute", guest: bareGuest } },
  ],
  "ssh-missing": [{ kind: "ssh-missing" }],
  "ssh-unknown": [{ kind: "ssh-unknown", words: "Dropbear v2024.86" }],
  "ssh-too-old": [{ kind: "ssh-too-old", version: "7.9p1", oldest: "8.5" }],
  "ssh-silent": [{ kind: "ssh-silent", host: "qemu/web", seconds: 30 }],
  "ssh-bad-owner": [
    { kind: "ssh-bad-owner", path: DROP_IN.path, host: "qemu/web", owner: "another's" },
    { kind: "ssh-bad-owner", path: USERS.path, host: "qemu/web", owner: "ours" },
    { kind: "ssh-bad-owner", path: DROP_IN.path, host: "qemu/web", owner: "unknown here" },
  ],
  "ssh-refuses": [
    { kind: "ssh-refuses", host: "qemu/a;b", words: "hostname contains invalid characters", status: 255 },
    { kind: "ssh-refuses", host: "qemu/web", words: "", status: 139 },
  ],
  "not-our-proxy": [
    { kind: "not-our-proxy", host: "qemu/web", dropIn: "not read" },
    { kind: "not-our-proxy", host: "www", dropIn: "not for it" },
    { kind: "not-our-proxy", host: "qemu/web", at: USERS, dropIn: "too late" },
    { kind: "not-our-proxy", host: "web.qemu", command: "nc %h %p", at: USERS, dropIn: "too late" },
    {
      kind: "not-our-proxy",
      host: "qemu/a b",
      command: "nc '%h' %p",
      at: USERS,
      fdpassAt: DROP_IN,
      dropIn: "too late",
    },
    {
      kind: "not-our-proxy",
      host: "qemu/web",
      command: "/usr/lib/libvirt/libvirt-ssh-proxy %h %p",
      at: { path: "/etc/ssh/ssh_config.d/30-libvirt-ssh-proxy.conf", line: 4 },
      dropIn: "not read",
    },
  ],
  "jump-host": [
    { kind: "jump-host", host: "qemu/web", jump: "bastion", at: USERS },
    { kind: "jump-host", host: "qemu/web", jump: "bastion" },
  ],
  "fdpass-mismatch": [{ kind: "fdpass-mismatch", at: DROP_IN }],
  "control-path": [true, false].map((hasName) => ({
    kind: "control-path",
    path: "/root/.ssh/qemu/web-22",
    directory: "/root/.ssh/qemu",
    at: USERS,
    hasName,
  })),
  "shell-broken": [
    { kind: "shell-broken", shell: "/usr/sbin/nologin", status: 1 },
    { kind: "shell-broken", shell: "", errno: "ENOENT" },
    { kind: "shell-broken", shell: "/bin/sh", errno: "ETIMEDOUT" },
  ],
  "helper-broken": [
    {
      kind: "helper-broken",
      program: "/usr/bin/virtssh",
      words: "/bin/sh: 1: exec: /usr/bin/virtssh: not found",
      status: 127,
    },
  ],
  "no-vhost-vsock": [{ kind: "no-vhost-vsock", paths: ["/dev/vhost-vsock", "/sys/module/vhost_vsock"] }],
  "vhost-permission": [
    { kind: "vhost-permission", path: "/dev/vhost-vsock", group: "kvm" },
    { kind: "vhost-permission", path: "/dev/vhost-vsock" },
  ],
  "setup-failed": SETUP_PROBLEMS.map((problem) => ({ kind: "setup-failed", path: "/home/a b/.ssh/config", problem })),
  "setup-no-home": [{ kind: "setup-no-home", uid: 4711 }],
  "setup-bad-path": [{ kind: "setup-bad-path", path: "/opt/a\\b/virtssh\n" }],
  ...HOST_KEY_EXAMPLES,
  ...KEY_EXAMPLES,
  ...BOOT_EXAMPLES,
  "client-gone": [{ kind: "client-gone" }],
  "system-refused": [{ kind: "system-refused", call: "socket", errno: "EMFILE" }],
};
