// alice's configuration, and what setup says of it.
import type { Fact } from "../lab/facts.ts";

export const SSH = "/home/alice/.ssh";
export const CONFIG = `${SSH}/config`;
export const BLOCK = `${SSH}/virtssh.conf`;
export const LINE = `Include ${BLOCK}`;

export const WROTE = `wrote ${BLOCK}\n`;
export const ADDED = `added to the top of ${CONFIG}: ${LINE}\n`;
export const MADE = `wrote ${CONFIG}: ${LINE}\n`;
export const TAKEN = `took out of ${CONFIG}: ${LINE}\n`;
export const REMOVED = `removed ${BLOCK}\n`;
export const DONE = `nothing to do: ${CONFIG} includes ${BLOCK}\n`;

/** A hint. */
export const partsOf = (path: string) => `see the owner and the mode of each part of the path with: namei -l ${path}`;

/** In an empty ~/.ssh; what a step leaves besides is taken away by the next. */
const FRESH =
  "cd; chmod -Rf u+rwx .ssh dots; rm -rf .ssh dots log* before after out config; umask 022; mkdir -m 700 .ssh";

/** A fact about alice, whose ~/.ssh is empty. */
export function alice(name: string, run: string, rest: Partial<Fact> = {}): Fact {
  return { name, run: `${FRESH}; ${run}`, user: "alice", ...rest };
}

/** The same, with `root` done by root before, and `undo` after. */
export function aliceAfterRoot(
  name: string,
  { root, run, undo = "true" }: { root: string; run: string; undo?: string },
  rest: Partial<Fact> = {},
): Fact {
  const script = `as_user alice bash -c '${FRESH}'; cd /home/alice; ${root}; as_user alice bash -c 'cd; ${run}'; status=$?; ${undo}; exit $status`;
  return { name, run: script, ...rest };
}
