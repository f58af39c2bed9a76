/** What a failure is explained by, and the parts of sentences that several failures share. */

import type { Failure } from "../failure.ts";
import type { StoppedState } from "../failure-facts.ts";
import { quote, shellQuote } from "../quote.ts";

export interface Explanation {
  readonly error: string;
  /** One thing to do, by whoever can. */
  readonly hint?: string;
}

export type Kind<Name extends Failure["kind"]> = Extract<Failure, { readonly kind: Name }>;

/** A domain as an argument of virsh, which takes no name that begins with `-` for one. */
export function virshWord(name: string): string {
  return name.startsWith("-") ? `-- ${shellQuote(name)}` : shellQuote(name);
}

/** A path as an argument of a program, which would take one that begins with `-` for options. */
export function pathWord(path: string): string {
  return shellQuote(path.startsWith("-") ? `./${path}` : path);
}

/** A file that only some may open. */
export function hintPermission({ path, group }: { readonly path: string; readonly group?: string }): string {
  return group === undefined
    ? `see who may open it with: ls -l ${shellQuote(path)}`
    : `only group ${quote(group)} may open it; join that group, then log in again`;
}

const STATES: Readonly<Record<StoppedState, string>> = {
  paused: "is paused",
  "in shutdown": "is shutting down",
  "shut off": "is shut off",
  crashed: "has crashed",
  pmsuspended: "is suspended to memory",
};

/** `is shut off` */
export function describeState(state: StoppedState): string {
  return STATES[state];
}
