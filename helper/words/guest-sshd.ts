/** Why a guest's sshd cannot be reached, in words; what to do about it is to be done in the guest. */

import type { SshdFailure } from "../failures/guest-sshd.ts";
import { quote, shellQuote } from "../quote.ts";
import { type Explanation, virshWord } from "./explanation.ts";

export function explainSshd({ domain, port, problem }: SshdFailure): Explanation {
  switch (problem.is) {
    case "no-driver":
      return {
        error: "the guest has no VSOCK driver",
        hint: "load it in the guest with: modprobe vmw_vsock_virtio_transport",
      };
    case "no-device":
      return {
        error: "the guest's VSOCK driver has found no device",
        hint: `let it look anew with: virsh -c ${domain.uri} reboot ${virshWord(domain.virshName)}`,
      };
    case "no-sshd":
      return { error: "the guest has no sshd", hint: "install its package in the guest: openssh-server, or openssh" };
    case "no-unit":
      return {
        error: `the guest's systemd has no unit ${quote(problem.unit)}`,
        hint: problem.hasGenerator
          ? `have it made in the guest with: systemctl daemon-reload && systemctl start ${shellQuote(problem.unit)}`
          : "install the package virtssh-guest in the guest",
      };
    case "masked":
      return {
        error: `the guest's unit ${quote(problem.unit)} is masked`,
        hint: `start it in the guest with: systemctl unmask ${shellQuote(problem.unit)} && systemctl start ${shellQuote(problem.unit)}`,
      };
    case "not-active":
      return {
        error: `the guest's unit ${quote(problem.unit)} is ${quote(problem.state)}`,
        hint: `start it in the guest with: systemctl restart ${shellQuote(problem.unit)}`,
      };
    case "nobody":
      return {
        error: `nothing in the guest listens on vsock port ${port}`,
        hint: `have its sshd listen with: socat VSOCK-LISTEN:${port},reuseaddr,fork 'EXEC:${problem.sshd} -i,nofork'`,
      };
    case "taken":
      return {
        error: `vsock port ${port} in the guest is taken by ${quote(problem.by)}, which is no sshd`,
        hint: "end it in the guest, so that sshd can have the port",
      };
    case "no-host-keys":
      return { error: "the guest's sshd has no host keys", hint: "make them in the guest with: ssh-keygen -A" };
    case "sshd-refuses":
      return {
        error: `the guest's sshd cannot run: ${quote(problem.words)}`,
        hint: `once that is mended, see whether it can with: ${shellQuote(problem.program)} -t`,
      };
  }
}
