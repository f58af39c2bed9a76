// A name that ssh may have folded: the letters' case says nothing.

import { expect, test } from "vitest";
import type { Failure } from "../../../helper/failure.ts";
import type { FakeDomain } from "../../fakes/fake-domain.ts";
import { PROC } from "../../fakes/fake-libvirtd.ts";
import { failureOf } from "../failure-of.ts";
import { type Case, daemon, find, resolve, UUID } from "./resolve-case.ts";

const bothUris = ["qemu:///system", "qemu:///session"];
const byUuid: FakeDomain = { name: "by-uuid", uuid: UUID };
const listDenied = { errors: { [PROC.listAllDomains]: { code: 88, message: "access denied" } } };
const refusedLookup = { kind: "daemon-refused", refused: "list domains", name: "web", uri: "qemu:///system" };

const clash = (...candidates: [name: string, uri: string][]): Partial<Failure> => ({
  kind: "domain-ambiguous",
  name: "web",
  candidates: candidates.map(([name, uri]) => ({ name, uri: `qemu:///${uri}`, target: `qemu:${uri}/${name}` })),
});

test.each<[string, Case, string]>([
  ["the one that is equal but for case", { ask: "qemu/web", system: daemon(["db", "WeB"]) }, "WeB in qemu:///system"],
  ["the one that is equal", { ask: "qemu/web", system: daemon(["db", "web"]) }, "web in qemu:///system"],
  [
    "the session's, where the system has none",
    { ask: "qemu/web", system: daemon([]), session: daemon(["Web"]) },
    "Web in qemu:///session",
  ],
  [
    "the system's, where both have the same name",
    { ask: "qemu/web", system: daemon(["Web"]), session: daemon(["Web"]) },
    "Web in qemu:///system",
  ],
  ["a UUID", { ask: `qemu/${UUID}`, system: daemon([byUuid]) }, "by-uuid in qemu:///system"],
  [
    "a name like a UUID, in capitals",
    { ask: `qemu/${UUID}`, system: daemon([byUuid, UUID.toUpperCase()]) },
    `${UUID.toUpperCase()} in qemu:///system`,
  ],
  [
    "the session's, where the system's may not tell",
    { ask: "qemu/web", system: daemon(["Web"], listDenied), session: daemon(["WEB"]) },
    "WEB in qemu:///session",
  ],
])("resolveAt() finds %s", (_, asked, found) => {
  expect(find({ ...asked, how: "folded" })).toBe(found);
});

test.each<[string, Case, object]>([
  [
    "two are equal but for case",
    { ask: "qemu/web", system: daemon(["WEB", "Web"]) },
    clash(["WEB", "system"], ["Web", "system"]),
  ],
  [
    "two are, and one of them to the letter",
    { ask: "qemu/web", system: daemon(["Web", "web"]) },
    clash(["Web", "system"], ["web", "system"]),
  ],
  [
    "two are, in two daemons",
    { ask: "qemu/web", system: daemon(["web"]), session: daemon(["Web"]) },
    clash(["Web", "session"], ["web", "system"]),
  ],
  [
    "two are, whether they run or not",
    { ask: "qemu/web", system: daemon([{ name: "WEB", state: "shut off" }, "web"]) },
    clash(["WEB", "system"], ["web", "system"]),
  ],
  [
    "none is",
    { ask: "qemu/web", system: daemon(["web2", "ẃeb"]), session: daemon([]) },
    { kind: "domain-not-found", name: "web", uris: bothUris },
  ],
  [
    "one may not tell, and the other has none",
    { ask: "qemu/web", system: daemon([], listDenied), session: daemon([]) },
    { ...refusedLookup, code: 88 },
  ],
  [
    "one does not answer",
    {
      ask: "qemu/web",
      system: daemon(["web"]),
      session: daemon([], { misbehaves: { [PROC.listAllDomains]: "is silent" } }),
    },
    { kind: "daemon-silent" },
  ],
])("resolveAt() fails where %s", (_, asked, failure) => {
  expect(failureOf(() => resolve({ ...asked, how: "folded" }))).toMatchObject(failure);
});
