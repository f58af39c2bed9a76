// Examples of what a daemon refuses, as failure-examples.ts has those of all other failures.

import type { Failure } from "../../helper/failure.ts";
import type { RefusedRequest } from "../../helper/failure-facts.ts";

type Refusal = Extract<Failure, { readonly kind: "daemon-refused" }>;

/** Whether it takes a connection that may change something. A request that is left out does not compile. */
const REQUESTS: Readonly<Record<RefusedRequest, boolean>> = {
  connect: false,
  "list domains": false,
  "look it up": false,
  "read it": false,
  "watch it": false,
  "start it": true,
  "add a device": true,
  "configure a device": true,
  "ask its agent": true,
  "change its configuration": true,
};

const ALL = Object.keys(REQUESTS) as RefusedRequest[]; // its keys are its type's, which is what Record says
const CHANGES = ALL.filter((request) => REQUESTS[request]);

const refused = (request: RefusedRequest, code: number, words: string): Refusal => {
  return { kind: "daemon-refused", refused: request, name: "web", code, words, uri: "qemu:///system" };
};

const inSession = (code: number, words: string): Refusal => {
  return { kind: "daemon-refused", refused: "connect", name: "web", code, words, uri: "qemu:///session" };
};

export const REFUSAL_EXAMPLES: { readonly "daemon-refused": readonly Refusal[] } = {
  "daemon-refused": [
    ...ALL.map((request) => refused(request, 88, "access denied")),
    ...CHANGES.map((request) => refused(request, 94, "no polkit agent available")),
    refused("connect", 45, "authentication failed: access denied by policy"),
    refused("start it", 45, "authentication failed: access denied by policy"),
    refused("start it", 1, "two\nlines."),
    inSession(1, "internal error"),
    inSession(45, ""),
  ],
};
