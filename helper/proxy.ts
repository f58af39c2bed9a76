/** The hot path: find the guest, connect to it, make sure of it, hand the connection to ssh. */

import { connectGuest } from "./connect.ts";
import type { Request } from "./endpoint.ts";
import { findEndpoint } from "./libvirt/find-endpoint.ts";
import { relay } from "./relay.ts";
import type { Descriptor, System } from "./sys/system.ts";

const STDOUT = 1;

/** How ssh wants the connection. */
export type HandOver = "descriptor" | "relay";

/** @throws HelperError, ClientGoneError */
export function proxy(request: Request, handOver: HandOver, sys: System): void {
  // Whoever runs the drop-in's command over a pipe (paramiko; ssh without ProxyUseFdpass) can take nothing but a relay.
  const possible = handOver === "descriptor" && !sys.canCarryFd(STDOUT) ? "relay" : handOver;
  using guest = reachGuest(request, sys);
  // ssh waits until we have exited, even once it has the descriptor: nothing may come after this.
  if (possible === "descriptor") sys.sendFd(STDOUT, guest.fd);
  else relay(guest, sys);
}

/** Connects to the guest, and makes sure that it is the one. @throws HelperError, ClientGoneError */
function reachGuest(request: Request, sys: System): Descriptor {
  using found = findEndpoint(request, sys);
  const guest = connectGuest(found.endpoint, request.deadlineMs, sys);
  try {
    found.recheck()();
    return guest;
  } catch (error) {
    guest[Symbol.dispose]();
    throw error;
  }
}
