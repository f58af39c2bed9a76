/** What keeps us from asking a guest's agent, or from what it is asked for. */

import type { DomainFacts } from "../failure-facts.ts";

/** Why nobody knows what came of a change. */
export type UnknownOutcome =
  /** It may still do it: a daemon goes on waiting for it when we are gone. */
  | { readonly is: "agent-silent"; readonly seconds: number }
  /** The daemon has no answer of the agent's, and says why. */
  | { readonly is: "not-told"; readonly words: string }
  | { readonly is: "daemon-gone" };

export type AgentFailure =
  /** The domain has no channel for one. */
  | { readonly kind: "no-agent-channel"; readonly domain: DomainFacts }
  /** It has one, which nothing in the guest has open. */
  | { readonly kind: "agent-not-connected"; readonly domain: DomainFacts }
  /** Within our own time, or in libvirt's words within its own. */
  | { readonly kind: "agent-silent"; readonly domain: DomainFacts; readonly within: number | string }
  | { readonly kind: "agent-refused"; readonly domain: DomainFacts; readonly words: string }
  /** More than is read of what the guest says. */
  | { readonly kind: "keys-too-long"; readonly domain: DomainFacts; readonly user: string; readonly maxBytes: number }
  /** The daemon is older than the calls about keys, or cannot carry what the agent says. */
  | { readonly kind: "no-key-calls"; readonly domain: DomainFacts; readonly words: string }
  | {
      readonly kind: "keys-unknown";
      readonly domain: DomainFacts;
      readonly user: string;
      readonly outcome: UnknownOutcome;
    }
  /** The agent has said that it was done, and the file is not so: that many lines. */
  | {
      readonly kind: "keys-not-changed";
      readonly domain: DomainFacts;
      readonly user: string;
      readonly lines: "not added" | "not removed" | "others gone";
      readonly count: number;
    }
  /** It is not added twice: sshd would take the first. */
  | {
      readonly kind: "key-has-other-options";
      readonly domain: DomainFacts;
      readonly user: string;
      readonly fingerprint: string;
      readonly options: string;
      /** Where the key was read, `-` for standard input. */
      readonly file: string;
    };
