/** Reads a stream in as few requests to the kernel as it allows: most answers fit into one, header and all. */

/** Reads at least one byte into `into` and returns how many; throws at the end of the stream. */
export type ReadSome = (into: Uint8Array) => number;

/** Holds every answer but the XML of a large domain, which is read straight to where it belongs. */
const BUFFER_BYTES = 8_192;

export class BufferedReader {
  readonly #readSome: ReadSome;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #start = 0;
  #end = 0;

  constructor(readSome: ReadSome) {
    this.#readSome = readSome;
  }

  /** Whether the next bytes have been read from the kernel already. */
  get hasBytes(): boolean {
    return this.#start < this.#end;
  }

  /** Just `length` bytes, in memory of their own. */
  readExactly(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let have = this.#take(bytes);
    while (length - have >= BUFFER_BYTES) have += this.#readSome(bytes.subarray(have));
    while (have < length) {
      this.#start = 0;
      this.#end = this.#readSome(this.#buffer);
      have += this.#take(bytes.subarray(have));
    }
    return bytes;
  }

  /** Moves what is in the buffer, as far as it fits. */
  #take(into: Uint8Array): number {
    const count = Math.min(into.length, this.#end - this.#start);
    into.set(this.#buffer.subarray(this.#start, this.#start + count));
    this.#start += count;
    return count;
  }
}
