// Descriptors that carry data, and what a relay does with them, in memory.

import { ECONNRESET, EINVAL, EPIPE } from "../../helper/sys/errno.ts";
import { type Child, type Descriptor, type Pipe, SystemError } from "../../helper/sys/system.ts";
import { FakeFiles, type FakeFilesOptions } from "./fake-files.ts";
import { type FakeStream, StreamState } from "./fake-stream.ts";

export interface FakeDescriptorsOptions extends FakeFilesOptions {
  /** By descriptor; FIRST_FD is the first that is opened. */
  readonly streams?: Readonly<Record<number, FakeStream>>;
  /** When a child process does its work: as soon as it starts, or only when it is waited for. */
  readonly childRuns?: "at once" | "when waited for";
}

/** The first descriptor that is free. */
export const FIRST_FD = 7;

export class FakeDescriptors extends FakeFiles {
  readonly #childRuns: FakeDescriptorsOptions["childRuns"];
  protected readonly open = new Set<number>();
  protected readonly streams = new Map<number, StreamState>();

  constructor(options: FakeDescriptorsOptions) {
    super(options);
    this.#childRuns = options.childRuns;
    for (const fd of [0, 1, 2]) this.streams.set(fd, new StreamState(options.streams?.[fd] ?? {}));
  }

  /** What was written to a descriptor, byte by byte as Latin-1. */
  written(fd: number): string {
    return this.streams.get(fd)?.outgoing.toString("latin1") ?? "";
  }

  /** Descriptors that were opened and are still open. */
  get openDescriptors(): number[] {
    return [...this.open];
  }

  waitReadable(fd: number, other: number): boolean {
    this.use(fd);
    const { isGone } = this.stream(other);
    return !isGone;
  }

  makePipe(): Pipe {
    const [readEnd, writeEnd] = [this.newDescriptor(), this.newDescriptor()];
    const pipe = new StreamState({}, true);
    this.streams.set(readEnd, pipe).set(writeEnd, pipe);
    return { readEnd, writeEnd, [Symbol.dispose]: () => [readEnd, writeEnd].forEach((fd) => void this.close(fd)) };
  }

  splice(from: number, to: number, maxBytes: number): number {
    const [source, sink] = [this.stream(from), this.stream(to)];
    if (source.options.isTerminal === true || sink.options.isTerminal === true) throw new SystemError("splice", EINVAL);
    const buffer = new Uint8Array(maxBytes);
    const count = this.readStream(from, buffer);
    this.writeStream(to, buffer.subarray(0, count));
    return count;
  }

  /** In the child and in the parent it is another descriptor, so it stays open here. */
  abandon(_fd: number): void {}

  endWriting(fd: number): void {
    this.log.push(`end writing ${fd}`);
    this.use(fd);
  }

  acceptsWrites(fd: number): boolean {
    const stream = this.stream(fd);
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
    if (this.#childRuns !== "when waited for") doWork();
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

  protected newDescriptor(): number {
    let fd = FIRST_FD;
    while (this.open.has(fd)) fd += 1;
    this.open.add(fd);
    return fd;
  }

  protected descriptor(fd: number): Descriptor {
    return { fd, [Symbol.dispose]: () => void this.close(fd) };
  }

  protected close(fd: number): void {
    if (!this.open.delete(fd)) throw new Error(`descriptor ${fd} is closed twice`);
    this.log.push(`close ${fd}`);
  }

  protected use(fd: number): void {
    if (fd > 2 && !this.open.has(fd)) throw new Error(`descriptor ${fd} is not open`);
  }

  protected stream(fd: number): StreamState {
    this.use(fd);
    const stream = this.streams.get(fd);
    if (stream === undefined) throw new Error(`descriptor ${fd} carries no data`);
    return stream;
  }

  protected readStream(fd: number, into: Uint8Array): number {
    const { incoming, options } = this.stream(fd);
    const [chunk] = incoming;
    if (chunk === undefined) {
      if (options.afterwards === "silence") throw new Error("a read that would wait for ever");
      if (options.afterwards === "reset") throw new SystemError("read", ECONNRESET);
      return 0;
    }
    const count = Math.min(chunk.length, into.length);
    into.set(chunk.subarray(0, count));
    if (count === chunk.length) incoming.shift();
    else incoming[0] = chunk.subarray(count);
    return count;
  }

  protected writeStream(fd: number, bytes: Uint8Array): void {
    const stream = this.stream(fd);
    if (stream.isGone) throw new SystemError("write", EPIPE);
    if (stream.isPipe) stream.incoming.push(Buffer.from(bytes));
    else stream.outgoing = Buffer.concat([stream.outgoing, bytes]);
  }
}
