// Files in memory.

import { EEXIST, EINVAL, ENOENT, ETIMEDOUT } from "../../helper/sys/errno.ts";
import { type Descriptor, type FileFacts, type FoundFile, SystemError } from "../../helper/sys/system.ts";

export interface FakeFile {
  /** st_mode, with the type bits; a regular file's, 755, unless told. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly text?: string;
  /** Where it leads, if it is a symbolic link. */
  readonly link?: string;
}

/** Of a symbolic link; and that it is one, to whoever would not follow it. */
const LINK_MODE = 0o120777;
const ELOOP = 40;

/** st_mode, inode(7). */
const TYPE_BITS = 0o170000;
const DIRECTORY = 0o040000;
const REGULAR_FILE = 0o100000;
const EISDIR = 21;
const ENOTEMPTY = 39;

/** With a row for it, nothing is made in a directory that is not there; without, directories are not looked at. */
const ROOT = "/";

export interface FakeFilesOptions {
  readonly files?: Readonly<Record<string, FakeFile>>;
  /** The errno with which a call fails, by its name, `rename`, or by that and the path, `open /etc/passwd`. */
  readonly fileErrnos?: Readonly<Record<string, number>>;
  /** What somebody else does just before a call, by its name and the path: `flock /run/lock`; once. */
  readonly before?: Readonly<Record<string, (files: Record<string, FakeFile>) => void>>;
}

export class FakeFiles {
  /** Everything with an effect that was asked for, in order. */
  readonly log: string[] = [];
  /** As the program finds and leaves them. */
  readonly files: Record<string, FakeFile>;
  readonly #locks = new Set<string>();
  readonly #errnos: Readonly<Record<string, number>>;
  readonly #before: Map<string, (files: Record<string, FakeFile>) => void>;

  constructor({ files, fileErrnos, before }: FakeFilesOptions) {
    this.files = { ...files };
    this.#errnos = fileErrnos ?? {};
    this.#before = new Map(Object.entries(before ?? {}));
  }

  /** Whose is what is made. */
  userId(): number {
    return 1000;
  }

  readFileFacts(path: string): FileFacts {
    this.#meet("stat", path);
    const file = this.#findFile(path, "stat");
    return { mode: file.mode ?? 0o100755, uid: file.uid ?? 0, gid: file.gid ?? 0 };
  }

  readFile(path: string, maxBytes: number): Uint8Array {
    this.#meet("open", path);
    const file = this.#findFile(path, "open");
    if (((file.mode ?? 0) & TYPE_BITS) === DIRECTORY) throw new SystemError("read", EISDIR);
    return Buffer.from(file.text ?? "").subarray(0, maxBytes);
  }

  readOwnFacts(path: string): FileFacts {
    this.#meet("lstat", path);
    const file = this.files[path];
    if (file?.link === undefined) return this.readFileFacts(path);
    return { mode: LINK_MODE, uid: file.uid ?? 0, gid: file.gid ?? 0 };
  }

  readOwnFile(path: string, maxBytes: number): FoundFile {
    if (this.files[path]?.link !== undefined) throw new SystemError("open", ELOOP);
    return { content: this.readFile(path, maxBytes), facts: this.readFileFacts(path) };
  }

  listDirectory(path: string): readonly string[] {
    this.#meet("opendir", path);
    this.#findFile(path, "opendir");
    const names = Object.keys(this.files).filter((name) => name.startsWith(`${path}/`));
    return names.map((name) => name.slice(path.length + 1)).filter((name) => !name.includes("/"));
  }

  lock(path: string, _deadlineMs: number): Descriptor {
    this.log.push(`lock ${path}`);
    this.#meet("flock", path);
    if (this.files[path]?.link !== undefined) throw new SystemError("open", ELOOP);
    if (this.#locks.has(path)) throw new SystemError("flock", ETIMEDOUT);
    this.#locks.add(path);
    this.files[path] ??= { mode: 0o100600, uid: this.userId(), text: "" };
    return { fd: -1, [Symbol.dispose]: () => void this.#locks.delete(path) };
  }

  realPath(path: string): string {
    this.#findFile(path, "realpath");
    const link = this.files[path]?.link;
    return link === undefined ? path : this.realPath(link);
  }

  readLink(path: string): string {
    const file = this.files[path];
    if (file === undefined) throw new SystemError("readlink", ENOENT);
    if (file.link === undefined) throw new SystemError("readlink", EINVAL);
    return file.link;
  }

  createFile(path: string, content: Uint8Array, facts?: FileFacts): void {
    const { mode, uid, gid } = facts ?? { mode: 0o100600, uid: this.userId(), gid: this.userId() };
    this.log.push(`create ${path}`);
    this.#meet("open", path);
    this.#needDirectory(path, "open");
    if (this.files[path] !== undefined) throw new SystemError("open", EEXIST);
    this.files[path] = { text: Buffer.from(content).toString(), mode: REGULAR_FILE | mode, uid, gid };
  }

  createPassingFile(path: string, content: Uint8Array): void {
    this.createFile(path, content);
  }

  rename(from: string, to: string): void {
    this.log.push(`rename ${from} ${to}`);
    this.#meet("rename", to);
    const file = this.files[from];
    if (file === undefined) throw new SystemError("rename", ENOENT);
    delete this.files[from];
    this.files[to] = file;
  }

  removeFile(path: string): void {
    this.log.push(`remove ${path}`);
    this.#meet("unlink", path);
    if (this.files[path] === undefined) throw new SystemError("unlink", ENOENT);
    delete this.files[path];
  }

  removeDirectory(path: string): void {
    this.log.push(`remove directory ${path}`);
    this.#meet("rmdir", path);
    this.#findFile(path, "rmdir");
    if (this.listDirectory(path).length > 0) throw new SystemError("rmdir", ENOTEMPTY);
    delete this.files[path];
  }

  makeDirectory(path: string, mode: number): void {
    this.log.push(`make directory ${path} ${mode.toString(8)}`);
    this.#meet("mkdir", path);
    if (this.files[path] !== undefined) throw new SystemError("mkdir", EEXIST);
    this.#needDirectory(path, "mkdir");
    this.files[path] = { mode: DIRECTORY | mode, uid: this.userId(), gid: this.userId() };
  }

  #findFile(path: string, call: string): FakeFile {
    const file = this.files[path];
    if (file === undefined) throw new SystemError(call, ENOENT);
    return file.link === undefined ? file : this.#findFile(file.link, call);
  }

  #needDirectory(path: string, call: string): void {
    if (this.files[ROOT] !== undefined) this.#findFile(path.slice(0, path.lastIndexOf("/")) || ROOT, call);
  }

  /** What others have done by now, and what the kernel makes of the call. */
  #meet(call: string, path: string): void {
    const act = this.#before.get(`${call} ${path}`);
    this.#before.delete(`${call} ${path}`);
    act?.(this.files);
    const errno = this.#errnos[`${call} ${path}`] ?? this.#errnos[call];
    if (errno !== undefined) throw new SystemError(call, errno);
  }
}
