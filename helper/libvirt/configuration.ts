/** What a domain is started from: its configuration, read and written as a whole. */

import { HelperError } from "../failure.ts";
import type { System } from "../sys/system.ts";
import { domainDefineXmlFlags, domainGetXmlDesc } from "./calls.ts";
import { Connection, RemoteError } from "./connection.ts";
import { XmlError } from "./domain-xml.ts";
import { describeDomain } from "./find-endpoint.ts";
import type { LocatedDomain } from "./located-domain.ts";
import { isSameXml } from "./oem-strings.ts";
import { XML_INACTIVE, XML_SECURE } from "./protocol.ts";
import { findWritablePlace } from "./sockets.ts";

export interface ConfigurationChange {
  readonly located: LocatedDomain;
  /** Returns what it shall be. @throws HelperError, XmlError */
  readonly edit: (xml: Uint8Array) => Uint8Array;
  readonly deadlineMs: number;
}

/**
 * Makes a domain's configuration what `edit` makes of it, and returns whether that is another one. libvirt has no way to define a
 * domain only if nobody else has since it was read: it is read once more just before, which leaves a millisecond.
 * @throws HelperError
 */
export function changeConfiguration({ located, edit, deadlineMs }: ConfigurationChange, sys: System): boolean {
  const { name, uri } = located.domain;
  try {
    using connection = Connection.open(sys, findWritablePlace(uri, sys), deadlineMs);
    const read = () => connection.ask(domainGetXmlDesc(located.reference, XML_INACTIVE | XML_SECURE));
    let before = read();
    let after = parse(connection.path, () => edit(before));
    for (let now = read(); !isSame(now, before); now = read()) {
      before = now;
      after = parse(connection.path, () => edit(before));
    }
    if (isSame(after, before)) return false;
    connection.ask(domainDefineXmlFlags(after));
    if (isSameXml(read(), after)) return true;
    throw new HelperError({ kind: "other-configuration", domain: describeDomain(located.domain) });
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    const { code, message: words } = error;
    const refused = "change its configuration";
    throw new HelperError({ kind: "daemon-refused", refused, name, code, words, uri }, { cause: error });
  }
}

/** What only a broken daemon sends is told as such. @throws HelperError */
export function parse<Result>(path: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw new HelperError({ kind: "daemon-nonsense", path, detail: `domain XML: ${error.message}` }, { cause: error });
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
