/** One connection to a libvirt daemon: opens its socket, proves who we are, and carries calls and answers. */

import { type Failure, HelperError } from "../failure.ts";
import { ECONNRESET, EPIPE, ETIMEDOUT, errnoName } from "../sys/errno.ts";
import { type Descriptor, type System, SystemError } from "../sys/system.ts";
import { BufferedReader } from "./buffered-reader.ts";
import {
  authList,
  authPolkit,
  type Call,
  connectClose,
  connectDomainEventCallbackRegisterAny,
  connectOpen,
  type DomainRef,
} from "./calls.ts";
import { diagnoseSilence } from "./diagnosis.ts";
import { openSocket } from "./open-socket.ts";
import { decodeHeader, decodeRemoteFailure, encodeCall, type Header } from "./packet.ts";
import { AUTH, HEADER_BYTES, PROCEDURE, PROGRAM } from "./protocol.ts";
import type { Place } from "./sockets.ts";
import { XdrError } from "./xdr.ts";

/** The daemon understood a call and refused it. `code` is a virErrorNumber. */
export class RemoteError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** How long taking leave of a daemon may be waited for. It has answered all our questions, so it costs no more than one of them. */
const FAREWELL_MS = 200;

/** A call that was sent, and whose answer is still to come. */
export interface Pending<Answer> {
  readonly call: Call<Answer>;
  readonly serial: number;
}

export class Connection implements Disposable {
  readonly uri: Place["uri"];
  readonly path: string;
  readonly sys: System;
  readonly #socket: Descriptor;
  #deadlineMs: number;
  #startedMs: number;
  readonly #reader = new BufferedReader((into) => this.#readSome(into));
  /** Answers that came before their turn: the daemon works on one client's calls in parallel. */
  readonly #early = new Map<number, { header: Header; body: Uint8Array }>();
  readonly #awaited = new Map<number, Call<unknown>>();
  #lastSerial = 0;
  #isWatching = false;
  #hasNews = false;
  #farewell: Pending<void> | undefined;
  /** Whether the daemon has kept to the protocol so far, so that there is a point in saying more. */
  #isSound = true;

  private constructor(sys: System, opened: { place: Place; path: string; socket: Descriptor }, deadlineMs: number) {
    this.uri = opened.place.uri;
    this.path = opened.path;
    this.sys = sys;
    this.#socket = opened.socket;
    this.#deadlineMs = deadlineMs;
    this.#startedMs = sys.nowMs();
  }

  /**
   * Opens a connection, which is read-only unless the place says otherwise.
   * @throws HelperError for a socket that cannot be opened and a daemon that does not keep to the protocol
   * @throws RemoteError for a daemon that refuses
   */
  static open(sys: System, place: Place, deadlineMs: number): Connection {
    const { path, socket } = openSocket(sys, place, deadlineMs);
    const connection = new Connection(sys, { place, path, socket }, deadlineMs);
    try {
      connection.#authenticate();
      // The URI is named, since a daemon's own default may be another. Not sent together with what follows: the daemon would
      // work on both at once.
      connection.ask(connectOpen(place.uri, place.mayChange));
      return connection;
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
  }

  /** remoteAuthenticate() in libvirt's remote_driver.c. */
  #authenticate(): void {
    const offered = this.ask(authList());
    if (offered.length === 0 || offered.includes(AUTH.none)) return;
    if (offered.includes(AUTH.polkit)) {
      this.ask(authPolkit());
      return;
    }
    if (offered.includes(AUTH.sasl)) throw new HelperError({ kind: "daemon-wants-sasl", path: this.path });
    throw this.#nonsense(`unknown authentication ${offered.join(", ")}`);
  }

  /** @throws HelperError, RemoteError */
  ask<Answer>(call: Call<Answer>): Answer {
    return this.receive(this.send(call));
  }

  send<Answer>(call: Call<Answer>): Pending<Answer> {
    this.#lastSerial += 1;
    const serial = this.#lastSerial;
    this.#awaited.set(serial, call);
    const bytes = encodeCall(call, serial);
    this.#guard(() => this.sys.write(this.#socket.fd, bytes, this.#deadlineMs));
    return { call, serial };
  }

  receive<Answer>(pending: Pending<Answer>): Answer {
    let reply = this.#early.get(pending.serial);
    while (reply === undefined) {
      this.#receiveOne();
      reply = this.#early.get(pending.serial);
    }
    this.#early.delete(pending.serial);
    const { header, body } = reply;
    return this.#decode(() => {
      if (header.kind === "answer") return pending.call.decode(body, () => this.#checkTime());
      const failure = decodeRemoteFailure(body);
      throw new RemoteError(failure.code, failure.message);
    });
  }

  #receiveOne(): void {
    const header = this.#decode(() => decodeHeader(this.#reader.readExactly(HEADER_BYTES)));
    if (header.kind === "event") {
      this.#receiveEvent(header);
      return;
    }
    const call = this.#awaited.get(header.serial);
    if (call?.procedure !== header.procedure || (call.program ?? PROGRAM) !== header.program) {
      throw this.#nonsense(
        `an answer to procedure ${header.procedure}, serial ${header.serial}, that was not asked for`,
      );
    }
    this.#awaited.delete(header.serial);
    this.#early.set(header.serial, { header, body: this.#reader.readExactly(header.bodyBytes) });
  }

  /** What has happened is not looked at: whoever watches asks how things are now. */
  #receiveEvent({ procedure, bodyBytes }: Header): void {
    if (!this.#isWatching || procedure !== PROCEDURE.domainEventCallbackLifecycle) {
      throw this.#nonsense(`an event, procedure ${procedure}, that was not asked for`);
    }
    this.#reader.readExactly(bodyBytes);
    this.#hasNews = true;
  }

  /** From now on `hasNews` tells of whatever happens to the domain. @throws HelperError, RemoteError */
  watch(domain: DomainRef): void {
    this.#isWatching = true; // the first event may come before the answer
    this.ask(connectDomainEventCallbackRegisterAny(domain));
  }

  /** For waits that the daemon may end: once there is nothing left that `hasNews` would find. */
  get wakerFd(): number {
    return this.#socket.fd;
  }

  /** Whether something has happened to a domain that is watched since this was asked last. */
  hasNews(): boolean {
    while (this.#reader.hasBytes || this.#guard(() => this.sys.hasInput(this.#socket.fd, this.sys.nowMs()))) {
      this.#receiveOne();
    }
    const hadNews = this.#hasNews;
    this.#hasNews = false;
    return hadNews;
  }

  /** Gives the calls that follow until then. */
  extend(deadlineMs: number): void {
    this.#deadlineMs = deadlineMs;
    this.#startedMs = this.sys.nowMs();
  }

  /** A wait ends at the deadline by itself; a daemon that leaves nothing to wait for, and what its words take to be read, do not. */
  #checkTime(): void {
    this.#guard(() => {
      if (this.sys.nowMs() >= this.#deadlineMs) throw new SystemError("poll", ETIMEDOUT);
    });
  }

  #readSome(into: Uint8Array): number {
    this.#checkTime();
    const count = this.#guard(() => this.sys.read(this.#socket.fd, into, this.#deadlineMs));
    if (count === 0) throw this.#broken({ kind: "daemon-closed", path: this.path });
    return count;
  }

  /** Turns what the kernel says of the socket into what it means here. */
  #guard<Result>(act: () => Result): Result {
    try {
      return act();
    } catch (error) {
      this.#isSound = false;
      if (!(error instanceof SystemError)) throw error;
      if (error.errno === ETIMEDOUT) {
        const seconds = Math.round((this.#deadlineMs - this.#startedMs) / 1000);
        throw new HelperError(diagnoseSilence(this.sys, this.path, seconds), { cause: error });
      }
      if (error.errno === ECONNRESET || error.errno === EPIPE) {
        throw new HelperError({ kind: "daemon-closed", path: this.path }, { cause: error });
      }
      throw new HelperError(
        { kind: "socket-broken", path: this.path, errno: errnoName(error.errno) },
        { cause: error },
      );
    }
  }

  #decode<Result>(read: () => Result): Result {
    try {
      return read();
    } catch (error) {
      if (error instanceof XdrError) throw this.#nonsense(error.message, { cause: error });
      throw error;
    }
  }

  #nonsense(detail: string, options?: { readonly cause: unknown }): HelperError {
    return this.#broken({ kind: "daemon-nonsense", path: this.path, detail }, options);
  }

  #broken(failure: Failure, options?: { readonly cause: unknown }): HelperError {
    this.#isSound = false;
    return new HelperError(failure, options);
  }

  /** Takes leave, to which the daemon answers while we do something else: nothing may be asked from now on. */
  leave(): void {
    if (!this.#isSound || this.#farewell !== undefined) return;
    try {
      this.#farewell = this.send(connectClose());
    } catch {
      // Nothing depends on it.
    }
  }

  /** Takes leave first: a daemon logs an error for each client that just goes. */
  [Symbol.dispose](): void {
    try {
      this.#deadlineMs = Math.min(this.#deadlineMs, this.sys.nowMs() + FAREWELL_MS);
      this.leave();
      if (this.#farewell !== undefined) this.receive(this.#farewell);
    } catch {
      // Nothing depends on it, and what went wrong before it is what matters.
    } finally {
      this.#socket[Symbol.dispose]();
    }
  }
}
