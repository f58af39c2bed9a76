/** Why a guest's sshd cannot be reached, as its agent tells. */

import type { DomainFacts } from "../failure-facts.ts";

export type SshdProblem =
  /** The kernel's side of VSOCK: its driver, and the device that this is to find. */
  | { readonly is: "no-driver" }
  | { readonly is: "no-device" }
  | { readonly is: "no-sshd" }
  /** A unit of systemd's that ought to listen. */
  | { readonly is: "no-unit"; readonly unit: string; readonly hasGenerator: boolean }
  | { readonly is: "masked"; readonly unit: string }
  | { readonly is: "not-active"; readonly unit: string; readonly state: string }
  /** Where no unit is to blame. `sshd` is the one that there is. */
  | { readonly is: "nobody"; readonly sshd: string }
  /** Another program has its port. */
  | { readonly is: "taken"; readonly by: string }
  | { readonly is: "no-host-keys" }
  /** In its own words. */
  | { readonly is: "sshd-refuses"; readonly program: string; readonly words: string };

export interface SshdFailure {
  readonly kind: "guest-sshd";
  readonly domain: DomainFacts;
  readonly port: number;
  readonly problem: SshdProblem;
}
