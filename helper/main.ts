/** The program: picks the hot path or the rest of the command line, prints what went wrong, and sets the exit status. */

import type { Request } from "./endpoint.ts";
import { explain } from "./explain.ts";
import { type Failure, HelperError } from "./failure.ts";
import { loadProgram } from "./load-program.ts";
import { Progress } from "./progress.ts";
import { type HandOver, proxy, reachGuest } from "./proxy.ts";
import { parseProxyArguments } from "./proxy-arguments.ts";
import { errnoName } from "./sys/errno.ts";
import { args, exit, linux } from "./sys/linux.ts";
import { ClientGoneError, type Descriptor, SystemError } from "./sys/system.ts";
import { encodeUtf8 } from "./utf8.ts";
import { waitForGuest } from "./wait.ts";

declare const VIRTSSH_VERSION: string;

const STDERR = 2;

/** Exit statuses: done, a failure that is explained, wrong usage, a bug (EX_SOFTWARE in sysexits.h). */
const FAILED = 1;
const USAGE = 2;
const BUG = 70;

/** The exit status; undefined where it is not known before the command line has been loaded. */
function main(): number | undefined {
  const hot = args[0] === "proxy" ? parseProxyArguments(args.slice(1)) : undefined;
  if (hot === undefined) {
    loadCommandLine();
    return undefined;
  }
  const { target, port, timeoutSeconds, handOver, waits } = hot;
  const request = { target, port, deadlineMs: linux.nowMs() + timeoutSeconds * 1000 };
  const reach = waits ? awaitGuest : (asked: Request, how: HandOver) => reachGuest(asked, how, linux);
  proxy(request, { handOver, reach }, linux);
  return 0;
}

/** A guest that is ready, or will be in time. */
function awaitGuest(request: Request): Descriptor {
  using progress = new Progress(linux);
  return waitForGuest({ request, start: false, onLack: (lack) => progress.show(lack) }, linux).guest;
}

/** Everything else is loaded only here: the engine runs the promise's job when main() has returned. */
function loadCommandLine(): void {
  loadProgram(args[0]).then(
    ([{ runProgram }, parts]) => exit(runGuarded(() => runProgram({ words: args, parts }, linux))),
    (error: unknown) => exit(report(error)),
  );
}

function runGuarded<Status>(run: () => Status): Status | number {
  try {
    return run();
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  const failure = findFailure(error);
  if (failure === undefined) {
    print(describeBug(error));
    return BUG;
  }
  const { error: line, hint } = explain(failure);
  print(`virtssh: error: ${line}\n${hint === undefined ? "" : `virtssh: hint: ${hint}\n`}`);
  return failure.kind === "bad-usage" || failure.kind === "bad-target" || failure.kind === "bad-number"
    ? USAGE
    : FAILED;
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
function print(text: string): void {
  try {
    linux.write(STDERR, encodeUtf8(text), Number.POSITIVE_INFINITY);
  } catch {
    // Nobody reads stderr: the exit status still tells.
  }
}

const status = runGuarded(main);
if (status !== undefined) exit(status);
