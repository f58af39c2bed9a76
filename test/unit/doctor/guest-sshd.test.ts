// What a guest's programs say of its sshd, and what follows.
import { expect, test } from "vitest";
import {
  findListener,
  findProblem,
  type GuestFacts,
  hasListed,
  type Met,
  parsePaths,
  parseUnits,
} from "../../../helper/doctor/guest-sshd.ts";

const said = (output: string, complaint = "", status = 0) => ({ status, output, complaint });

test.each<[string, string, string | undefined]>([
  ["systemd's socket", 'v_str LISTEN 0 0 *:22 *:* users:(("systemd",pid=1,fd=47))', "systemd"],
  ["one of several", 'v_str LISTEN 0 128 3:22 *:* users:(("sshd",pid=7,fd=3),("sshd",pid=8,fd=3))', "sshd"],
  ["one whose name is not told", "v_str  LISTEN 0      0              *:22            *:*", ""],
  ["nobody on another port", 'v_str LISTEN 0 0 *:2222 *:* users:(("nc",pid=1,fd=47))', undefined],
  ["nobody for the guest alone", 'v_str LISTEN 0 0 1:22 *:* users:(("nc",pid=1,fd=47))', undefined],
  ["nobody in a connection", "v_str ESTAB 0 0 3:22 2:1040", undefined],
  ["nobody in what is nonsense", "\u001b[31mv_str LISTEN", undefined],
])("findListener() finds %s", (_, line, name) => {
  expect(findListener(said(`v_str LISTEN 0 0 *:99 *:*\n${line}\n`), 22)).toBe(name);
});

test("findListener() finds nobody where ss is not there", () => {
  expect(findListener(undefined, 22)).toBeUndefined();
});

test("hasListed() is certain of what ss itself has said, and of nothing else", () => {
  expect([said(""), said("", "Usage: ss", 255), undefined].map(hasListed)).toEqual([true, false, false]);
});

test("parsePaths() knows nothing where ls has not worked", () => {
  expect(parsePaths(undefined)).toBeUndefined();
  expect(parsePaths(said("", "ls: not found", 127))).toBeUndefined();
  expect(parsePaths(said("/\n/usr/sbin/sshd\n"))?.has("/usr/sbin/sshd")).toBe(true);
});

test("parseUnits() reads a block for each unit, and nothing of nonsense", () => {
  const units = parseUnits(
    said("Id=a\nLoadState=loaded\nActiveState=active\nUnitFileState=\n\nId=b\nLoadState=masked\n"),
  );
  expect([...(units ?? [])]).toEqual([
    ["a", { loaded: "loaded", active: "active", enabled: "" }],
    ["b", { loaded: "masked", active: "", enabled: "" }],
  ]);
  expect(parseUnits(said("System has not been booted with systemd as init system"))).toBeUndefined();
});

const SSHD = "/usr/sbin/sshd";
const DRIVER = "/sys/bus/virtio/drivers/vmw_vsock_virtio_transport";
const GENERATOR = "/usr/lib/systemd/system-generators/systemd-ssh-generator";
const KEY = "/etc/ssh/ssh_host_ed25519_key";
const SOCKET = "sshd-vsock.socket";
const FORWARDER = "virtssh-vsock-forward.service";

const paths = (...all: readonly string[]) => new Set(["/", ...all]);
const units = (socket: object, forwarder: object = { loaded: "not-found", active: "inactive" }) =>
  new Map(
    Object.entries({ [SOCKET]: socket, [FORWARDER]: forwarder }).map(([id, facts]) => [
      id,
      { loaded: "loaded", active: "inactive", enabled: "", ...facts },
    ]),
  );

const BARE: GuestFacts = {
  ...{ paths: undefined, listener: undefined, isListed: false, units: undefined, check: undefined },
};
const NOBODY = { is: "nobody", sshd: SSHD };
const NO_KEYS = said("", "sshd: no hostkeys available -- exiting.\r\n", 1);
const WELL = paths(SSHD, DRIVER, `${DRIVER}/virtio3`, KEY);
const REFUSES = said("", "line 1: bad\r\nline 2: bad\r\n", 255);

test.each<[string, Met, Partial<GuestFacts>, object | undefined]>([
  ["nothing but that nobody listens, where nothing can be asked", "refused", {}, NOBODY],
  [
    "nothing where nobody says who listens",
    "not reached",
    { paths: WELL, units: units({ active: "active" }) },
    undefined,
  ],
  ["nobody where ss has found nobody", "not reached", { paths: WELL, isListed: true }, NOBODY],
  ["nothing wrong where somebody listens", "refused", { listener: "systemd" }, undefined],
  ["no driver", "not reached", { paths: paths(SSHD) }, { is: "no-driver" }],
  ["a driver that a port that refuses must have", "refused", { paths: paths(SSHD) }, NOBODY],
  ["no device", "not reached", { paths: paths(SSHD, DRIVER) }, { is: "no-device" }],
  ["no sshd", "refused", { paths: paths() }, { is: "no-sshd" }],
  ["an sshd elsewhere", "refused", { paths: paths("/usr/bin/sshd") }, { is: "nobody", sshd: "/usr/bin/sshd" }],
  [
    "no unit",
    "refused",
    { paths: WELL, units: units({ loaded: "not-found" }) },
    { is: "no-unit", unit: SOCKET, hasGenerator: false },
  ],
  [
    "a unit that could be made",
    "refused",
    { paths: paths(SSHD, GENERATOR), units: units({ loaded: "not-found" }) },
    { is: "no-unit", unit: SOCKET, hasGenerator: true },
  ],
  ["a mask", "refused", { paths: WELL, units: units({ loaded: "masked" }) }, { is: "masked", unit: SOCKET }],
  [
    "a socket that has failed",
    "not reached",
    { paths: WELL, units: units({ active: "failed" }) },
    { is: "not-active", unit: SOCKET, state: "failed" },
  ],
  [
    "a forwarder that was chosen",
    "refused",
    { paths: WELL, units: units({}, { enabled: "enabled" }) },
    { is: "not-active", unit: FORWARDER, state: "inactive" },
  ],
  ["a socket that listens elsewhere", "refused", { paths: WELL, units: units({ active: "active" }) }, NOBODY],
  ["another program", "mute", { listener: "nc" }, { is: "taken", by: "nc" }],
  ["no other program where it hangs up", "closed", { listener: "nc", paths: WELL }, undefined],
  ["no sshd behind a port", "closed", { listener: "systemd", paths: paths() }, { is: "no-sshd" }],
  ["no host keys", "closed", { paths: paths(SSHD), check: NO_KEYS }, { is: "no-host-keys" }],
  [
    "no fault with missing keys where the configuration is at fault",
    "closed",
    { paths: paths(SSHD), check: REFUSES },
    { is: "sshd-refuses", program: SSHD, words: "line 1: bad" },
  ],
  [
    "keys that are elsewhere",
    "closed",
    { paths: WELL, check: said("", "Unable to load host key: /k\r\nsshd: no hostkeys available -- exiting.\r\n", 1) },
    { is: "sshd-refuses", program: SSHD, words: "Unable to load host key: /k" },
  ],
  [
    "an sshd that says nothing",
    "closed",
    { paths: WELL, check: said("", "", 127) },
    { is: "sshd-refuses", program: SSHD, words: "exit status 127" },
  ],
  ["another server of ssh", "mute", { listener: "dropbear", paths: WELL }, undefined],
  [
    "an sshd's own first words",
    "mute",
    { listener: "systemd", paths: WELL, check: REFUSES },
    { is: "sshd-refuses", program: SSHD, words: "line 1: bad" },
  ],
  ["nothing wrong with an sshd that is well", "closed", { paths: WELL, check: said("") }, undefined],
])("findProblem() finds %s", (...[, met, facts, problem]) => {
  expect(findProblem(met, 22, { ...BARE, ...facts })).toEqual(problem);
});

test("findProblem() blames no unit for another port", () => {
  const facts = { ...BARE, paths: WELL, units: units({ loaded: "masked" }) };
  expect(findProblem("refused", 2222, facts)).toEqual(NOBODY);
});
