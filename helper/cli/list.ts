/** `virtssh list`: the guests there are, which of them run, and which of them answer. */

import type { Failure } from "../failure.ts";
import { type ListedDomain, listDomains } from "../libvirt/list-domains.ts";
import type { ListedGuest } from "../list/listed-guest.ts";
import { PinnedDomains } from "../list/pinned.ts";
import { probeGuests } from "../list/probe.ts";
import { StartTimes } from "../list/since.ts";
import { formatTable } from "../list/table.ts";
import { formatJson } from "../quote.ts";
import type { ProbeVsock, System } from "../sys/system.ts";
import { encodeUtf8 } from "../utf8.ts";

export interface ListOptions {
  /** Also domains that are shut off. */
  readonly all: boolean;
  /** Whether guests are asked if their sshd answers. */
  readonly probe: boolean;
  readonly json: boolean;
  readonly timeoutSeconds: number;
}

/** Where it is said what there is, and what kept us from knowing more; and what asks the guests. */
export interface Outlet {
  print(text: string): void;
  warn(failure: Failure): void;
  readonly probeVsock: ProbeVsock;
}

const STDOUT = 1;
const STDERR = 2;

/** What is not known of a guest does not keep it, or others, from being listed. @throws HelperError, also once a part has been printed */
export function printList(options: ListOptions, { print, warn, probeVsock }: Outlet, sys: System): void {
  const deadlineMs = sys.nowMs() + options.timeoutSeconds * 1000;
  const { domains, denied } = listDomains({ all: options.all, deadlineMs }, sys);
  const { answers, failure } = options.probe
    ? probeGuests(domains, deadlineMs, { nowMs: () => sys.nowMs(), probeVsock })
    : { answers: NO_ANSWERS };
  const startTimes = new StartTimes(sys);
  const pinned = new PinnedDomains(sys);
  const guests = sortGuests(domains).map((domain): ListedGuest => {
    const { uuid } = domain;
    return { domain, since: startTimes.find(domain), ssh: answers.get(domain), isPinned: pinned.has(uuid) };
  });
  print(options.json ? formatArray(guests) : formatTable(guests, hasColours(sys)));
  if (guests.length === 0 && !options.json && denied === undefined) sayNothingIsThere(options, sys);
  for (const one of [failure, pinned.failure]) if (one !== undefined) warn(one);
  if (denied !== undefined) throw denied; // some guests are missing
}

const NO_ANSWERS: ReturnType<typeof probeGuests>["answers"] = new Map();

/** By daemon, and by name as people count: web2 before web10. */
function sortGuests(domains: readonly ListedDomain[]): ListedDomain[] {
  return domains
    .map((domain) => ({ domain, parts: domain.name.toLowerCase().match(/\d+|\D+/g) ?? [] }))
    .sort(
      (one, other) =>
        compare(other.domain.uri, one.domain.uri) ||
        compareParts(one.parts, other.parts) ||
        compare(one.domain.name, other.domain.name),
    )
    .map(({ domain }) => domain);
}

function compareParts(parts: readonly string[], others: readonly string[]): number {
  const differ = parts.findIndex((part, index) => part !== others[index]);
  if (differ < 0) return parts.length - others.length;
  const [part = "", other = ""] = [parts[differ], others[differ]];
  const areNumbers = /^\d/.test(part) && /^\d/.test(other);
  return (areNumbers && Number(part) - Number(other)) || compare(part, other);
}

/** In the order of UTF-16 units: an engine without Intl has no other. */
function compare(text: string, other: string): number {
  return text < other ? -1 : text > other ? 1 : 0;
}

/** Documented in packaging/schema/virtssh-list.schema.json. */
function formatArray(guests: readonly ListedGuest[]): string {
  return `${formatJson(guests.map(listFacts))}\n`;
}

/** The names are the same in every command that prints JSON: null for what there is not, and for what is not known. */
function listFacts({ domain, since, ssh, isPinned }: ListedGuest) {
  const { uri, name, uuid, id, state, cid } = domain;
  return {
    uri,
    name,
    uuid,
    id: id < 0 ? null : id,
    state,
    cid: cid ?? null,
    since: since ?? null,
    ssh: ssh ?? null,
    pinned: isPinned ?? null,
  };
}

/** https://no-color.org: a variable that is set, and not empty. */
function hasColours(sys: System): boolean {
  const hasWish = (sys.environment("NO_COLOR") ?? "") !== "";
  const terminal = sys.environment("TERM") ?? "dumb";
  return !hasWish && terminal !== "dumb" && sys.isTerminal(STDOUT);
}

/** An empty table could mean anything. */
function sayNothingIsThere({ all }: ListOptions, sys: System): void {
  const text = all ? "there is no domain" : "no domain runs; list the others with: virtssh list --all";
  sys.write(STDERR, encodeUtf8(`virtssh: ${text}\n`), Number.POSITIVE_INFINITY);
}
