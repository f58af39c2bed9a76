/** The part of the real System that is about files. */

import * as native from "virtssh:native";
import { check, OpenDescriptor, readAll } from "./descriptor.ts";
import { EINTR, ETIMEDOUT } from "./errno.ts";
import { type Descriptor, type FileFacts, type FoundFile, type System, SystemError } from "./system.ts";

/** Of a new file, until it has the mode that it shall have. */
const PRIVATE = 0o600;
const ALL_MODE_BITS = 0o7777;

/** st_mode, inode(7). */
const TYPE_BITS = 0o170000;
const REGULAR_FILE = 0o100000;

/** The longest that a lock is waited for, whatever the deadline: native.lock() takes 32 bits. */
const MAX_LOCK_MS = 60_000;

type Facts = number | [mode: number, uid: number, gid: number];

function checkFacts(call: string, facts: Facts): FileFacts {
  if (typeof facts === "number") throw new SystemError(call, -facts);
  const [mode, uid, gid] = facts;
  return { mode, uid, gid };
}

function checkText(call: string, result: string | number): string {
  if (typeof result === "number") throw new SystemError(call, -result);
  return result;
}

function readOpen(fd: number, maxBytes: number): Uint8Array {
  return readAll(maxBytes, (chunk) => check("read", native.read(fd, chunk)));
}

function readFile(path: string, maxBytes: number): Uint8Array {
  using file = new OpenDescriptor(check("open", native.open(path)));
  return readOpen(file.fd, maxBytes);
}

function readOwnFile(path: string, maxBytes: number): FoundFile {
  using file = new OpenDescriptor(check("open", native.openItself(path)));
  const facts = checkFacts("fstat", native.statOpen(file.fd));
  const isFile = (facts.mode & TYPE_BITS) === REGULAR_FILE;
  return { facts, content: isFile ? readOpen(file.fd, maxBytes) : new Uint8Array() };
}

function listDirectory(path: string): readonly string[] {
  const names = native.listDirectory(path);
  if (typeof names === "number") throw new SystemError("opendir", -names);
  return names;
}

function lock(path: string, deadlineMs: number): Descriptor {
  const file = new OpenDescriptor(check("open", native.openLock(path)));
  const waitMs = Math.max(1, Math.min(MAX_LOCK_MS, Math.ceil(deadlineMs - native.nowMs())));
  const result = native.lock(file.fd, waitMs);
  if (result === 0) return file;
  file[Symbol.dispose]();
  throw new SystemError("flock", result === -EINTR ? ETIMEDOUT : -result);
}

/** Makes a file that is whole, or none. */
function makeFile(path: string, fill: (fd: number) => void): void {
  using file = new OpenDescriptor(check("open", native.create(path, PRIVATE)));
  try {
    fill(file.fd);
  } catch (error) {
    native.remove(path);
    throw error;
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += check("write", native.write(fd, bytes.subarray(done)));
}

function setFacts(fd: number, { mode, uid, gid }: FileFacts): void {
  const made = checkFacts("fstat", native.statOpen(fd));
  if (made.uid !== uid || made.gid !== gid) check("fchown", native.setOwner(fd, uid, gid));
  check("fchmod", native.setMode(fd, mode & ALL_MODE_BITS));
}

function createFile(path: string, content: Uint8Array, facts?: FileFacts): void {
  makeFile(path, (fd) => {
    if (facts !== undefined) setFacts(fd, facts);
    writeAll(fd, content);
    check("fsync", native.sync(fd));
  });
}

type FileCalls =
  | "readFileFacts"
  | "readFile"
  | "readOwnFacts"
  | "readOwnFile"
  | "listDirectory"
  | "lock"
  | "realPath"
  | "readLink"
  | "createFile"
  | "createPassingFile"
  | "rename"
  | "removeFile"
  | "makeDirectory"
  | "removeDirectory";

export const files: Pick<System, FileCalls> = {
  readFileFacts: (path) => checkFacts("stat", native.stat(path)),
  readFile,
  readOwnFacts: (path) => checkFacts("lstat", native.statItself(path)),
  readOwnFile,
  listDirectory,
  lock,
  realPath: (path) => checkText("realpath", native.realPath(path)),
  readLink: (path) => checkText("readlink", native.readLink(path)),
  createFile,
  createPassingFile: (path, content) => makeFile(path, (fd) => writeAll(fd, content)),
  rename: (from, to) => void check("rename", native.rename(from, to)),
  removeFile: (path) => void check("unlink", native.remove(path)),
  makeDirectory: (path, mode) => void check("mkdir", native.makeDirectory(path, mode)),
  removeDirectory: (path) => void check("rmdir", native.removeDirectory(path)),
};
