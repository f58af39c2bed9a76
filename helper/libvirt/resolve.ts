/** Finds the domain that a target names, by the rules that keep us from reaching the wrong guest. */

import type { Domain } from "../endpoint.ts";
import { type Candidate, type Failure, HelperError, type RefusedRequest } from "../failure.ts";
import type { System } from "../sys/system.ts";
import { type DomainTarget, decodeName, formatTarget, lowerAscii } from "../target.ts";
import { encodeUtf8 } from "../utf8.ts";
import {
  type Call,
  connectListAllDomains,
  type DomainRef,
  domainGetState,
  domainGetXmlDesc,
  domainLookupById,
  domainLookupByName,
  domainLookupByUuid,
} from "./calls.ts";
import { Connection, RemoteError } from "./connection.ts";
import { readDomainXml, XmlError } from "./domain-xml.ts";
import { ERROR, STATES } from "./protocol.ts";
import type { Place } from "./sockets.ts";
import { formatUuid, parseUuid } from "./uuid.ts";

interface Found {
  readonly connection: Connection;
  readonly domain: DomainRef;
}

export interface Lookup {
  readonly target: DomainTarget;
  /** The daemons to ask, in order. */
  readonly places: readonly Place[];
}

/**
 * The domain that the target names, as its daemon describes it at this moment.
 *
 * An exact name, UUID or ID in the first daemon that has it; else, where the text has `%XX` escapes, what they decode to. A name
 * that ssh may have folded is another matter: see findFolded.
 * @throws HelperError
 */
export function resolveAt(lookup: Lookup, sys: System, deadlineMs: number): Domain {
  using daemons = new Daemons(lookup, sys, deadlineMs);
  const { target } = lookup;
  const found = target.folded ? findFolded(daemons, target.name) : findTyped(daemons, target.name);
  if (found === undefined) throw daemons.notFound();
  return daemons.guard(found.connection, "read it", () => describe(found));
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
    connection.ask(connectListAllDomains(length)).filter((domain) => lowerAscii(domain.name) === name),
  );
  const [first, ...others] = matches;
  if (first === undefined) return daemons.findFirst((connection) => findByNumber(connection, name));
  if (others.some((other) => other.domain.name !== first.domain.name)) {
    const candidates = matches.map(describeCandidate).toSorted((a, b) => (a.name < b.name ? -1 : 1)); // a daemon's order is any
    throw new HelperError({ kind: "domain-ambiguous", name, candidates });
  }
  return first;
}

function describeCandidate({ connection, domain }: Found): Candidate {
  const scope = connection.uri === "qemu:///system" ? "system" : "session";
  return { name: domain.name, uri: connection.uri, target: formatTarget(scope, domain.name) };
}

/** State and XML are asked for together: one round trip. The ID and the CID come from one XML, so they belong together. */
function describe({ connection, domain }: Found): Domain {
  const state = connection.send(domainGetState(domain));
  const xml = connection.send(domainGetXmlDesc(domain));
  const stateNumber = connection.receive(state);
  const { id, cid } = readXml(connection, xml);
  return {
    uri: connection.uri,
    name: domain.name,
    uuid: formatUuid(domain.uuid),
    id: id ?? -1,
    state: STATES[stateNumber] ?? "no state",
    cid,
  };
}

function readXml(connection: Connection, pending: ReturnType<typeof connection.send<Uint8Array>>) {
  try {
    return readDomainXml(connection.receive(pending));
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    const failure: Failure = { kind: "daemon-nonsense", path: connection.path, detail: `domain XML: ${error.message}` };
    throw new HelperError(failure, { cause: error });
  }
}

/** The daemons that a target may be looked up in, opened when their turn comes, and what they all said. */
class Daemons implements Disposable {
  readonly #target: DomainTarget;
  readonly #sys: System;
  readonly #deadlineMs: number;
  readonly #open: Connection[] = [];
  readonly #refused: HelperError[] = [];
  readonly #places: Place[];

  constructor({ target, places }: Lookup, sys: System, deadlineMs: number) {
    this.#target = target;
    this.#sys = sys;
    this.#deadlineMs = deadlineMs;
    this.#places = [...places];
  }

  /** Asks one daemon after the other until one has an answer. */
  findFirst(find: (connection: Connection) => DomainRef | undefined): Found | undefined {
    for (const connection of this.#connections()) {
      const domain = this.#passOver(() => this.guard(connection, "look it up", () => find(connection)));
      if (domain !== undefined) return { connection, domain };
    }
    return undefined;
  }

  findAll(find: (connection: Connection) => DomainRef[]): Found[] {
    const found: Found[] = [];
    for (const connection of this.#connections()) {
      const domains = this.#passOver(() => this.guard(connection, "list domains", () => find(connection))) ?? [];
      for (const domain of domains) found.push({ connection, domain });
    }
    return found;
  }

  /** The failure that matters most, once nobody has the domain: a daemon that we may not ask may well have it. */
  notFound(): HelperError {
    const denied = this.#refused.find((error) => error.failure.kind !== "no-daemon");
    if (denied !== undefined) return denied;
    const uris = this.#open.map((connection) => connection.uri);
    if (uris.length > 0) return new HelperError({ kind: "domain-not-found", name: this.#target.name, uris });
    const missing = this.#refused.flatMap(({ failure }) => (failure.kind === "no-daemon" ? [failure] : []));
    return new HelperError({
      kind: "no-daemon",
      attempts: missing.flatMap((failure) => failure.attempts),
      uris: missing.flatMap((failure) => failure.uris),
      installed: missing[0]?.installed,
    });
  }

  /** Turns a refusal into a failure that says what was asked for. */
  guard<Result>({ uri }: { readonly uri: Place["uri"] }, refused: RefusedRequest, act: () => Result): Result {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      const { name } = this.#target;
      // It was there a moment ago, and is gone.
      if (error.code === ERROR.noDomain)
        throw new HelperError({ kind: "domain-not-found", name, uris: [uri] }, { cause: error });
      const { code, message: words } = error;
      throw new HelperError({ kind: "daemon-refused", refused, name, code, words, uri }, { cause: error });
    }
  }

  *#connections(): Generator<Connection> {
    yield* [...this.#open];
    for (let place = this.#places.shift(); place !== undefined; place = this.#places.shift()) {
      const connection = this.#passOver(() => this.#openOne(place));
      if (connection === undefined) continue;
      this.#open.push(connection);
      yield connection;
    }
  }

  #openOne(place: Place): Connection {
    return this.guard(place, "connect", () => Connection.open(this.#sys, place, this.#deadlineMs));
  }

  /** A daemon that is not there, or that we may not ask, makes room for the next one. All other failures are final. */
  #passOver<Result>(act: () => Result): Result | undefined {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof HelperError) || !isPassedOver(error.failure)) throw error;
      this.#refused.push(error);
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    for (const connection of this.#open) connection[Symbol.dispose]();
  }
}

const DENIALS: readonly number[] = [ERROR.authFailed, ERROR.authCancelled, ERROR.accessDenied, ERROR.authUnavailable];

function isPassedOver(failure: Failure): boolean {
  // A look-up is refused only where there is such a domain: to go on would be to reach another one of that name.
  if (failure.kind === "daemon-refused") return failure.refused !== "look it up" && DENIALS.includes(failure.code);
  return failure.kind === "no-daemon" || failure.kind === "socket-permission";
}
