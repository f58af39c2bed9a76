/** Everything that can go wrong and that somebody can act on. Facts only: the words are in explain.ts. */

import type {
  Candidate,
  ConfigLine,
  DomainFacts,
  DomainPart,
  FileOwner,
  GuestChange,
  GuestFacts,
  InstalledDaemon,
  KnownHostsProblem,
  PinnedDomain,
  RefusedRequest,
  SetupProblem,
  SocketAttempt,
  StoppedState,
  StoreFacts,
  TargetProblem,
} from "./failure-facts.ts";
import type { AgentFailure } from "./failures/agent.ts";
import type { BootFailure } from "./failures/boot.ts";
import type { SshdFailure } from "./failures/guest-sshd.ts";
import type { KeyFailure } from "./failures/keys.ts";

export type Failure =
  | AgentFailure
  | BootFailure
  | KeyFailure
  | SshdFailure
  | {
      readonly kind: "bad-usage";
      readonly problem: string;
      /** The word of the command line that is wrong, where it is one word. */
      readonly word?: string;
      /** Whose help says how it is right: `proxy`; empty for virtssh itself. */
      readonly command: string;
    }
  | { readonly kind: "bad-target"; readonly text: string; readonly problem: TargetProblem }
  | { readonly kind: "bad-number"; readonly what: string; readonly text: string; readonly range: string }
  | { readonly kind: "no-runtime-directory" }
  | {
      readonly kind: "no-daemon";
      readonly attempts: readonly SocketAttempt[];
      readonly uris: readonly string[];
      /** Which daemon could be started, if one is installed. */
      readonly installed: InstalledDaemon | undefined;
    }
  | {
      readonly kind: "socket-permission";
      readonly path: string;
      /** The one group whose members the socket's mode lets in, if that is so. */
      readonly group?: string;
    }
  | { readonly kind: "socket-broken"; readonly path: string; readonly errno: string }
  | { readonly kind: "daemon-start"; readonly path: string; readonly reason: string }
  | { readonly kind: "daemon-silent"; readonly path: string; readonly seconds: number }
  | {
      readonly kind: "daemon-full";
      readonly path: string;
      readonly seconds: number;
      /** Connections that the daemon has accepted, and those that wait in front of its socket. */
      readonly served: number;
      readonly waiting: number;
    }
  | { readonly kind: "daemon-closed"; readonly path: string }
  | { readonly kind: "daemon-nonsense"; readonly path: string; readonly detail: string }
  | { readonly kind: "daemon-wants-sasl"; readonly path: string }
  | {
      readonly kind: "daemon-refused";
      readonly refused: RefusedRequest;
      /** The domain that was asked for. */
      readonly name: string;
      /** virErrorNumber in libvirt's virterror.h. */
      readonly code: number;
      readonly words: string;
      readonly uri: string;
    }
  | {
      readonly kind: "domain-not-found";
      readonly name: string;
      readonly uris: readonly string[];
      /** Those whose names are like it. */
      readonly near?: readonly Candidate[];
    }
  | {
      readonly kind: "domain-ambiguous";
      readonly name: string;
      readonly candidates: readonly Candidate[];
    }
  | { readonly kind: "domain-stopped"; readonly domain: DomainFacts; readonly state: StoppedState }
  | { readonly kind: "no-vsock-device"; readonly domain: DomainFacts }
  /** There is one at most in what runs, and in what it is started from. */
  | {
      readonly kind: "has-vsock-device";
      readonly domain: DomainFacts;
      readonly has: DomainPart;
      /** What is without one. */
      readonly lacks?: DomainPart;
    }
  /** Of a domain that is shut off, or transient, there is but one part. */
  | { readonly kind: "no-such-part"; readonly domain: DomainFacts; readonly part: DomainPart }
  /** A domain that cannot be given one while it runs. */
  | {
      readonly kind: "hotplug-refused";
      readonly domain: DomainFacts;
      readonly words: string;
      /** Whether the next start brings one; undefined for a transient domain. */
      readonly isConfigured: boolean | undefined;
    }
  /** It may come to have one all the same: what a daemon was told, it does. */
  | { readonly kind: "attach-unanswered"; readonly domain: DomainFacts; readonly seconds: number }
  | { readonly kind: "vsock-unsupported" }
  | { readonly kind: "vsock-forbidden"; readonly errno: string }
  | { readonly kind: "no-guest-at-cid"; readonly guest: GuestFacts }
  | { readonly kind: "guest-refused"; readonly guest: GuestFacts }
  | { readonly kind: "guest-silent"; readonly guest: GuestFacts; readonly seconds: number }
  | { readonly kind: "guest-unreachable"; readonly guest: GuestFacts; readonly errno: string }
  | { readonly kind: "guest-mute"; readonly guest: GuestFacts }
  | { readonly kind: "guest-closed"; readonly guest: GuestFacts }
  | { readonly kind: "guest-changed"; readonly guest: GuestFacts; readonly change: GuestChange }
  /** What a guest was waited for in vain. */
  | { readonly kind: "not-ready"; readonly seconds: number; readonly because: PassingFailure }
  | { readonly kind: "setup-failed"; readonly path: string; readonly problem: SetupProblem }
  | { readonly kind: "setup-no-home"; readonly uid: number }
  /** Where virtssh is, which cannot be written into ssh's configuration. */
  | { readonly kind: "setup-bad-path"; readonly path: string }
  | { readonly kind: "ssh-missing" }
  /** An ssh that is not OpenSSH's, by its words. */
  | { readonly kind: "ssh-unknown"; readonly words: string }
  | { readonly kind: "ssh-too-old"; readonly version: string; readonly oldest: string }
  | { readonly kind: "ssh-silent"; readonly host: string; readonly seconds: number }
  | {
      readonly kind: "ssh-bad-owner";
      readonly path: string;
      readonly owner: FileOwner;
      readonly host: string;
    }
  | { readonly kind: "ssh-refuses"; readonly host: string; readonly words: string; readonly status: number }
  | {
      readonly kind: "not-our-proxy";
      readonly host: string;
      /** The ProxyCommand that applies, if one does. */
      readonly command?: string;
      readonly at?: ConfigLine;
      /** The line for which ssh waits for a descriptor, if it is not the same block's, and the command not meant to pass one. */
      readonly fdpassAt?: ConfigLine;
      /** How far ssh has got with our drop-in, or with the block of `virtssh setup`. */
      readonly dropIn: "not read" | "not for it" | "too late";
    }
  | { readonly kind: "jump-host"; readonly host: string; readonly jump: string; readonly at?: ConfigLine }
  /** ssh waits for a descriptor, which virtssh has not been told to hand over. */
  | { readonly kind: "fdpass-mismatch"; readonly at?: ConfigLine }
  | {
      readonly kind: "control-path";
      readonly path: string;
      readonly directory: string;
      readonly at?: ConfigLine;
      /** Whether the slash of the host's name is in it. */
      readonly hasName: boolean;
    }
  /** Nothing tells ssh that a host key is right, so that no login works. */
  | {
      readonly kind: "no-host-key-check";
      readonly host: string;
      /** What is missing beside a file of known hosts: a KnownHostsCommand, or a UUID, by which it knows a guest. */
      readonly lacks: "command" | "uuid";
      /** virtssh, as a KnownHostsCommand would name it. */
      readonly program: string;
      /** The line that says that there is no KnownHostsCommand. */
      readonly at?: ConfigLine;
    }
  | {
      readonly kind: "known-hosts-broken";
      /** The KnownHostsCommand. */
      readonly command: string;
      readonly problem: KnownHostsProblem;
      readonly at?: ConfigLine;
    }
  | { readonly kind: "shell-broken"; readonly shell: string; readonly errno?: string; readonly status?: number }
  | { readonly kind: "helper-broken"; readonly program: string; readonly words: string; readonly status: number }
  | { readonly kind: "no-vhost-vsock"; readonly paths: readonly string[] }
  /** This user may not open it, and neither may a daemon of this user's. */
  | { readonly kind: "vhost-permission"; readonly path: string; readonly group?: string }
  /** Neither a runtime directory nor a home. */
  | { readonly kind: "no-own-directory"; readonly uid: number }
  /** ssh cannot be told which guest it is connected to. */
  | ({ readonly kind: "record-failed" } & StoreFacts)
  /** ssh asks about the key of a guest that it is not connected to by us. */
  | { readonly kind: "no-record"; readonly host: string }
  | ({ readonly kind: "pins-failed" } & StoreFacts)
  /** A key that is taken, and not kept. */
  | { readonly kind: "not-pinned"; readonly domain: PinnedDomain; readonly because: UnpinnedFailure }
  | {
      readonly kind: "host-key-changed";
      readonly domain: PinnedDomain;
      readonly port: number;
      /** Types of keys, as known_hosts has them. */
      readonly offered: string;
      readonly pinned: readonly string[];
      /** When the pinned key was first seen: `2026-11-22T05:48:36Z`. */
      readonly since?: string;
      /** The administrator's pins, if those are the ones. */
      readonly adminPath?: string;
      /** Whether it is certificates alone that would do. */
      readonly isUncertified?: true;
    }
  | { readonly kind: "bad-certificate"; readonly type: string }
  | { readonly kind: "nothing-pinned"; readonly target: string; readonly port?: number }
  | { readonly kind: "pinned-for-several"; readonly name: string; readonly uuids: readonly string[] }
  | { readonly kind: "pinned-by-admin"; readonly path: string; readonly target: string }
  | { readonly kind: "client-gone" }
  | { readonly kind: "system-refused"; readonly call: string; readonly errno: string };

/** What time may bring right. */
export type PassingFailure = Extract<
  Failure,
  {
    readonly kind:
      | "domain-stopped"
      | "no-guest-at-cid"
      | "guest-refused"
      | "guest-silent"
      | "guest-unreachable"
      | "guest-closed"
      | "guest-mute"
      | "guest-changed"
      | "daemon-closed"
      | "no-daemon";
  }
>;

/** Why a key could not be pinned. */
type UnpinnedFailure = Extract<Failure, { readonly kind: "pins-failed" | "no-own-directory" }>;

/** Carries a Failure up to main.ts, which prints it. The cause, where there is one, is kept for bugs. */
export class HelperError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, options?: { readonly cause: unknown }) {
    super(failure.kind, options);
    this.failure = failure;
  }
}
