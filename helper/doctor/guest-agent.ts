/** The guest's side, by its agent, where ssh does not get through: who listens there, and if nobody does, why. It changes nothing. */

import type { Endpoint } from "../endpoint.ts";
import { type Failure, HelperError } from "../failure.ts";
import { type AgentChannel, findAgentChannel } from "../libvirt/agent-channel.ts";
import { domainGetXmlDesc } from "../libvirt/calls.ts";
import { Connection, RemoteError } from "../libvirt/connection.ts";
import { XmlError } from "../libvirt/domain-xml.ts";
import { describeDomain } from "../libvirt/find-endpoint.ts";
import { GuestPrograms } from "../libvirt/guest-programs.ts";
import type { LocatedDomain } from "../libvirt/located-domain.ts";
import { ERROR } from "../libvirt/protocol.ts";
import { findWritablePlace } from "../libvirt/sockets.ts";
import { quote } from "../quote.ts";
import type { System } from "../sys/system.ts";
import {
  findListener,
  findProblem,
  findSshd,
  type GuestFacts,
  hasListed,
  LIST_LISTENERS,
  LIST_PATHS,
  type Met,
  parsePaths,
  parseUnits,
  SHOW_UNITS,
} from "./guest-sshd.ts";
import { type Finding, type Report, requireFailure } from "./report.ts";

export const AGENT_STEP = "guest agent";

/** How long its agent may take for all that it is asked, and how much of that is left for the last answer. */
export const AGENT_MS = 8_000;
const LAST_ANSWER_MS = 3_000;

/** A guest that runs, and until when there is time for it. */
interface Guest {
  readonly located: LocatedDomain;
  readonly endpoint: Endpoint;
  readonly deadlineMs: number;
}

/** A step after those of the connection, where one of them has failed. */
export function checkAgent(report: Report, guest: Guest, sys: System): void {
  const met = findMet(report.findings);
  if (met === undefined) return;
  const answer = report.tell(AGENT_STEP, () => askGuest(guest, met, sys));
  if (answer !== undefined) report.findings.push({ step: AGENT_STEP, ...answer });
}

/** Undefined where nothing is wrong with the connection. */
function findMet(findings: readonly Finding[]): Met | undefined {
  const failed = findings.find(
    ({ step, outcome }) => outcome === "failed" && (step === "connect" || step === "banner"),
  );
  if (failed === undefined) return undefined;
  switch (failed.failure?.kind) {
    case "guest-refused":
      return "refused";
    case "guest-mute":
      return "mute";
    case "guest-closed":
      return "closed";
    default:
      return "not reached";
  }
}

type Answer = Omit<Finding, "step">;

const notTried = (why: string): Answer => ({ outcome: "not tried", detail: `not tried: ${why}` });

const CHANNELS = {
  none: "the domain has no channel to one",
  disconnected: "none is connected: no qemu-guest-agent runs in the guest",
} as const;

/** @throws HelperError guest-sshd */
function askGuest({ located, endpoint, deadlineMs }: Guest, met: Met, sys: System): Answer {
  const { domain } = located;
  const { port } = endpoint.address;
  const nowMs = sys.nowMs();
  const untilMs = Math.min(deadlineMs, nowMs + AGENT_MS);
  let isOpen = false;
  let facts: GuestFacts;
  try {
    const channel = readChannel(located);
    if (channel !== "connected") return notTried(CHANNELS[channel]);
    using connection = Connection.open(sys, findWritablePlace(domain.uri, sys), untilMs);
    isOpen = true;
    const limit = { sys, deadlineMs: Math.max(untilMs - LAST_ANSWER_MS, (nowMs + untilMs) / 2) };
    const programs = new GuestPrograms(connection, located.reference, limit);
    const mayRun = programs.mayRun();
    if (mayRun !== true) return notTried(mayRun === undefined ? "it talks nonsense" : BLOCKED);
    facts = readFacts(programs, met, port);
  } catch (error) {
    return explainSilence(error, isOpen);
  }
  const problem = findProblem(met, port, facts);
  if (problem !== undefined) {
    throw new HelperError({ kind: "guest-sshd", domain: describeDomain(domain), port, problem });
  }
  const isUnknown = met === "not reached" && facts.listener === undefined;
  return isUnknown ? notTried(NO_LIST) : { outcome: "ok", detail: describeListener(facts, port) };
}

const NO_LIST = "no ss in the guest has said who listens";
const BLOCKED = "it runs no programs: guest-exec is blocked in its configuration";

/** As it is now. @throws HelperError, RemoteError */
function readChannel({ connection, reference }: LocatedDomain): AgentChannel {
  try {
    return findAgentChannel(connection.ask(domainGetXmlDesc(reference)), connection.sys);
  } catch (error) {
    if (error instanceof XmlError) return "none";
    throw error;
  }
}

/** All that costs no more than a look; and sshd's own check, which takes its time, where there is one to be doubted. */
function readFacts(programs: GuestPrograms, met: Met, port: number): GuestFacts {
  const started = [LIST_PATHS, LIST_LISTENERS, SHOW_UNITS].map(([name, ...words]) => programs.start(name, ...words));
  const [listed, sockets, shown] = started.map((one) => programs.finish(one));
  const paths = parsePaths(listed);
  const sshd = met === "mute" || met === "closed" ? findSshd(paths) : undefined;
  const check = sshd === undefined ? undefined : programs.run(sshd, "-t");
  return {
    paths,
    listener: findListener(sockets, port),
    isListed: hasListed(sockets),
    units: parseUnits(shown),
    check,
  };
}

function describeListener({ listener = "", check }: GuestFacts, port: number): string {
  const who = listener === "" ? "a program" : quote(listener);
  const sshd = check === undefined ? "" : `, and its sshd finds nothing wrong with itself`;
  return `${who} listens on vsock port ${port} in the guest${sshd}`;
}

const DENIALS: readonly number[] = [ERROR.authFailed, ERROR.authCancelled, ERROR.authUnavailable];
const SILENCES: readonly number[] = [ERROR.agentUnresponsive, ERROR.agentCommandTimeout, ERROR.operationTimeout];

const MORE = "it takes more rights than looking";
const NO_RIGHT = `${MORE}: the group "libvirt", or org.libvirt.unix.manage of polkit`;

/** polkit has no say about a socket that only a group may open. */
function describePermission({ group }: { readonly group?: string }): string {
  return group === undefined ? NO_RIGHT : `${MORE}: the group ${quote(group)}`;
}

/** That it does not answer is no fault of the guest: ssh's way to it works without one. */
function explainSilence(error: unknown, isOpen: boolean): Answer {
  if (error instanceof RemoteError) {
    if (error.code === ERROR.accessDenied) return notTried(`${MORE}: org.libvirt.api.domain.write of polkit`);
    if (DENIALS.includes(error.code)) return notTried(NO_RIGHT);
    return notTried(SILENCES.includes(error.code) ? "it does not answer" : `libvirt refused: ${quote(error.message)}`);
  }
  const failure: Failure = requireFailure(error);
  if (failure.kind === "socket-permission") return notTried(describePermission(failure));
  // polkit may be waiting for a password that nobody types.
  if (failure.kind === "daemon-silent")
    return notTried(isOpen ? "it does not answer" : "libvirt lets nobody in so soon");
  return { outcome: "not needed", failure };
}
