/** Whether the sshd of each guest answers: asked of all at once, and not for long. */

import type { Failure } from "../failure.ts";
import type { ListedDomain } from "../libvirt/list-domains.ts";
import { EACCES, EAFNOSUPPORT, ECONNRESET, EMFILE, EPERM, ETIMEDOUT, errnoName } from "../sys/errno.ts";
import { type Probed, type ProbeVsock, type System, SystemError, type VsockAddress } from "../sys/system.ts";
import { decodeUtf8 } from "../utf8.ts";

/**
 * What a guest came to. The first words of an sshd; a refusal: nothing listens; no answer of its kernel's; a connection that is taken,
 * and then no word of ssh in time; one that is closed before a word; anything else, such as a guest that has just gone.
 */
export type Answer = "answers" | "refused" | "silent" | "mute" | "closed" | "unreachable";

export interface Probe {
  /** By the domains; those that were not asked have none. */
  readonly answers: ReadonlyMap<ListedDomain, Answer>;
  /** Why no guest can be asked from here. */
  readonly failure?: Failure;
}

/** The clock, and what connects. */
export interface Prober extends Pick<System, "nowMs"> {
  readonly probeVsock: ProbeVsock;
}

const SSH_PORT = 22;

/**
 * A guest's kernel answers in well under a millisecond, and an sshd that a socket unit has to start first says its words in some
 * tens of them. One whose driver is not up never answers, and all that are listed wait for it.
 */
const LIMIT_MS = 500;

/** Half of the descriptors that a process may usually have: the soft limit of RLIMIT_NOFILE is 1024. */
const GUESTS_AT_ONCE = 512;

/** In the other states no guest can answer. */
const ABLE: readonly string[] = ["running", "idle", "no state"];

/** Where a daemon has used up all the time, the guests that are known have theirs nevertheless. */
export function probeGuests(domains: readonly ListedDomain[], limitMs: number, sys: Prober): Probe {
  const deadlineMs = Math.max(limitMs, sys.nowMs() + LIMIT_MS);
  const answers = new Map<ListedDomain, Answer>();
  const able = domains.filter(({ id, cid, state }) => id >= 0 && cid !== undefined && ABLE.includes(state));
  try {
    for (let at = 0; at < able.length; at += GUESTS_AT_ONCE) {
      const some = able.slice(at, at + GUESTS_AT_ONCE);
      const probed = probeSome(some, deadlineMs, sys);
      some.forEach((domain, index) => {
        const one = probed[index];
        if (one !== undefined) answers.set(domain, judge(one));
      });
    }
    return { answers };
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return { answers, failure: explainFailure(error) };
  }
}

/** In the order of the guests; undefined for one whose turn did not come in time. */
type Results = readonly (Probed | undefined)[];

/** @throws SystemError where no guest can be reached, whichever it is */
function probeSome(domains: readonly ListedDomain[], deadlineMs: number, sys: Prober): Results {
  const addresses = domains.map(({ cid = 0 }): VsockAddress => ({ cid, port: SSH_PORT }));
  const probed = tryAll(addresses, deadlineMs, sys);
  const forbidden = probed.find((one) => one !== undefined && isForbidden(one.errno));
  if (forbidden !== undefined) throw new SystemError("connect", forbidden.errno);
  return probed;
}

/** Where there are fewer descriptors than usual, fewer at once. */
function tryAll(addresses: readonly VsockAddress[], deadlineMs: number, sys: Prober): Results {
  if (sys.nowMs() >= deadlineMs) return addresses.map(() => undefined);
  try {
    return sys.probeVsock(addresses, Math.min(deadlineMs, sys.nowMs() + LIMIT_MS));
  } catch (error) {
    const isTooMany = error instanceof SystemError && error.errno === EMFILE && addresses.length > 1;
    if (!isTooMany) throw error;
    const half = Math.ceil(addresses.length / 2);
    return [addresses.slice(0, half), addresses.slice(half)].flatMap((some) => tryAll(some, deadlineMs, sys));
  }
}

function isForbidden(errno: number): boolean {
  return errno === EPERM || errno === EACCES;
}

/** What errno means on AF_VSOCK: connect.ts. */
function judge({ errno, said }: Probed): Answer {
  switch (errno) {
    case 0:
      return judgeWords(said);
    case ECONNRESET:
      return "refused";
    case ETIMEDOUT:
      return "silent";
    default:
      return "unreachable";
  }
}

/** RFC 4253, 4.2: the line that identifies the server. */
function judgeWords(said: Uint8Array | undefined): Answer {
  if (said === undefined) return "mute";
  if (said.length === 0) return "closed";
  return decodeUtf8(said.subarray(0, 4)) === "SSH-" ? "answers" : "mute";
}

function explainFailure({ call, errno }: SystemError): Failure {
  if (errno === EAFNOSUPPORT) return { kind: "vsock-unsupported" };
  if (isForbidden(errno)) return { kind: "vsock-forbidden", errno: errnoName(errno) };
  return { kind: "system-refused", call, errno: errnoName(errno) };
}
