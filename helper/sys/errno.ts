/** Error numbers of Linux, and their names: include/uapi/asm-generic/errno-base.h and errno.h, the same on x86, ARM and s390. */

export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const EIO = 5;
export const EAGAIN = 11;
export const EACCES = 13;
export const EEXIST = 17;
export const ENODEV = 19;
export const EISDIR = 21;
export const EINVAL = 22;
export const EMFILE = 24;
export const EPIPE = 32;
export const ENOTSOCK = 88;
export const EAFNOSUPPORT = 97;
export const ECONNRESET = 104;
export const ETIMEDOUT = 110;
export const ECONNREFUSED = 111;
export const EINPROGRESS = 115;

/** Names for messages; the errors that a socket, a file or a new process can meet. */
const NAMES: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  5: "EIO",
  9: "EBADF",
  11: "EAGAIN",
  12: "ENOMEM",
  13: "EACCES",
  16: "EBUSY",
  17: "EEXIST",
  19: "ENODEV",
  20: "ENOTDIR",
  21: "EISDIR",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  28: "ENOSPC",
  30: "EROFS",
  32: "EPIPE",
  36: "ENAMETOOLONG",
  40: "ELOOP",
  91: "EPROTOTYPE",
  97: "EAFNOSUPPORT",
  99: "EADDRNOTAVAIL",
  101: "ENETUNREACH",
  103: "ECONNABORTED",
  104: "ECONNRESET",
  105: "ENOBUFS",
  107: "ENOTCONN",
  110: "ETIMEDOUT",
  111: "ECONNREFUSED",
  113: "EHOSTUNREACH",
  122: "EDQUOT",
};

/** `ECONNRESET` for 104; `errno 200` for a number without a name here. */
export function errnoName(errno: number): string {
  return NAMES[errno] ?? `errno ${errno}`;
}

/** The errors that a socket or a new process can meet, in words; as strerror(3) would say it. */
const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRNOTAVAIL: "no port is left on this host",
  EAGAIN: "a limit of this host is reached",
  EBUSY: "something else holds it",
  EDQUOT: "the quota is used up",
  EEXIST: "there is one already",
  EIO: "input/output error",
  EISDIR: "it is a directory",
  ELOOP: "too many symbolic links",
  EMFILE: "too many open files in this process",
  ENAMETOOLONG: "the path is too long",
  ENETUNREACH: "no way leads there",
  ENFILE: "too many open files on this host",
  ENOBUFS: "out of memory",
  ENOENT: "no such file or directory",
  ENOMEM: "out of memory",
  ENOSPC: "no space left",
  ENOTDIR: "a part of the path is no directory",
  EPERM: "it is not permitted",
  EPROTOTYPE: "it is not a stream socket",
  EROFS: "the file system is read-only",
};

/** "too many open files in this process (EMFILE)"; a name without words here as it is. */
export function describeErrno(name: string): string {
  const words = WORDS[name];
  return words === undefined ? name : `${words} (${name})`;
}
