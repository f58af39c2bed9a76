// Examples of the failures that are about guest agents and their keys, as failure-examples.ts has those of all others.

import type { Failure } from "../../helper/failure.ts";
import type { DomainFacts } from "../../helper/failure-facts.ts";
import type { AgentFailure } from "../../helper/failures/agent.ts";

const web: DomainFacts = { name: "web", uri: "qemu:///system", virshName: "web", target: "qemu:system/web" };
/** Names that must be quoted for a shell, and for people. */
const odd: DomainFacts = {
  name: "my vm\u202e",
  uri: "qemu:///session",
  virshName: "my vm\u202e",
  target: "qemu:session/my%20vm\u202e",
};
const ODD_USER = "CORP\\Jane's";

export const AGENT_EXAMPLES: {
  readonly [Name in AgentFailure["kind"]]: readonly Extract<Failure, { readonly kind: Name }>[];
} = {
  "no-agent-channel": [web, odd].map((domain) => ({ kind: "no-agent-channel", domain })),
  "agent-not-connected": [web, odd].map((domain) => ({ kind: "agent-not-connected", domain })),
  "agent-silent": [
    { kind: "agent-silent", domain: web, within: 30 },
    { kind: "agent-silent", domain: odd, within: "two\nlines." },
  ],
  "agent-refused": [{ kind: "agent-refused", domain: web, words: "no such user '\u001b[31m'" }],
  "keys-too-long": [
    { kind: "keys-too-long", domain: web, user: "alice", maxBytes: 2_097_152 },
    { kind: "keys-too-long", domain: odd, user: ODD_USER, maxBytes: 2_097_152 },
  ],
  "no-key-calls": [{ kind: "no-key-calls", domain: web, words: "unknown procedure: 424" }],
  "keys-unknown": [
    { kind: "keys-unknown", domain: web, user: "alice", outcome: { is: "agent-silent", seconds: 30 } },
    {
      kind: "keys-unknown",
      domain: web,
      user: "alice",
      outcome: {
        is: "not-told",
        words: "guest agent command timed out: Guest agent disappeared while executing command",
      },
    },
    { kind: "keys-unknown", domain: odd, user: ODD_USER, outcome: { is: "daemon-gone" } },
  ],
  "keys-not-changed": [
    { kind: "keys-not-changed", domain: web, user: "alice", lines: "not added", count: 1 },
    { kind: "keys-not-changed", domain: odd, user: ODD_USER, lines: "not removed", count: 2 },
    { kind: "keys-not-changed", domain: web, user: "alice", lines: "others gone", count: 1 },
  ],
  "key-has-other-options": [
    {
      kind: "key-has-other-options",
      domain: web,
      user: "alice",
      fingerprint: "SHA256:wme08HyWWcEiUPD9h9Hz+5cMYNoPUnPBRplU8nw09lQ",
      options: 'no-pty,command="date"',
      file: "-ed25519.pub",
    },
    {
      kind: "key-has-other-options",
      domain: odd,
      user: ODD_USER,
      fingerprint: "SHA256:wme08HyWWcEiUPD9h9Hz+5cMYNoPUnPBRplU8nw09lQ",
      options: "",
      file: "-",
    },
  ],
};
