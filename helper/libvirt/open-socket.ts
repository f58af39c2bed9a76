/** Opens the first of a daemon's sockets on which somebody listens, and starts a session daemon where that is called for. */

import { HelperError } from "../failure.ts";
import type { SocketAttempt } from "../failure-facts.ts";
import { EACCES, ECONNREFUSED, ENOENT, EPERM, ETIMEDOUT, errnoName } from "../sys/errno.ts";
import { type Descriptor, type System, SystemError } from "../sys/system.ts";
import { diagnosePermission, diagnoseSilence, findInstalledDaemon, isThere } from "./diagnosis.ts";
import type { Place } from "./sockets.ts";

export interface OpenSocket {
  readonly path: string;
  readonly socket: Descriptor;
}

/** @throws HelperError no-daemon, daemon-start, socket-permission, socket-broken, daemon-silent, daemon-full */
export function openSocket(sys: System, place: Place, deadlineMs: number): OpenSocket {
  const first = tryPaths(sys, place, deadlineMs);
  if ("socket" in first) return first;
  if (place.daemons.length === 0) {
    const { attempts } = first;
    throw new HelperError({ kind: "no-daemon", attempts, uris: [place.uri], installed: findInstalledDaemon(sys) });
  }
  return startDaemon(sys, place, deadlineMs);
}

type Tried = OpenSocket | { readonly attempts: readonly SocketAttempt[] };

function tryPaths(sys: System, place: Place, deadlineMs: number): Tried {
  const attempts: SocketAttempt[] = [];
  for (const path of place.paths) {
    const opened = tryPath(sys, path, deadlineMs);
    if ("socket" in opened) return opened;
    attempts.push(opened);
  }
  return { attempts };
}

function tryPath(sys: System, path: string, deadlineMs: number): OpenSocket | SocketAttempt {
  const startedMs = sys.nowMs();
  try {
    return { path, socket: sys.connectUnix(path, deadlineMs) };
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    switch (error.errno) {
      case ENOENT:
        return { path, met: "missing" };
      case ECONNREFUSED:
        return { path, met: "nobody-listens" };
      case EACCES:
      case EPERM:
        throw new HelperError(diagnosePermission(sys, path), { cause: error });
      case ETIMEDOUT:
        throw new HelperError(diagnoseSilence(sys, path, Math.round((deadlineMs - startedMs) / 1000)), {
          cause: error,
        });
      default:
        throw new HelperError({ kind: "socket-broken", path, errno: errnoName(error.errno) }, { cause: error });
    }
  }
}

/** As libvirt's own client has it: the daemon leaves when it has had no client for two minutes. */
const DAEMON_ARGUMENTS = ["--daemon", "--timeout=120"] as const;

/**
 * Where several of us start a daemon at once, one of those daemons wins and the others leave at once, before the winner is ready:
 * no event tells of it, so the socket is tried as libvirt's own client tries it (virNetSocketNewConnectUNIX), for a while, and
 * then ours is started again.
 */
const MAX_STARTS = 5;
const OTHERS_TURN_MS = 1_000;
const RETRY_MS = 20;

/**
 * With --daemon the program returns when its daemon is ready to accept connections, so ours has not to be waited for:
 * virDaemonForkIntoBackground() in libvirt's virdaemon.c.
 */
function startDaemon(sys: System, place: Place, deadlineMs: number): OpenSocket {
  const program = place.daemons.find((path) => isThere(sys, path));
  if (program === undefined)
    throw new HelperError({ kind: "daemon-start", path: "virtqemud", reason: "not installed" });
  let status = 0;
  for (let left = MAX_STARTS; left > 0 && sys.nowMs() < deadlineMs; left -= 1) {
    status = runDaemon(sys, program, deadlineMs);
    const waitMs = status === 0 ? 0 : OTHERS_TURN_MS;
    const tried = keepTrying(sys, place, Math.min(deadlineMs, sys.nowMs() + waitMs));
    if (tried !== undefined) return tried;
  }
  const reason = status === 0 ? "it opened no socket" : `it ended with status ${status}`;
  throw new HelperError({ kind: "daemon-start", path: program, reason });
}

function keepTrying(sys: System, place: Place, untilMs: number): OpenSocket | undefined {
  for (;;) {
    const tried = tryPaths(sys, place, Math.max(untilMs, sys.nowMs() + RETRY_MS));
    if ("socket" in tried) return tried;
    if (sys.nowMs() + RETRY_MS > untilMs) return undefined;
    sys.pause(RETRY_MS);
  }
}

function runDaemon(sys: System, program: string, deadlineMs: number): number {
  try {
    return sys.run([program, ...DAEMON_ARGUMENTS], deadlineMs);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const reason = error.errno === ETIMEDOUT ? "it was not ready in time" : errnoName(error.errno);
    throw new HelperError({ kind: "daemon-start", path: program, reason }, { cause: error });
  }
}
