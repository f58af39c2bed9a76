/** The keys that open an account in a guest, by the guest's agent: what is there, and how it is changed. */

import { type Failure, HelperError } from "../failure.ts";
import type { UnknownOutcome } from "../failures/agent.ts";
import type { System } from "../sys/system.ts";
import { domainAuthorizedSshKeysGet, domainAuthorizedSshKeysSet, KeysTooLongError } from "./agent-calls.ts";
import { type AgentChannel, findAgentChannel } from "./agent-channel.ts";
import { isRefusedByAgent } from "./agent-command.ts";
import { type Call, domainGetXmlDesc } from "./calls.ts";
import { Connection, RemoteError } from "./connection.ts";
import { XmlError } from "./domain-xml.ts";
import { describeDomain, findStoppedState } from "./find-endpoint.ts";
import type { LocatedDomain } from "./located-domain.ts";
import { AUTHORIZED_KEYS_MAX, AUTHORIZED_KEYS_MAX_BYTES, ERROR, SET_KEYS } from "./protocol.ts";
import { findWritablePlace } from "./sockets.ts";

/** An account in a guest. */
export interface Account {
  readonly located: LocatedDomain;
  readonly user: string;
  /** libvirt itself gives an agent no time for a command, unless `virsh guest-agent-timeout` has. */
  readonly deadlineMs: number;
}

/** What the agent knows of an account. */
export class AgentKeys implements Disposable {
  readonly #account: Account;
  readonly #connection: Connection;
  /** No failure that follows may sound as if nothing had been. */
  #hasChanged = false;

  private constructor(account: Account, connection: Connection) {
    this.#account = account;
    this.#connection = connection;
  }

  /** @throws HelperError */
  static open(account: Account, sys: System): AgentKeys {
    const { located, deadlineMs } = account;
    const state = findStoppedState(located.domain);
    if (state !== undefined) {
      throw new HelperError({ kind: "domain-stopped", domain: describeDomain(located.domain), state });
    }
    try {
      return new AgentKeys(account, Connection.open(sys, findWritablePlace(located.domain.uri, sys), deadlineMs));
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      throw new HelperError(refuse(located, error), { cause: error });
    }
  }

  /**
   * The lines of the user's authorized_keys in the order of the file, without blanks around them and without those that are blank or
   * comments; none where there is no file.
   * @throws HelperError
   */
  read(): string[] {
    const { located, user } = this.#account;
    try {
      // qmp_guest_ssh_get_authorized_keys() in QEMU's qga/commands-posix-ssh.c puts each line in front of those before.
      return this.#ask(domainAuthorizedSshKeysGet(located.reference, user)).reverse();
    } catch (error) {
      if (isOfNoFile(error)) return [];
      throw this.#hasChanged ? this.#explainChange(error) : explainRead(this.#account, error);
    }
  }

  /** Puts lines behind those that are there. The agent leaves out one that is there already to the letter. @throws HelperError */
  append(lines: readonly string[]): void {
    this.#change(lines, SET_KEYS.append);
  }

  /** Takes out whatever is the same to the letter: one that is not there is no error. @throws HelperError */
  remove(lines: readonly string[]): void {
    this.#change(lines, SET_KEYS.remove);
  }

  #change(lines: readonly string[], flags: number): void {
    const { located, user } = this.#account;
    try {
      for (let at = 0; at < lines.length; at += AUTHORIZED_KEYS_MAX) {
        const some = lines.slice(at, at + AUTHORIZED_KEYS_MAX);
        this.#ask(domainAuthorizedSshKeysSet(located.reference, { user, lines: some, flags }));
        this.#hasChanged = true;
      }
    } catch (error) {
      throw this.#explainChange(error);
    }
  }

  /** What is to be thrown for an error of a change, or after one. */
  #explainChange(error: unknown): unknown {
    const { located, user } = this.#account;
    const outcome = findUnknownOutcome(error, this.#hasChanged);
    if (outcome === undefined) return explainRead(this.#account, error);
    const failure: Failure = { kind: "keys-unknown", domain: describeDomain(located.domain), user, outcome };
    return new HelperError(failure, { cause: error });
  }

  #ask<Answer>(call: Call<Answer>): Answer {
    return this.#connection.ask(call);
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}

/**
 * The agent refuses to read a file that is not there with the code of all its refusals, so its words have to tell: read_authkeys() in
 * QEMU's qga/commands-common-ssh.c (in older ones commands-posix-ssh.c), with the C library's behind them. They are English everywhere,
 * since qemu-ga sets no locale, and libvirt repeats them as they are. Nothing else may pass for it: a file that the agent may not read
 * opens the account as well.
 */
const NO_FILE = /: failed to read '.*': .*: No such file or directory$/s;

function isOfNoFile(error: unknown): boolean {
  return error instanceof RemoteError && isRefusedByAgent(error) && NO_FILE.test(error.message);
}

/**
 * Of a change that may have been made: the agent went away over it, or takes longer than `virsh guest-agent-timeout` lets it
 * (qemuAgentSend() and qemuAgentCommandFull() in libvirt's qemu_agent.c, before 11.2 without a code of its own), or its channel broke.
 */
const UNKNOWN: readonly number[] = [ERROR.agentCommandTimeout, ERROR.agentUnresponsive, ERROR.systemError];

/** Of a change that was asked for; undefined where it is certain that it was not made, not even a part of it. */
function findUnknownOutcome(error: unknown, hasChanged: boolean): UnknownOutcome | undefined {
  if (error instanceof RemoteError) {
    return hasChanged || UNKNOWN.includes(error.code) ? { is: "not-told", words: error.message } : undefined;
  }
  if (!(error instanceof HelperError)) return undefined;
  if (error.failure.kind === "daemon-silent") return { is: "agent-silent", seconds: error.failure.seconds };
  return error.failure.kind === "daemon-closed" ? { is: "daemon-gone" } : undefined;
}

/** What is to be thrown for an error of a call that has changed nothing. */
function explainRead({ located, user }: Account, error: unknown): unknown {
  if (error instanceof RemoteError) return new HelperError(explainAgentError(located, error), { cause: error });
  const domain = describeDomain(located.domain);
  if (error instanceof KeysTooLongError) {
    const failure: Failure = { kind: "keys-too-long", domain, user, maxBytes: AUTHORIZED_KEYS_MAX_BYTES };
    return new HelperError(failure, { cause: error });
  }
  if (!(error instanceof HelperError) || error.failure.kind !== "daemon-silent") return error;
  return new HelperError({ kind: "agent-silent", domain, within: error.failure.seconds }, { cause: error });
}

/** What a daemon's refusal of a call to the agent means. Branches on codes: see ERROR. */
function explainAgentError(located: LocatedDomain, error: RemoteError): Failure {
  const domain = describeDomain(located.domain);
  const { message: words } = error;
  switch (error.code) {
    case ERROR.argumentUnsupported:
      return { kind: "no-agent-channel", domain };
    case ERROR.agentUnresponsive:
      return readChannel(located) === "disconnected"
        ? { kind: "agent-not-connected", domain }
        : { kind: "agent-silent", domain, within: words };
    case ERROR.operationTimeout:
    case ERROR.agentCommandTimeout:
    case ERROR.systemError: // of its channel: an answer of more than 10 MiB, too (QEMU_AGENT_MAX_RESPONSE in libvirt's qemu_agent.c)
      return { kind: "agent-silent", domain, within: words };
    case ERROR.agentCommandFailed:
    case ERROR.internalError: // see isRefusedByAgent
      return { kind: "agent-refused", domain, words };
    case ERROR.noSupport:
    case ERROR.rpc:
      return { kind: "no-key-calls", domain, words };
    case ERROR.operationInvalid: {
      const state = findStoppedState(located.refresh());
      return state === undefined ? refuse(located, error) : { kind: "domain-stopped", domain, state };
    }
    default:
      return refuse(located, error);
  }
}

function refuse({ domain: { name, uri } }: LocatedDomain, { code, message: words }: RemoteError): Failure {
  if (code === ERROR.noDomain) return { kind: "domain-not-found", name, uris: [uri] };
  return { kind: "daemon-refused", refused: "ask its agent", name, code, words, uri };
}

/** As it is now; undefined where that cannot be read: this is only for better words. */
function readChannel({ connection, reference }: LocatedDomain): AgentChannel | undefined {
  try {
    return findAgentChannel(connection.ask(domainGetXmlDesc(reference)), connection.sys);
  } catch (error) {
    if (error instanceof RemoteError || error instanceof HelperError || error instanceof XmlError) return undefined;
    throw error;
  }
}
