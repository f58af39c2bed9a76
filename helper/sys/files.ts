/** The part of the real System that is about files. */

import * as native from "virtssh:native";
import { check, OpenDescriptor, readAll } from "./descriptor.ts";
import { type FileFacts, type System, SystemError } from "./system.ts";

/** Of a new file, until it has the mode that it shall have. */
const PRIVATE = 0o600;
const ALL_MODE_BITS = 0o7777;

function readFileFacts(path: string): FileFacts {
  const facts = native.stat(path);
  if (typeof facts === "number") throw new SystemError("stat", -facts);
  const [mode, uid, gid] = facts;
  return { mode, uid, gid };
}

function checkText(call: string, result: string | number): string {
  if (typeof result === "number") throw new SystemError(call, -result);
  return result;
}

function readFile(path: string, maxBytes: number): Uint8Array {
  using file = new OpenDescriptor(check("open", native.open(path)));
  return readAll(maxBytes, (chunk) => check("read", native.read(file.fd, chunk)));
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += check("write", native.write(fd, bytes.subarray(done)));
}

function createFile(path: string, content: Uint8Array, { mode, uid, gid }: FileFacts): void {
  using file = new OpenDescriptor(check("open", native.create(path, PRIVATE)));
  try {
    const made = readFileFacts(path);
    if (made.uid !== uid || made.gid !== gid) check("fchown", native.setOwner(file.fd, uid, gid));
    check("fchmod", native.setMode(file.fd, mode & ALL_MODE_BITS));
    writeAll(file.fd, content);
    check("fsync", native.sync(file.fd));
  } catch (error) {
    native.remove(path);
    throw error;
  }
}

type FileCalls =
  | "readFileFacts"
  | "readFile"
  | "realPath"
  | "readLink"
  | "createFile"
  | "rename"
  | "removeFile"
  | "makeDirectory";

export const files: Pick<System, FileCalls> = {
  readFileFacts,
  readFile,
  realPath: (path) => checkText("realpath", native.realPath(path)),
  readLink: (path) => checkText("readlink", native.readLink(path)),
  createFile,
  rename: (from, to) => void check("rename", native.rename(from, to)),
  removeFile: (path) => void check("unlink", native.remove(path)),
  makeDirectory: (path, mode) => void check("mkdir", native.makeDirectory(path, mode)),
};
