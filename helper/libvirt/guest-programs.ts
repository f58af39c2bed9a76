/** Runs programs in a guest, by its agent: guest-exec of QEMU's qga/qapi-schema.json. */

import { decodeBase64 } from "../hostkeys/base64.ts";
import type { System } from "../sys/system.ts";
import { decodeUtf8 } from "../utf8.ts";
import { domainAgentCommand, isRefusedByAgent, readField } from "./agent-command.ts";
import type { DomainRef } from "./calls.ts";
import type { Connection } from "./connection.ts";

/** What libvirt gives the agent for one answer, of which none takes long. */
const ANSWER_SECONDS = 3;

/** How long is waited until a program is looked after again, at first and in the end. */
const FIRST_PAUSE_MS = 20;
const LAST_PAUSE_MS = 250;

/** What it takes of the agent to run programs. */
const COMMANDS = ["guest-exec", "guest-exec-status"] as const;

/** How a program has ended. */
export interface Ended {
  readonly status: number;
  /** What it wrote to stdout, and then to stderr. */
  readonly output: string;
  readonly complaint: string;
}

/** A program that was started. */
interface Started {
  readonly pid: number;
}

export class GuestPrograms {
  readonly #connection: Connection;
  readonly #domain: DomainRef;
  readonly #limit: { readonly sys: System; readonly deadlineMs: number };

  constructor(connection: Connection, domain: DomainRef, limit: { readonly sys: System; readonly deadlineMs: number }) {
    this.#connection = connection;
    this.#domain = domain;
    this.#limit = limit;
  }

  /**
   * Whether the agent would run one: its own configuration may forbid that, as RHEL's does. Undefined where it talks nonsense.
   * @throws HelperError, RemoteError
   */
  mayRun(): boolean | undefined {
    const commands = readField(this.#ask("guest-info"), "supported_commands");
    if (!Array.isArray(commands)) return undefined;
    return COMMANDS.every((name) =>
      commands.some((one) => readField(one, "name") === name && readField(one, "enabled") === true),
    );
  }

  /** `program` is looked up in the agent's PATH; undefined where it is not there, or there is no time. No shell has a part in it. */
  start(program: string, ...words: readonly string[]): Started | undefined {
    if (this.#limit.sys.nowMs() >= this.#limit.deadlineMs) return undefined;
    const started = this.#try("guest-exec", { path: program, arg: words, "capture-output": true });
    const pid = readField(started, "pid");
    return typeof pid === "number" ? { pid } : undefined;
  }

  /**
   * Waits for its end; undefined where it does not end in time, or where the agent's answer cannot be understood: it forgets the
   * program over the first one that tells of its end (qmp_guest_exec_status() in QEMU's qga/commands.c).
   * @throws HelperError, RemoteError
   */
  finish(started: Started | undefined): Ended | undefined {
    if (started === undefined) return undefined;
    const { sys, deadlineMs } = this.#limit;
    for (let pauseMs = FIRST_PAUSE_MS; sys.nowMs() < deadlineMs; pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)) {
      const ended = this.#try("guest-exec-status", { pid: started.pid });
      const hasEnded = readField(ended, "exited");
      if (hasEnded !== false) return hasEnded === true ? readEnd(ended) : undefined;
      sys.pause(Math.min(pauseMs, Math.max(0, deadlineMs - sys.nowMs())));
    }
    return undefined;
  }

  run(program: string, ...words: readonly string[]): Ended | undefined {
    return this.finish(this.start(program, ...words));
  }

  /** Undefined where the agent refuses. */
  #try(execute: string, words: Readonly<Record<string, unknown>>): unknown {
    try {
      return this.#ask(execute, words);
    } catch (error) {
      if (isRefusedByAgent(error)) return undefined;
      throw error;
    }
  }

  #ask(execute: string, words?: Readonly<Record<string, unknown>>): unknown {
    const command = words === undefined ? { execute } : { execute, arguments: words };
    return this.#connection.ask(domainAgentCommand(this.#domain, command, ANSWER_SECONDS));
  }
}

function readEnd(ended: unknown): Ended {
  const status = readField(ended, "exitcode");
  return {
    status: typeof status === "number" ? status : -1, // of a signal it has another field
    output: readText(readField(ended, "out-data")),
    complaint: readText(readField(ended, "err-data")),
  };
}

function readText(data: unknown): string {
  const bytes = typeof data === "string" ? decodeBase64(data) : undefined;
  return bytes === undefined ? "" : decodeUtf8(bytes);
}
