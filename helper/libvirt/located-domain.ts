/** A domain that was found, and the connection to its daemon, over which it can be looked at again. */

import type { Domain } from "../endpoint.ts";
import { type Failure, HelperError } from "../failure.ts";
import { domainGetState, domainGetXmlDesc } from "./calls.ts";
import { type Pending, RemoteError } from "./connection.ts";
import type { Daemons, Found } from "./daemons.ts";
import { type DomainXml, readDomainXml, XmlError } from "./domain-xml.ts";
import { ERROR, STATES } from "./protocol.ts";
import { formatUuid } from "./uuid.ts";

const NOTHING = new Uint8Array(0);

export class LocatedDomain implements Disposable {
  readonly #daemons: Daemons;
  readonly #found: Found;
  #domain: Domain;
  #xml: Uint8Array = NOTHING;

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

  /** State and XML are asked for together: one round trip. The ID and the CID come from one XML, so they belong together. */
  #read(): Domain {
    const { connection, domain } = this.#found;
    return this.#daemons.guard(connection, "read it", () => {
      const state = connection.send(domainGetState(domain));
      const xml = connection.send(domainGetXmlDesc(domain));
      const stateNumber = connection.receive(state);
      this.#xml = connection.receive(xml);
      const { id, cid } = this.#parse(this.#xml);
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

  #parse(xml: Uint8Array): DomainXml {
    try {
      return readDomainXml(xml);
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
      if (isSame(xml, this.#xml)) return this.#domain; // which takes a fifth of the time
      const { id, cid } = this.#parse(xml);
      return { id: id ?? -1, cid };
    } catch (error) {
      if (error instanceof RemoteError && error.code === ERROR.noDomain) return undefined;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#daemons[Symbol.dispose]();
  }
}

/** Compares four bytes at a time, which XDR's padding allows: both texts begin at a multiple of four. */
function isSame(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  const count = Math.floor(one.length / 4);
  const words = new Uint32Array(one.buffer, one.byteOffset, count);
  const otherWords = new Uint32Array(other.buffer, other.byteOffset, count);
  for (let at = 0; at < count; at += 1) if (words[at] !== otherWords[at]) return false;
  for (let at = count * 4; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
}
