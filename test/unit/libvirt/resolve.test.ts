// Which domain a target leads to, and which one it never does.

import { describe, expect, test } from "vitest";
import type { FakeDomain } from "../../fakes/fake-domain.ts";
import { FakeLibvirtd, type FakeLibvirtdOptions, PROC } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";
import { type Case, daemon, find, resolve, resolveIn, UUID } from "./resolve-case.ts";

test("resolveAt() tells all that there is to know of a domain", () => {
  const system = daemon(["db", { name: "web", uuid: UUID, id: 12, cid: 9 }]);
  expect(resolve({ ask: "qemu/web", system })).toEqual({
    uri: "qemu:///system",
    name: "web",
    uuid: UUID,
    id: 12,
    state: "running",
    cid: 9,
  });
});

test.each(["no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended"] as const)(
  "resolveAt() tells the state %j",
  (state) => {
    expect(resolve({ ask: "qemu/web", system: daemon([{ name: "web", state }]) }).state).toBe(state);
  },
);

test("resolveAt() takes the ID from the same XML as the CID", () => {
  const xml = "<domain id='5'><devices><vsock><cid address='8'/></vsock></devices></domain>";
  const system = daemon([{ name: "web", id: 4, xml }]);
  expect(resolve({ ask: "qemu/web", system })).toMatchObject({ id: 5, cid: 8 });
});

test("resolveAt() asks for no more than it needs", () => {
  const system = daemon(["web"]);
  resolve({ ask: "qemu/web", system });
  expect(system.calls).toEqual([
    "authList",
    'open "qemu:///system" read-only',
    'lookupByName "web"',
    'getState "web" 0',
    'getXmlDesc "web" 0',
    "close",
  ]);
});

const byUuid: FakeDomain = { name: "by-uuid", uuid: UUID, id: 42 };
const ODD = " ü$'\"%41*?\\\t\u009b";

test.each<[string, readonly (string | FakeDomain)[], { ask: string; found: string }]>([
  ["a name", ["web"], { ask: "web", found: "web" }],
  ["a UUID", [byUuid], { ask: UUID, found: "by-uuid" }],
  ["a UUID in capitals", [byUuid], { ask: UUID.toUpperCase(), found: "by-uuid" }],
  ["a UUID without hyphens", [byUuid], { ask: UUID.replaceAll("-", ""), found: "by-uuid" }],
  ["an ID", [byUuid], { ask: "42", found: "by-uuid" }],
  ["an ID with zeros in front", [byUuid], { ask: "0042", found: "by-uuid" }],
  ["a name like an ID, before the ID", [byUuid, "42"], { ask: "42", found: "42" }],
  ["a name like a UUID, before the UUID", [byUuid, UUID], { ask: UUID, found: UUID }],
  ["a UUID of digits alone", [{ name: "x", uuid: "1".repeat(32) }], { ask: "1".repeat(32), found: "x" }],
  ["a name that is like a target", ["web.qemu", "web"], { ask: "web.qemu", found: "web.qemu" }],
  ["a name to the letter", ["web", "Web", "WEB"], { ask: "Web", found: "Web" }],
  ["a name with everything in it", [ODD], { ask: ODD, found: ODD }],
  ["a name that looks escaped, before what it decodes to", ["my vm", "my%20vm"], { ask: "my%20vm", found: "my%20vm" }],
  ["what escapes decode to", ["my vm"], { ask: "my%20vm", found: "my vm" }],
  ["a UUID in escapes", [byUuid], { ask: `%34${UUID.slice(1)}`, found: "by-uuid" }],
])("resolveAt() finds %s", (_, domains, { ask, found }) => {
  expect(find({ ask: `qemu/${ask}`, system: daemon(domains) })).toBe(`${found} in qemu:///system`);
});

test.each([
  ["case", ["Web"], "web"],
  ["case outside ASCII", ["Ü"], "ü"],
  ["a space at its end", ["web "], "web"],
  ["what follows", ["web2"], "web"],
  ["one level of escapes too many", ["my vm"], "my%2520vm"],
  ["an ID that is none", ["web"], "99"],
  ["an ID that no domain can have", [{ name: "web", id: 0 }], "4294967296"],
  ["the ID of those that do not run", [{ name: "web", state: "shut off" }], "4294967295"],
] as const)("resolveAt() does not find a domain that differs in %s", (_, domains, name) => {
  const asked: Case = { ask: `qemu:system/${name}`, system: daemon(domains) };
  expect(failureOf(() => resolve(asked))).toMatchObject({ kind: "domain-not-found", name, uris: ["qemu:///system"] });
});

test.each([
  ["wbe", ["web", "db"], ["qemu:system/web"]],
  ["WEB", ["web"], ["qemu:system/web"]],
  ["my%20vn", ["my vm"], ["qemu:system/my%20vm"]],
  ["zzz", ["web", "db"], []],
] as const)("resolveAt() of %j among %j says which may be meant", (name, domains, near) => {
  const failure = failureOf(() => resolve({ ask: `qemu:system/${name}`, system: daemon(domains) }));
  const targets = failure.kind === "domain-not-found" ? failure.near?.map(({ target }) => target) : undefined;
  expect(targets ?? []).toEqual(near);
});

test("resolveAt() does without near names where the daemon does not list its domains", () => {
  const system = new FakeLibvirtd({
    domains: [{ name: "web" }],
    errors: { [PROC.listAllDomains]: { code: 88, message: "no" } },
  });
  const failure = failureOf(() => resolve({ ask: "qemu:system/wbe", system }));
  expect(failure).toEqual({ kind: "domain-not-found", name: "wbe", uris: ["qemu:///system"] });
});

describe("between two calls", () => {
  const vanishes = (at: number): FakeLibvirtdOptions => ({
    before: (procedure, asked) => {
      if (procedure === at) asked.domains = [];
    },
  });

  test.each([PROC.getState, PROC.getXmlDesc])(
    "resolveAt() does not find a domain that is gone before procedure %i",
    (at) => {
      const asked: Case = { ask: "qemu/web", system: daemon(["web"], vanishes(at)), session: daemon(["web"]) };
      expect(failureOf(() => resolve(asked))).toEqual({
        kind: "domain-not-found",
        name: "web",
        uris: ["qemu:///system"],
      });
    },
  );

  test("resolveAt() follows a domain that is renamed, by its UUID", () => {
    const system = daemon([{ name: "web", uuid: UUID, cid: 7 }], {
      before: (procedure, asked) => {
        if (procedure === PROC.getState)
          asked.domains = [
            { name: "web", cid: 8 },
            { name: "old", uuid: UUID, cid: 7 },
          ];
      },
    });
    expect(resolve({ ask: "qemu/web", system })).toMatchObject({ uuid: UUID, cid: 7 });
  });

  test("resolveAt() takes answers that come in another order", () => {
    const system = daemon([{ name: "web", cid: 9 }], { late: PROC.getState });
    expect(resolve({ ask: "qemu/web", system })).toMatchObject({ state: "running", cid: 9 });
  });
});

test("resolveAt() does not wait for a daemon that lets it go without a word", () => {
  const asked: Case = { ask: "qemu/web", system: daemon(["web"], { misbehaves: { [PROC.close]: "is silent" } }) };
  const sys = new FakeSystem(asked);
  const startedMs = sys.nowMs();
  expect(resolveIn(sys, asked)).toMatchObject({ cid: 7 });
  expect(sys.nowMs() - startedMs).toBeLessThanOrEqual(1_000);
});
