/** Waits for the first words of the guest's sshd, which stay in the socket for ssh to read. */

import type { Endpoint } from "./endpoint.ts";
import { HelperError } from "./failure.ts";
import { describeGuest } from "./libvirt/find-endpoint.ts";
import { ECONNRESET, ETIMEDOUT } from "./sys/errno.ts";
import { type Descriptor, type System, SystemError, type Until } from "./sys/system.ts";
import { decodeUtf8 } from "./utf8.ts";

/** RFC 4253, 4.2: the line that identifies the server, CR and LF included. */
const BANNER_MAX_BYTES = 255;

export interface Waiting {
  readonly endpoint: Endpoint;
  readonly until: Until;
}

/**
 * What the guest says first, up to the end of its line; undefined where it says nothing in time.
 * @throws HelperError guest-closed, for a guest that closes before a word: a broken sshd, SELinux, MaxConnections; WokenError
 */
export function awaitBanner(guest: Descriptor, { endpoint, until }: Waiting, sys: System): string | undefined {
  const bytes = new Uint8Array(BANNER_MAX_BYTES);
  const count = peek(guest, { into: bytes, until }, sys);
  if (count === 0) throw new HelperError({ kind: "guest-closed", guest: describeGuest(endpoint) });
  return count === undefined ? undefined : /^[^\r\n]*/.exec(decodeUtf8(bytes.subarray(0, count)))?.[0];
}

/** The count of bytes; 0 at the end; undefined where there are none in time. */
function peek(
  { fd }: Descriptor,
  { into, until }: { into: Uint8Array; until: Until },
  sys: System,
): number | undefined {
  try {
    return sys.peek(fd, into, until);
  } catch (error) {
    if (error instanceof SystemError && error.errno === ETIMEDOUT) return undefined;
    if (error instanceof SystemError && error.errno === ECONNRESET) return 0;
    throw error;
  }
}
