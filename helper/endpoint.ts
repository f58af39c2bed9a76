/** What is asked for, and what it comes to: the values that travel along the hot path. Types only. */

import type { VsockAddress } from "./sys/system.ts";
import type { Target } from "./target.ts";

export interface Request {
  readonly target: Target;
  /** The port of AF_VSOCK in the guest. */
  readonly port: number;
  /** When all of it must be over, on the clock of System.nowMs(). */
  readonly deadlineMs: number;
}

/** A domain as one daemon describes it, at one moment. */
export interface Domain {
  readonly uri: "qemu:///system" | "qemu:///session";
  readonly name: string;
  /** 36 characters, lower case. */
  readonly uuid: string;
  /** The live ID; -1 while it is not running. */
  readonly id: number;
  /** As `virsh domstate` prints it. */
  readonly state: string;
  /** The CID of its vsock device; undefined where there is none, or none yet. */
  readonly cid: number | undefined;
}

/** Where to connect. Without a domain the target was a bare CID. */
export interface Endpoint {
  readonly domain: Domain | undefined;
  readonly address: VsockAddress;
}
