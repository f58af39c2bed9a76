/** `virtssh resolve`: what a target leads to, found as the hot path finds it. */

import type { Endpoint } from "../endpoint.ts";
import { findEndpoint } from "../libvirt/find-endpoint.ts";
import { escapeUnsafe, formatJson } from "../quote.ts";
import type { System } from "../sys/system.ts";
import { parseTarget } from "../target.ts";

export interface ResolveOptions {
  readonly json: boolean;
  readonly timeoutSeconds: number;
}

const SSH_PORT = 22;

/**
 * What `resolve` prints.
 * @throws HelperError
 */
export function formatResolved(text: string, options: ResolveOptions, sys: System): string {
  const deadlineMs = sys.nowMs() + options.timeoutSeconds * 1000;
  using found = findEndpoint({ target: parseTarget(text), port: SSH_PORT, deadlineMs }, sys);
  found.leave(); // the daemon answers while the text is made
  const facts = listFacts(found.endpoint);
  if (options.json) return `${formatJson(Object.fromEntries(facts))}\n`;
  const known = facts.filter(([, value]) => value !== null);
  return known.map(([name, value]) => `${`${name}:`.padEnd(7)}${escapeUnsafe(String(value))}\n`).join("");
}

/** The names are the same in every command that prints JSON. A bare CID has no domain: null. */
function listFacts({ domain, address }: Endpoint): [string, string | number | null][] {
  return [
    ["uri", domain?.uri ?? null],
    ["name", domain?.name ?? null],
    ["uuid", domain?.uuid ?? null],
    ["id", domain?.id ?? null],
    ["state", domain?.state ?? null],
    ["cid", address.cid],
    ["port", address.port],
  ];
}
