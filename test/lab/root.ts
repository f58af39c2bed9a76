// Owns the labs' Debian roots: makes each once, keeps it in the user's cache, and says where it is.
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { cacheDirectory, cacheKey } from "../../packaging/cache.ts";
import { requirePrograms } from "../../packaging/host-packages.ts";
import { findDebianMirror } from "../../packaging/mirror.ts";
import { runChild } from "./child.ts";
import { type Progress, timed } from "./progress.ts";

/** Everything that the root is made from. A change in any of them makes a new root. */
const SOURCES = ["root.sh", "root-inside.sh", "initrd.sh"] as const;

/** The same for the older root, which takes users and keys from the first. */
const OLD_SOURCES = [...SOURCES, "root-old.sh"] as const;

/** Files of this folder, found from the repository's root, where every script is run. */
export function labFile(name: string): string {
  return resolve("test/lab", name);
}

/** Throws an Error whose message is what to do, unless this is root, which namespaces and mounts need. */
function requireRoot(): void {
  if (process.getuid?.() !== 0) {
    throw new Error('the labs need root: run them with: sudo -E env "PATH=$PATH" npm test');
  }
}

/**
 * Returns the directory of the root, which must not be written to; makes it first if there is none yet (about 40 s, 600 MB).
 * Several processes may call this at once. Throws an Error with the end of the output where it cannot be made.
 */
export async function ensureRoot(progress: Progress): Promise<string> {
  requireRoot();
  const root = join(cacheDirectory(), `lab-${cacheKey(SOURCES.map(labFile))}`);
  requirePrograms({ flock: "util-linux", unshare: "util-linux", setpriv: "util-linux", mount: "mount" });
  if (existsSync(root)) return root;
  requirePrograms({ mmdebstrap: "mmdebstrap" });
  mkdirSync(cacheDirectory(), { recursive: true });
  progress("making the lab's Debian root, once; this takes about a minute");
  await timed(progress, "made the lab's Debian root", () => makeRoot([root, labFile("root.sh"), findDebianMirror()]));
  return root;
}

/**
 * Returns the directory of a Debian 12 root for the box, a guest whose systemd is 252; makes it, and `ensureRoot`'s before it, if there
 * is none yet (about 30 s, 260 MB). Throws as `ensureRoot` does.
 */
export async function ensureOldRoot(progress: Progress): Promise<string> {
  const root = await ensureRoot(progress);
  const old = join(cacheDirectory(), `debian12-${cacheKey(OLD_SOURCES.map(labFile))}`);
  if (existsSync(old)) return old;
  requirePrograms({ mmdebstrap: "mmdebstrap" });
  progress("making the lab's Debian 12 root, once; this takes half a minute");
  const thing = [old, labFile("root-old.sh"), findDebianMirror(), root];
  const hold = ["flock", "--shared", `${root}.lock`];
  await timed(progress, "made the lab's Debian 12 root", () => makeRoot(thing, hold));
  return old;
}

/** `thing` is what make-once.sh is told: the root's directory, and the script that makes it with its other arguments. */
async function makeRoot(thing: readonly string[], hold: readonly string[] = []): Promise<void> {
  const made = await runChild([...hold, "bash", labFile("make-once.sh"), ...thing]);
  if (made.exit !== 0) {
    throw new Error(`cannot make the lab's Debian root: ${made.output.slice(-4000)}`);
  }
}
