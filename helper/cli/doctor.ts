/** `virtssh doctor`: what each step on the way to a guest comes to, for people under ControlPersist, where ssh throws our words away. */

import { examine } from "../doctor/examine.ts";
import { GUEST_STEPS } from "../doctor/guest.ts";
import { AGENT_STEP } from "../doctor/guest-agent.ts";
import type { Finding } from "../doctor/report.ts";
import { explain } from "../explain.ts";
import { escapeUnsafe, formatJson } from "../quote.ts";
import type { System } from "../sys/system.ts";

export interface DoctorOptions {
  readonly json: boolean;
  readonly timeoutSeconds: number;
}

/** What `doctor` prints, and whether all holds. */
export interface Diagnosis {
  readonly text: string;
  readonly isHealthy: boolean;
}

export function diagnose(target: string | undefined, options: DoctorOptions, sys: System): Diagnosis {
  const findings = examine(target, sys.nowMs() + options.timeoutSeconds * 1000, sys);
  const isHealthy = findings.every(({ outcome }) => outcome === "ok" || outcome === "not needed");
  if (options.json) {
    const steps = findings.map(listFacts);
    return { text: `${formatJson({ target: target ?? null, ok: isHealthy, steps })}\n`, isHealthy };
  }
  const failed = findings.filter(({ outcome }) => outcome === "failed").map(({ step }) => step);
  // The guest's agent knows better what it lacks.
  const needs = !failed.includes(AGENT_STEP) && failed.some((step) => GUEST_STEPS.includes(step)) ? NEEDS : "";
  return { text: findings.map(formatFinding).join("") + needs, isHealthy };
}

const MARKS: Readonly<Record<Finding["outcome"], string>> = {
  ok: "ok    ",
  failed: "FAIL  ",
  "not tried": "-     ",
  "not needed": "-     ",
};

function formatFinding(finding: Finding): string {
  const { step, outcome } = finding;
  const { detail, error, hint } = describe(finding);
  const line = `${MARKS[outcome]}${step}: ${escapeUnsafe(error ?? detail ?? outcome)}\n`;
  return hint === undefined ? line : `${line}      hint: ${escapeUnsafe(hint)}\n`;
}

/** The same names for every step: null where there is nothing to say. `ok` is null for a step that was not tried or not needed. */
function listFacts(finding: Finding) {
  const { step, outcome } = finding;
  const { detail = null, error = null, hint = null } = describe(finding);
  return { step, ok: outcome === "ok" ? true : outcome === "failed" ? false : null, detail, error, hint };
}

/** A failure that does not matter is no error. */
function describe({ outcome, detail, failure }: Finding): { detail?: string; error?: string; hint?: string } {
  if (failure === undefined) return detail === undefined ? {} : { detail };
  const { error, hint } = explain(failure);
  if (outcome === "not needed") return { detail: `not needed: ${error}` };
  return hint === undefined ? { error } : { error, hint };
}

/** In short what guest/README.md says. */
const NEEDS = `
What a guest needs:
  - a vsock device in its domain:  virtssh enable qemu/NAME
  - an sshd that listens on vsock port 22. With systemd 256 or later it does so by itself: systemctl status sshd-vsock.socket
    Any other does with the package virtssh-guest, or with:  socat VSOCK-LISTEN:22,reuseaddr,fork EXEC:'/usr/sbin/sshd -i',nofork
`;
