/** Asks a guest's agent, and has it run programs: src/remote/qemu_protocol.x, and QEMU's qga/qapi-schema.json. Off the hot path. */

import { decodeUtf8 } from "../utf8.ts";
import { type Call, type DomainRef, domainArgument, makeCall } from "./calls.ts";
import { RemoteError } from "./connection.ts";
import { ERROR, QEMU_PROCEDURE, QEMU_PROGRAM, STRING_MAX_BYTES } from "./protocol.ts";

/** More of a guest's answer than this is not looked at. Base64 of 32 KiB is 44 KiB. */
const MAX_REPLY_BYTES = 65_536;

export interface AgentCommand {
  readonly execute: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
}

/**
 * What a command returns; undefined for what cannot be understood: it is the guest's own word. libvirt gives the agent `seconds`, a
 * whole number from 1. Needs a connection that may change something, and leaves a note in the log of the domain
 * (VIR_DOMAIN_TAINT_CUSTOM_GA_COMMAND in libvirt's qemu_driver.c).
 */
export function domainAgentCommand(domain: DomainRef, command: AgentCommand, seconds: number): Call<unknown> {
  const body = domainArgument(domain).string(JSON.stringify(command)).int32(seconds).uint32(0).toBytes();
  const call = makeCall(QEMU_PROCEDURE.domainAgentCommand, body, (reader) =>
    readReturn(reader.optional(() => reader.opaque(STRING_MAX_BYTES))),
  );
  return { ...call, program: QEMU_PROGRAM };
}

function readReturn(reply: Uint8Array | undefined): unknown {
  if (reply === undefined || reply.length > MAX_REPLY_BYTES) return undefined;
  try {
    return readField(JSON.parse(decodeUtf8(reply)), "return");
  } catch {
    return undefined; // no JSON, or too deep for the engine
  }
}

const REFUSALS: readonly number[] = [ERROR.agentCommandFailed, ERROR.internalError];

/** Whether a call came to the agent's own refusal: qemuAgentCheckError() in libvirt's qemu_agent.c, before 11.2 without a code of its own. */
export function isRefusedByAgent(error: unknown): boolean {
  return error instanceof RemoteError && REFUSALS.includes(error.code);
}

/** Of an object that may be anything. */
export function readField(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Object.getOwnPropertyDescriptor(value, name)?.value
    : undefined;
}
