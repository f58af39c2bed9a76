// Runs make for a build.
import { runCommand } from "./run-command.ts";

/**
 * What packaging/Makefile takes from a packager's environment. An engine that somebody's CFLAGS have made would be kept under the
 * name of the one without them.
 */
const TAKEN = ["MAKEFLAGS", "CPPFLAGS", "CFLAGS", "LDFLAGS", "AR", "QJSC_RUN", "QJSC_LDFLAGS"];

/**
 * Runs make with `words`, in `cwd` if there is one, and with `variables`, not the environment's. make splits paths at blanks: no
 * variable may have one in a path. Throws as runCommand does.
 */
export function runMake(words: readonly string[], variables: Readonly<Record<string, string>>, cwd?: string): void {
  const environment = TAKEN.flatMap((name) => ["-u", name]);
  const given = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  runCommand(["env", ...environment, "make", "-s", ...words, ...given], cwd === undefined ? {} : { cwd });
}
