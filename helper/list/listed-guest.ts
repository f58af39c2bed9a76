/** A row of `virtssh list`. Types only. */

import type { ListedDomain } from "../libvirt/list-domains.ts";
import type { Answer } from "./probe.ts";

export interface ListedGuest {
  readonly domain: ListedDomain;
  /** When the process that is the guest was started on this host: `2026-11-22T05:48:36Z`; undefined where that cannot be known. */
  readonly since: string | undefined;
  /** Undefined where nobody was asked. */
  readonly ssh: Answer | undefined;
  /** Whether a host key is pinned for its sshd; undefined where that cannot be known. */
  readonly isPinned: boolean | undefined;
}
