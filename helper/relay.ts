/** Carries bytes between our stdin and stdout and the guest, for clients that cannot take a descriptor. */

import { ECONNRESET, EINVAL, EPIPE } from "./sys/errno.ts";
import { type Descriptor, type Pipe, type System, SystemError } from "./sys/system.ts";

const STDIN = 0;
const STDOUT = 1;

/** The usual size of a pipe (pipe(7)): more would not fit. */
const CHUNK_BYTES = 65_536;

/** How long a guest that has gone may go unnoticed, once it has said all that it had to say. */
const PROBE_MS = 1_000;

/**
 * Ends when both directions have ended. Each has a process of its own, so that neither waits while the other could go on; the
 * end of one direction is passed on, and the other lasts as long as its own sender.
 */
export function relay(guest: Descriptor, sys: System): void {
  const sender = sys.startChild(() => send(guest, sys));
  sys.abandon(STDIN); // it is the sender's now: whoever writes to it sees when the sender has ended
  try {
    if (!carry({ from: guest.fd, to: STDOUT }, sys)) return;
    sys.endWriting(STDOUT);
    // VSOCK has no event for a guest that closes the other half later, so it is asked for.
    while (sys.acceptsWrites(guest.fd) && !sender.hasEnded(sys.nowMs() + PROBE_MS));
  } finally {
    sender.kill();
  }
}

/** What the child does. */
function send(guest: Descriptor, sys: System): void {
  sys.abandon(STDOUT); // or its reader would see no end of it before we have ended
  try {
    carry({ from: STDIN, to: guest.fd }, sys);
  } finally {
    sys.endWriting(guest.fd);
  }
}

interface Route {
  readonly from: number;
  readonly to: number;
}

/** Until `from` ends, true, or nobody takes what goes to `to` any more, false. */
function carry(route: Route, sys: System): boolean {
  using pipe = sys.makePipe();
  let carryChunk = spliceChunk;
  try {
    while (sys.waitReadable(route.from, route.to)) {
      const outcome = carryChunk(route, pipe, sys);
      if (outcome === "ended") return true;
      if (outcome === "cannot splice") carryChunk = copyChunk;
    }
    return false;
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    // A reset from the sender: what it sent before that has been carried.
    if (error.errno === ECONNRESET) return true;
    if (error.errno === EPIPE) return false;
    throw error;
  }
}

type Outcome = "carried" | "ended" | "cannot splice";

/** splice(2) moves pages without copying them to us, and needs a pipe between two sockets. */
function spliceChunk({ from, to }: Route, pipe: Pipe, sys: System): Outcome {
  const taken = trySplice({ from, to: pipe.writeEnd }, CHUNK_BYTES, sys);
  if (taken === undefined) return "cannot splice";
  if (taken === 0) return "ended";
  for (let left = taken; left > 0; ) {
    const given = trySplice({ from: pipe.readEnd, to }, left, sys);
    if (given === undefined) {
      copy({ from: pipe.readEnd, to }, left, sys);
      return "cannot splice";
    }
    left -= given;
  }
  return "carried";
}

/** Undefined for the kinds of file that cannot be spliced: some terminals, and files opened for appending (splice(2), EINVAL). */
function trySplice({ from, to }: Route, maxBytes: number, sys: System): number | undefined {
  try {
    return sys.splice(from, to, maxBytes);
  } catch (error) {
    if (error instanceof SystemError && error.errno === EINVAL) return undefined;
    throw error;
  }
}

function copyChunk(route: Route, _pipe: Pipe, sys: System): Outcome {
  return copyOnce(route, CHUNK_BYTES, sys) === 0 ? "ended" : "carried";
}

function copy(route: Route, bytes: number, sys: System): void {
  for (let left = bytes; left > 0; ) left -= copyOnce(route, left, sys);
}

function copyOnce({ from, to }: Route, maxBytes: number, sys: System): number {
  const buffer = new Uint8Array(maxBytes);
  const count = sys.read(from, buffer, Number.POSITIVE_INFINITY);
  if (count > 0) sys.write(to, buffer.subarray(0, count), Number.POSITIVE_INFINITY);
  return count;
}
