/** `virtssh resolve` in its usual forms, without commander. */

import type { ResolveArguments } from "../resolve-arguments.ts";
import { ClientGoneError, type System } from "../sys/system.ts";
import { printText, READER_GONE } from "./print.ts";
import { formatResolved } from "./resolve.ts";

/** As the command's help has it. */
const TIMEOUT_SECONDS = 30;

/**
 * Returns the exit status.
 * @throws HelperError
 */
export function runResolve({ target, json }: ResolveArguments, sys: System): number {
  try {
    const text = formatResolved(target, { json, timeoutSeconds: TIMEOUT_SECONDS }, sys);
    return printText(text, sys) ? 0 : READER_GONE;
  } catch (error) {
    if (error instanceof ClientGoneError) return READER_GONE; // `| head` is no failure
    throw error;
  }
}
