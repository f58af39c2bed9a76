/** What keeps us from giving a guest keys for its next boot. */

import type { DomainFacts } from "../failure-facts.ts";

/** Why a file cannot become a seed image. */
export type SeedProblem =
  | { readonly is: "refused"; readonly errno: string }
  /** There is something there already, which is not to be lost. */
  | { readonly is: "foreign" }
  /** The program that makes images has not made one. */
  | { readonly is: "program-failed"; readonly program: string; readonly words: string };

export type BootFailure =
  /** It is transient. */
  | { readonly kind: "no-configuration"; readonly domain: DomainFacts }
  | { readonly kind: "no-smbios"; readonly domain: DomainFacts; readonly arch: string }
  /** Its guest sees the host's SMBIOS strings, and none of its own. */
  | { readonly kind: "host-smbios"; readonly domain: DomainFacts }
  | {
      readonly kind: "credential-too-large";
      readonly domain: DomainFacts;
      /** Of all OEM strings. */
      readonly bytes: number;
      readonly maxBytes: number;
    }
  /** What libvirt has after a change is not what it was given. */
  | { readonly kind: "other-configuration"; readonly domain: DomainFacts }
  | { readonly kind: "no-iso-program"; readonly programs: readonly string[] }
  | { readonly kind: "seed-failed"; readonly path: string; readonly problem: SeedProblem };
