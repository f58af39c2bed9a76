/** The real System, over the native module: turns error numbers into SystemError, and waits by the one rule for waiting. */

import * as native from "virtssh:native";
import { check, OpenDescriptor, readAll } from "./descriptor.ts";
import { EAGAIN, EINPROGRESS, EIO, ENOTSOCK, EPIPE, ETIMEDOUT } from "./errno.ts";
import { files } from "./files.ts";
import {
  type Captured,
  type Child,
  ClientGoneError,
  type Descriptor,
  type Pipe,
  type System,
  SystemError,
  type Until,
  type VsockAddress,
  WokenError,
} from "./system.ts";

const STDOUT = 1;

/** Bits of poll(2). */
const POLLIN = 0x001;
const POLLOUT = 0x004;
/** native.poll() adds these when the other descriptor has ended, and when there is something to read from the waker. */
const OTHER_ENDED = 0x10000;
const WAKER_READABLE = 0x20000;
/** In place of a descriptor: none. */
const NONE = -1;

/** AF_UNIX in sys/socket.h. */
const AF_UNIX = 1;

/** SIGTERM in signal.h. */
const SIGTERM = 15;

/** While connect(2) waits for room in a listener's queue nothing can be polled, so we look up this often. */
const CONNECT_SLICE_MS = 500;

const READ_CHUNK_BYTES = 65_536;

/** What is kept of a program's output. */
const MAX_OUTPUT_BYTES = 1_048_576;

/** The largest wait that a 32-bit argument holds. */
const MAX_WAIT_MS = 0x7fff_ffff;

export const args = native.args;

export function exit(status: number): never {
  return native.exit(status);
}

/** Waits for `events`; ends early, with an error, when nobody listens to our stdout any more, or when the waker calls. */
function waitFor(fd: number, events: number, until: Until): void {
  const { deadlineMs, wakerFd } = typeof until === "number" ? { deadlineMs: until, wakerFd: undefined } : until;
  const ready = check("poll", native.poll(fd, events, STDOUT, wakerFd ?? NONE, deadlineMs));
  if (ready === 0) throw new SystemError("poll", ETIMEDOUT);
  if ((ready & (OTHER_ENDED - 1)) !== 0) return;
  if ((ready & OTHER_ENDED) !== 0) throw new ClientGoneError();
  if ((ready & WAKER_READABLE) !== 0) throw new WokenError();
}

function checkClient(): void {
  if (native.poll(NONE, 0, STDOUT, NONE, 0) === OTHER_ENDED) throw new ClientGoneError();
}

function hasInput(fd: number, deadlineMs: number): boolean {
  try {
    waitFor(fd, POLLIN, deadlineMs);
    return true;
  } catch (error) {
    if (error instanceof SystemError && error.errno === ETIMEDOUT) return false;
    throw error;
  }
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

function connectVsock({ cid, port }: VsockAddress, until: Until): Descriptor {
  const deadlineMs = typeof until === "number" ? until : until.deadlineMs;
  const socket = new OpenDescriptor(check("socket", native.socketVsock()));
  try {
    const started = native.connectVsock(socket.fd, cid, port, leftMs(deadlineMs));
    if (started !== -EINPROGRESS) check("connect", started);
    else waitConnected(socket.fd, until);
    check("fcntl", native.setBlocking(socket.fd));
    return socket;
  } catch (error) {
    socket[Symbol.dispose]();
    throw error;
  }
}

function waitConnected(fd: number, until: Until): void {
  waitFor(fd, POLLOUT, until);
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

function peek(fd: number, into: Uint8Array, until: Until): number {
  for (;;) {
    waitFor(fd, POLLIN, until);
    const count = native.peek(fd, into);
    if (count !== -EAGAIN) return check("recv", count);
  }
}

function write(fd: number, bytes: Uint8Array, deadlineMs: number): void {
  for (let done = 0; done < bytes.length; ) {
    const count = native.write(fd, bytes.subarray(done));
    // A socket of connectUnix() does not block, nor may one that was handed to us.
    if (count === -EAGAIN) waitFor(fd, POLLOUT, deadlineMs);
    else done += check("write", count);
  }
}

function run(command: readonly string[], deadlineMs: number): number {
  return check("wait", native.wait(check("spawn", native.spawn(command, NONE)), deadlineMs));
}

/** Reads to the end of its output, even past what is kept: or it would wait for a reader. */
function capture(command: readonly string[], deadlineMs: number): Captured {
  using pipe = makePipe();
  const pid = check("spawn", native.spawn(command, pipe.writeEnd));
  abandon(pipe.writeEnd); // or there would be no end of it
  try {
    const readSome = (into: Uint8Array) => read(pipe.readEnd, into, deadlineMs);
    const output = readAll(MAX_OUTPUT_BYTES, readSome);
    const rest = new Uint8Array(READ_CHUNK_BYTES);
    while (readSome(rest) > 0);
    return { status: check("wait", native.wait(pid, deadlineMs)), output };
  } catch (error) {
    native.kill(pid, SIGTERM);
    throw error;
  }
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
    check("poll", native.poll(from, POLLIN, NONE, NONE, Number.POSITIVE_INFINITY));
    check("poll", native.poll(to, POLLOUT, NONE, NONE, Number.POSITIVE_INFINITY));
  }
}

export const linux: System = {
  nowMs: native.nowMs,
  unixTime: native.unixTime,
  userId: native.userId,
  parentId: native.parentId,
  environment: native.environment,
  connectUnix,
  connectVsock,
  read,
  peek,
  hasInput,
  write,
  checkClient,
  canCarryFd: (fd) => native.socketDomain(fd) === AF_UNIX,
  sendFd: (over, fd) => void check("sendmsg", native.sendFd(over, fd)),
  ...files,
  isTerminal: native.isTerminal,
  findChild: native.findChild,
  pause(milliseconds) {
    const untilMs = native.nowMs() + milliseconds;
    native.collect(); // who tries again and again, for a day perhaps, is not to grow by each try
    native.poll(NONE, 0, NONE, NONE, untilMs);
  },
  run,
  capture,
  waitReadable(fd, other) {
    const ready = check("poll", native.poll(fd, POLLIN, other, NONE, Number.POSITIVE_INFINITY));
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
