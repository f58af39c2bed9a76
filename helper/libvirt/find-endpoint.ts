/** From a request to the endpoint to connect to, or the reason why there is none. */

import type { Domain, Endpoint, Request } from "../endpoint.ts";
import { type DomainFacts, HelperError, type StoppedState } from "../failure.ts";
import type { System } from "../sys/system.ts";
import { type DomainTarget, formatTarget } from "../target.ts";
import { resolveAt } from "./resolve.ts";
import { findPlaces } from "./sockets.ts";

/** @throws HelperError */
export function findEndpoint(request: Request, sys: System): Endpoint {
  const { target, port, deadlineMs } = request;
  if (target.kind === "vsock") return { domain: undefined, address: { cid: target.cid, port } };
  const domain = resolveAt({ target, places: findPlaces(target.scope, sys) }, sys, deadlineMs);
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

const STOPPED: readonly StoppedState[] = ["paused", "in shutdown", "shut off", "crashed", "pmsuspended"];

function findStoppedState(domain: Domain): StoppedState | undefined {
  return STOPPED.find((state) => state === domain.state) ?? (domain.id < 0 ? "shut off" : undefined);
}

/** The domain as messages speak of it. */
export function describeDomain({ name, uri, uuid }: Domain): DomainFacts {
  return { name, uri, virshName: LOOKS_LIKE_NUMBER.test(name) ? uuid : name };
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
    const domain = resolveAt({ target, places }, sys, Math.min(deadlineMs, sys.nowMs() + ASIDE_MS));
    return findStoppedState(domain) === undefined && domain.cid !== undefined;
  } catch (error) {
    if (error instanceof HelperError) return false; // the first failure is the one to tell
    throw error;
  }
}
