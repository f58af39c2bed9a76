/** A Failure as an error line and a hint line. Every such sentence that a user can meet is here and in words/. */

import type { Failure } from "./failure.ts";
import { quote } from "./quote.ts";
import { describeErrno } from "./sys/errno.ts";
import { explainAgent } from "./words/agent.ts";
import { explainBoot } from "./words/boot.ts";
import { explainDevice } from "./words/device.ts";
import { explainDomain } from "./words/domain.ts";
import type { Explanation, Kind } from "./words/explanation.ts";
import { explainGuest, explainVsock } from "./words/guest.ts";
import { explainSshd } from "./words/guest-sshd.ts";
import { explainHostKey, explainNoDirectory, explainRecord, explainStore } from "./words/hostkeys.ts";
import { explainKeys } from "./words/keys.ts";
import { explainDaemon, explainSocket } from "./words/libvirt.ts";
import { explainSetup } from "./words/setup.ts";
import { explainDropIn, explainKeyCheck, explainShell, explainSsh } from "./words/ssh.ts";
import { explainTarget } from "./words/target.ts";

type Words = { readonly [Name in Failure["kind"]]: (failure: Kind<Name>) => Explanation };

/** A failure without words is a compile error. */
const WORDS: Words = {
  "bad-usage": ({ problem, word, command }) => ({
    error: word === undefined ? problem : `${problem} ${quote(word)}`,
    hint: `see how it is used with: ${["virtssh", command, "--help"].filter((part) => part !== "").join(" ")}`,
  }),
  "bad-target": ({ text, problem }) => explainTarget(text, problem),
  "bad-number": ({ what, text, range }) => ({
    error: `cannot use ${quote(text)} as a ${what}`,
    hint: `write a whole number from ${range}`,
  }),
  "no-runtime-directory": () => ({
    error: "cannot find the session daemon's socket: neither XDG_RUNTIME_DIR nor HOME is set",
    hint: "log in as that user, or set it: export XDG_RUNTIME_DIR=/run/user/$(id -u)",
  }),
  "no-daemon": explainSocket,
  "socket-permission": explainSocket,
  "socket-broken": explainSocket,
  "daemon-start": explainSocket,
  "daemon-silent": explainDaemon,
  "daemon-full": explainDaemon,
  "daemon-closed": explainDaemon,
  "daemon-nonsense": explainDaemon,
  "daemon-wants-sasl": explainDaemon,
  "daemon-refused": explainDaemon,
  "domain-not-found": explainDomain,
  "domain-ambiguous": explainDomain,
  "domain-stopped": explainDomain,
  "no-vsock-device": explainDomain,
  "has-vsock-device": explainDevice,
  "no-such-part": explainDevice,
  "hotplug-refused": explainDevice,
  "attach-unanswered": explainDevice,
  "no-agent-channel": explainAgent,
  "agent-not-connected": explainAgent,
  "agent-silent": explainAgent,
  "agent-refused": explainAgent,
  "keys-too-long": explainAgent,
  "no-key-calls": explainAgent,
  "keys-unknown": explainAgent,
  "keys-not-changed": explainAgent,
  "key-has-other-options": explainAgent,
  "no-configuration": explainBoot,
  "no-smbios": explainBoot,
  "host-smbios": explainBoot,
  "credential-too-large": explainBoot,
  "other-configuration": explainBoot,
  "no-iso-program": explainBoot,
  "seed-failed": explainBoot,
  "bad-key-file": explainKeys,
  "vsock-unsupported": explainVsock,
  "vsock-forbidden": explainVsock,
  "no-vhost-vsock": explainVsock,
  "vhost-permission": explainVsock,
  "no-guest-at-cid": explainGuest,
  "guest-refused": explainGuest,
  "guest-silent": explainGuest,
  "guest-unreachable": explainGuest,
  "guest-mute": explainGuest,
  "guest-closed": explainGuest,
  "guest-changed": explainGuest,
  "guest-sshd": explainSshd,
  "not-ready": ({ seconds, because }) => explainNotReady(seconds, explain(because)),
  "setup-failed": explainSetup,
  "setup-no-home": explainSetup,
  "setup-bad-path": explainSetup,
  "ssh-missing": explainSsh,
  "ssh-unknown": explainSsh,
  "ssh-too-old": explainSsh,
  "ssh-silent": explainSsh,
  "ssh-bad-owner": explainSsh,
  "ssh-refuses": explainSsh,
  "not-our-proxy": explainDropIn,
  "jump-host": explainDropIn,
  "fdpass-mismatch": explainDropIn,
  "control-path": explainDropIn,
  "no-host-key-check": explainKeyCheck,
  "known-hosts-broken": explainKeyCheck,
  "shell-broken": explainShell,
  "helper-broken": explainShell,
  "no-own-directory": explainNoDirectory,
  "record-failed": explainRecord,
  "no-record": explainHostKey,
  "pins-failed": explainStore,
  "not-pinned": explainHostKey,
  "host-key-changed": explainHostKey,
  "bad-certificate": explainHostKey,
  "nothing-pinned": explainHostKey,
  "pinned-for-several": explainHostKey,
  "pinned-by-admin": explainHostKey,
  "client-gone": () => ({ error: "cannot go on: whoever started virtssh has closed its stdout" }),
  "system-refused": ({ call, errno }) => ({
    error: `cannot go on: ${call} was refused: ${describeErrno(errno)}`,
  }),
};

export function explain(failure: Failure): Explanation {
  const words: (failure: never) => Explanation = WORDS[failure.kind];
  return words(failure as never); // the row of its own kind, which is what Words says
}

/** What it was waiting for, and still lacks. */
function explainNotReady(seconds: number, { error, hint }: Explanation): Explanation {
  return { error: `not ready after ${seconds} s: ${error}`, ...(hint === undefined ? {} : { hint }) };
}
