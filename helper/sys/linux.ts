/** The real System, over the native module: turns error numbers into SystemError, and waits by the one rule for waiting. */

import * as native from "virtssh:native";
import { EAGAIN, EINPROGRESS, EIO, ENOTSOCK, EPIPE, ETIMEDOUT } from "./errno.ts";
import {
  type Child,
  ClientGoneError,
  type Descriptor,
  type FileFacts,
  type Pipe,
  type System,
  SystemError,
  type VsockAddress,
} from "./system.ts";

const STDOUT = 1;

/** Bits of poll(2). */
const POLLIN = 0x001;
const POLLOUT = 0x004;
/** native.poll() adds it when the other descriptor has ended. */
const OTHER_ENDED = 0x10000;
const NO_OTHER = -1;

/** AF_UNIX in sys/socket.h. */
const AF_UNIX = 1;

/** SIGTERM in signal.h. */
const SIGTERM = 15;

/** While connect(2) waits for room in a listener's queue nothing can be polled, so we look up this often. */
const CONNECT_SLICE_MS = 500;

const READ_CHUNK_BYTES = 65_536;

/** The largest wait that a 32-bit argument holds. */
const MAX_WAIT_MS = 0x7fff_ffff;

export const args = native.args;

export function exit(status: number): never {
  return native.exit(status);
}

/** The result, if it is one. */
function check(call: string, result: number): number {
  if (result < 0) throw new SystemError(call, -result);
  return result;
}

class OpenDescriptor implements Descriptor {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  [Symbol.dispose](): void {
    native.close(this.fd);
  }
}

/** Waits for `events`; ends early, with an error, when nobody listens to our stdout any more. */
function waitFor(fd: number, events: number, deadlineMs: number): void {
  const ready = check("poll", native.poll(fd, events, STDOUT, deadlineMs));
  if (ready === 0) throw new SystemError("poll", ETIMEDOUT);
  if (ready === OTHER_ENDED) throw new ClientGoneError();
}

function checkClient(): void {
  if (native.poll(NO_OTHER, 0, STDOUT, 0) === OTHER_ENDED) throw new ClientGoneError();
}

function leftMs(deadlineMs: number): number {
  return Math.max(1, Math.min(MAX_WAIT_MS, Math.ceil(deadlineMs - native.nowMs())));
}

function connectUnix(path: string, deadlineMs: number): Descriptor {
  for (;;) {
    const fd = native.connectUnix(path, Math.min(CONNECT_SLICE_MS, leftMs(deadlineMs)));
    if (fd !== -EAGAIN) return new OpenDescriptor(check("connect", fd));
    checkClient();
    if (native.nowMs() >= deadlineMs) throw new SystemError("connect", ETIMEDOUT);
  }
}

function connectVsock({ cid, port }: VsockAddress, deadlineMs: number): Descriptor {
  const socket = new OpenDescriptor(check("socket", native.socketVsock()));
  try {
    const started = native.connectVsock(socket.fd, cid, port, leftMs(deadlineMs));
    if (started !== -EINPROGRESS) check("connect", started);
    else waitConnected(socket.fd, deadlineMs);
    check("fcntl", native.setBlocking(socket.fd));
    return socket;
  } catch (error) {
    socket[Symbol.dispose]();
    throw error;
  }
}

function waitConnected(fd: number, deadlineMs: number): void {
  waitFor(fd, POLLOUT, deadlineMs);
  const error = check("getsockopt", native.socketError(fd));
  if (error > 0) throw new SystemError("connect", error);
}

function read(fd: number, into: Uint8Array, deadlineMs: number): number {
  for (;;) {
    waitFor(fd, POLLIN, deadlineMs);
    const count = native.read(fd, into);
    if (count !== -EAGAIN) return check("read", count);
  }
}

function write(fd: number, bytes: Uint8Array, deadlineMs: number): void {
  for (let done = 0; done < bytes.length; ) {
    const count = native.write(fd, bytes.subarray(done));
    // A socket of connectUnix() has a limit of its own on how long it blocks; one that was handed to us may not block at all.
    if (count === -EAGAIN) waitFor(fd, POLLOUT, deadlineMs);
    else done += check("write", count);
  }
}

function readFile(path: string, maxBytes: number): Uint8Array {
  using file = new OpenDescriptor(check("open", native.open(path)));
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < maxBytes) {
    const chunk = new Uint8Array(Math.min(READ_CHUNK_BYTES, maxBytes - length));
    const count = check("read", native.read(file.fd, chunk));
    if (count === 0) break;
    chunks.push(chunk.slice(0, count)); // /proc gives a page at a time
    length += count;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function readFileFacts(path: string): FileFacts {
  const facts = native.stat(path);
  if (typeof facts === "number") throw new SystemError("stat", -facts);
  const [mode, uid, gid] = facts;
  return { mode, uid, gid };
}

function makePipe(): Pipe {
  const ends = native.pipe();
  if (typeof ends === "number") throw new SystemError("pipe", -ends);
  const [readEnd, writeEnd] = ends;
  return {
    readEnd,
    writeEnd,
    [Symbol.dispose]() {
      native.close(readEnd);
      native.close(writeEnd);
    },
  };
}

function abandon(fd: number): void {
  check("dup2", native.abandon(fd));
}

function endWriting(fd: number): void {
  if (native.shutdownWrite(fd) === -ENOTSOCK) abandon(fd);
}

/** The child's exit status says what went wrong: the error number, since the parent is the one that speaks. */
function startChild(work: () => void): Child {
  const pid = check("fork", native.fork());
  if (pid === 0) native.exit(runChild(work));
  let ended = false;
  return {
    hasEnded(deadlineMs) {
      const status = native.wait(pid, deadlineMs);
      if (status === -ETIMEDOUT) return false;
      ended = true;
      if (check("wait", status) > 0) throw new SystemError("relay", status);
      return true;
    },
    kill() {
      if (!ended) native.kill(pid, SIGTERM); // once waited for, the number may be another process's
    },
  };
}

function runChild(work: () => void): number {
  try {
    work();
    return 0;
  } catch (error) {
    return error instanceof SystemError ? error.errno : EIO;
  }
}

/** Where a descriptor that was handed to us does not block, we wait in its stead. */
function splice(from: number, to: number, maxBytes: number): number {
  for (;;) {
    const count = native.splice(from, to, maxBytes);
    if (count !== -EAGAIN) return check("splice", count);
    check("poll", native.poll(from, POLLIN, NO_OTHER, Number.POSITIVE_INFINITY));
    check("poll", native.poll(to, POLLOUT, NO_OTHER, Number.POSITIVE_INFINITY));
  }
}

export const linux: System = {
  nowMs: native.nowMs,
  userId: native.userId,
  environment: native.environment,
  connectUnix,
  connectVsock,
  read,
  write,
  canCarryFd: (fd) => native.socketDomain(fd) === AF_UNIX,
  sendFd: (over, fd) => void check("sendmsg", native.sendFd(over, fd)),
  readFileFacts,
  readFile,
  pause: (milliseconds) => void native.poll(NO_OTHER, 0, NO_OTHER, native.nowMs() + milliseconds),
  run: (program, words, deadlineMs) =>
    check("wait", native.wait(check("spawn", native.spawn(program, ...words)), deadlineMs)),
  waitReadable(fd, other) {
    const ready = check("poll", native.poll(fd, POLLIN, other, Number.POSITIVE_INFINITY));
    // What has arrived already is still worth carrying to an end that may be half closed; nothing, to one that is gone.
    return (ready & OTHER_ENDED) === 0;
  },
  makePipe,
  splice,
  abandon,
  endWriting,
  acceptsWrites: (fd) => native.probeWrite(fd) !== -EPIPE,
  startChild,
};
