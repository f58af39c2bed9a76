/** `virtssh enable`: gives a domain a vsock device. */

import { HelperError } from "../failure.ts";
import type { DomainPart } from "../failure-facts.ts";
import { RemoteError } from "../libvirt/connection.ts";
import { describeDomain } from "../libvirt/find-endpoint.ts";
import type { LocatedDomain } from "../libvirt/located-domain.ts";
import { resolveAt } from "../libvirt/resolve.ts";
import { findPlaces } from "../libvirt/sockets.ts";
import {
  attachVsockDevice,
  explainRefusal,
  readVsockDevices,
  VSOCK_DEVICE,
  type VsockDevices,
} from "../libvirt/vsock-device.ts";
import { quote, shellQuote } from "../quote.ts";
import type { System } from "../sys/system.ts";
import { parseTarget } from "../target.ts";

export interface EnableOptions {
  /** What is to have a device; where nothing is named, whatever there is without one. */
  readonly asked: readonly DomainPart[];
  readonly dryRun: boolean;
  readonly timeoutSeconds: number;
}

/** In the order in which they are told of. */
const PARTS: readonly DomainPart[] = ["live", "config"];

/** Returns what is to be printed. @throws HelperError */
export function enable(text: string, { asked, dryRun, timeoutSeconds }: EnableOptions, sys: System): string {
  const deadlineMs = sys.nowMs() + timeoutSeconds * 1000;
  const target = parseTarget(text);
  if (target.kind === "vsock") {
    throw new HelperError({
      kind: "bad-usage",
      problem: "a device is added to a domain, not to a CID",
      command: "enable",
    });
  }
  using located = resolveAt({ target, places: findPlaces(target.scope, sys) }, sys, deadlineMs);
  const job: Job = { located, asked, deadlineMs };
  const plan = makePlan(job);
  if (dryRun) return formatLines(describeParts(plan, located, "would add"));
  const done = carryOut(plan, job, sys);
  located.refresh(); // for the CID
  return formatLines([...describeParts(done, located, "added"), ...describeRest(done, located)]);
}

interface Job {
  readonly located: LocatedDomain;
  readonly asked: readonly DomainPart[];
  readonly deadlineMs: number;
}

interface Plan {
  readonly before: VsockDevices;
  /** What lacks a device, and is to have one; never empty. */
  readonly adds: readonly DomainPart[];
}

/** Of the domain as it was when it was last read. @throws HelperError where there is nothing to do, or something is not there */
function makePlan({ located, asked }: Job): Plan {
  const before = readVsockDevices(located);
  const domain = describeDomain(located.domain);
  const absent = asked.find((part) => before[part] === undefined);
  const adds = (asked.length === 0 ? PARTS : asked).filter((part) => before[part] === false);
  const has = PARTS.find((part) => before[part] === true);
  if (has !== undefined && (absent !== undefined || adds.length === 0)) {
    const lacks = PARTS.find((part) => before[part] === false);
    throw new HelperError({ kind: "has-vsock-device", domain, has, ...(lacks === undefined ? {} : { lacks }) });
  }
  if (absent !== undefined || adds.length === 0) {
    throw new HelperError({ kind: "no-such-part", domain, part: absent ?? "live" });
  }
  return { before, adds };
}

/** Returns what was done, which is another plan where the domain has changed meanwhile. @throws HelperError */
function carryOut(plan: Plan, job: Job, sys: System): Plan {
  const { located, deadlineMs } = job;
  const attachment = { located, parts: plan.adds, deadlineMs };
  try {
    attachVsockDevice(attachment, sys);
    return plan;
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    located.refresh();
    const now = makePlan(job);
    if (PARTS.some((part) => now.before[part] !== plan.before[part])) return carryOut(now, job, sys);
    const failure = explainRefusal(attachment, { devices: plan.before, error }, sys);
    throw new HelperError(failure, { cause: error });
  }
}

function formatLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** A line for each that has a device, or gets one. */
function describeParts({ before, adds }: Plan, { domain }: LocatedDomain, act: "would add" | "added"): string[] {
  return PARTS.flatMap((part) => {
    const owner = `${part === "live" ? "" : "the configuration of "}domain ${quote(domain.name)}`;
    const cid = part === "live" && domain.cid !== undefined ? ` (cid ${domain.cid})` : "";
    if (before[part] === true) return [`${owner} has a vsock device already${cid}`];
    if (!adds.includes(part)) return [];
    return act === "added" ? [`${owner} has a vsock device now${cid}`] : [`would add to ${owner}: ${VSOCK_DEVICE}`];
  });
}

/**
 * systemd-ssh-generator(8) runs at boot and at each reload. Where there is no vsock device yet, that of systemd 260 makes no socket
 * for VSOCK (systemd's issue 42496), and that of 257 does.
 */
const RELOAD = "systemctl daemon-reload && systemctl start sshd-vsock.socket";

/** What is still to be done, or known. */
function describeRest({ before, adds }: Plan, { domain }: LocatedDomain): string[] {
  if (adds.includes("live")) {
    const passing = before.config === false && !adds.includes("config");
    return [
      ...(passing ? ["its configuration has none: the device is gone once the domain is shut off"] : []),
      `if its sshd does not answer, run in the guest: ${RELOAD}`,
    ];
  }
  if (before.live === true) return [];
  if (before.live === false) return ["the running domain has none until it is shut down and started again"];
  if (before.isSaved)
    return ["the next start restores what managedsave has saved; the start after that has the device"];
  return [`start it with: virtssh wait --start ${shellQuote(describeDomain(domain).target)}`];
}
