/** The daemons that a target may be looked up in, opened when their turn comes, and what they all said. */

import { type Failure, HelperError } from "../failure.ts";
import type { Candidate, RefusedRequest } from "../failure-facts.ts";
import type { System } from "../sys/system.ts";
import { type DomainTarget, decodeName, formatTarget } from "../target.ts";
import { connectListAllDomains, type DomainRef } from "./calls.ts";
import { Connection, RemoteError } from "./connection.ts";
import { findNear } from "./near-names.ts";
import { ERROR } from "./protocol.ts";
import type { Place } from "./sockets.ts";

export interface Found {
  readonly connection: Connection;
  readonly domain: DomainRef;
}

export interface Lookup {
  readonly target: DomainTarget;
  /** The daemons to ask, in order. */
  readonly places: readonly Place[];
  /** Whether any failure of one makes room for the next, as for a list: no domain is meant that might be its own. */
  readonly skipsFailed?: boolean;
}

/** A domain as a choice among several. */
export function describeCandidate({ connection, domain }: Found): Candidate {
  const scope = connection.uri === "qemu:///system" ? "system" : "session";
  return { name: domain.name, uri: connection.uri, target: formatTarget(scope, domain.name) };
}

/** What the daemon has, as choices; nothing where it will not say: this is only for a hint. */
function listNames(connection: Connection): Candidate[] {
  try {
    return connection.ask(connectListAllDomains()).map((domain) => describeCandidate({ connection, domain }));
  } catch (error) {
    if (error instanceof RemoteError || error instanceof HelperError) return [];
    throw error;
  }
}

/** The daemons that a target may be looked up in, opened when their turn comes, and what they all said. */
export class Daemons implements Disposable {
  readonly #target: DomainTarget;
  readonly #sys: System;
  readonly #deadlineMs: number;
  readonly #open: Connection[] = [];
  readonly #refused: HelperError[] = [];
  readonly #places: Place[];
  readonly #skipsFailed: boolean;

  constructor({ target, places, skipsFailed = false }: Lookup, sys: System, deadlineMs: number) {
    this.#target = target;
    this.#skipsFailed = skipsFailed;
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

  /** What all daemons have. */
  findAll<Item>(find: (connection: Connection) => Item[]): Item[] {
    const found: Item[] = [];
    for (const connection of this.#connections()) {
      const items = this.#passOver(() => this.guard(connection, "list domains", () => find(connection))) ?? [];
      for (const item of items) found.push(item);
    }
    return found;
  }

  /** Why a daemon that is there was not asked, or has failed. */
  get denied(): HelperError | undefined {
    return this.#refused.find((error) => error.failure.kind !== "no-daemon");
  }

  /** The failure that matters most, once nobody has the domain: a daemon that we may not ask may well have it. */
  notFound(): HelperError {
    const { denied } = this;
    if (denied !== undefined) return denied;
    const uris = this.#open.map((connection) => connection.uri);
    if (uris.length > 0) return this.#noDomain(uris);
    const missing = this.#refused.flatMap(({ failure }) => (failure.kind === "no-daemon" ? [failure] : []));
    return new HelperError({
      kind: "no-daemon",
      attempts: missing.flatMap((failure) => failure.attempts),
      uris: missing.flatMap((failure) => failure.uris),
      installed: missing[0]?.installed,
    });
  }

  #noDomain(uris: readonly Place["uri"][]): HelperError {
    const { name } = this.#target;
    const near = findNear(decodeName(name) ?? name, this.#open.flatMap(listNames));
    return new HelperError({ kind: "domain-not-found", name, uris, ...(near.length === 0 ? {} : { near }) });
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

  /** A daemon that is not there, or that we may not ask, makes room for the next one. All other failures are final, unless told. */
  #passOver<Result>(act: () => Result): Result | undefined {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof HelperError) || !(this.#skipsFailed || isPassedOver(error.failure))) throw error;
      this.#refused.push(error);
      return undefined;
    }
  }

  /** Connection.leave() */
  leave(): void {
    for (const connection of this.#open) connection.leave();
  }

  [Symbol.dispose](): void {
    for (const connection of this.#open) connection[Symbol.dispose]();
  }
}

const DENIALS: readonly number[] = [ERROR.authFailed, ERROR.authCancelled, ERROR.accessDenied, ERROR.authUnavailable];

/** Whether the next daemon is asked, after such a failure of one. */
export function isPassedOver(failure: Failure): boolean {
  // A look-up is refused only where there is such a domain: to go on would be to reach another one of that name.
  if (failure.kind === "daemon-refused") return failure.refused !== "look it up" && DENIALS.includes(failure.code);
  return failure.kind === "no-daemon" || failure.kind === "socket-permission";
}
