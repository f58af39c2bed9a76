// Examples of what a guest's agent tells of its sshd, as failure-examples.ts has those of all other failures.

import type { DomainFacts } from "../../helper/failure-facts.ts";
import type { SshdFailure, SshdProblem } from "../../helper/failures/guest-sshd.ts";

const web: DomainFacts = { name: "web", uri: "qemu:///system", virshName: "web", target: "qemu:system/web" };
const unit = "sshd-vsock.socket";

const PROBLEMS: readonly SshdProblem[] = [
  { is: "no-driver" },
  { is: "no-device" },
  { is: "no-sshd" },
  { is: "no-unit", unit, hasGenerator: true },
  { is: "no-unit", unit, hasGenerator: false },
  { is: "masked", unit },
  { is: "not-active", unit, state: "failed" },
  { is: "not-active", unit: "virtssh-vsock-forward.service", state: "inactive" },
  { is: "nobody", sshd: "/usr/sbin/sshd" },
  { is: "taken", by: "n\u001bc" },
  { is: "no-host-keys" },
  { is: "sshd-refuses", program: "/usr/sbin/sshd", words: "line 1: Bad configuration option: \u202e" },
];

export const SSHD_EXAMPLES: { readonly "guest-sshd": readonly SshdFailure[] } = {
  "guest-sshd": PROBLEMS.map((problem) => ({ kind: "guest-sshd", domain: web, port: 22, problem })),
};
