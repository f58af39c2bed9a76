/** What failures tell of: facts of domains, guests, daemons and files, as failure.ts has them. */

/** Why a target cannot be read. */
export type TargetProblem =
  | { readonly is: "empty" }
  | { readonly is: "no-form" }
  | { readonly is: "unknown-prefix"; readonly prefix: string }
  | { readonly is: "no-name" }
  | { readonly is: "bad-character"; readonly character: string }
  | { readonly is: "not-utf8" }
  | { readonly is: "too-long"; readonly bytes: number; readonly maxBytes: number }
  | { readonly is: "bad-cid"; readonly cid: string };

/** What an attempt to open one libvirt socket met: nothing there, or a file that nobody listens on. */
export interface SocketAttempt {
  readonly path: string;
  readonly met: "missing" | "nobody-listens";
}

/** libvirt's modular daemon for QEMU, and its monolithic one. */
export type InstalledDaemon = "virtqemud" | "libvirtd";

/** What `setup` wants of a file. */
export type SetupAct = "read" | "write" | "remove" | "make";

/** Why `setup` cannot do its work on a file. */
export type SetupProblem =
  | { readonly is: "refused"; readonly act: SetupAct; readonly errno: string }
  | { readonly is: "not-a-file" }
  | { readonly is: "too-large"; readonly maxBytes: number }
  /** User IDs: the file's, and ours. */
  | { readonly is: "other-owner"; readonly owner: number; readonly user: number }
  | { readonly is: "dangling"; readonly target: string }
  | { readonly is: "read-only" }
  /** Of the name of our file, and somebody else's. */
  | { readonly is: "foreign" }
  | { readonly is: "busy"; readonly lock: string };

/** What is kept of host keys, and of connections, lies in files that nobody else may have a hand in. */
export type StoreProblem =
  | { readonly is: "refused"; readonly act: "read" | "write" | "lock" | "remove" | "list"; readonly errno: string }
  /** User IDs: the file's, and ours. */
  | { readonly is: "other-owner"; readonly owner: number; readonly user: number }
  /** Others may write to it. */
  | { readonly is: "open-to-others" }
  | { readonly is: "not-a-file" }
  | { readonly is: "not-a-directory" }
  | { readonly is: "too-large"; readonly maxBytes: number }
  | { readonly is: "bad-line"; readonly line: number };

/** A file of ours, or the directory that it is in, which is of no use. */
export interface StoreFacts {
  readonly path: string;
  readonly problem: StoreProblem;
}

/** A domain whose host keys are pinned, as it is called. */
export interface PinnedDomain {
  readonly name: string;
  readonly uuid: string;
  /** The target that means this domain alone. */
  readonly target: string;
}

/** What a daemon would not do for us. */
export type RefusedRequest =
  | "connect"
  | "list domains"
  | "look it up"
  | "read it"
  | "watch it"
  | "start it"
  | "add a device"
  | "configure a device"
  | "ask its agent"
  | "change its configuration";

/** A domain's two descriptions: of what runs now, and of what it is started from. */
export type DomainPart = "live" | "config";

/** A domain as its daemon names it, and that daemon. */
export interface DomainFacts {
  readonly name: string;
  readonly uri: string;
  /** What means this domain to virsh: its name, or its UUID where virsh would take the name for another domain's ID or UUID. */
  readonly virshName: string;
  /** The target that means this domain alone. */
  readonly target: string;
  /** The target of a domain of that name in qemu:///session, if that one runs and has a vsock device. */
  readonly inSession?: string;
}

/** One of several domains that may be meant, and the target that means it alone. */
export interface Candidate {
  readonly name: string;
  readonly uri: string;
  readonly target: string;
}

/** States in which no guest can answer; libvirt's virDomainState without those in which one can. */
export type StoppedState = "paused" | "in shutdown" | "shut off" | "crashed" | "pmsuspended";

/** How a domain differs from what it was before the connect. */
export type GuestChange = "gone" | "stopped" | "restarted" | "another cid" | "no vsock device";

/** Why ssh cannot run its KnownHostsCommand, or has no use for what it says. */
export type KnownHostsProblem =
  | { readonly is: "relative" }
  | { readonly is: "refused"; readonly errno: string }
  | { readonly is: "ended"; readonly status: number; readonly words: string };

/** Whose a file is: the user's own, so that its mode is what is wrong; nobody's that this user namespace knows; or another's. */
export type FileOwner = "ours" | "unknown here" | "another's";

/** A line of ssh's configuration. */
export interface ConfigLine {
  readonly path: string;
  /** From 1. */
  readonly line: number;
}

/** The guest end that was tried. Without a domain the target was a bare CID. */
export interface GuestFacts {
  readonly domain?: DomainFacts;
  readonly cid: number;
  readonly port: number;
}
