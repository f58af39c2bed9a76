/** All the domains of the daemons that can be asked. */

import type { Domain } from "../endpoint.ts";
import { type Failure, HelperError } from "../failure.ts";
import type { System } from "../sys/system.ts";
import type { DomainTarget } from "../target.ts";
import { connectListAllDomains, domainGetXmlDesc } from "./calls.ts";
import { type Connection, type Pending, RemoteError } from "./connection.ts";
import { Daemons } from "./daemons.ts";
import { connectGetAllDomainStats, type DomainState } from "./domain-stats.ts";
import { readDomainXml, XmlError } from "./domain-xml.ts";
import { ERROR, STATES } from "./protocol.ts";
import { findPlaces } from "./sockets.ts";
import { formatUuid } from "./uuid.ts";

/** A domain as completion has it. */
export interface ListedName {
  readonly uri: Domain["uri"];
  readonly name: string;
  readonly isRunning: boolean;
}

/** A domain that is not live has the ID -1, and no CID: what its configuration says may be another guest's by now. */
export interface ListedDomain extends Domain {
  /** Its daemon's socket. */
  readonly socketPath: string;
}

export interface Listing {
  readonly domains: readonly ListedDomain[];
  /** Why a daemon that is there has not told of its domains, where another has. */
  readonly denied: HelperError | undefined;
}

/**
 * In the order of their daemons: the system's, then, but for root, the session's; never starts one.
 * @throws HelperError where no daemon can be asked
 */
export function listNames(sys: System, deadlineMs: number): ListedName[] {
  using daemons = openDaemons(sys, deadlineMs);
  return collect(daemons, (connection) =>
    connection.ask(connectListAllDomains()).map(({ name, id }) => ({ uri: connection.uri, name, isRunning: id >= 0 })),
  );
}

/** Which domains are asked for, and until when. */
export interface ListRequest {
  /** Those that are not live, too. */
  readonly all: boolean;
  readonly deadlineMs: number;
}

/**
 * The same, with all that is known of each: a call for all, and another for each that is live, whose CID is in its XML alone.
 * @throws HelperError where no daemon can be asked
 */
export function listDomains({ all, deadlineMs }: ListRequest, sys: System): Listing {
  using daemons = openDaemons(sys, deadlineMs);
  const domains = collect(daemons, (connection) => {
    const states = connection.ask(connectGetAllDomainStats(all));
    return describeAll(connection, states).filter(({ id }) => all || id >= 0);
  });
  return { domains, denied: daemons.denied };
}

/** No domain is meant: its name is in no sentence about a list. */
const NONE: DomainTarget = { kind: "domain", scope: "any", name: "", folded: false };

function openDaemons(sys: System, deadlineMs: number): Daemons {
  return new Daemons({ target: NONE, places: findPlaces(NONE.scope, sys), skipsFailed: true }, sys, deadlineMs);
}

/** All of what each daemon has, or nothing of it. @throws HelperError where no daemon has told of any */
function collect<Item>(daemons: Daemons, ask: (connection: Connection) => Item[]): Item[] {
  let answers = 0;
  const found = daemons.findAll((connection) => {
    const items = ask(connection);
    answers += 1;
    return items;
  });
  if (answers === 0) throw daemons.notFound();
  return found;
}

/**
 * How many domains are asked about at once. A daemon works on five calls of one client, and leaves the others unread; with the fifth
 * it writes a warning into its log (max_client_requests in libvirtd.conf, and virNetServerClientDispatchRead in virnetserverclient.c).
 */
const DOMAINS_AT_ONCE = 4;

function describeAll(connection: Connection, states: readonly DomainState[]): ListedDomain[] {
  const domains: ListedDomain[] = [];
  const asked: Asked[] = [];
  const take = () => {
    const domain = asked.shift()?.receive();
    if (domain !== undefined) domains.push(domain);
  };
  for (const state of states) {
    if (asked.length === DOMAINS_AT_ONCE) take();
    asked.push(new Asked(connection, state));
  }
  while (asked.length > 0) take();
  return domains;
}

/** A domain whose daemon has been asked about it, if it is live. */
class Asked {
  readonly #connection: Connection;
  readonly #domain: DomainState;
  readonly #xml: Pending<Uint8Array> | undefined;

  constructor(connection: Connection, domain: DomainState) {
    this.#connection = connection;
    this.#domain = domain;
    this.#xml = domain.id < 0 ? undefined : connection.send(domainGetXmlDesc(domain));
  }

  /** Undefined where it is gone by now, or not for us to look at. */
  receive(): ListedDomain | undefined {
    if (this.#xml === undefined) return this.#describe({ id: undefined, cid: undefined });
    const xml = this.#receive(this.#xml);
    return xml === undefined ? undefined : this.#describe(this.#read(xml));
  }

  /** The ID and the CID come from one XML. One that has none any more was shut off since its state was told. */
  #describe({ id, cid }: ReturnType<typeof readDomainXml>): ListedDomain {
    const { name, uuid, state, id: listedId } = this.#domain;
    const { uri, path } = this.#connection;
    const facts = { uri, name, uuid: formatUuid(uuid), socketPath: path };
    if (id !== undefined) return { ...facts, id, state: STATES[state] ?? "no state", cid };
    const stopped = listedId < 0 ? STATES[state] : "shut off";
    return { ...facts, id: -1, state: stopped ?? "no state", cid: undefined };
  }

  #receive<Answer>(pending: Pending<Answer>): Answer | undefined {
    try {
      return this.#connection.receive(pending);
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      const { code, message: words } = error;
      if (code === ERROR.noDomain || code === ERROR.accessDenied) return undefined;
      const { name } = this.#domain;
      const failure: Failure = {
        kind: "daemon-refused",
        refused: "read it",
        name,
        code,
        words,
        uri: this.#connection.uri,
      };
      throw new HelperError(failure, { cause: error });
    }
  }

  #read(xml: Uint8Array): ReturnType<typeof readDomainXml> {
    try {
      return readDomainXml(xml, this.#connection.sys);
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
      const detail = `domain XML: ${error.message}`;
      throw new HelperError({ kind: "daemon-nonsense", path: this.#connection.path, detail }, { cause: error });
    }
  }
}
