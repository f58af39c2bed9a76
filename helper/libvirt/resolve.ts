/** Finds the domain that a target names, by the rules that keep us from reaching the wrong guest. */

import { HelperError } from "../failure.ts";
import type { System } from "../sys/system.ts";
import { decodeName, lowerAscii } from "../target.ts";
import { encodeUtf8 } from "../utf8.ts";
import {
  type Call,
  connectListAllDomains,
  type DomainRef,
  domainLookupById,
  domainLookupByName,
  domainLookupByUuid,
} from "./calls.ts";
import { type Connection, RemoteError } from "./connection.ts";
import { Daemons, describeCandidate, type Found, type Lookup } from "./daemons.ts";
import { LocatedDomain } from "./located-domain.ts";
import { ERROR } from "./protocol.ts";
import { parseUuid } from "./uuid.ts";

/**
 * The domain that the target names, as its daemon describes it at this moment. Its daemons' connections stay open.
 *
 * An exact name, UUID or ID in the first daemon that has it; else, where the text has `%XX` escapes, what they decode to. A name
 * that ssh may have folded is another matter: see findFolded.
 * @throws HelperError
 */
export function resolveAt(lookup: Lookup, sys: System, deadlineMs: number): LocatedDomain {
  const daemons = new Daemons(lookup, sys, deadlineMs);
  try {
    const { target } = lookup;
    const found = target.folded ? findFolded(daemons, target.name) : findTyped(daemons, target.name);
    if (found === undefined) throw daemons.notFound();
    return new LocatedDomain(daemons, found);
  } catch (error) {
    daemons[Symbol.dispose]();
    throw error;
  }
}

function findTyped(daemons: Daemons, name: string): Found | undefined {
  const exact = daemons.findFirst((connection) => findExact(connection, name));
  if (exact !== undefined) return exact;
  const decoded = decodeName(name);
  return decoded === undefined ? undefined : daemons.findFirst((connection) => findExact(connection, decoded));
}

/** Name, then UUID, then ID: libvirt's own order, in which a domain named "42" hides the one whose ID is 42. */
function findExact(connection: Connection, name: string): DomainRef | undefined {
  return askFor(connection, domainLookupByName(name)) ?? findByNumber(connection, name);
}

function findByNumber(connection: Connection, text: string): DomainRef | undefined {
  const uuid = parseUuid(text);
  const byUuid = uuid === undefined ? undefined : askFor(connection, domainLookupByUuid(uuid));
  if (byUuid !== undefined) return byUuid;
  const id = /^[0-9]{1,10}$/.test(text) ? Number(text) : -1;
  return id >= 0 && id <= MAX_ID ? askFor(connection, domainLookupById(id)) : undefined;
}

const MAX_ID = 0x7fff_ffff;

function askFor(connection: Connection, call: Call<DomainRef>): DomainRef | undefined {
  try {
    return connection.ask(call);
  } catch (error) {
    if (error instanceof RemoteError && error.code === ERROR.noDomain) return undefined;
    throw error;
  }
}

/**
 * The letters' case of a folded name says nothing, so every domain that is equal but for case may be meant: more than one such
 * name, in all the daemons that can be asked, and nobody can tell which, even if one of them matches to the letter. One and the
 * same name in both daemons is the system's, as for a typed name. A daemon that is there and gives no proper answer ends it: the
 * domain that is meant may be its own.
 */
function findFolded(daemons: Daemons, name: string): Found | undefined {
  const { length } = encodeUtf8(name); // which folding does not change
  const matches = daemons.findAll((connection) =>
    connection
      .ask(connectListAllDomains(length))
      .filter((domain) => lowerAscii(domain.name) === name)
      .map((domain) => ({ connection, domain })),
  );
  const [first, ...others] = matches;
  if (first === undefined) return daemons.findFirst((connection) => findByNumber(connection, name));
  if (others.some((other) => other.domain.name !== first.domain.name)) {
    const candidates = matches.map(describeCandidate).toSorted((a, b) => (a.name < b.name ? -1 : 1)); // a daemon's order is any
    throw new HelperError({ kind: "domain-ambiguous", name, candidates });
  }
  return first;
}
