// Examples of the failures about keys for a guest's next boot.

import type { Failure } from "../../helper/failure.ts";
import type { DomainFacts } from "../../helper/failure-facts.ts";
import type { BootFailure } from "../../helper/failures/boot.ts";

const web: DomainFacts = { name: "web", uri: "qemu:///system", virshName: "web", target: "qemu:system/web" };
/** A name that must be quoted for a shell, for people, and from virsh. */
const odd: DomainFacts = {
  name: "-my vm\u202e",
  uri: "qemu:///session",
  virshName: "-my vm\u202e",
  target: "qemu:session/-my%20vm\u202e",
};

export const BOOT_EXAMPLES: {
  readonly [Kind in BootFailure["kind"]]: readonly Extract<Failure, { readonly kind: Kind }>[];
} = {
  "no-configuration": [web, odd].map((domain) => ({ kind: "no-configuration", domain })),
  "no-smbios": [
    { kind: "no-smbios", domain: web, arch: "s390x" },
    { kind: "no-smbios", domain: odd, arch: "ppc64le" },
  ],
  "host-smbios": [web, odd].map((domain) => ({ kind: "host-smbios", domain })),
  "credential-too-large": [
    { kind: "credential-too-large", domain: web, bytes: 16_387, maxBytes: 16_384 },
    { kind: "credential-too-large", domain: odd, bytes: 1_400_000, maxBytes: 16_384 },
  ],
  "other-configuration": [web, odd].map((domain) => ({ kind: "other-configuration", domain })),
  "no-iso-program": [{ kind: "no-iso-program", programs: ["xorriso", "genisoimage", "mkisofs"] }],
  "seed-failed": [
    { kind: "seed-failed", path: "/tmp/my seed.iso", problem: { is: "refused", errno: "ENOSPC" } },
    { kind: "seed-failed", path: "/seed.iso", problem: { is: "refused", errno: "EROFS" } },
    { kind: "seed-failed", path: "/var/lib/web.qcow2", problem: { is: "foreign" } },
    {
      kind: "seed-failed",
      path: "/tmp/seed.iso",
      problem: { is: "program-failed", program: "genisoimage", words: "No space left\u001b[31m" },
    },
  ],
};
