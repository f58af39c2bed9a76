/** Directories that are ours alone: where they are, and whether they can be trusted. */

import { HelperError } from "../failure.ts";
import type { StoreProblem } from "../failure-facts.ts";
import { findOwnHome } from "../home.ts";
import { EEXIST, ENOENT } from "../sys/errno.ts";
import { type FileFacts, type System, SystemError } from "../sys/system.ts";

/** st_mode, inode(7). */
const TYPE_BITS = 0o170000;
const DIRECTORY = 0o040000;
const REGULAR_FILE = 0o100000;
const OTHERS_WRITE = 0o022;

const PRIVATE = 0o700;

/**
 * `$XDG_STATE_HOME/virtssh`, after the XDG Base Directory Specification 0.8, which has relative paths ignored; and so is a directory
 * of another user's, which `sudo -E` hands on. undefined where the user has no home.
 */
export function findStateDirectory(sys: System): string | undefined {
  const named = sys.environment("XDG_STATE_HOME");
  if (named?.startsWith("/") === true && isOurs(named, sys)) return `${named}/virtssh`;
  const home = findOwnHome(sys);
  return home === undefined ? undefined : `${home}/.local/state/virtssh`;
}

const ROOT = 0;

/** Whether it is our user's, or may be made. */
function isOurs(path: string, sys: System): boolean {
  try {
    const owner = findOwner(path, sys);
    return owner === undefined ? isUnderOurs(nameParent(path), sys) : owner === sys.userId();
  } catch (error) {
    if (error instanceof SystemError) return false;
    throw error;
  }
}

/** Whether the first directory on the way up that is there is ours or root's: nothing is made in another user's. */
function isUnderOurs(path: string, sys: System): boolean {
  if (path === "") return true;
  const owner = findOwner(path, sys);
  return owner === undefined ? isUnderOurs(nameParent(path), sys) : owner === ROOT || owner === sys.userId();
}

/** The user ID; undefined where there is nothing. @throws SystemError */
function findOwner(path: string, sys: System): number | undefined {
  return unlessMissing(() => sys.readFileFacts(path).uid);
}

/** @throws HelperError no-own-directory */
export function requireStateDirectory(sys: System): string {
  const directory = findStateDirectory(sys);
  if (directory === undefined) throw new HelperError({ kind: "no-own-directory", uid: sys.userId() });
  return directory;
}

/** What is wrong with something of ours that is there. */
export function findFileProblem(facts: FileFacts, user: number): StoreProblem | undefined {
  if ((facts.mode & TYPE_BITS) !== REGULAR_FILE) return { is: "not-a-file" };
  return findOwnerProblem(facts, user);
}

function findOwnerProblem({ mode, uid }: FileFacts, user: number): StoreProblem | undefined {
  if (uid !== user) return { is: "other-owner", owner: uid, user };
  return (mode & OTHERS_WRITE) === 0 ? undefined : { is: "open-to-others" };
}

/** What is wrong with the directory; undefined for one that is ours. A symbolic link is none. @throws SystemError */
export function findDirectoryProblem(path: string, sys: System): StoreProblem | undefined {
  const facts = sys.readOwnFacts(path);
  if ((facts.mode & TYPE_BITS) !== DIRECTORY) return { is: "not-a-directory" };
  return findOwnerProblem(facts, sys.userId());
}

/** Makes the directory, and those that it is in. @throws SystemError */
export function makeDirectories(path: string, sys: System): void {
  const parent = nameParent(path);
  try {
    makeDirectory(path, sys);
  } catch (error) {
    if (!(error instanceof SystemError) || error.errno !== ENOENT || parent === "") throw error;
    makeDirectories(parent, sys);
    makeDirectory(path, sys);
  }
}

/** Somebody else may be first, at each of them: many ssh start at once. */
function makeDirectory(path: string, sys: System): void {
  try {
    sys.makeDirectory(path, PRIVATE);
  } catch (error) {
    if (!(error instanceof SystemError && error.errno === EEXIST)) throw error;
  }
}

function nameParent(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** What `use` returns; undefined where there is nothing of that name. @throws SystemError */
export function unlessMissing<Result>(use: () => Result): Result | undefined {
  try {
    return use();
  } catch (error) {
    if (error instanceof SystemError && error.errno === ENOENT) return undefined;
    throw error;
  }
}
