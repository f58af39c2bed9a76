// Where things are kept that take long to make and that every clone on this machine can share.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";

/** Hexadecimal digits of the SHA-256 that name a thing by all that it is made from. */
const KEY_DIGITS = 12;

/** `$XDG_CACHE_HOME/virtssh`, which may not be there yet. */
export function cacheDirectory(): string {
  return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "virtssh");
}

/** A short name for what is made from these files, and from `others`: versions, options. */
export function cacheKey(files: readonly string[], others: readonly string[] = []): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(basename(file)).update("\0").update(readFileSync(file));
  for (const other of others) hash.update(other).update("\0");
  return hash.digest("hex").slice(0, KEY_DIGITS);
}
