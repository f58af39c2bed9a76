// Examples of the failures that are about host keys, as failure-examples.ts has those of all others.

import type { Failure } from "../../helper/failure.ts";
import type { ConfigLine, KnownHostsProblem, PinnedDomain, StoreProblem } from "../../helper/failure-facts.ts";

type Kind =
  | "no-host-key-check"
  | "known-hosts-broken"
  | "no-own-directory"
  | "record-failed"
  | "no-record"
  | "pins-failed"
  | "not-pinned"
  | "host-key-changed"
  | "bad-certificate"
  | "nothing-pinned"
  | "pinned-for-several"
  | "pinned-by-admin";

type StoreRefusal = Extract<StoreProblem, { readonly is: "refused" }>;

const STORE_ACTS = Object.keys({
  read: true,
  write: true,
  lock: true,
  remove: true,
  list: true,
} satisfies Readonly<Record<StoreRefusal["act"], true>>) as StoreRefusal["act"][]; // its keys are its type's

const STORE_PROBLEMS: readonly StoreProblem[] = Object.values<readonly StoreProblem[]>({
  refused: [
    ...STORE_ACTS.map((act): StoreRefusal => ({ is: "refused", act, errno: "EACCES" })),
    { is: "refused", act: "write", errno: "ENOSPC" },
    { is: "refused", act: "write", errno: "EDQUOT" },
    { is: "refused", act: "lock", errno: "EROFS" },
    { is: "refused", act: "lock", errno: "ETIMEDOUT" },
  ],
  "other-owner": [{ is: "other-owner", owner: 0, user: 1000 }],
  "open-to-others": [{ is: "open-to-others" }],
  "not-a-file": [{ is: "not-a-file" }],
  "not-a-directory": [{ is: "not-a-directory" }],
  "too-large": [{ is: "too-large", maxBytes: 65_536 }],
  "bad-line": [{ is: "bad-line", line: 3 }],
} satisfies { readonly [Is in StoreProblem["is"]]: readonly Extract<StoreProblem, { readonly is: Is }>[] }).flat();

const PIN_PATH = "/home/alice/.local/state/virtssh/hosts/5f2d0fb2-7c1e-4b7a-9d7c-5a2e8f1c9a10";
const ADMIN_PATH = "/etc/virtssh/hosts/5f2d0fb2-7c1e-4b7a-9d7c-5a2e8f1c9a10";
const pinned: PinnedDomain = { name: "web", uuid: "5f2d0fb2-7c1e-4b7a-9d7c-5a2e8f1c9a10", target: "qemu:system/web" };
const changed = { kind: "host-key-changed", domain: pinned, port: 22, pinned: ["ssh-ed25519"] } as const;

const USERS: ConfigLine = { path: "/home/a b/.ssh/config", line: 2 };

const KNOWN_HOSTS_PROBLEMS: readonly KnownHostsProblem[] = [
  { is: "relative" },
  { is: "refused", errno: "ENOENT" },
  { is: "ended", status: 2, words: "unknown command 'known-hosts'" },
];

export const HOST_KEY_EXAMPLES: { readonly [Name in Kind]: readonly Extract<Failure, { readonly kind: Name }>[] } = {
  "no-host-key-check": [
    { kind: "no-host-key-check", host: "qemu/web", lacks: "command", program: "/usr/bin/virtssh", at: USERS },
    { kind: "no-host-key-check", host: "qemu/web", lacks: "command", program: "'/opt/a b/virtssh'" },
    { kind: "no-host-key-check", host: "vsock/7", lacks: "uuid", program: "/usr/bin/virtssh" },
  ],
  "known-hosts-broken": KNOWN_HOSTS_PROBLEMS.map((problem) => ({
    kind: "known-hosts-broken",
    command: "virtssh known-hosts -- %I %t %K %n",
    problem,
    at: USERS,
  })),
  "no-own-directory": [{ kind: "no-own-directory", uid: 4711 }],
  "record-failed": [
    { kind: "record-failed", path: "/run/user/1000/virtssh", problem: { is: "other-owner", owner: 0, user: 1000 } },
    { kind: "record-failed", path: "/run/user/1000/virtssh", problem: { is: "open-to-others" } },
    { kind: "record-failed", path: "/run/user/1000/virtssh", problem: { is: "not-a-directory" } },
    {
      kind: "record-failed",
      path: "/run/user/1000/virtssh/4711-1234",
      problem: { is: "refused", act: "write", errno: "ENOSPC" },
    },
    {
      kind: "record-failed",
      path: "/run/user/1000/virtssh",
      problem: { is: "refused", act: "write", errno: "EROFS" },
    },
    {
      kind: "record-failed",
      path: "/run/user/1000/virtssh",
      problem: { is: "refused", act: "write", errno: "EACCES" },
    },
    { kind: "record-failed", path: "/proc/4711/stat", problem: { is: "refused", act: "read", errno: "ENOENT" } },
  ],
  "no-record": [{ kind: "no-record", host: "web.qemu" }],
  "pins-failed": STORE_PROBLEMS.map((problem) => ({ kind: "pins-failed", path: PIN_PATH, problem })),
  "not-pinned": [
    {
      kind: "not-pinned",
      domain: pinned,
      because: { kind: "pins-failed", path: PIN_PATH, problem: { is: "refused", act: "write", errno: "ENOSPC" } },
    },
    {
      kind: "not-pinned",
      domain: pinned,
      because: { kind: "pins-failed", path: PIN_PATH, problem: { is: "refused", act: "write", errno: "EROFS" } },
    },
    {
      kind: "not-pinned",
      domain: pinned,
      because: { kind: "pins-failed", path: PIN_PATH, problem: { is: "refused", act: "lock", errno: "ETIMEDOUT" } },
    },
    { kind: "not-pinned", domain: pinned, because: { kind: "no-own-directory", uid: 4711 } },
  ],
  "host-key-changed": [
    { ...changed, offered: "ssh-ed25519", since: "2026-11-22T05:48:36Z" },
    { ...changed, offered: "ssh-rsa", since: "2026-11-22T05:48:36Z" },
    { ...changed, offered: "ssh-ed25519", adminPath: ADMIN_PATH },
    { ...changed, offered: "ssh-rsa", adminPath: ADMIN_PATH },
    { ...changed, offered: "ssh-ed25519", adminPath: ADMIN_PATH, isUncertified: true },
  ],
  "bad-certificate": [{ kind: "bad-certificate", type: "ssh-mldsa44-cert-v01@openssh.com" }],
  "nothing-pinned": [
    { kind: "nothing-pinned", target: "qemu/web" },
    { kind: "nothing-pinned", target: "qemu/web", port: 2222 },
  ],
  "pinned-for-several": [
    {
      kind: "pinned-for-several",
      name: "web",
      uuids: ["5f2d0fb2-7c1e-4b7a-9d7c-5a2e8f1c9a10", "11111111-2222-4333-8444-555555555555"],
    },
  ],
  "pinned-by-admin": [{ kind: "pinned-by-admin", path: ADMIN_PATH, target: "qemu/web" }],
};
