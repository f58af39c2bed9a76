/** All the domains of the daemons that can be asked. */

import type { Domain } from "../endpoint.ts";
import { type Failure, HelperError } from "../failure.ts";
import type { System } from "../sys/system.ts";
import type { DomainTarget } from "../target.ts";
import { connectListAllDomains, type DomainRef, domainGetState, domainGetXmlDesc } from "./calls.ts";
import { type Connection, type Pending, RemoteError } from "./connection.ts";
import { Daemons, type Found } from "./daemons.ts";
import { readDomainXml, XmlError } from "./domain-xml.ts";
import { ERROR, STATES } from "./protocol.ts";
import { findPlaces } from "./sockets.ts";
import { formatUuid } from "./uuid.ts";

/** A domain as a list has it, which costs a daemon one answer for all of them. */
export interface ListedDomain {
  readonly uri: Domain["uri"];
  readonly name: string;
  readonly isRunning: boolean;
}

/**
 * In the order of their daemons: the system's, then, but for root, the session's; never starts one.
 * @throws HelperError where no daemon can be asked
 */
export function listNames(sys: System, deadlineMs: number): ListedDomain[] {
  using daemons = openDaemons(sys, deadlineMs);
  return findDomains(daemons).map(({ connection, domain }) => ({
    uri: connection.uri,
    name: domain.name,
    isRunning: domain.id >= 0,
  }));
}

/**
 * The same, with all that is known of each.
 * @throws HelperError where no daemon can be asked
 */
export function listDomains(sys: System, deadlineMs: number): Domain[] {
  using daemons = openDaemons(sys, deadlineMs);
  return describeAll(findDomains(daemons));
}

/** No domain is meant: its name is in no sentence about a list. */
const NONE: DomainTarget = { kind: "domain", scope: "any", name: "", folded: false };

function openDaemons(sys: System, deadlineMs: number): Daemons {
  return new Daemons({ target: NONE, places: findPlaces(NONE.scope, sys) }, sys, deadlineMs);
}

function findDomains(daemons: Daemons): Found[] {
  let answers = 0;
  const found = daemons.findAll((connection) => {
    const domains = connection.ask(connectListAllDomains());
    answers += 1;
    return domains;
  });
  if (answers === 0) throw daemons.notFound();
  return found;
}

/**
 * How many domains are asked about at once, by two calls each: a daemon works on five calls of one client
 * (max_client_requests in libvirt's libvirtd.conf), and leaves the others unread.
 */
const DOMAINS_AT_ONCE = 2;

function describeAll(found: readonly Found[]): Domain[] {
  const domains: Domain[] = [];
  const asked: Asked[] = [];
  const take = () => {
    const domain = asked.shift()?.receive();
    if (domain !== undefined) domains.push(domain);
  };
  for (const one of found) {
    if (asked.length === DOMAINS_AT_ONCE) take();
    asked.push(new Asked(one));
  }
  while (asked.length > 0) take();
  return domains;
}

/** A domain whose daemon has been asked about it. */
class Asked {
  readonly #connection: Connection;
  readonly #domain: DomainRef;
  readonly #state: Pending<number>;
  readonly #xml: Pending<Uint8Array>;

  constructor({ connection, domain }: Found) {
    this.#connection = connection;
    this.#domain = domain;
    this.#state = connection.send(domainGetState(domain));
    this.#xml = connection.send(domainGetXmlDesc(domain));
  }

  /** Undefined where it is gone by now, or not for us to look at. */
  receive(): Domain | undefined {
    const state = this.#receive(this.#state);
    const xml = this.#receive(this.#xml);
    if (state === undefined || xml === undefined) return undefined;
    const { id, cid } = this.#read(xml);
    const { name, uuid } = this.#domain;
    const { uri } = this.#connection;
    return { uri, name, uuid: formatUuid(uuid), id: id ?? -1, state: STATES[state] ?? "no state", cid };
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
      return readDomainXml(xml);
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
      const detail = `domain XML: ${error.message}`;
      throw new HelperError({ kind: "daemon-nonsense", path: this.#connection.path, detail }, { cause: error });
    }
  }
}
