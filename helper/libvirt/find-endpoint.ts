/** From a request to the endpoint to connect to, or the reason why there is none. */

import type { Domain, Endpoint, Request } from "../endpoint.ts";
import { HelperError } from "../failure.ts";
import type { DomainFacts, GuestChange, GuestFacts, StoppedState } from "../failure-facts.ts";
import type { System } from "../sys/system.ts";
import { type DomainTarget, formatTarget } from "../target.ts";
import type { LocatedDomain } from "./located-domain.ts";
import { resolveAt } from "./resolve.ts";
import { findPlaces } from "./sockets.ts";

/** An endpoint, and the connection to the daemon that told of it, until it is disposed of. */
export interface FoundEndpoint extends Disposable {
  readonly endpoint: Endpoint;
  /**
   * Asks once more, after connecting: CIDs are reused at once, so the guest that answered may be another domain's. What is
   * returned waits for the answer, which the daemon works out meanwhile.
   * @throws HelperError guest-changed
   */
  recheck(): () => void;
  /** Takes leave of the daemon: nothing may be asked from now on. Disposing of it waits for the daemon's answer. */
  leave(): void;
}

/** @throws HelperError */
export function findEndpoint(request: Request, sys: System): FoundEndpoint {
  const located = locate(request, sys);
  try {
    const endpoint = requireEndpoint(request, located?.domain, sys);
    return {
      endpoint,
      recheck: () => recheck(located, endpoint),
      leave: () => located?.leave(),
      [Symbol.dispose]: () => located?.[Symbol.dispose](),
    };
  } catch (error) {
    located?.[Symbol.dispose]();
    throw error;
  }
}

/** The domain that is asked for, running or not; undefined where a bare CID is. @throws HelperError */
export function locate({ target, deadlineMs }: Request, sys: System): LocatedDomain | undefined {
  if (target.kind === "vsock") return undefined;
  return resolveAt({ target, places: findPlaces(target.scope, sys) }, sys, deadlineMs);
}

/** Where the domain, or else the bare CID that is asked for, can be reached. @throws HelperError domain-stopped, no-vsock-device */
export function requireEndpoint(request: Request, domain: Domain | undefined, sys: System): Endpoint {
  const { target, port } = request;
  if (target.kind === "vsock") return { domain: undefined, address: { cid: target.cid, port } };
  if (domain === undefined) throw new Error("a domain was asked for, and is not there");
  const stopped = findStoppedState(domain);
  // The state first: the XML of a domain that is shut off may hold a CID that is another guest's by now.
  if (stopped !== undefined) {
    throw new HelperError({ kind: "domain-stopped", domain: describe(request, domain, sys), state: stopped });
  }
  if (domain.cid === undefined) {
    throw new HelperError({ kind: "no-vsock-device", domain: describe(request, domain, sys) });
  }
  return { domain, address: { cid: domain.cid, port } };
}

/** FoundEndpoint.recheck(), which has nothing to do for a bare CID. */
export function recheck(located: LocatedDomain | undefined, endpoint: Endpoint): () => void {
  if (located === undefined) return () => {};
  const receive = located.askAgain();
  return () => {
    const change = findChange(located.domain, receive());
    if (change !== undefined) throw new HelperError({ kind: "guest-changed", guest: describeGuest(endpoint), change });
  };
}

/** Whether another guest may have answered. */
function findChange(before: Domain, now: Pick<Domain, "id" | "cid"> | undefined): GuestChange | undefined {
  if (now === undefined) return "gone";
  if (now.id < 0) return "stopped";
  if (now.id !== before.id) return "restarted";
  if (now.cid === undefined) return "no vsock device";
  return now.cid === before.cid ? undefined : "another cid";
}

/** The guest as messages speak of it. */
export function describeGuest({ domain, address }: Endpoint): GuestFacts {
  return { ...address, ...(domain === undefined ? {} : { domain: describeDomain(domain) }) };
}

const STOPPED: readonly StoppedState[] = ["paused", "in shutdown", "shut off", "crashed", "pmsuspended"];

/** Undefined for a domain whose guest can answer. */
export function findStoppedState(domain: Domain): StoppedState | undefined {
  return STOPPED.find((state) => state === domain.state) ?? (domain.id < 0 ? "shut off" : undefined);
}

/** The domain as messages speak of it. */
export function describeDomain({ name, uri, uuid }: Domain): DomainFacts {
  const target = formatTarget(uri === "qemu:///system" ? "system" : "session", name);
  return { name, uri, target, virshName: LOOKS_LIKE_NUMBER.test(name) ? uuid : name };
}

/** virsh looks for an ID first (virStrToLong_i), then for a UUID, then for a name: virshLookupDomainInternal() in its virsh-util.c. */
const LOOKS_LIKE_NUMBER = /^(\s*[+-]?\d+|[\s-]*([0-9a-f]{2}[\s-]*){16})$/i;

function describe({ target, deadlineMs }: Request, domain: Domain, sys: System): DomainFacts {
  const { name, uri } = domain;
  const asksSession = target.kind === "domain" && target.scope === "any" && sys.userId() !== 0;
  const works = asksSession && uri === "qemu:///system" && worksInSession(target, sys, deadlineMs);
  return { ...describeDomain(domain), ...(works ? { inSession: formatTarget("session", name) } : {}) };
}

/** How long a failure that is known already may wait for this. */
const ASIDE_MS = 1_000;

/** Whether a session daemon that is running already has a guest of that name to offer. Starts none, as `qemu/NAME` never does. */
function worksInSession(target: DomainTarget, sys: System, deadlineMs: number): boolean {
  const places = findPlaces(target.scope, sys).filter((place) => place.uri === "qemu:///session");
  try {
    using located = resolveAt({ target, places }, sys, Math.min(deadlineMs, sys.nowMs() + ASIDE_MS));
    const { domain } = located;
    return findStoppedState(domain) === undefined && domain.cid !== undefined;
  } catch (error) {
    if (error instanceof HelperError) return false; // the first failure is the one to tell
    throw error;
  }
}
