// Makes sure that the programs which a script runs are on this machine, by installing their Debian packages where it may.
import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheDirectory } from "./cache.ts";

/** Programs, each with the Debian packages that it needs, separated by spaces. */
export type Programs = Readonly<Record<string, string>>;

/** How long apt-get waits for somebody else's, such as a machine's own daily upgrade. */
const DPKG_SECONDS = 300;

/** Is `program` a file that may be run, in one of the directories of PATH? */
function isOnPath(program: string): boolean {
  const directories = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return directories.some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Where another of our processes is at it, waits for that: apt-get itself waits only for the lock of dpkg, and where it is told to.
 * Throws with apt's whole output, which is shown in no other case.
 */
function runApt(args: readonly string[]): void {
  mkdirSync(cacheDirectory(), { recursive: true });
  const lock = join(cacheDirectory(), "apt.lock");
  const apt = spawnSync("flock", [lock, "apt-get", "-q", "-y", `-oDPkg::Lock::Timeout=${DPKG_SECONDS}`, ...args], {
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (apt.error !== undefined) throw new Error("cannot run flock", { cause: apt.error });
  if (apt.status !== 0) throw new Error(`apt-get ${args.join(" ")} failed:\n${apt.stdout}${apt.stderr}`);
}

/**
 * Installs the packages of those `programs` that are missing, with a line on stderr about it.
 * Throws an Error with the one line to run where this user may not install packages.
 */
export function requirePrograms(programs: Programs): void {
  const missing = Object.keys(programs).filter((program) => !isOnPath(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.flatMap((program) => (programs[program] ?? program).split(" ")))].sort();
  if (process.getuid?.() !== 0 || !isOnPath("apt-get")) {
    const command = `sudo apt-get install --no-install-recommends ${packages.join(" ")}`;
    throw new Error(`missing programs: ${missing.join(", ")}; install them with: ${command}`);
  }
  process.stderr.write(`installing ${packages.join(", ")} … `);
  const begin = performance.now();
  runApt(["update"]);
  runApt(["install", "--no-install-recommends", ...packages]);
  process.stderr.write(`${((performance.now() - begin) / 1000).toFixed(1)} s\n`);
}
