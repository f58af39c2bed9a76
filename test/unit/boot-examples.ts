// Examples of the failures about keys for a guest's next boot.

import type { Failure } from "../../helper/failure.ts";
import type { BootFailure } from "../../helper/failures/boot.ts";

export const BOOT_EXAMPLES: {
  readonly [Kind in BootFailure["kind"]]: readonly Extract<Failure, { readonly kind: Kind }>[];
} = {
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
