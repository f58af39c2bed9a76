/** The user's files as they are, and one replaced by another in one act: at every moment there is the old one or the new one. */

import { HelperError } from "../failure.ts";
import type { SetupAct, SetupProblem } from "../failure-facts.ts";
import { decodeLatin1, encodeLatin1 } from "../latin1.ts";
import { EEXIST, EINVAL, ENOENT, EPERM, errnoName } from "../sys/errno.ts";
import { type FileFacts, type System, SystemError } from "../sys/system.ts";

/** What a file says, a character for each byte; undefined where there is none. */
type Text = string | undefined;

/** Returns what it shall say. */
export type Edit = (text: Text) => Text;

export type Change = "made" | "changed" | "removed";

/** ssh has no limit of its own; the largest that people tell of have some ten thousand hosts, in half of it. */
const MAX_BYTES = 1_048_576;

/** How long another `setup` may take over its change, and how often we look. */
const BUSY_MS = 5_000;
const PAUSE_MS = 20;

/** st_mode, inode(7). */
const TYPE_BITS = 0o170000;
const REGULAR_FILE = 0o100000;
const OWNER_WRITES = 0o200;

const PRIVATE = 0o600;
const PRIVATE_DIRECTORY = 0o700;

interface Present {
  /** Where it really is: what leads there by symbolic links is not replaced. */
  readonly place: string;
  readonly text: string;
  readonly facts: FileFacts;
}

interface Plan {
  readonly found: Present | undefined;
  readonly text: Text;
}

/**
 * What `edit` will come to, with nothing changed yet.
 * @throws HelperError where the file cannot be read, or is one that we should not change
 */
export function planChange(path: string, edit: Edit, sys: System): Plan {
  const found = findFile(path, sys);
  const text = edit(found?.text);
  if (found !== undefined && text !== found.text && (found.facts.mode & OWNER_WRITES) === 0) {
    throw failure(path, { is: "read-only" });
  }
  return { found, text };
}

/**
 * Makes the file say what `edit` returns. Returns what that came to; undefined where it says so already.
 * @throws HelperError, and then the file is as it was
 */
export function changeFile(path: string, edit: Edit, sys: System): Change | undefined {
  const deadlineMs = sys.nowMs() + BUSY_MS;
  for (;;) {
    const plan = planChange(path, edit, sys);
    if (plan.text === plan.found?.text) return undefined;
    const lock = `${plan.found?.place ?? path}.virtssh-new`;
    if (replace({ path, lock, plan }, sys)) return nameChange(plan);
    if (sys.nowMs() >= deadlineMs) throw failure(path, { is: "busy", lock });
    sys.pause(PAUSE_MS);
  }
}

function nameChange({ found, text }: Plan): Change {
  if (text === undefined) return "removed";
  return found === undefined ? "made" : "changed";
}

interface Replacement {
  readonly path: string;
  /** The new file, until it has its name. It always has the same, so that there is one of it: what it says, nobody else changes. */
  readonly lock: string;
  readonly plan: Plan;
}

/** False where another `setup` was first. */
function replace({ path, lock, plan }: Replacement, sys: System): boolean {
  const { found, text } = plan;
  const facts = found?.facts ?? { ...ownFacts(sys), mode: REGULAR_FILE | PRIVATE };
  if (!attempt("write", path, () => create(lock, { text, facts }, sys))) return false;
  let isRenamed = false; // from then on a file of the lock's name is another's
  try {
    if (findFile(path, sys)?.text !== found?.text) return false; // changed since it was read
    if (text === undefined) attempt("remove", path, () => sys.removeFile(path));
    else {
      attempt("write", path, () => sys.rename(lock, found?.place ?? path));
      isRenamed = true;
    }
    return true;
  } finally {
    if (!isRenamed) discard(lock, sys);
  }
}

interface Content {
  readonly text: Text;
  readonly facts: FileFacts;
}

/** False where there is one already. */
function create(path: string, { text, facts }: Content, sys: System): boolean {
  try {
    sys.createFile(path, encodeLatin1(text ?? ""), facts);
    return true;
  } catch (error) {
    if (error instanceof SystemError && error.errno === EEXIST) return false;
    const { gid } = ownFacts(sys);
    // A group that we are not in, root's for one, we cannot give it: no loss where it may do no more than everybody.
    if (error instanceof SystemError && error.errno === EPERM && gid !== facts.gid && isGroupIdle(facts.mode)) {
      return create(path, { text, facts: { ...facts, gid } }, sys);
    }
    throw error;
  }
}

function isGroupIdle(mode: number): boolean {
  return ((mode >> 3) & ~mode & 0o7) === 0;
}

/** Best effort: what goes wrong besides is not what is to be told. */
function discard(path: string, sys: System): void {
  try {
    sys.removeFile(path);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
}

/** Ours: a process is its own user's and group's in /proc. */
function ownFacts(sys: System): FileFacts {
  return attempt("read", "/proc/self", () => sys.readFileFacts("/proc/self"));
}

/**
 * The file at `path`, if there is one.
 * @throws HelperError where it cannot be read, or is none of ours
 */
function findFile(path: string, sys: System): Present | undefined {
  const facts = findFacts(path, sys);
  if (facts === undefined) return undefined;
  if ((facts.mode & TYPE_BITS) !== REGULAR_FILE) throw failure(path, { is: "not-a-file" });
  const user = sys.userId();
  if (facts.uid !== user) throw failure(path, { is: "other-owner", owner: facts.uid, user });
  try {
    const bytes = sys.readFile(path, MAX_BYTES + 1);
    if (bytes.length > MAX_BYTES) throw failure(path, { is: "too-large", maxBytes: MAX_BYTES });
    return { place: sys.realPath(path), text: decodeLatin1(bytes), facts };
  } catch (error) {
    if (isMissing(error)) return undefined; // another has just removed it
    throw describe("read", path, error);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof SystemError && error.errno === ENOENT;
}

function findFacts(path: string, sys: System): FileFacts | undefined {
  try {
    return sys.readFileFacts(path);
  } catch (error) {
    if (!isMissing(error)) throw describe("read", path, error);
    const target = findLink(path, sys);
    if (target !== undefined) throw failure(path, { is: "dangling", target });
    return undefined;
  }
}

/** Where the symbolic link at `path` leads, if it is one. */
function findLink(path: string, sys: System): string | undefined {
  try {
    return sys.readLink(path);
  } catch (error) {
    if (isMissing(error) || (error instanceof SystemError && error.errno === EINVAL)) return undefined;
    throw describe("read", path, error);
  }
}

/**
 * Makes a directory for this user alone. Returns whether there was none.
 * @throws HelperError
 */
export function makeDirectory(path: string, sys: System): boolean {
  if (findFacts(path, sys) !== undefined) return false;
  return attempt("make", path, () => {
    try {
      sys.makeDirectory(path, PRIVATE_DIRECTORY);
      return true;
    } catch (error) {
      if (error instanceof SystemError && error.errno === EEXIST) return false; // another setup's
      throw error;
    }
  });
}

/**
 * Where this program is.
 * @throws HelperError
 */
export function findProgram(sys: System): string {
  return attempt("read", "/proc/self/exe", () => sys.realPath("/proc/self/exe"));
}

function attempt<Result>(act: SetupAct, path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw describe(act, path, error);
  }
}

function describe(act: SetupAct, path: string, error: unknown): unknown {
  if (!(error instanceof SystemError)) return error;
  const problem = { is: "refused", act, errno: errnoName(error.errno) } as const;
  return new HelperError({ kind: "setup-failed", path, problem }, { cause: error });
}

function failure(path: string, problem: SetupProblem): HelperError {
  return new HelperError({ kind: "setup-failed", path, problem });
}
