// Runs make for a build.
import { runCommand } from "./run-command.ts";

/**
 * What packaging/Makefile takes from a packager's environment. An engine that somebody's CFLAGS have made would be kept under the
 * name of the one without them.
 */
const TAKEN = ["MAKEFLAGS", "CPPFLAGS", "CFLAGS", "LDFLAGS", "AR", "QJSC_RUN", "QJSC_LDFLAGS"];

/** Makes what `words` name with `makefile`, and with `variables`, not the environment's. Throws as runCommand does. */
export function runMake(makefile: string, words: readonly string[], variables: Readonly<Record<string, string>>): void {
  const environment = TAKEN.flatMap((name) => ["-u", name]);
  const given = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  runCommand(["env", ...environment, "make", "-s", "-f", makefile, ...words, ...given]);
}
