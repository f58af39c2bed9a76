// The failures that virtssh(1) speaks of, in the program's own words.
import { explain } from "../../helper/explain.ts";
import type { Failure } from "../../helper/failure.ts";
import type { DomainFacts } from "../../helper/failure-facts.ts";
import { escapeArgument, formatProse } from "./mdoc.ts";

const web: DomainFacts = {
  name: "web",
  uri: "qemu:///system",
  virshName: "web",
  target: "qemu:system/web",
};
const guest = { domain: web, cid: 7, port: 22 };

const SHOWN: readonly Failure[] = [
  {
    kind: "no-daemon",
    attempts: [
      { path: "/run/libvirt/virtqemud-sock-ro", met: "missing" },
      { path: "/run/libvirt/libvirt-sock-ro", met: "missing" },
    ],
    uris: ["qemu:///system"],
    installed: "libvirtd",
  },
  { kind: "domain-not-found", name: "wbe", uris: ["qemu:///system"], near: [web] },
  { kind: "domain-stopped", domain: web, state: "shut off" },
  { kind: "no-vsock-device", domain: web },
  { kind: "guest-refused", guest },
  { kind: "guest-silent", guest, seconds: 2 },
  { kind: "guest-closed", guest },
  {
    kind: "host-key-changed",
    domain: { ...web, uuid: "5f2d0fb2-7c1e-4b7a-9d7c-5a2e8f1c9a10" },
    port: 22,
    offered: "ssh-ed25519",
    pinned: ["ssh-ed25519"],
    since: "2026-11-22T05:48:36Z",
  },
];

/** An item of a list: what the error line says, and the hint. */
export function formatFailure(kind: string): string[] {
  const failure = SHOWN.find((one) => one.kind === kind);
  if (failure === undefined) throw new Error(`no failure "${kind}" is made up`);
  const { error, hint } = explain(failure);
  const words = error.split(" ").map(escapeArgument).join(" ");
  return [`.It ${words}`, ...(hint === undefined ? [] : formatProse(hint))];
}
