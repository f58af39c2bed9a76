// The kernel and whatever it leads to, in memory: a System whose other ends answer inside the call. Its clock moves only while
// somebody waits.

import {
  EACCES,
  EAFNOSUPPORT,
  ECONNRESET,
  EINVAL,
  ENODEV,
  ENOENT,
  EPERM,
  EPIPE,
  ETIMEDOUT,
} from "../../helper/sys/errno.ts";
import {
  type Child,
  ClientGoneError,
  type Descriptor,
  type FileFacts,
  type Pipe,
  type System,
  SystemError,
  type VsockAddress,
} from "../../helper/sys/system.ts";
import type { FakeClient, FakeLibvirtd } from "./fake-libvirtd.ts";

export const SYSTEM_SOCKET = "/run/libvirt/virtqemud-sock-ro";
export const SYSTEM_LIBVIRTD_SOCKET = "/run/libvirt/libvirt-sock-ro";
export const SESSION_SOCKET = "/run/user/1000/libvirt/virtqemud-sock";
export const SESSION_LIBVIRTD_SOCKET = "/run/user/1000/libvirt/libvirt-sock";

export interface FakeFile {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly text?: string;
}

/** What runs a program: its exit status, or the errno with which it does not start. */
export type FakeProgram = (sys: FakeSystem, args: readonly string[]) => number;

export interface FakeSystemOptions {
  /** The daemon at SYSTEM_SOCKET, and the one at SESSION_SOCKET. */
  readonly system?: FakeLibvirtd;
  readonly session?: FakeLibvirtd;
  /** Other sockets, by path; the errno with which connect() fails in place of a daemon. A path that is in no row is missing. */
  readonly sockets?: Readonly<Record<string, FakeLibvirtd | number>>;
  /** 1000 unless told. */
  readonly userId?: number;
  /** In place of XDG_RUNTIME_DIR and HOME. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, FakeFile>>;
  readonly programs?: Readonly<Record<string, FakeProgram>>;
  /** By "cid:port": what connect() comes to. An address that is in no row has no guest: ENODEV. */
  readonly vsock?: Readonly<Record<string, "connected" | number>>;
  /** Whether stdout can carry a descriptor; it can unless told. */
  readonly stdoutIsSocket?: boolean;
  /** The errno with which every write to a daemon fails. */
  readonly socketErrno?: number;
  /** How long each answer of a daemon takes. */
  readonly answerMs?: number;
  /** The most that one read() gives. */
  readonly chunkBytes?: number;
  /** The count of waits after which whoever started us is gone. */
  readonly clientWaits?: number;
  /** The streams of a relay, by descriptor; the guest's socket is GUEST. */
  readonly streams?: Readonly<Record<number, FakeStream>>;
  /** When a child process does its work: as soon as it starts, or only when it is waited for. */
  readonly childRuns?: "at once" | "when waited for";
}

/** The other end of a descriptor that carries data. */
interface FakeStream {
  /** What can be read from it, one read at a time. */
  readonly incoming?: readonly string[];
  /** What comes after that; its end unless told. */
  readonly afterwards?: "end" | "reset";
  /** How many bytes it takes before it is gone; no limit unless told. */
  readonly takesBytes?: number;
  /** splice(2) gives EINVAL for it. */
  readonly isTerminal?: boolean;
  /** It has stopped reading, though it still sends. */
  readonly endedReading?: boolean;
}

/** The first descriptor that is free: a relay's guest, since the daemon's is closed before. */
export const FIRST_FD = 7;

const USUAL_ENVIRONMENT = { XDG_RUNTIME_DIR: "/run/user/1000", HOME: "/home/user" };

class StreamState {
  readonly incoming: Buffer[];
  readonly options: FakeStream;
  /** What is written into a pipe can be read from it. */
  readonly isPipe: boolean;
  outgoing = Buffer.alloc(0);

  constructor(options: FakeStream, isPipe = false) {
    this.options = options;
    this.isPipe = isPipe;
    this.incoming = (options.incoming ?? []).map((text) => Buffer.from(text, "latin1"));
  }

  get isGone(): boolean {
    return this.outgoing.length >= (this.options.takesBytes ?? Number.POSITIVE_INFINITY);
  }
}

export class FakeSystem implements System {
  /** Everything with an effect that was asked for, in order. */
  readonly log: string[] = [];
  readonly sockets: Record<string, FakeLibvirtd | number>;
  clockMs = 1_000_000;
  readonly #options: FakeSystemOptions;
  readonly #open = new Set<number>();
  readonly #clients = new Map<number, FakeClient>();
  readonly #inboxes = new Map<number, { bytes: Buffer; closes: boolean }>();
  readonly #streams = new Map<number, StreamState>();
  #waits = 0;

  constructor(options: FakeSystemOptions = {}) {
    this.#options = options;
    this.sockets = {
      ...(options.system === undefined ? {} : { [SYSTEM_SOCKET]: options.system }),
      ...(options.session === undefined ? {} : { [SESSION_SOCKET]: options.session }),
      ...options.sockets,
    };
    for (const fd of [0, 1, 2]) this.#streams.set(fd, new StreamState(options.streams?.[fd] ?? {}));
  }

  /** What was written to a descriptor, byte by byte as Latin-1. */
  written(fd: number): string {
    return this.#streams.get(fd)?.outgoing.toString("latin1") ?? "";
  }

  /** Descriptors that were opened and are still open. */
  get openDescriptors(): number[] {
    return [...this.#open];
  }

  nowMs(): number {
    return this.clockMs;
  }

  userId(): number {
    return this.#options.userId ?? 1000;
  }

  environment(name: string): string | undefined {
    const environment: Readonly<Record<string, string>> = this.#options.environment ?? USUAL_ENVIRONMENT;
    return environment[name];
  }

  connectUnix(path: string, deadlineMs: number): Descriptor {
    this.log.push(`connect unix ${path}`);
    const found = this.sockets[path] ?? ENOENT;
    if (typeof found === "number") throw this.#refusal("connect", found, deadlineMs);
    const fd = this.#newDescriptor();
    this.#clients.set(fd, found.accept());
    this.#inboxes.set(fd, { bytes: Buffer.alloc(0), closes: false });
    return this.#descriptor(fd);
  }

  connectVsock({ cid, port }: VsockAddress, deadlineMs: number): Descriptor {
    this.log.push(`connect vsock ${cid}:${port}`);
    const outcome = this.#options.vsock?.[`${cid}:${port}`] ?? ENODEV;
    if (outcome !== "connected") {
      const isSocketCall = outcome === EAFNOSUPPORT || outcome === EPERM || outcome === EACCES;
      throw this.#refusal(isSocketCall ? "socket" : "connect", outcome, deadlineMs);
    }
    const fd = this.#newDescriptor();
    this.#streams.set(fd, new StreamState(this.#options.streams?.[fd] ?? {}));
    return this.#descriptor(fd);
  }

  read(fd: number, into: Uint8Array, deadlineMs: number): number {
    const inbox = this.#inboxes.get(fd);
    if (inbox === undefined) return this.#readStream(fd, into);
    this.#wait(deadlineMs, this.#options.answerMs ?? 0);
    if (inbox.bytes.length === 0 && !inbox.closes) throw this.#refusal("poll", ETIMEDOUT, deadlineMs);
    const count = Math.min(into.length, inbox.bytes.length, this.#options.chunkBytes ?? Number.POSITIVE_INFINITY);
    into.set(inbox.bytes.subarray(0, count));
    inbox.bytes = inbox.bytes.subarray(count);
    return count;
  }

  write(fd: number, bytes: Uint8Array, _deadlineMs: number): void {
    const client = this.#clients.get(fd);
    const inbox = this.#inboxes.get(fd);
    if (client === undefined || inbox === undefined) {
      this.#writeStream(fd, bytes);
      return;
    }
    const errno = this.#options.socketErrno ?? (inbox.closes ? EPIPE : undefined);
    if (errno !== undefined) throw new SystemError("write", errno);
    const answer = client.receive(bytes);
    inbox.bytes = Buffer.concat([inbox.bytes, answer.bytes]);
    inbox.closes = answer.closes;
  }

  canCarryFd(_fd: number): boolean {
    return this.#options.stdoutIsSocket ?? true;
  }

  sendFd(over: number, fd: number): void {
    if (!this.#open.has(fd)) throw new Error(`descriptor ${fd} is not open`);
    this.log.push(`send fd ${fd} over ${over}`);
  }

  readFileFacts(path: string): FileFacts {
    const file = this.#findFile(path, "stat");
    return { mode: file.mode ?? 0o100755, uid: file.uid ?? 0, gid: file.gid ?? 0 };
  }

  readFile(path: string, maxBytes: number): Uint8Array {
    return Buffer.from(this.#findFile(path, "open").text ?? "").subarray(0, maxBytes);
  }

  run(program: string, args: readonly string[], deadlineMs: number): number {
    this.log.push(["run", program, ...args].join(" "));
    const status = this.#options.programs?.[program]?.(this, args) ?? 127;
    if (status < 0) throw this.#refusal("spawn", -status, deadlineMs);
    return status;
  }

  waitReadable(fd: number, other: number): boolean {
    this.#use(fd);
    const { isGone } = this.#stream(other);
    return !isGone;
  }

  makePipe(): Pipe {
    const [readEnd, writeEnd] = [this.#newDescriptor(), this.#newDescriptor()];
    const pipe = new StreamState({}, true);
    this.#streams.set(readEnd, pipe).set(writeEnd, pipe);
    return { readEnd, writeEnd, [Symbol.dispose]: () => [readEnd, writeEnd].forEach((fd) => void this.#close(fd)) };
  }

  splice(from: number, to: number, maxBytes: number): number {
    const [source, sink] = [this.#stream(from), this.#stream(to)];
    if (source.options.isTerminal === true || sink.options.isTerminal === true) throw new SystemError("splice", EINVAL);
    const buffer = new Uint8Array(maxBytes);
    const count = this.#readStream(from, buffer);
    this.#writeStream(to, buffer.subarray(0, count));
    return count;
  }

  /** In the child and in the parent it is another descriptor, so it stays open here. */
  abandon(_fd: number): void {}

  pause(milliseconds: number): void {
    this.#wait(this.nowMs() + milliseconds, milliseconds);
  }

  endWriting(fd: number): void {
    this.log.push(`end writing ${fd}`);
    this.#use(fd);
  }

  acceptsWrites(fd: number): boolean {
    const stream = this.#stream(fd);
    return !stream.isGone && stream.options.endedReading !== true;
  }

  startChild(work: () => void): Child {
    let isDone = false;
    let isEnded = false;
    const doWork = () => {
      if (!isDone) work();
      isDone = true;
    };
    this.log.push("start child");
    if (this.#options.childRuns !== "when waited for") doWork();
    return {
      hasEnded: () => {
        this.log.push("wait for child");
        doWork();
        isEnded = true;
        return true;
      },
      kill: () => {
        if (!isEnded) this.log.push("kill child");
      },
    };
  }

  #newDescriptor(): number {
    let fd = FIRST_FD;
    while (this.#open.has(fd)) fd += 1;
    this.#open.add(fd);
    return fd;
  }

  #descriptor(fd: number): Descriptor {
    return { fd, [Symbol.dispose]: () => void this.#close(fd) };
  }

  #close(fd: number): void {
    if (!this.#open.delete(fd)) throw new Error(`descriptor ${fd} is closed twice`);
    this.log.push(`close ${fd}`);
    this.#clients.delete(fd);
    this.#inboxes.delete(fd);
  }

  #use(fd: number): void {
    if (fd > 2 && !this.#open.has(fd)) throw new Error(`descriptor ${fd} is not open`);
  }

  #stream(fd: number): StreamState {
    this.#use(fd);
    const stream = this.#streams.get(fd);
    if (stream === undefined) throw new Error(`descriptor ${fd} carries no data`);
    return stream;
  }

  #readStream(fd: number, into: Uint8Array): number {
    const { incoming, options } = this.#stream(fd);
    const [chunk] = incoming;
    if (chunk === undefined) {
      if (options.afterwards === "reset") throw new SystemError("read", ECONNRESET);
      return 0;
    }
    const count = Math.min(chunk.length, into.length);
    into.set(chunk.subarray(0, count));
    if (count === chunk.length) incoming.shift();
    else incoming[0] = chunk.subarray(count);
    return count;
  }

  #writeStream(fd: number, bytes: Uint8Array): void {
    const stream = this.#stream(fd);
    if (stream.isGone) throw new SystemError("write", EPIPE);
    if (stream.isPipe) stream.incoming.push(Buffer.from(bytes));
    else stream.outgoing = Buffer.concat([stream.outgoing, bytes]);
  }

  #findFile(path: string, call: string): FakeFile {
    const file = this.#options.files?.[path];
    if (file === undefined) throw new SystemError(call, ENOENT);
    return file;
  }

  /** A wait that takes `tookMs`, if it may. */
  #wait(deadlineMs: number, tookMs: number): void {
    if (!Number.isFinite(deadlineMs)) throw new Error("a wait without a deadline");
    this.#waits += 1;
    if (this.#waits > (this.#options.clientWaits ?? Number.POSITIVE_INFINITY)) throw new ClientGoneError();
    if (tookMs > 0 && this.clockMs + tookMs > deadlineMs) throw this.#refusal("poll", ETIMEDOUT, deadlineMs);
    this.clockMs += tookMs;
  }

  #refusal(call: string, errno: number, deadlineMs: number): SystemError {
    if (errno === ETIMEDOUT) {
      if (!Number.isFinite(deadlineMs)) throw new Error("a wait without a deadline");
      this.clockMs = Math.max(this.clockMs, deadlineMs);
    }
    return new SystemError(call, errno);
  }
}
