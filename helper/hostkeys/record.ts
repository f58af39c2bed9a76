/**
 * What `proxy` leaves for ssh's other child, `known-hosts`: which guest its connection leads to. A record is found by whoever has the
 * same parent process, and by nobody else: a key that has come over another connection must not become a guest's.
 */

import type { Domain, Endpoint } from "../endpoint.ts";
import { HelperError } from "../failure.ts";
import type { StoreFacts, StoreProblem } from "../failure-facts.ts";
import { formatJson } from "../quote.ts";
import { errnoName } from "../sys/errno.ts";
import { type System, SystemError } from "../sys/system.ts";
import { decodeUtf8, encodeUtf8 } from "../utf8.ts";
import {
  findDirectoryProblem,
  findFileProblem,
  findStateDirectory,
  makeDirectories,
  unlessMissing,
} from "./own-directory.ts";
import { findParent, findProcess, type Parent } from "./parent.ts";

export interface Record {
  readonly uri: Domain["uri"];
  readonly name: string;
  readonly uuid: string;
  readonly id: number;
  readonly cid: number;
  readonly port: number;
}

/** With what the process that it was left for runs: execve(2) leaves its pid and its start time as they are. */
interface Left extends Record {
  readonly program: string;
  readonly stack: string;
}

/** A domain's name in JSON takes at most six bytes a byte. */
const MAX_RECORD_BYTES = 4_096;

/** How many other records are looked at on the way: there are few, unless many ssh start at this moment. */
const MOST_SWEPT = 8;

/**
 * Leaves a record of the connection for the process that has started us. A bare CID has no UUID, and leaves none.
 * @throws HelperError record-failed, no-own-directory; ClientGoneError
 */
export function leaveRecord({ domain, address }: Endpoint, sys: System): void {
  if (domain === undefined) return;
  const parent = findLiveParent(sys);
  if (parent === undefined) {
    const path = `/proc/${sys.parentId()}/stat`;
    throw new HelperError({ kind: "record-failed", path, problem: { is: "refused", act: "read", errno: "ENOENT" } });
  }
  const { program, stack } = parent;
  const { uri, name, uuid, id } = domain;
  const record: Left = { uri, name, uuid, id, ...address, program, stack };
  leave(nameRecord(parent), encodeUtf8(formatJson(record)), sys);
}

/** In the first place that will have it. @throws HelperError */
function leave(name: string, content: Uint8Array, sys: System): void {
  let problem: HelperError | undefined;
  for (const place of listPlaces(sys)) {
    const refused = prepare(place, sys) ?? write(`${place.directory}/${name}`, content, sys);
    if (refused === undefined) {
      tryToSweep(place.directory, name, sys);
      return;
    }
    const isMissing = refused.problem.is === "refused" && refused.problem.errno === "ENOENT"; // nobody but the system makes it
    if (!isMissing) problem ??= new HelperError({ kind: "record-failed", ...refused });
  }
  throw problem ?? new HelperError({ kind: "no-own-directory", uid: sys.userId() });
}

/** What hinders it. The same ssh may connect more than once: ConnectionAttempts in ssh_config(5). */
function write(path: string, content: Uint8Array, sys: System): StoreFacts | undefined {
  return findRefusal(path, () => {
    unlessMissing(() => sys.removeFile(path));
    sys.createPassingFile(path, content);
    return undefined;
  });
}

/** The record that was left for our own parent, and where it is; undefined where there is none. @throws ClientGoneError */
export function findRecord(sys: System): { readonly record: Record; readonly path: string } | undefined {
  const parent = findLiveParent(sys);
  if (parent === undefined) return undefined;
  for (const { directory } of listPlaces(sys)) {
    const path = `${directory}/${nameRecord(parent)}`;
    const record = isUsable(directory, sys) ? readRecord(path, parent, sys) : undefined;
    if (record !== undefined) return { record, path };
  }
  return undefined;
}

/** Orphans have a parent, too, which they share with others of other connections; but not somebody who reads what they write. */
function findLiveParent(sys: System): Parent | undefined {
  const parent = findParent(sys);
  sys.checkClient();
  return parent;
}

function nameRecord({ pid, startTime }: Parent): string {
  return `${pid}-${startTime}`;
}

function readRecord(path: string, { program, stack }: Parent, sys: System): Record | undefined {
  try {
    const { content, facts } = sys.readOwnFile(path, MAX_RECORD_BYTES);
    if (findFileProblem(facts, sys.userId()) !== undefined) return undefined;
    const record = JSON.parse(decodeUtf8(content)) as Left | null; // leaveRecord() wrote it, as this user
    return record?.program === program && record.stack === stack ? record : undefined;
  } catch (error) {
    if (error instanceof SystemError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Takes a record away once ssh has had its answer, and some of those whose process has gone without asking. */
export function removeRecord(path: string, sys: System): void {
  const end = path.lastIndexOf("/");
  findRefusal(path, () => void sys.removeFile(path)); // somebody else may have swept it
  tryToSweep(path.slice(0, end), path.slice(end + 1), sys);
}

/** Takes away some of the other records whose process is gone; clients that are not ssh never ask for theirs. */
function tryToSweep(directory: string, own: string, sys: System): void {
  findRefusal(directory, () => void sweep(directory, own, sys));
}

function sweep(directory: string, own: string, sys: System): void {
  const names = sys.listDirectory(directory).filter((name) => name !== own);
  const start = names.length === 0 ? 0 : Math.floor(sys.nowMs()) % names.length; // not the same ones each time
  for (const name of [...names.slice(start), ...names.slice(0, start)].slice(0, MOST_SWEPT)) {
    const [, pid, startTime] = /^(\d+)-(\d+)$/.exec(name) ?? [];
    const isStale = pid !== undefined && findProcess(Number(pid), sys)?.startTime !== Number(startTime);
    if (isStale) unlessMissing(() => sys.removeFile(`${directory}/${name}`));
  }
}

interface Place {
  readonly directory: string;
  /** Whether the directory that it is in is made, too, where it is missing. */
  readonly makesParents: boolean;
}

/**
 * Where records may lie, best first: in memory, and gone at the end of the user's last session. Without XDG_RUNTIME_DIR we are in no
 * session ourselves, and logind may take /run/user/UID away before ssh asks: it is the last resort then.
 */
function* listPlaces(sys: System): Generator<Place> {
  const user = sys.userId();
  const named = sys.environment("XDG_RUNTIME_DIR");
  const runtime = named?.startsWith("/") === true ? [named] : [];
  for (const path of [...runtime, ...(user === 0 ? ["/run"] : [])]) yield runtimePlace(path);
  const state = findStateDirectory(sys);
  if (state !== undefined) yield { directory: `${state}/run`, makesParents: true };
  yield runtimePlace(`/run/user/${user}`);
}

function runtimePlace(path: string): Place {
  return { directory: `${path}/virtssh`, makesParents: false };
}

/** Why the directory, which is made where there is none, is of no use. */
function prepare({ directory, makesParents }: Place, sys: System): StoreFacts | undefined {
  return findRefusal(directory, () => {
    // Root could make one in another user's runtime directory (`sudo -E`), which would be of no use to that user from then on.
    const owner = makesParents ? undefined : sys.readFileFacts(directory.slice(0, directory.lastIndexOf("/"))).uid;
    const user = sys.userId();
    if (owner !== undefined && owner !== user) return { is: "other-owner", owner, user };
    if (unlessMissing(() => sys.readOwnFacts(directory)) === undefined) makeDirectories(directory, sys);
    return findDirectoryProblem(directory, sys);
  });
}

function findRefusal(path: string, use: () => StoreProblem | undefined): StoreFacts | undefined {
  try {
    const problem = use();
    return problem === undefined ? undefined : { path, problem };
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return { path, problem: { is: "refused", act: "write", errno: errnoName(error.errno) } };
  }
}

function isUsable(directory: string, sys: System): boolean {
  try {
    return findDirectoryProblem(directory, sys) === undefined;
  } catch (error) {
    if (error instanceof SystemError) return false;
    throw error;
  }
}
