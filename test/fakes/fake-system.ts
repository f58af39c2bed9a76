// The kernel and whatever it leads to, in memory: a System whose other ends answer inside the call. Its clock moves only while
// somebody waits.

import { EACCES, EAFNOSUPPORT, ENODEV, ENOENT, EPERM, EPIPE, ETIMEDOUT } from "../../helper/sys/errno.ts";
import {
  type Captured,
  ClientGoneError,
  type Descriptor,
  type Probed,
  type System,
  SystemError,
  type Until,
  type VsockAddress,
  WokenError,
} from "../../helper/sys/system.ts";
import { FakeDescriptors, type FakeDescriptorsOptions } from "./fake-descriptors.ts";
import type { FakeClient, FakeLibvirtd } from "./fake-libvirtd.ts";
import { StreamState } from "./fake-stream.ts";
import { findChild } from "./find-child.ts";

export const SYSTEM_SOCKET = "/run/libvirt/virtqemud-sock-ro";
export const SYSTEM_LIBVIRTD_SOCKET = "/run/libvirt/libvirt-sock-ro";
export const SESSION_SOCKET = "/run/user/1000/libvirt/virtqemud-sock";
export const SESSION_LIBVIRTD_SOCKET = "/run/user/1000/libvirt/libvirt-sock";

/** What happens while somebody waits: `afterMs` after the start. */
export interface FakeEvent {
  readonly afterMs: number;
  act(sys: FakeSystem): void;
}

type VsockOutcome = "connected" | number;

/** What runs a program: its exit status, or the errno with which it does not start. */
export type FakeProgram = (sys: FakeSystem, args: readonly string[]) => number;

export interface FakeSystemOptions extends FakeDescriptorsOptions {
  /** The daemon at SYSTEM_SOCKET, and the one at SESSION_SOCKET. */
  readonly system?: FakeLibvirtd;
  readonly session?: FakeLibvirtd;
  /** Other sockets, by path; the errno with which connect() fails in place of a daemon. A path that is in no row is missing. */
  readonly sockets?: Readonly<Record<string, FakeLibvirtd | number>>;
  /** 1000 unless told. */
  readonly userId?: number;
  /** 2026-11-22T05:48:36Z unless told. */
  readonly utcTime?: string;
  /** 4711 unless told. */
  readonly parentId?: number;
  /** In place of XDG_RUNTIME_DIR and HOME. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly programs?: Readonly<Record<string, FakeProgram>>;
  /** What they write, and their exit status, where their output is captured. */
  readonly captures?: Readonly<Record<string, (args: readonly string[]) => { status: number; output: string }>>;
  /** By "cid:port": what connect() comes to. An address that is in no row has no guest: ENODEV. */
  readonly vsock?: Readonly<Record<string, VsockOutcome | ((sys: FakeSystem) => VsockOutcome)>>;
  /** By "cid:port": what a probe of it comes to. Of one that is in no row, ENODEV. */
  readonly probes?: Readonly<Record<string, Probed>>;
  /** The errno with which no socket for probes can be had. */
  readonly probeErrno?: number;
  readonly events?: readonly FakeEvent[];
  /** Descriptors that are terminals. */
  readonly terminals?: readonly number[];
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
  /** Whether it is gone from the start, and nothing waits. */
  readonly isClientGone?: boolean;
}

export const PARENT_ID = 4711;

const START_MS = 1_000_000;

const USUAL_ENVIRONMENT = { XDG_RUNTIME_DIR: "/run/user/1000", HOME: "/home/user" };

export class FakeSystem extends FakeDescriptors implements System {
  readonly sockets: Record<string, FakeLibvirtd | number>;
  clockMs = START_MS;
  readonly #options: FakeSystemOptions;
  readonly #clients = new Map<number, FakeClient>();
  readonly #inboxes = new Map<number, { bytes: Buffer; closes: boolean }>();
  readonly #events: FakeEvent[];
  #waits = 0;

  constructor(options: FakeSystemOptions = {}) {
    super(options);
    this.#options = options;
    this.#events = [...(options.events ?? [])].sort((one, other) => one.afterMs - other.afterMs);
    this.sockets = {
      ...(options.system === undefined ? {} : { [SYSTEM_SOCKET]: options.system }),
      ...(options.session === undefined ? {} : { [SESSION_SOCKET]: options.session }),
      ...options.sockets,
    };
  }

  nowMs(): number {
    return this.clockMs;
  }

  override userId(): number {
    return this.#options.userId ?? 1000;
  }

  unixTime(): number {
    return Date.parse(this.#options.utcTime ?? "2026-11-22T05:48:36Z") / 1000;
  }

  parentId(): number {
    return this.#options.parentId ?? PARENT_ID;
  }

  environment(name: string): string | undefined {
    const environment: Readonly<Record<string, string>> = this.#options.environment ?? USUAL_ENVIRONMENT;
    return environment[name];
  }

  connectUnix(path: string, deadlineMs: number): Descriptor {
    this.log.push(`connect unix ${path}`);
    const found = this.sockets[path] ?? ENOENT;
    if (typeof found === "number") throw this.#refusal("connect", found, deadlineMs);
    const fd = this.newDescriptor();
    this.#clients.set(fd, found.accept());
    this.#inboxes.set(fd, { bytes: Buffer.alloc(0), closes: false });
    return this.descriptor(fd);
  }

  connectVsock({ cid, port }: VsockAddress, until: Until): Descriptor {
    this.log.push(`connect vsock ${cid}:${port}`);
    const found = this.#options.vsock?.[`${cid}:${port}`] ?? ENODEV;
    const find = () => (typeof found === "number" || found === "connected" ? found : found(this));
    let outcome = find();
    const isSilent = () => {
      if (outcome === ETIMEDOUT) outcome = find();
      return outcome === ETIMEDOUT;
    };
    if (outcome === ETIMEDOUT) this.#waitWhile(isSilent, until);
    if (outcome !== "connected") {
      const isSocketCall = outcome === EAFNOSUPPORT || outcome === EPERM || outcome === EACCES;
      throw new SystemError(isSocketCall ? "socket" : "connect", outcome);
    }
    const fd = this.newDescriptor();
    this.streams.set(fd, new StreamState(this.#options.streams?.[fd] ?? {}));
    return this.descriptor(fd);
  }

  probeVsock(addresses: readonly VsockAddress[], deadlineMs: number): Probed[] {
    const names = addresses.map(({ cid, port }) => `${cid}:${port}`);
    this.log.push(`probe ${names.length > 5 ? `${names.length} guests` : names.join(" ")}`);
    const { probes = {}, probeErrno } = this.#options;
    if (probeErrno !== undefined) throw new SystemError("socket", probeErrno);
    const probed = names.map((name) => probes[name] ?? { errno: ENODEV, said: undefined });
    const isLate = probed.some(({ errno, said }) => errno === ETIMEDOUT || (errno === 0 && said === undefined));
    if (isLate) this.#wait(deadlineMs, deadlineMs - this.clockMs);
    return probed;
  }

  peek(fd: number, into: Uint8Array, until: Until): number {
    this.log.push(`peek ${fd}`);
    const { incoming, options } = this.stream(fd);
    const isSilent = () => incoming.length === 0 && options.afterwards === "silence";
    if (isSilent() && this.#waitWhile(isSilent, until) !== undefined) throw new SystemError("poll", ETIMEDOUT);
    const [chunk] = incoming;
    if (chunk === undefined) return this.readStream(fd, into);
    const count = Math.min(chunk.length, into.length);
    into.set(chunk.subarray(0, count));
    return count;
  }

  hasInput(fd: number, deadlineMs: number): boolean {
    const inbox = this.#inboxes.get(fd);
    if (inbox === undefined) throw new Error(`descriptor ${fd} is no daemon's`);
    this.#deliver();
    if (inbox.bytes.length > 0) return true;
    return this.#waitWhile(() => inbox.bytes.length === 0, deadlineMs) === undefined;
  }

  read(fd: number, into: Uint8Array, deadlineMs: number): number {
    const inbox = this.#inboxes.get(fd);
    if (inbox === undefined) return this.readStream(fd, into);
    this.#deliver();
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
      this.writeStream(fd, bytes);
      return;
    }
    const errno = this.#options.socketErrno ?? (inbox.closes ? EPIPE : undefined);
    if (errno !== undefined) throw new SystemError("write", errno);
    const answer = client.receive(bytes);
    inbox.bytes = Buffer.concat([inbox.bytes, answer.bytes]);
    inbox.closes = answer.closes;
  }

  checkClient(): void {
    if (this.#options.isClientGone === true) throw new ClientGoneError();
  }

  readonly findChild = findChild;

  canCarryFd(_fd: number): boolean {
    return this.#options.stdoutIsSocket ?? true;
  }

  sendFd(over: number, fd: number): void {
    if (!this.open.has(fd)) throw new Error(`descriptor ${fd} is not open`);
    this.log.push(`send fd ${fd} over ${over}`);
  }

  isTerminal(fd: number): boolean {
    return this.#options.terminals?.includes(fd) === true;
  }

  run(command: readonly string[], deadlineMs: number): number {
    const [program = "", ...args] = command;
    this.log.push(["run", ...command].join(" "));
    const status = this.#options.programs?.[program]?.(this, args) ?? 127;
    if (status < 0) throw this.#refusal("spawn", -status, deadlineMs);
    return status;
  }

  capture(command: readonly string[], _deadlineMs: number): Captured {
    const [program = "", ...args] = command;
    this.log.push(["capture", ...command].join(" "));
    const run = this.#options.captures?.[program];
    if (run === undefined) throw new SystemError("spawn", ENOENT);
    const { status, output } = run(args);
    return { status, output: Buffer.from(output) };
  }

  pause(milliseconds: number): void {
    this.#wait(this.nowMs() + milliseconds, milliseconds);
  }

  /** Lets time pass, and what happens in it, as long as `holds`. ETIMEDOUT, with the clock at the deadline, where it holds to the end. */
  #waitWhile(holds: () => boolean, until: Until): typeof ETIMEDOUT | undefined {
    const { deadlineMs, wakerFd } = typeof until === "number" ? { deadlineMs: until, wakerFd: undefined } : until;
    if (!Number.isFinite(deadlineMs)) throw new Error("a wait without a deadline");
    while (holds()) {
      if (wakerFd !== undefined && (this.#inboxes.get(wakerFd)?.bytes.length ?? 0) > 0) throw new WokenError();
      if (!this.#passTime(deadlineMs)) return ETIMEDOUT;
    }
    return undefined;
  }

  /** Goes to the next event before `deadlineMs`, or to `deadlineMs` and returns false. */
  #passTime(deadlineMs: number): boolean {
    const [event] = this.#events;
    if (event === undefined || START_MS + event.afterMs > deadlineMs) {
      this.clockMs = Math.max(this.clockMs, deadlineMs);
      return false;
    }
    this.#events.shift();
    this.clockMs = Math.max(this.clockMs, START_MS + event.afterMs);
    event.act(this);
    this.#deliver();
    return true;
  }

  protected override close(fd: number): void {
    super.close(fd);
    this.#clients.delete(fd);
    this.#inboxes.delete(fd);
  }

  /** What daemons have to say without being asked. */
  #deliver(): void {
    for (const [fd, client] of this.#clients) {
      const inbox = this.#inboxes.get(fd);
      if (inbox !== undefined) inbox.bytes = Buffer.concat([inbox.bytes, client.takeEvents()]);
    }
  }

  /** A wait that takes `tookMs`, if it may. */
  #wait(deadlineMs: number, tookMs: number): void {
    if (!Number.isFinite(deadlineMs)) throw new Error("a wait without a deadline");
    this.#waits += 1;
    if (this.#waits > (this.#options.clientWaits ?? Number.POSITIVE_INFINITY)) throw new ClientGoneError();
    if (tookMs > 0 && this.clockMs + tookMs > deadlineMs) throw this.#refusal("poll", ETIMEDOUT, deadlineMs);
    const untilMs = this.clockMs + tookMs;
    while (tookMs > 0 && this.#passTime(untilMs));
  }

  #refusal(call: string, errno: number, deadlineMs: number): SystemError {
    if (errno === ETIMEDOUT) {
      if (!Number.isFinite(deadlineMs)) throw new Error("a wait without a deadline");
      this.clockMs = Math.max(this.clockMs, deadlineMs);
    }
    return new SystemError(call, errno);
  }
}
