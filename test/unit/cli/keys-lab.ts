// A domain with an agent, and what `virtssh keys` is told, for the tests of that.

import { FakeAuthorizedKeys } from "../../fakes/fake-authorized-keys.ts";
import type { FakeDomain } from "../../fakes/fake-domain.ts";
import { FakeLibvirtd, type FakeLibvirtdOptions } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";
import { KEYS } from "../../fixtures/host-keys.ts";
import { runWords } from "./run.ts";

/** libvirt's read-write socket. */
export const WRITABLE = "/run/libvirt/libvirt-sock";

export const WEB = { name: "web", uri: "qemu:///system", virshName: "web", target: "qemu:system/web" } as const;

/** A key's line, and how it is listed. */
export function known(index: number, comment: string) {
  const { key, listed } = KEYS[index] ?? { key: { type: "", text: "" }, listed: "" };
  return { line: `${key.type} ${key.text} ${comment}`, listed: listed.replace("no comment", comment) };
}

export const MINE = known(0, "mine");
export const OTHER = known(1, "other");
export const THIRD = known(2, "third");

type Files = Readonly<Record<string, string | undefined>>;

interface Start extends FakeLibvirtdOptions {
  readonly domain?: Omit<FakeDomain, "name">;
  /** In the file that the command reads. */
  readonly text?: string;
}

export function start(files: Files | FakeAuthorizedKeys, { domain, text = `${MINE.line}\n`, ...options }: Start = {}) {
  const agent = files instanceof FakeAuthorizedKeys ? files : new FakeAuthorizedKeys(files);
  const daemon = new FakeLibvirtd({ domains: [{ name: "web", ...domain }], authorizedKeys: agent, ...options });
  const sys = new FakeSystem({ system: daemon, sockets: { [WRITABLE]: daemon }, files: { "/keys": { text } } });
  const run = (act: "list" | "add" | "remove", ...words: readonly string[]) =>
    runWords(["keys", act, "qemu/web", "--user", "alice", ...words, ...(act === "list" ? [] : ["/keys"])], sys);
  return { agent, daemon, sys, run };
}
