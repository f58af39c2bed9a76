/** A domain that was found, and the connection to its daemon, over which it can be looked at again. */

import type { Domain } from "../endpoint.ts";
import { type Failure, HelperError } from "../failure.ts";
import { domainGetState, domainGetXmlDesc, domainHasManagedSaveImage, domainIsPersistent } from "./calls.ts";
import { type Pending, RemoteError } from "./connection.ts";
import type { Daemons, Found } from "./daemons.ts";
import { hasVsockDevice, readDomainXml, XmlError, type XmlFinder } from "./domain-xml.ts";
import { ERROR, STATES, XML_INACTIVE } from "./protocol.ts";
import { formatUuid } from "./uuid.ts";

/** What a domain is started from. */
export interface Configuration {
  readonly xml: Uint8Array;
  readonly hasVsock: boolean;
  /** Whether the next start restores a domain that was saved, and not this. */
  readonly isSaved: boolean;
}

export class LocatedDomain implements Disposable {
  readonly #daemons: Daemons;
  readonly #found: Found;
  #domain: Domain;

  /** @throws HelperError */
  constructor(daemons: Daemons, found: Found) {
    this.#daemons = daemons;
    this.#found = found;
    this.#domain = this.#read();
  }

  /** As it was when it was last read. */
  get domain(): Domain {
    return this.#domain;
  }

  get connection(): Found["connection"] {
    return this.#found.connection;
  }

  /** How its daemon names it, and wants it named. */
  get reference(): Found["domain"] {
    return this.#found.domain;
  }

  /** Has the daemon tell of whatever happens to the domain: Connection.hasNews(). @throws HelperError */
  watch(): void {
    const { connection, domain } = this.#found;
    this.#daemons.guard(connection, "watch it", () => connection.watch(domain));
  }

  /** Reads it again, by its UUID. @throws HelperError */
  refresh(): Domain {
    this.#domain = this.#read();
    return this.#domain;
  }

  /** Undefined for a transient domain, which has none. @throws HelperError */
  readConfiguration(): Configuration | undefined {
    const { connection, domain } = this.#found;
    return this.#daemons.guard(connection, "read it", () => {
      if (!connection.ask(domainIsPersistent(domain))) return undefined;
      const saved = connection.send(domainHasManagedSaveImage(domain));
      const pending = connection.send(domainGetXmlDesc(domain, XML_INACTIVE));
      const isSaved = connection.receive(saved);
      const xml = connection.receive(pending);
      return { isSaved, xml, hasVsock: this.#parse(xml, hasVsockDevice) };
    });
  }

  /** State and XML are asked for together: one round trip. The ID and the CID come from one XML, so they belong together. */
  #read(): Domain {
    const { connection, domain } = this.#found;
    return this.#daemons.guard(connection, "read it", () => {
      const state = connection.send(domainGetState(domain));
      const xml = connection.send(domainGetXmlDesc(domain));
      const stateNumber = connection.receive(state);
      const { id, cid } = this.#parse(connection.receive(xml), readDomainXml);
      return {
        uri: connection.uri,
        name: domain.name,
        uuid: formatUuid(domain.uuid),
        id: id ?? -1,
        state: STATES[stateNumber] ?? "no state",
        cid,
      };
    });
  }

  #parse<Facts>(xml: Uint8Array, read: (xml: Uint8Array, finder: XmlFinder) => Facts): Facts {
    try {
      return read(xml, this.connection.sys);
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
      const detail = `domain XML: ${error.message}`;
      const failure: Failure = { kind: "daemon-nonsense", path: this.connection.path, detail };
      throw new HelperError(failure, { cause: error });
    }
  }

  /**
   * Asks for the XML once more, which the daemon works out while we do something else. What is returned waits for the answer, and
   * returns it; undefined where there is no such domain any more.
   * @throws HelperError
   */
  askAgain(): () => Pick<Domain, "id" | "cid"> | undefined {
    const { connection, domain } = this.#found;
    const pending = connection.send(domainGetXmlDesc(domain));
    return () => this.#daemons.guard(connection, "read it", () => this.#receiveAgain(pending));
  }

  #receiveAgain(pending: Pending<Uint8Array>): Pick<Domain, "id" | "cid"> | undefined {
    try {
      const xml = this.connection.receive(pending);
      const { id, cid } = this.#parse(xml, readDomainXml);
      return { id: id ?? -1, cid };
    } catch (error) {
      if (error instanceof RemoteError && error.code === ERROR.noDomain) return undefined;
      throw error;
    }
  }

  /** Connection.leave() */
  leave(): void {
    this.#daemons.leave();
  }

  [Symbol.dispose](): void {
    this.#daemons[Symbol.dispose]();
  }
}
