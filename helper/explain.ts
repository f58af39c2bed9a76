/** A Failure as an error line and a hint line. Every such sentence that a user can meet is here and in words/. */

import type { Failure } from "./failure.ts";
import { quote } from "./quote.ts";
import { describeErrno } from "./sys/errno.ts";
import { explainDomain } from "./words/domain.ts";
import type { Explanation } from "./words/explanation.ts";
import { explainGuest, explainVsock } from "./words/guest.ts";
import { explainDaemon, explainSocket } from "./words/libvirt.ts";
import { explainTarget } from "./words/target.ts";

/** No default case: a failure without words is a compile error. */
export function explain(failure: Failure): Explanation {
  switch (failure.kind) {
    case "bad-usage":
      return {
        error: failure.word === undefined ? failure.problem : `${failure.problem} ${quote(failure.word)}`,
        hint: `see how it is used with: ${["virtssh", failure.command, "--help"].filter((word) => word !== "").join(" ")}`,
      };
    case "bad-target":
      return explainTarget(failure.text, failure.problem);
    case "bad-number":
      return {
        error: `cannot use ${quote(failure.text)} as a ${failure.what}`,
        hint: `write a whole number from ${failure.range}`,
      };
    case "no-runtime-directory":
      return {
        error: "cannot find the session daemon's socket: neither XDG_RUNTIME_DIR nor HOME is set",
        hint: "log in as that user, or set it: export XDG_RUNTIME_DIR=/run/user/$(id -u)",
      };
    case "no-daemon":
    case "socket-permission":
    case "socket-broken":
    case "daemon-start":
      return explainSocket(failure);
    case "daemon-silent":
    case "daemon-full":
    case "daemon-closed":
    case "daemon-nonsense":
    case "daemon-wants-sasl":
    case "daemon-refused":
      return explainDaemon(failure);
    case "domain-not-found":
    case "domain-ambiguous":
    case "domain-stopped":
    case "no-vsock-device":
      return explainDomain(failure);
    case "vsock-unsupported":
    case "vsock-forbidden":
      return explainVsock(failure);
    case "no-guest-at-cid":
    case "guest-refused":
    case "guest-silent":
    case "guest-unreachable":
      return explainGuest(failure);
    case "stdout-not-a-socket":
      return {
        error: "cannot hand over the connection: stdout is not a socket of ssh's",
        hint: "set ProxyUseFdpass yes in ssh_config, or leave --fdpass out",
      };
    case "client-gone":
      return { error: "cannot go on: whoever started virtssh has closed its stdout" };
    case "system-refused":
      return { error: `cannot go on: ${failure.call} was refused: ${describeErrno(failure.errno)}` };
  }
}
