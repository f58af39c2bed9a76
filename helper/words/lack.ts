/** What a guest that is waited for still lacks, in few words: they share a terminal's line. */

import type { PassingFailure } from "../failure.ts";
import { quote } from "../quote.ts";
import { describeState } from "./explanation.ts";

/** No default case: a lack without words is a compile error. */
export function describeLack(lack: PassingFailure): string {
  switch (lack.kind) {
    case "domain-stopped":
      return `domain ${quote(lack.domain.name)} ${describeState(lack.state)}`;
    case "no-guest-at-cid":
    case "guest-unreachable":
      return `no guest at cid ${lack.guest.cid}`;
    case "guest-silent":
      return `no answer from cid ${lack.guest.cid}`;
    case "guest-refused":
      return `nothing listens on vsock port ${lack.guest.port}`;
    case "guest-closed":
      return `vsock port ${lack.guest.port} closes before a word`;
    case "guest-mute":
      return `vsock port ${lack.guest.port} says nothing`;
    case "guest-changed":
      return "the domain has changed";
    case "daemon-closed":
    case "no-daemon":
      return "libvirt is away";
  }
}
