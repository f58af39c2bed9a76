/** The hot path: find the guest, connect to it, hand the connection to ssh. */

import type { Endpoint, Request } from "./endpoint.ts";
import { type Failure, type GuestFacts, HelperError } from "./failure.ts";
import { describeDomain, findEndpoint } from "./libvirt/find-endpoint.ts";
import { relay } from "./relay.ts";
import { EACCES, EAFNOSUPPORT, ECONNRESET, ENODEV, EPERM, ETIMEDOUT, errnoName } from "./sys/errno.ts";
import { type Descriptor, type System, SystemError } from "./sys/system.ts";

const STDOUT = 1;

/**
 * VSOCK_DEFAULT_CONNECT_TIMEOUT in the kernel's net/vmw_vsock/af_vsock.c. A guest that runs answers at once, if only to refuse;
 * one that has not answered by then has no vsock driver yet.
 */
const CONNECT_LIMIT_MS = 2_000;

/** How ssh wants the connection. */
export type HandOver = "descriptor" | "relay";

/** @throws HelperError, ClientGoneError */
export function proxy(request: Request, handOver: HandOver, sys: System): void {
  // Whoever runs the drop-in's command over a pipe (paramiko; ssh without ProxyUseFdpass) can take nothing but a relay.
  const possible = handOver === "descriptor" && !sys.canCarryFd(STDOUT) ? "relay" : handOver;
  const endpoint = findEndpoint(request, sys);
  using guest = connectGuest(endpoint, request.deadlineMs, sys);
  // ssh waits until we have exited, even once it has the descriptor: nothing may come after this.
  if (possible === "descriptor") sys.sendFd(STDOUT, guest.fd);
  else relay(guest, sys);
}

function connectGuest(endpoint: Endpoint, deadlineMs: number, sys: System): Descriptor {
  const startedMs = sys.nowMs();
  const limitMs = Math.min(deadlineMs, startedMs + CONNECT_LIMIT_MS);
  try {
    return sys.connectVsock(endpoint.address, limitMs);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw new HelperError(explainConnect(error, describeGuest(endpoint), Math.max(0, limitMs - startedMs) / 1000), {
      cause: error,
    });
  }
}

/** What errno means on AF_VSOCK, where a refusal is a reset: net/vmw_vsock/af_vsock.c and virtio_transport_common.c. */
function explainConnect({ call, errno }: SystemError, guest: GuestFacts, seconds: number): Failure {
  switch (errno) {
    case EAFNOSUPPORT:
      return { kind: "vsock-unsupported" };
    case EPERM:
    case EACCES:
      return { kind: "vsock-forbidden", errno: errnoName(errno) };
    case ENODEV:
      return { kind: "no-guest-at-cid", guest };
    case ECONNRESET:
      return { kind: "guest-refused", guest };
    case ETIMEDOUT:
      return { kind: "guest-silent", guest, seconds: Math.round(seconds * 10) / 10 };
    default:
      return call === "connect"
        ? { kind: "guest-unreachable", guest, errno: errnoName(errno) }
        : { kind: "system-refused", call, errno: errnoName(errno) };
  }
}

function describeGuest({ domain, address }: Endpoint): GuestFacts {
  return { ...address, ...(domain === undefined ? {} : { domain: describeDomain(domain) }) };
}
