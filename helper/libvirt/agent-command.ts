/** What a guest's agent answers to a command of its own: QEMU's qga/qapi-schema.json. Off the hot path. */

import { RemoteError } from "./connection.ts";
import { ERROR } from "./protocol.ts";

const REFUSALS: readonly number[] = [ERROR.agentCommandFailed, ERROR.internalError];

/** Whether a call came to the agent's own refusal: qemuAgentCheckError() in libvirt's qemu_agent.c, before 11.2 without a code of its own. */
export function isRefusedByAgent(error: unknown): boolean {
  return error instanceof RemoteError && REFUSALS.includes(error.code);
}
