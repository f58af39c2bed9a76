/** The way to the guest, step by step, by the functions that the hot path calls. */

import { awaitBanner } from "../banner.ts";
import { connectGuest } from "../connect.ts";
import type { Domain, Endpoint, Request } from "../endpoint.ts";
import { HelperError } from "../failure.ts";
import { describeGuest, locate, recheck, requireEndpoint } from "../libvirt/find-endpoint.ts";
import type { LocatedDomain } from "../libvirt/located-domain.ts";
import { formatUuid, parseUuid } from "../libvirt/uuid.ts";
import { quote } from "../quote.ts";
import type { Descriptor, System } from "../sys/system.ts";
import { type DomainTarget, decodeName, lowerAscii } from "../target.ts";
import { AGENT_MS, checkAgent } from "./guest-agent.ts";
import type { KeyCheck } from "./key-check.ts";
import { checkBareCid, checkPins } from "./pins.ts";
import type { Passed, Report } from "./report.ts";

/** The steps that fail where a guest lacks something that guest/README.md speaks of. */
export const GUEST_STEPS: readonly string[] = ["vsock device", "connect", "banner"];

/** A guest, as far as it is known before anybody is asked. */
export interface Wanted {
  /** undefined where there is no target. */
  readonly request: Request | undefined;
  /** undefined where ssh's configuration does not lead to virtssh. */
  readonly keyCheck: KeyCheck | undefined;
}

/** Takes the steps from the domain to its sshd's first words, and to its host key. */
export function checkGuest(report: Report, { request, keyCheck }: Wanted, sys: System): void {
  if (request?.target.kind === "vsock") {
    checkConnection(report, { request, endpoint: requireEndpoint(request, undefined, sys), located: undefined }, sys);
    report.check("host key", () => checkBareCid(keyCheck));
    return;
  }
  using located = report.after("domain", request, (given) => findDomain(given, sys));
  const endpoint = checkDomain(report, { request, located }, sys);
  checkConnection(report, { request, endpoint, located }, sys);
  if (request !== undefined && located !== undefined && endpoint !== undefined)
    checkAgent(report, { located, endpoint, deadlineMs: request.deadlineMs }, sys);
  const known =
    request === undefined || located === undefined ? undefined : { domain: located.domain, port: request.port };
  report.after("host key", known, ({ domain, port }) => checkPins({ domain, port, check: keyCheck }, sys));
}

interface Asked {
  readonly request: Request | undefined;
  readonly located: LocatedDomain | undefined;
}

function findDomain(request: Request, sys: System): Passed<LocatedDomain> {
  const value = locate(request, sys);
  if (value === undefined || request.target.kind === "vsock") throw new Error("a bare CID has no domain");
  const { name, uri, uuid } = value.domain;
  return {
    value,
    detail: `${quote(name)} in ${uri}, found by its ${describeMatch(request.target, value.domain)}; uuid ${uuid}`,
  };
}

function describeMatch({ name, folded }: DomainTarget, domain: Domain): string {
  if (domain.name === name) return "name";
  if (folded && lowerAscii(domain.name) === name) return "name, in any case";
  if (domain.name === decodeName(name)) return "name, decoded";
  const uuid = parseUuid(name);
  return uuid !== undefined && formatUuid(uuid) === domain.uuid ? "UUID" : "ID";
}

/** One call tells of both, and the first of them that does not hold ends it. */
function checkDomain(report: Report, { request, located }: Asked, sys: System): Endpoint | undefined {
  const asked = request === undefined || located === undefined ? undefined : { request, domain: located.domain };
  const tried = asked === undefined ? undefined : tryEndpoint(asked, sys);
  const running = report.after("state", tried, ({ error }) => {
    if (error?.failure.kind === "domain-stopped") throw error;
    return { value: tried, detail: asked?.domain.state ?? "" };
  });
  return report.after("vsock device", running, ({ endpoint, error }) => {
    if (endpoint === undefined) throw error;
    return { value: endpoint, detail: `cid ${endpoint.address.cid}` };
  });
}

interface Tried {
  readonly endpoint?: Endpoint;
  readonly error?: HelperError;
}

function tryEndpoint({ request, domain }: { request: Request; domain: Domain }, sys: System): Tried {
  try {
    return { endpoint: requireEndpoint(request, domain, sys) };
  } catch (error) {
    if (error instanceof HelperError) return { error };
    throw error;
  }
}

interface Reached extends Asked {
  readonly endpoint: Endpoint | undefined;
}

function checkConnection(report: Report, { request, endpoint, located }: Reached, sys: System): void {
  const deadlineMs = request?.deadlineMs ?? sys.nowMs();
  using guest = report.after("connect", endpoint, (given) => connect(given, deadlineMs, sys));
  const reached = endpoint === undefined || guest === undefined ? undefined : { endpoint, guest };
  // A guest that says nothing leaves its agent the time to say why.
  const untilMs = Math.max(deadlineMs - AGENT_MS, sys.nowMs() + (deadlineMs - sys.nowMs()) / 2);
  const spoken = report.after("banner", reached, (given) => readBanner(given, untilMs, sys));
  if (request?.target.kind !== "vsock") {
    report.after("recheck", spoken, (given) => {
      recheck(located, given)();
      return { value: true, detail: `cid ${given.address.cid} is still this domain's` };
    });
  }
}

function connect(endpoint: Endpoint, deadlineMs: number, sys: System): Passed<Descriptor> {
  const { cid, port } = endpoint.address;
  return { value: connectGuest(endpoint, { deadlineMs }, sys), detail: `cid ${cid} takes it on vsock port ${port}` };
}

/** Where the hot path hands over a guest that says nothing, and ssh waits on, this says so. */
function readBanner(
  { endpoint, guest }: { readonly endpoint: Endpoint; readonly guest: Descriptor },
  until: number,
  sys: System,
): Passed<Endpoint> {
  const banner = awaitBanner(guest, { endpoint, until }, sys);
  if (banner === undefined) throw new HelperError({ kind: "guest-mute", guest: describeGuest(endpoint) });
  return { value: endpoint, detail: quote(banner) };
}
