// What all that is released has in common: its version, its time, its checksums.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./run-command.ts";

export function readVersion(): string {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  return version;
}

/** Is this a clone? Else it is what a source tarball holds, whatever repository that lies in. */
export function isClone(): boolean {
  return existsSync(".git");
}

/**
 * Seconds since 1970, which all files get: reproducible-builds.org/specs/source-date-epoch, else the time of the last commit, which a
 * source tarball's files have.
 */
export function findEpoch(): string {
  const given = process.env["SOURCE_DATE_EPOCH"];
  if (given) return given;
  if (!isClone()) return String(Math.floor(statSync("package.json").mtimeMs / 1000));
  return runCommand(["git", "log", "-1", "--format=%ct"]).trim();
}

/** Writes SHA256SUMS, for `sha256sum --check`, of all files in `folder`; says on stderr what they are. */
export function writeChecksums(folder: string): void {
  const lines = readdirSync(folder)
    .sort()
    .map((name) => {
      const bytes = readFileSync(join(folder, name));
      process.stderr.write(`made ${join(folder, name)} (${(bytes.length / 1e6).toFixed(2)} MB)\n`);
      return `${createHash("sha256").update(bytes).digest("hex")}  ${name}\n`;
    });
  writeFileSync(join(folder, "SHA256SUMS"), lines.join(""));
}
