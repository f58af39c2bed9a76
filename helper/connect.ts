/** Connects to the guest, and says what it means where that cannot be done. */

import type { Endpoint } from "./endpoint.ts";
import { type Failure, HelperError } from "./failure.ts";
import type { GuestFacts } from "./failure-facts.ts";
import { describeGuest } from "./libvirt/find-endpoint.ts";
import { EACCES, EAFNOSUPPORT, ECONNRESET, ENODEV, EPERM, ETIMEDOUT, errnoName } from "./sys/errno.ts";
import { type Descriptor, type System, SystemError } from "./sys/system.ts";

/**
 * VSOCK_DEFAULT_CONNECT_TIMEOUT in the kernel's net/vmw_vsock/af_vsock.c. A guest that runs answers at once, if only to refuse;
 * one that has not answered by then has no vsock driver yet.
 */
const CONNECT_LIMIT_MS = 2_000;

/** How long an attempt may take, and the descriptor that ends it early, with a WokenError. */
export interface Attempt {
  readonly deadlineMs: number;
  readonly wakerFd?: number | undefined;
}

/** @throws HelperError; WokenError; ClientGoneError */
export function connectGuest(endpoint: Endpoint, { deadlineMs, wakerFd }: Attempt, sys: System): Descriptor {
  const startedMs = sys.nowMs();
  const limitMs = Math.min(deadlineMs, startedMs + CONNECT_LIMIT_MS);
  try {
    return sys.connectVsock(endpoint.address, { deadlineMs: limitMs, wakerFd });
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const seconds = Math.max(0, limitMs - startedMs) / 1000;
    throw new HelperError(explainConnect(error, describeGuest(endpoint), seconds), { cause: error });
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
