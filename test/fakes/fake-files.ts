// Files in memory.

import { EEXIST, EINVAL, ENOENT } from "../../helper/sys/errno.ts";
import { type FileFacts, SystemError } from "../../helper/sys/system.ts";

export interface FakeFile {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly text?: string;
  /** Where it leads, if it is a symbolic link. */
  readonly link?: string;
}

/** Of what is made. */
const OWNER = 1000;

export class FakeFiles {
  /** Everything with an effect that was asked for, in order. */
  readonly log: string[] = [];
  /** As the program finds and leaves them. */
  readonly files: Record<string, FakeFile>;
  readonly #errnos: Readonly<Record<string, number>>;

  /** `errnos` are those with which a call fails, by its name: `rename`. */
  constructor(files: Readonly<Record<string, FakeFile>> = {}, errnos: Readonly<Record<string, number>> = {}) {
    this.files = { ...files };
    this.#errnos = errnos;
  }

  readFileFacts(path: string): FileFacts {
    const file = this.#findFile(path, "stat");
    return { mode: file.mode ?? 0o100755, uid: file.uid ?? 0, gid: file.gid ?? 0 };
  }

  readFile(path: string, maxBytes: number): Uint8Array {
    this.#mayFail("open");
    return Buffer.from(this.#findFile(path, "open").text ?? "").subarray(0, maxBytes);
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

  createFile(path: string, content: Uint8Array, { mode, uid, gid }: FileFacts): void {
    this.log.push(`create ${path}`);
    this.#mayFail("open");
    if (this.files[path] !== undefined) throw new SystemError("open", EEXIST);
    this.files[path] = { text: Buffer.from(content).toString(), mode, uid, gid };
  }

  rename(from: string, to: string): void {
    this.log.push(`rename ${from} ${to}`);
    this.#mayFail("rename");
    const file = this.files[from];
    if (file === undefined) throw new SystemError("rename", ENOENT);
    delete this.files[from];
    this.files[to] = file;
  }

  removeFile(path: string): void {
    this.log.push(`remove ${path}`);
    this.#mayFail("unlink");
    if (this.files[path] === undefined) throw new SystemError("unlink", ENOENT);
    delete this.files[path];
  }

  makeDirectory(path: string, mode: number): void {
    this.log.push(`make directory ${path} ${mode.toString(8)}`);
    this.#mayFail("mkdir");
    if (this.files[path] !== undefined) throw new SystemError("mkdir", EEXIST);
    this.files[path] = { mode: 0o040000 | mode, uid: OWNER };
  }

  #findFile(path: string, call: string): FakeFile {
    const file = this.files[path];
    if (file === undefined) throw new SystemError(call, ENOENT);
    return file.link === undefined ? file : this.#findFile(file.link, call);
  }

  #mayFail(call: string): void {
    const errno = this.#errnos[call];
    if (errno !== undefined) throw new SystemError(call, errno);
  }
}
