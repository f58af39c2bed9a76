// What `virtssh trust` makes of targets and of files, beside what ../../daemon/trust.test.ts shows of it.

import { expect, test } from "vitest";
import type { Failure } from "../../../helper/failure.ts";
import type { FakeFile } from "../../fakes/fake-files.ts";
import { FakeLibvirtd } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem, type FakeSystemOptions } from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";
import { runWords } from "./run.ts";

const UUID = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0";
const GONE = "22222222-2222-4333-8444-555555555555";
const GONE_TOO = "33333333-2222-4333-8444-555555555555";
const STATE = "/home/user/.local/state/virtssh";
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJyZ8sHafEp8++mWTrP3bDZfWINSnyQw0jPfNRJ1ACTV";
/** What `ssh-keygen -l` printed of it. */
const SHA256 = "SHA256:NP0OtJdvqPme+yfqiuILxXJGwH19+ILHbfiEws7C8MQ";

const OWN = { uid: 1000 };
const DIRECTORIES: Readonly<Record<string, FakeFile>> = {
  "/home/user": { ...OWN, mode: 0o040755 },
  [STATE]: { ...OWN, mode: 0o040700 },
  [`${STATE}/hosts`]: { ...OWN, mode: 0o040700 },
};

const pins = (name: string, port = 22) =>
  `# domain ${JSON.stringify(name)}, port ${port}, first seen 2026-11-01T01:02:03Z, last seen 2026-11-02T03:04:05Z\n* ${KEY}\n`;

const kept = (uuid: string, text: string) => ({ [`${STATE}/hosts/${uuid}`]: { ...OWN, mode: 0o100600, text } });

const NOBODY = new FakeLibvirtd({ domains: [] });
const SYSTEM = new FakeLibvirtd({ domains: [{ name: "web", uuid: UUID }] });

function start(files: Readonly<Record<string, FakeFile>>, options: FakeSystemOptions = { system: SYSTEM }): FakeSystem {
  return new FakeSystem({ ...options, files: { ...DIRECTORIES, ...files } });
}

function print(words: readonly string[], sys: FakeSystem): string {
  expect(runWords(["trust", ...words], sys)).toBe(0);
  return sys.written(1);
}

test.each<[string, readonly string[], FakeSystemOptions]>([
  ["its name", ["qemu/web"], { system: SYSTEM }],
  ["its UUID alone, without libvirt", [UUID], {}],
  ["its UUID in capitals", [UUID.toUpperCase()], {}],
  ["its UUID as a target, without libvirt", [`qemu/${UUID}`], {}],
  ["its last name, which no domain has now", ["web.qemu"], { system: NOBODY }],
  ["its name and a port", ["--port", "22", "qemu/web"], { system: SYSTEM }],
])("virtssh trust show finds a domain by %s", (_, words, options) => {
  expect(print(["show", ...words], start(kept(UUID, pins("web")), options))).toBe(
    `256 ${SHA256} web (ED25519)
    uuid ${UUID}, vsock port 22
    first seen 2026-11-01 01:02 UTC
    last seen 2026-11-02
    in "${STATE}/hosts/${UUID}"
`,
  );
});

test("virtssh trust show means the domain that has the name now, not one that had it", () => {
  const sys = start({ ...kept(GONE, pins("web")), ...kept(UUID, pins("old")) });
  expect(print(["show", "qemu/web"], sys)).toContain(`uuid ${UUID}`);
});

test.each<[string, readonly string[], { files: Readonly<Record<string, FakeFile>>; failure: Failure }]>([
  ["a bare CID", ["show", "vsock/7"], { files: {}, failure: { kind: "nothing-pinned", target: "vsock/7" } }],
  [
    "a domain without pins",
    ["forget", "qemu/web"],
    { files: {}, failure: { kind: "nothing-pinned", target: "qemu/web" } },
  ],
  [
    "a port without pins",
    ["forget", "--port", "23", "qemu/web"],
    { files: kept(UUID, pins("web")), failure: { kind: "nothing-pinned", target: "qemu/web", port: 23 } },
  ],
  [
    "a name that two have had",
    ["forget", "qemu/old"],
    {
      files: { ...kept(GONE_TOO, pins("old")), ...kept(GONE, pins("old")) },
      failure: { kind: "pinned-for-several", name: "old", uuids: [GONE, GONE_TOO] },
    },
  ],
  [
    "pins that the administrator has made",
    ["forget", "qemu/web"],
    {
      files: { [`/etc/virtssh/hosts/${UUID}`]: { text: `web ${KEY}\n` } },
      failure: { kind: "pinned-by-admin", path: `/etc/virtssh/hosts/${UUID}`, target: "qemu/web" },
    },
  ],
  [
    "a file that another user owns",
    ["forget", "qemu/web"],
    {
      files: { [`${STATE}/hosts/${UUID}`]: { uid: 0, mode: 0o100600, text: pins("web") } },
      failure: {
        kind: "pins-failed",
        path: `${STATE}/hosts/${UUID}`,
        problem: { is: "other-owner", owner: 0, user: 1000 },
      },
    },
  ],
])("virtssh trust refuses %s", (_, words, { files, failure }) => {
  const sys = start(files);
  const before = { ...sys.files };
  expect(failureOf(() => runWords(["trust", ...words], sys))).toEqual(failure);
  expect(sys.files).toEqual(before);
});

test("virtssh trust forget removes the file with the last key", () => {
  const sys = start(kept(UUID, pins("web")));
  expect(print(["forget", "qemu/web"], sys)).toBe(`forgot 256 ${SHA256} web (ED25519), vsock port 22, uuid ${UUID}\n`);
  expect(Object.keys(sys.files).filter((path) => path.startsWith(`${STATE}/hosts/`))).toEqual([]);
});

test.each<[string, string, FakeSystemOptions]>([
  ["the old name of a domain that has another", "qemu/old", { system: SYSTEM }],
  ["the name of a domain of the other daemon's", "qemu:session/old", { system: SYSTEM, session: NOBODY }],
  ["a name, where libvirt cannot be asked", "qemu/old", {}],
])("virtssh trust forgets nothing of %s", (_, target, options) => {
  const sys = start(kept(UUID, pins("old")), options);
  expect(failureOf(() => runWords(["trust", "forget", target], sys)).kind).toMatch(/^(?:domain-not-found|no-daemon)$/);
  expect(Object.keys(sys.files)).toContain(`${STATE}/hosts/${UUID}`);
});

test("virtssh trust finds a domain by its last name beside a file that cannot be read", () => {
  const sys = start({ ...kept(GONE, pins("old")), ...kept(GONE_TOO, "junk\n") });
  expect(print(["show", "qemu/old"], sys)).toContain(`uuid ${GONE}`);
});

test.each([[[]], [["--port", "22"]]])("virtssh trust forget %j leaves a key revoked", (port) => {
  const revoked = `@revoked * ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPOqpGil0P6Sedd9XoSLm1Da1TiJBnjb8NNIyqfXDmEX\n`;
  const sys = start(kept(UUID, `${revoked}${pins("web")}`));
  print(["forget", ...port, "qemu/web"], sys);
  expect(sys.files[`${STATE}/hosts/${UUID}`]?.text).toBe(revoked);
});

test("virtssh trust forget --port leaves a key that is for every port", () => {
  const sys = start(kept(UUID, `* ${KEY}\n${pins("web")}`));
  print(["forget", "--port", "22", "qemu/web"], sys);
  expect(sys.files[`${STATE}/hosts/${UUID}`]?.text).toBe(`* ${KEY}\n`);
});

test("virtssh trust forget --port leaves all else in the file as it is", () => {
  const sys = start(kept(UUID, `# mine\n${pins("web")}\n${pins("web", 2222)}`));
  print(["forget", "--port", "2222", "qemu/web"], sys);
  expect(sys.files[`${STATE}/hosts/${UUID}`]?.text).toBe(`# mine\n${pins("web")}\n`);
});

test("virtssh trust list prints nothing where nothing is pinned", () => {
  expect(print(["list"], start({}))).toBe("");
  expect(print(["list", "--json"], start({}))).toBe("[]\n");
});

test("virtssh trust list asks no daemon", () => {
  const sys = start(kept(UUID, pins("web")));
  print(["list"], sys);
  expect(sys.log.filter((line) => line.startsWith("connect"))).toEqual([]);
});

test("virtssh trust list leaves out what bears no UUID", () => {
  const sys = start({
    ...kept(UUID, pins("web")),
    ...kept(`${GONE}.new`, "junk"),
    ...kept(UUID.toUpperCase(), "junk"),
  });
  expect(JSON.parse(print(["list", "--json"], sys))).toHaveLength(1);
});
