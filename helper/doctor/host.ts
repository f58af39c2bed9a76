/** What the host has to offer: the kernel's side of VSOCK, and libvirt's daemons. */

import { HelperError } from "../failure.ts";
import { Connection } from "../libvirt/connection.ts";
import { Daemons, isPassedOver } from "../libvirt/daemons.ts";
import { findGroup, findVhost, VHOST_SIGNS } from "../libvirt/diagnosis.ts";
import type { Place } from "../libvirt/sockets.ts";
import { quote } from "../quote.ts";
import type { System } from "../sys/system.ts";
import type { DomainTarget } from "../target.ts";
import { type Finding, type Passed, requireFailure } from "./report.ts";

/**
 * Whether this process may have an AF_VSOCK socket is for the connect to tell: the kernel loads AF_VSOCK by itself when one is asked
 * for, and a seccomp filter does not show in any file.
 * @throws HelperError no-vhost-vsock
 */
export function checkKernel(sys: System): Passed<true> {
  const sign = findVhost(sys);
  if (sign === undefined) throw new HelperError({ kind: "no-vhost-vsock", paths: VHOST_SIGNS });
  return { value: true, detail: `${quote(sign)} is there` };
}

/** What is asked of libvirt, and until when. */
export interface Inquiry {
  readonly target: DomainTarget;
  readonly places: readonly Place[];
  readonly deadlineMs: number;
}

/** One finding a daemon. One that makes room for the next, as on the hot path, matters only where none is left. */
export function checkPlaces(inquiry: Inquiry, sys: System): Finding[] {
  const findings = inquiry.places.map((place) => checkPlace(place, inquiry, sys));
  const isServed = findings.some(({ outcome }) => outcome === "ok");
  return findings.map((finding) => {
    const isNeeded = finding.failure === undefined || !isServed || !isPassedOver(finding.failure);
    return isNeeded ? finding : { ...finding, outcome: "not needed" };
  });
}

function checkPlace(place: Place, { target, places, deadlineMs }: Inquiry, sys: System): Finding {
  const step = place.uri;
  try {
    using daemons = new Daemons({ target, places }, sys, deadlineMs);
    using connection = daemons.guard(place, "connect", () => Connection.open(sys, place, deadlineMs));
    const group = findGroup(sys, connection.path);
    const access = group === undefined ? "" : `, for group ${quote(group)}`;
    return { step, outcome: "ok", detail: `${quote(connection.path)} answers${access}` };
  } catch (error) {
    return { step, outcome: "failed", failure: requireFailure(error) };
  }
}
