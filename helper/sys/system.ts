/** The door to the kernel: every request that the helper makes of it. `linux.ts` is the real one; tests pass a fake. */

export interface VsockAddress {
  readonly cid: number;
  readonly port: number;
}

/** An open descriptor. `using` closes it. */
export interface Descriptor {
  readonly fd: number;
  [Symbol.dispose](): void;
}

export interface Pipe extends Disposable {
  readonly readEnd: number;
  readonly writeEnd: number;
}

export interface FileFacts {
  /** st_mode, with the type bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface FoundFile {
  readonly facts: FileFacts;
  readonly content: Uint8Array;
}

/** A child process that runs part of the helper. */
export interface Child {
  /** Waits for its end until `deadlineMs`, and says whether it has ended. Throws the SystemError that it ended with. */
  hasEnded(deadlineMs: number): boolean;
  /** Ends it. */
  kill(): void;
}

/** A request that the kernel refused. `errno` is the number, see errno.ts; `call` is the system call's name. */
export class SystemError extends Error {
  readonly call: string;
  readonly errno: number;

  constructor(call: string, errno: number) {
    super(`${call}: errno ${errno}`);
    this.call = call;
    this.errno = errno;
  }
}

/** What a program came to. */
export interface Captured {
  /** Its exit status; 128 and more for a signal. */
  readonly status: number;
  /** What it wrote to stdout and stderr, as it came. */
  readonly output: Uint8Array;
}

/** What somebody came to who was connected to, spoken with no word, and let go. */
export interface Probed {
  /** The errno that the connect came to, ETIMEDOUT where it came to nothing in time; 0 once connected. */
  readonly errno: number;
  /** What was said first, four bytes of it if they came in time; undefined where nothing did. Empty for an end without a word. */
  readonly said: Uint8Array | undefined;
}

/**
 * Connects to all of them at once, and hears what each says first; SystemError where no such socket can be had. No part of System,
 * since only `virtssh list` loads it.
 */
export type ProbeVsock = (addresses: readonly VsockAddress[], deadlineMs: number) => readonly Probed[];

/** A deadline, and a descriptor: as soon as there is something to read from it, the wait is over, with a WokenError. */
interface WakingWait {
  readonly deadlineMs: number;
  readonly wakerFd: number | undefined;
}

/** How long to wait. */
export type Until = number | WakingWait;

/** A wait was ended by its waker. */
export class WokenError extends Error {}

/** Whoever started us has closed the other end of our stdout: nobody is left to work for. */
export class ClientGoneError extends Error {}

/** What findChild() came to in place of a tag: the end of the document; the beginning of a document type. */
export const XML_CUT_SHORT = -1;
export const XML_DOCTYPE = -2;

/**
 * Everything the helper asks of the kernel. Each `deadlineMs` is on the clock of `nowMs()`. A call that waits throws
 * SystemError with ETIMEDOUT at its deadline, and ClientGoneError as soon as nobody listens to our stdout any more.
 */
export interface System {
  /** Monotonic time. */
  nowMs(): number;
  /** The time of day: seconds since the start of 1970, in UTC. */
  unixTime(): number;
  /** The effective user ID. */
  userId(): number;
  /** The process that has started us; 0 where it is out of our sight. */
  parentId(): number;
  environment(name: string): string | undefined;

  /** A connected stream socket. */
  connectUnix(path: string, deadlineMs: number): Descriptor;
  /** A connected, blocking stream socket. */
  connectVsock(address: VsockAddress, until: Until): Descriptor;
  /** Reads at least one byte into `into`, and returns how many; 0 is the end. */
  read(fd: number, into: Uint8Array, deadlineMs: number): number;
  /** As `read`, but what was read is still there to be read. */
  peek(fd: number, into: Uint8Array, until: Until): number;
  /** Whether there is something to read from `fd`, or it has ended, before `deadlineMs`. */
  hasInput(fd: number, deadlineMs: number): boolean;
  /** Writes all of `bytes`. */
  write(fd: number, bytes: Uint8Array, deadlineMs: number): void;
  /** Whether `fd` is a socket that can carry descriptors (AF_UNIX). */
  canCarryFd(fd: number): boolean;
  /** Throws ClientGoneError where whoever started us has closed the other end of our stdout. */
  checkClient(): void;
  /** Sends `fd` over the socket `over`, with one NUL byte. */
  sendFd(over: number, fd: number): void;

  /** What the file at `path` is and whose. */
  readFileFacts(path: string): FileFacts;
  /** At most `maxBytes` from the start of the file at `path`. */
  readFile(path: string, maxBytes: number): Uint8Array;
  /** What is at `path` itself, where `readFileFacts` would follow a symbolic link. */
  readOwnFacts(path: string): FileFacts;
  /**
   * As `readFile`, and what it is that was read: never what a symbolic link leads to, for which it fails with ELOOP. Nothing is read
   * of what is no regular file.
   */
  readOwnFile(path: string, maxBytes: number): FoundFile;
  /** The names in a directory, in no order. */
  listDirectory(path: string): readonly string[];
  /** Waits until nobody else holds the lock of that name, which is a file; it is ours until it is disposed of. */
  lock(path: string, deadlineMs: number): Descriptor;
  /** The path of the same file with every symbolic link followed. */
  realPath(path: string): string;
  /** Where the symbolic link at `path` leads, as it is written there; EINVAL for what is none. */
  readLink(path: string): string;
  /** Makes a file with that content, private to us unless told, and returns when it is on the disk. EEXIST where there is something of that name. */
  createFile(path: string, content: Uint8Array, facts?: FileFacts): void;
  /** Makes a file that is nobody else's to read, and that need not outlive a crash. EEXIST as above. */
  createPassingFile(path: string, content: Uint8Array): void;
  /** In one act: at `to` there is the old file, or the new one. */
  rename(from: string, to: string): void;
  removeFile(path: string): void;
  makeDirectory(path: string, mode: number): void;
  /** An empty one. */
  removeDirectory(path: string): void;
  isTerminal(fd: number): boolean;

  /**
   * No request, but the one thing that takes too long in bytecode: where, in the content of an element that goes on at `from`, outside
   * the elements in it, the next start tag of that name begins; or, where there is none, the element's end tag. Or one of XML_CUT_SHORT
   * and XML_DOCTYPE. The name is in ASCII, the XML well-formed; of other XML it is still one of these.
   */
  findChild(xml: Uint8Array, from: number, name: Uint8Array): number;

  /** Does nothing for so long. */
  pause(milliseconds: number): void;
  /** Runs a program to its end, detached, with no input or output, and returns its exit status; 128 and more for a signal. */
  run(command: readonly string[], deadlineMs: number): number;
  /** The same, and returns what it wrote; what it writes past 1 MiB is lost. At most 15 words; a program without `/` is looked up in PATH. */
  capture(command: readonly string[], deadlineMs: number): Captured;

  /** Waits without limit until `fd` has something to read or has ended; false if `other` has ended first. */
  waitReadable(fd: number, other: number): boolean;
  makePipe(): Pipe;
  /** Moves at most `maxBytes` between two descriptors, one of them a pipe, and returns how many; 0 is the end. */
  splice(from: number, to: number, maxBytes: number): number;
  /** Lets go of a standard descriptor: /dev/null takes its place. */
  abandon(fd: number): void;
  /** Ends our half of a stream: shutdown(2) for a socket; anything else is abandoned. */
  endWriting(fd: number): void;
  /** Whether a write to the socket `fd` could still be of use to its peer. */
  acceptsWrites(fd: number): boolean;
  /** Runs `work` in a child process, which ends with it, or with us. */
  startChild(work: () => void): Child;
}
