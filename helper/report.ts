/** Tells the user what went wrong, and the exit status that says so. Loaded only when something has. */

import { explain } from "./explain.ts";
import { type Failure, HelperError } from "./failure.ts";
import { errnoName } from "./sys/errno.ts";
import { ClientGoneError, type System, SystemError } from "./sys/system.ts";
import { encodeUtf8 } from "./utf8.ts";

declare const VIRTSSH_VERSION: string;

const STDERR = 2;

/** Exit statuses: a failure that is explained, wrong usage, a bug (EX_SOFTWARE in sysexits.h). */
const FAILED = 1;
const USAGE = 2;
const BUG = 70;

/** Prints what was thrown, and returns the exit status. */
export function reportError(error: unknown, sys: System): number {
  const failure = findFailure(error);
  if (failure === undefined) {
    print(describeBug(error), sys);
    return BUG;
  }
  print(formatFailure("error", failure), sys);
  return failure.kind === "bad-usage" || failure.kind === "bad-target" || failure.kind === "bad-number"
    ? USAGE
    : FAILED;
}

/** Prints what does not end our work: as an error where ssh ends its own. */
export function reportNotice(failure: Failure, sys: System): void {
  print(formatFailure(failure.kind === "host-key-changed" ? "error" : "warning", failure), sys);
}

function formatFailure(severity: "error" | "warning", failure: Failure): string {
  const { error, hint } = explain(failure);
  return `virtssh: ${severity}: ${error}\n${hint === undefined ? "" : `virtssh: hint: ${hint}\n`}`;
}

function findFailure(error: unknown): Failure | undefined {
  if (error instanceof HelperError) return error.failure;
  if (error instanceof ClientGoneError) return { kind: "client-gone" };
  if (error instanceof SystemError) return { kind: "system-refused", call: error.call, errno: errnoName(error.errno) };
  return undefined;
}

function describeBug(error: unknown): string {
  const text = error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error);
  return `virtssh: internal error: ${text.trimEnd()}\nvirtssh: version ${VIRTSSH_VERSION}; this is a bug: report it with the lines above\n`;
}

/** In one call, so that no line is torn. */
function print(text: string, sys: System): void {
  try {
    sys.write(STDERR, encodeUtf8(text), Number.POSITIVE_INFINITY);
  } catch {
    // Nobody reads stderr: the exit status still tells.
  }
}
