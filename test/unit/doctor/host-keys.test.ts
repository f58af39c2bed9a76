// Who checks the guest's host key, and which one is pinned.

import { expect, test } from "vitest";
import { examine } from "../../../helper/doctor/examine.ts";
import { EACCES, ENOENT } from "../../../helper/sys/errno.ts";
import { SystemError } from "../../../helper/sys/system.ts";
import type { FakeFile } from "../../fakes/fake-files.ts";
import {
  ASKS,
  DROP_IN,
  DROP_IN_APPLIES,
  find,
  findStep,
  makeSystem,
  type Setting,
  TIMEOUT_MS,
  UUID,
} from "./fake-client.ts";

const USERS = "/root/.ssh/config";
const KNOWN_HOSTS = { userknownhostsfile: "/root/.ssh/known_hosts /root/a b" };
const IN_FILES = '"/root/.ssh/known_hosts", "/root/a b"';

/** What ssh's configuration comes to, the user's own file in front of the drop-in. */
const configured = (text: string, settings: Readonly<Record<string, string | undefined>>): Setting => ({
  files: { [USERS]: { text } },
  ssh: {
    story: [
      `debug1: Reading configuration data ${USERS}`,
      `debug1: ${USERS} line 1: Applying options for *`,
      ...DROP_IN_APPLIES,
    ],
    settings,
  },
});

const OTHERS = "/usr/bin/virtssh known-hosts --x %n";

test.each<[string, Setting, string]>([
  [
    "StrictHostKeyChecking no",
    configured("Host *\n StrictHostKeyChecking no\n", { stricthostkeychecking: "false" }),
    `virtssh pins keys by the domain's UUID ("${DROP_IN}" line 4); StrictHostKeyChecking is no ("${USERS}" line 2): ssh goes on where a key has changed`,
  ],
  [
    "files of the user's own",
    configured("Host *\n UserKnownHostsFile x\n", KNOWN_HOSTS),
    `virtssh pins keys by the domain's UUID ("${DROP_IN}" line 4); ssh looks in ${IN_FILES} too`,
  ],
  [
    "a global file that is there, and one that is not",
    {
      ssh: { settings: { globalknownhostsfile: "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2" } },
      files: { "/etc/ssh/ssh_known_hosts": {} },
    },
    `virtssh pins keys by the domain's UUID ("${DROP_IN}" line 4); ssh looks in "/etc/ssh/ssh_known_hosts" too`,
  ],
  [
    "a command of the user's own",
    {
      ...configured("Host *\n KnownHostsCommand /opt/keys %n\n", { knownhostscommand: "/opt/keys %n" }),
      files: { [USERS]: { text: "Host *\n KnownHostsCommand /opt/keys %n\n" }, "/opt/keys": {} },
    },
    `by "/opt/keys %n" ("${USERS}" line 2)`,
  ],
  [
    "no command, and files",
    configured("", { ...KNOWN_HOSTS, knownhostscommand: undefined }),
    `by ssh itself, in ${IN_FILES}`,
  ],
  [
    "a command that is not there, and files",
    configured("Host *\n KnownHostsCommand /nowhere\n", { ...KNOWN_HOSTS, knownhostscommand: "/nowhere" }),
    `by ssh itself, in ${IN_FILES}: there is no "/nowhere" ("${USERS}" line 2)`,
  ],
])("examine() says who checks host keys: %s", (_, setting, detail) => {
  expect(findStep(find(setting), "host key check")).toEqual({ step: "host key check", outcome: "ok", detail });
});

const AT = { path: DROP_IN, line: 4 };
const asks = (knownhostscommand: string | undefined): Setting => ({ ssh: { settings: { knownhostscommand } } });
const ends = (end: () => { status: number; output: string }): Setting => ({ captures: { "/usr/bin/virtssh": end } });

test.each<[string, Setting, object]>([
  [
    "KnownHostsCommand none",
    configured("Host *\n KnownHostsCommand none\n", { knownhostscommand: undefined }),
    {
      ...{ kind: "no-host-key-check", host: "qemu/web", lacks: "command", program: "/usr/bin/virtssh" },
      at: { path: USERS, line: 2 },
    },
  ],
  [
    "neither a command nor a file, and a program that has to be quoted",
    {
      captures: { "/bin/sh": ([, word = ""]) => ({ status: word === "exit 42" ? 42 : 0, output: "virtssh 1.2.3\n" }) },
      ssh: { settings: { proxycommand: "'/a b 100%%/virtssh' proxy --fdpass %h %p", knownhostscommand: undefined } },
    },
    { kind: "no-host-key-check", host: "qemu/web", lacks: "command", program: "'/a b 100%/virtssh'" },
  ],
  [
    "a program without a path",
    asks("virtssh known-hosts"),
    { kind: "known-hosts-broken", command: "virtssh known-hosts", problem: { is: "relative" } },
  ],
  [
    "a program that is not there",
    asks("'/opt/a b/virtssh' known-hosts"),
    {
      kind: "known-hosts-broken",
      command: "'/opt/a b/virtssh' known-hosts",
      problem: { is: "refused", errno: "ENOENT" },
    },
  ],
  [
    "another's program that is not there",
    asks("/nowhere %n"),
    { kind: "known-hosts-broken", command: "/nowhere %n", problem: { is: "refused", errno: "ENOENT" } },
  ],
  [
    "a virtssh that cannot be started, whatever files there are",
    {
      ssh: { settings: KNOWN_HOSTS },
      ...ends(() => {
        throw new SystemError("spawn", EACCES);
      }),
    },
    { kind: "known-hosts-broken", command: ASKS, problem: { is: "refused", errno: "EACCES" }, at: AT },
  ],
  [
    "a virtssh that does not know what it is asked",
    { ...asks(OTHERS) },
    {
      kind: "known-hosts-broken",
      command: OTHERS,
      problem: { is: "ended", status: 2, words: "wrong usage" },
    },
  ],
])("examine() finds that nobody can check host keys: %s", (_, setting, failure) => {
  const findings = find(setting);
  expect(findStep(findings, "host key check")).toEqual({ step: "host key check", outcome: "failed", failure });
  expect(findings.filter(({ outcome }) => outcome === "failed")).toHaveLength(1);
});

const ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICOUK73WTMMj8GfQJB/8irWkFlsnyiUq5NpQtbs8guDu";
const RSA =
  "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDHQh8EWMeLIWIiObpI6RNsFJFQwV3Ptd5FTav38czZ8ESUPmenkq3zXtUnAusrcHsbhsoW10e55tyzLVxMkYEe5CHMuXTEGbrd7oplYg6Mpnn/+sQFSh7+vch8tDaYfU4F1HrB4xDA13xIqY95dI/CqjxNDNhAwhXBQp0qOwM6DQ==";
/** As ssh-keygen -l prints them. */
const ED25519_SHA256 = "SHA256:Awqdp2Vd89X0IxvBBQuh1FgV5NFHKpSZn9s814Xr3vM";
const RSA_SHA256 = "SHA256:5l0FTXAdxmX6vTyugxkPgjHDVRdoO7TTjo2+nONI8n4";

const STATE = "/home/user/.local/state/virtssh";
const OWN = `${STATE}/hosts/${UUID}`;
const ADMIN = `/etc/virtssh/hosts/${UUID}`;
const own = (text: string, file: FakeFile = {}): Record<string, FakeFile> => ({
  [STATE]: { mode: 0o040700 },
  [`${STATE}/hosts`]: { mode: 0o040700 },
  [OWN]: { mode: 0o100600, text, ...file },
});
const seen = (port: number) =>
  `# domain "web", port ${port}, first seen 2026-11-22T05:48:36Z, last seen 2026-11-23T00:00:00Z\n`;
const SINCE = "since 2026-11-22 05:48 UTC";
const NONE = "none is pinned yet: the next login pins the one that the guest shows";

test.each<[string, Record<string, FakeFile>, string]>([
  ["no file", {}, NONE],
  ["an empty file", own(""), NONE],
  ["a key", own(`${seen(22)}* ${ED25519}\n`), `ED25519 ${ED25519_SHA256} pinned ${SINCE}, in "${OWN}"`],
  ["a key for another port", own(`${seen(2222)}* ${ED25519}\n`), NONE],
  [
    "two keys, one of them written by hand",
    own(`${seen(22)}* ${ED25519}\n* ${RSA}\n`),
    `ED25519 ${ED25519_SHA256} pinned ${SINCE}, RSA ${RSA_SHA256} pinned, in "${OWN}"`,
  ],
  [
    "a key of the administrator's, before the user's own",
    { ...own(`${seen(22)}* ${RSA}\n`), [ADMIN]: { text: `web ${ED25519}\n` } },
    `ED25519 ${ED25519_SHA256} pinned by the administrator, in "${ADMIN}"`,
  ],
  [
    "a signer of certificates",
    { [ADMIN]: { text: `@cert-authority * ${ED25519}\n` } },
    `certificates of ED25519 ${ED25519_SHA256} pinned by the administrator, in "${ADMIN}"`,
  ],
  [
    "a revoked key, and nothing else",
    { [ADMIN]: { text: `@revoked * ${ED25519}\n` } },
    `${NONE}; revoked: ED25519 ${ED25519_SHA256}`,
  ],
  [
    "a revoked key, beside one of the user's own",
    { ...own(`${seen(22)}* ${RSA}\n`), [ADMIN]: { text: `@revoked * ${ED25519}\n` } },
    `RSA ${RSA_SHA256} pinned ${SINCE}, in "${OWN}"; revoked: ED25519 ${ED25519_SHA256}`,
  ],
])("examine() says which key is pinned: %s", (_, files, detail) => {
  const findings = find({ files, environment: { HOME: "/home/user" } });
  expect(findStep(findings, "host key")).toEqual({ step: "host key", outcome: "ok", detail });
});

test.each<[string, Setting, object]>([
  [
    "a file that is another user's",
    { files: own("", { uid: 1000 }) },
    { kind: "pins-failed", path: OWN, problem: { is: "other-owner", owner: 1000, user: 0 } },
  ],
  [
    "a line that is no key",
    { files: own("nonsense\n") },
    { kind: "pins-failed", path: OWN, problem: { is: "bad-line", line: 1 } },
  ],
  [
    "a directory that others may write to",
    { files: { ...own(""), [STATE]: { mode: 0o040777 } } },
    { kind: "pins-failed", path: STATE, problem: { is: "open-to-others" } },
  ],
  ["nowhere to pin it", { environment: {} }, { kind: "no-own-directory", uid: 0 }],
])("examine() finds that pins are of no use: %s", (_, setting, failure) => {
  const findings = find({ environment: { HOME: "/home/user" }, ...setting });
  expect(findStep(findings, "host key")).toEqual({ step: "host key", outcome: "failed", failure });
});

test("examine() changes no pins, and makes no place for them", () => {
  const sys = makeSystem({ files: own(`${seen(22)}* ${ED25519}\n`), environment: { HOME: "/home/user" } });
  const before = { ...sys.files };
  examine("qemu/web", sys.nowMs() + TIMEOUT_MS, sys);
  expect(sys.files).toEqual(before);
  expect(sys.log.filter((line) => /^(create|rename|remove|make|lock)/.test(line))).toEqual([]);
});

test("examine() shows no pins where ssh does not ask virtssh", () => {
  const setting = configured("", { ...KNOWN_HOSTS, knownhostscommand: undefined });
  expect(findStep(find({ ...setting, files: own("nonsense\n") }), "host key")).toMatchObject({
    outcome: "ok",
    detail: "ssh does not ask virtssh about it",
  });
});

const BARE: Setting = { streams: { 7: { incoming: ["SSH-2.0-x\r\n"] } } };

test("examine() knows of no pin for a bare CID", () => {
  const finding = findStep(find({ ...BARE, ssh: { settings: KNOWN_HOSTS } }, "vsock/7"), "host key");
  expect(finding?.detail).toBe("a bare CID has no UUID: nothing is pinned, ssh's usual rules apply");
});

test("examine() finds that nobody can check the key of a bare CID", () => {
  expect(findStep(find(BARE, "vsock/7"), "host key")?.failure).toEqual({
    ...{ kind: "no-host-key-check", host: "vsock/7", lacks: "uuid", program: "/usr/bin/virtssh" },
  });
});

test("examine() shows pins whatever becomes of the connection", () => {
  const findings = find({ sockets: {}, vsock: { "7:22": ENOENT }, environment: { HOME: "/home/user" } });
  expect([findStep(findings, "connect")?.outcome, findStep(findings, "host key")?.outcome]).toEqual(["failed", "ok"]);
});
