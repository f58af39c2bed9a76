/** The hot path: find the guest, connect to it, make sure of it, leave word of it, hand the connection to ssh. */

import { awaitBanner } from "./banner.ts";
import { connectGuest } from "./connect.ts";
import type { Endpoint, Request } from "./endpoint.ts";
import { HelperError } from "./failure.ts";
import { leaveRecord } from "./hostkeys/record.ts";
import { type FoundEndpoint, findEndpoint } from "./libvirt/find-endpoint.ts";
import { relay } from "./relay.ts";
import type { Descriptor, System } from "./sys/system.ts";

const STDOUT = 1;

const SSH_PORT = 22;

/** How ssh wants the connection. */
export type HandOver = "descriptor" | "relay";

/** A guest that is ready, and the connection to it. */
export interface Reached {
  readonly guest: Descriptor;
  readonly endpoint: Endpoint;
  /** The daemon, of which leave has been taken, and whose answer may still be waited for. */
  readonly daemon?: Disposable;
}

/** The connected socket, and how it is wanted. */
export interface Delivery {
  readonly handOver: HandOver;
  /** `reachGuest`, or what waits for a guest that is not ready. */
  reach(request: Request, handOver: HandOver): Reached;
}

/** @throws HelperError, ClientGoneError */
export function proxy(request: Request, { handOver, reach }: Delivery, sys: System): void {
  // Whoever runs the drop-in's command over a pipe (paramiko; ssh without ProxyUseFdpass) can take nothing but a relay.
  const possible = handOver === "descriptor" && !sys.canCarryFd(STDOUT) ? "relay" : handOver;
  const reached = reach(request, possible);
  using guest = reached.guest;
  try {
    tellParent(reached.endpoint, possible, sys);
  } finally {
    reached.daemon?.[Symbol.dispose]();
  }
  // ssh waits until we have exited, even once it has the descriptor: nothing may come after this.
  if (possible === "descriptor") sys.sendFd(STDOUT, guest.fd);
  else relay(guest, sys);
}

/** Only ssh takes a descriptor, and it refuses a guest of which it hears nothing; a client of a relay need not be ssh. */
function tellParent(endpoint: Endpoint, handOver: HandOver, sys: System): void {
  try {
    leaveRecord(endpoint, sys);
  } catch (error) {
    if (handOver === "descriptor" || !(error instanceof HelperError)) throw error;
  }
}

/**
 * How long the first word of a guest that has taken the connection is waited for. sshd speaks first (RFC 4253, 4.2), but may
 * have to be started; a guest that is still silent then is handed over all the same, and ssh waits on.
 */
const BANNER_LIMIT_MS = 10_000;

interface Wish {
  readonly request: Request;
  readonly handOver: HandOver;
}

/** Connects to a guest that is ready. @throws HelperError, ClientGoneError */
export function reachGuest(request: Request, handOver: HandOver, sys: System): Reached {
  const found = findEndpoint(request, sys);
  try {
    const guest = connectReady(found, { request, handOver }, sys);
    found.leave();
    return { guest, endpoint: found.endpoint, daemon: found };
  } catch (error) {
    found[Symbol.dispose]();
    throw error;
  }
}

function connectReady(found: FoundEndpoint, { request, handOver }: Wish, sys: System): Descriptor {
  const { endpoint } = found;
  const guest = connectGuest(endpoint, request, sys);
  try {
    const confirm = found.recheck();
    // Whoever relays another port may be the one to speak first.
    if (handOver === "descriptor" || request.port === SSH_PORT) {
      const until = Math.min(request.deadlineMs, sys.nowMs() + BANNER_LIMIT_MS);
      awaitBanner(guest, { endpoint, until }, sys);
    }
    confirm();
    return guest;
  } catch (error) {
    guest[Symbol.dispose]();
    throw error;
  }
}
