// The other end of a descriptor, in memory.

/** The other end of a descriptor that carries data. */
export interface FakeStream {
  /** What can be read from it, one read at a time. */
  readonly incoming?: readonly string[];
  /** What comes after that; its end unless told. */
  readonly afterwards?: "end" | "reset" | "silence";
  /** How many bytes it takes before it is gone; no limit unless told. */
  readonly takesBytes?: number;
  /** splice(2) gives EINVAL for it. */
  readonly isTerminal?: boolean;
  /** It has stopped reading, though it still sends. */
  readonly endedReading?: boolean;
}

export class StreamState {
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
