/** Starts a domain, over a connection that may change something. */

import { HelperError } from "../failure.ts";
import type { System } from "../sys/system.ts";
import { domainCreate } from "./calls.ts";
import { Connection, RemoteError } from "./connection.ts";
import type { LocatedDomain } from "./located-domain.ts";
import { ERROR } from "./protocol.ts";
import { findWritablePlace } from "./sockets.ts";

/** Does nothing for a domain that is not shut off. @throws HelperError */
export function startDomain(located: LocatedDomain, sys: System, deadlineMs: number): void {
  const { state, name, uri } = located.domain;
  if (state !== "shut off") return;
  try {
    using connection = Connection.open(sys, findWritablePlace(uri, sys), deadlineMs);
    connection.ask(domainCreate(located.reference));
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    // Somebody else has started it in between.
    if (error.code === ERROR.operationInvalid && located.refresh().state !== "shut off") return;
    const { code, message: words } = error;
    throw new HelperError({ kind: "daemon-refused", refused: "start it", name, code, words, uri }, { cause: error });
  }
}
