/** Where pins are kept: one file a domain, by its UUID; the administrator's, and the user's own. */

import { HelperError } from "../failure.ts";
import type { StoreProblem } from "../failure-facts.ts";
import { decodeLatin1, encodeLatin1 } from "../latin1.ts";
import { formatUuid, parseUuid } from "../libvirt/uuid.ts";
import { errnoName } from "../sys/errno.ts";
import { type System, SystemError } from "../sys/system.ts";
import {
  findDirectoryProblem,
  findFileProblem,
  findStateDirectory,
  makeDirectories,
  requireStateDirectory,
  unlessMissing,
} from "./own-directory.ts";
import { type Pin, PinFileError, parsePins } from "./pin-file.ts";

/** Read, and never written. */
const ADMIN_DIRECTORY = "/etc/virtssh/hosts";

/** Some hundred keys. */
const MAX_BYTES = 65_536;

/** A change takes milliseconds. */
const LOCK_MS = 5_000;

export interface PinFile {
  readonly path: string;
  readonly pins: readonly Pin[];
}

/** @throws HelperError pins-failed */
export function readAdminPins(uuid: string, sys: System): PinFile {
  const path = `${ADMIN_DIRECTORY}/${uuid}`;
  const content = attempt("read", path, () => unlessMissing(() => sys.readFile(path, MAX_BYTES + 1)));
  return { path, pins: content === undefined ? [] : parse(path, decode(path, content)) };
}

/** None for a user without a home, and in a file that has been emptied by hand. @throws HelperError pins-failed */
export function readOwnPins(uuid: string, sys: System): PinFile {
  const state = findStateDirectory(sys);
  if (state === undefined) return { path: "", pins: [] };
  const { path, text } = readOwnText(state, uuid, sys);
  return { path, pins: text === undefined ? [] : parse(path, text) };
}

/** The file's text, a character for each byte, and the pins in it, as they are to be changed; returns what the file shall say, or undefined for none. */
export type Edit = (text: string | undefined, pins: readonly Pin[]) => string | undefined;

/**
 * Changes a domain's pins in one act, while nobody else does. Where `edit` returns what there is already, or throws, all stays as it is.
 * @throws HelperError pins-failed, no-own-directory
 */
export function changeOwnPins(uuid: string, edit: Edit, sys: System): void {
  const state = requireStateDirectory(sys);
  attempt("write", `${state}/hosts`, () => makeDirectories(`${state}/hosts`, sys));
  checkDirectories(state, sys);
  const lockPath = `${state}/lock`;
  using _lock = attempt("lock", lockPath, () => sys.lock(lockPath, sys.nowMs() + LOCK_MS));
  const { path, text } = readOwnText(state, uuid, sys);
  const changed = edit(text, text === undefined ? [] : parse(path, text));
  if (changed === text) return;
  if (changed === undefined) attempt("remove", path, () => sys.removeFile(path));
  else attempt("write", path, () => replace(path, encode(path, changed), sys));
}

/** UUIDs of the domains of which there is a file. @throws HelperError pins-failed */
export function listPinned(sys: System): { readonly admin: readonly string[]; readonly own: readonly string[] } {
  const admin = listUuids(ADMIN_DIRECTORY, sys);
  const state = findStateDirectory(sys);
  if (state === undefined) return { admin, own: [] };
  checkDirectories(state, sys);
  return { admin, own: listUuids(`${state}/hosts`, sys) };
}

function listUuids(directory: string, sys: System): string[] {
  const names = attempt("list", directory, () => unlessMissing(() => sys.listDirectory(directory))) ?? [];
  const isUuid = (name: string) => {
    const uuid = parseUuid(name);
    return uuid !== undefined && formatUuid(uuid) === name;
  };
  return names.filter(isUuid).sort();
}

interface OwnText {
  readonly path: string;
  readonly text: string | undefined;
}

function readOwnText(state: string, uuid: string, sys: System): OwnText {
  const path = `${state}/hosts/${uuid}`;
  checkDirectories(state, sys);
  const found = attempt("read", path, () => unlessMissing(() => sys.readOwnFile(path, MAX_BYTES + 1)));
  if (found === undefined) return { path, text: undefined };
  const problem = findFileProblem(found.facts, sys.userId());
  if (problem !== undefined) throw failed(path, problem);
  return { path, text: decode(path, found.content) };
}

/** Whoever may write to a directory may put another file in the place of any in it. */
function checkDirectories(state: string, sys: System): void {
  for (const path of [state, `${state}/hosts`]) {
    const problem = attempt("read", path, () => unlessMissing(() => findDirectoryProblem(path, sys)));
    if (problem !== undefined) throw failed(path, problem);
  }
}

/** The lock is ours: what lies there under the new file's name is left of somebody who was ended. */
function replace(path: string, content: Uint8Array, sys: System): void {
  const temporary = `${path}.new`;
  unlessMissing(() => sys.removeFile(temporary));
  sys.createFile(temporary, content);
  sys.rename(temporary, path);
}

function decode(path: string, content: Uint8Array): string {
  if (content.length > MAX_BYTES) throw failed(path, { is: "too-large", maxBytes: MAX_BYTES });
  return decodeLatin1(content);
}

/** Never more than can be read again: a security key may have a long name in it, which is the guest's to choose. */
function encode(path: string, text: string): Uint8Array {
  const content = encodeLatin1(text);
  if (content.length > MAX_BYTES) throw failed(path, { is: "too-large", maxBytes: MAX_BYTES });
  return content;
}

function parse(path: string, text: string): Pin[] {
  try {
    return parsePins(text);
  } catch (error) {
    if (error instanceof PinFileError) throw failed(path, { is: "bad-line", line: error.line });
    throw error;
  }
}

type Act = Extract<StoreProblem, { readonly is: "refused" }>["act"];

function attempt<Result>(act: Act, path: string, use: () => Result): Result {
  try {
    return use();
  } catch (error) {
    if (error instanceof SystemError) throw failed(path, { is: "refused", act, errno: errnoName(error.errno) });
    throw error;
  }
}

function failed(path: string, problem: StoreProblem): HelperError {
  return new HelperError({ kind: "pins-failed", path, problem });
}
