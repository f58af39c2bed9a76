/** What the way to a guest can end with, in words. */

import type { Failure } from "../failure.ts";
import type { GuestChange, GuestFacts } from "../failure-facts.ts";
import { quote, shellQuote } from "../quote.ts";
import { describeErrno } from "../sys/errno.ts";
import { type Explanation, hintPermission, type Kind, virshWord } from "./explanation.ts";

export function explainVsock(
  failure: Kind<"vsock-unsupported" | "vsock-forbidden" | "no-vhost-vsock" | "vhost-permission">,
): Explanation {
  switch (failure.kind) {
    case "vsock-unsupported":
      return {
        error: "cannot use VSOCK: this kernel has no AF_VSOCK",
        hint: "load it with: sudo modprobe vhost_vsock",
      };
    case "vsock-forbidden":
      return {
        error: `cannot use VSOCK: the kernel forbids it to this process (${failure.errno})`,
        hint: "run ssh outside the container or sandbox: its seccomp filter blocks AF_VSOCK",
      };
    case "no-vhost-vsock":
      return {
        error: `cannot give guests a vsock device: there is neither ${failure.paths.map(quote).join(" nor ")}`,
        hint: "load it with: sudo modprobe vhost_vsock",
      };
    case "vhost-permission":
      return {
        error: `cannot give guests a vsock device: this user may not open ${quote(failure.path)}`,
        hint: hintPermission(failure),
      };
  }
}

export function explainGuest(failure: Extract<Failure, { readonly guest: GuestFacts }>): Explanation {
  switch (failure.kind) {
    case "no-guest-at-cid":
      return {
        error: `cannot connect to ${describeGuest(failure.guest)}: no guest holds ${failure.guest.domain === undefined ? "it" : `its cid (${failure.guest.cid})`} now`,
        hint: hintGone(failure.guest),
      };
    case "guest-refused":
      return {
        error: `cannot connect to ${describeGuest(failure.guest)}: nothing listens on ${describePort(failure.guest)}`,
        hint: "check in the guest what listens: ss -l --vsock",
      };
    case "guest-silent":
      return {
        error:
          `cannot connect to ${describeGuest(failure.guest)}: ` +
          `no answer on ${describePort(failure.guest)} within ${failure.seconds} s`,
        hint: `if it is still booting, wait with: virtssh wait ${targetWord(failure.guest)}`,
      };
    case "guest-mute":
      return {
        error: `cannot log in to ${describeGuest(failure.guest)}: ${describePort(failure.guest)} takes the connection and says nothing`,
        hint: "check in the guest what listens: ss -lp --vsock",
      };
    case "guest-closed":
      return {
        error: `cannot log in to ${describeGuest(failure.guest)}: ${describePort(failure.guest)} takes the connection and closes it before a word`,
        hint: "see why in the guest: journalctl -b -g ssh",
      };
    case "guest-changed":
      return {
        error: `cannot be sure of ${describeGuest(failure.guest)}: ${CHANGES[failure.change]} while virtssh connected to cid ${failure.guest.cid}`,
        hint: "try again",
      };
    case "guest-unreachable":
      return {
        error: `cannot connect to ${describeGuest(failure.guest)} on ${describePort(failure.guest)}: ${describeErrno(failure.errno)}`,
        hint: failure.errno === "EADDRNOTAVAIL" ? "see what holds them with: ss -a --vsock" : hintGone(failure.guest),
      };
  }
}

const CHANGES: Readonly<Record<GuestChange, string>> = {
  gone: "it was removed",
  stopped: "it stopped",
  restarted: "it stopped and started again",
  "another cid": "it was given another cid",
  "no vsock device": "it lost its vsock device",
};

/** The guest as a target for a command that is shown. */
function targetWord({ domain, cid }: GuestFacts): string {
  return domain === undefined ? `vsock/${cid}` : shellQuote(domain.target);
}

function describeGuest({ domain, cid }: GuestFacts): string {
  return domain === undefined ? `cid ${cid}` : `domain ${quote(domain.name)}`;
}

/** The CID is said once: it is in the guest's description where there is no domain. */
function describePort({ domain, cid, port }: GuestFacts): string {
  return domain === undefined ? `vsock port ${port}` : `vsock port ${port} (cid ${cid})`;
}

function hintGone({ domain }: GuestFacts): string {
  if (domain === undefined) return "see which guests run with: virsh -c qemu:///system list";
  return `see whether it still runs with: virsh -c ${domain.uri} domstate ${virshWord(domain.virshName)}`;
}
