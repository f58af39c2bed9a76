/** XDR (RFC 4506), the encoding of libvirt's messages: bytes in, values out, and back. */

import { decodeUtf8, encodeUtf8 } from "../utf8.ts";

/** Bytes that are not what the protocol says. */
export class XdrError extends Error {}

/** What several values may take together. */
export class Allowance {
  readonly #maxBytes: number;
  readonly #what: string;
  #taken = 0;

  constructor(maxBytes: number, what: string) {
    this.#maxBytes = maxBytes;
    this.#what = what;
  }

  /** @throws XdrError */
  take(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken > this.#maxBytes) throw new XdrError(`${this.#what} have over ${this.#maxBytes} bytes`);
  }
}

/** RFC 4506, section 3: everything is a multiple of four bytes. */
function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

const doNothing = (): void => undefined;

export class XdrReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #checkTime: () => void;
  #offset = 0;

  /** `checkTime` is called before each value of an array, and may throw. */
  constructor(bytes: Uint8Array, checkTime: () => void = doNothing) {
    this.#bytes = bytes;
    this.#checkTime = checkTime;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Section 4.2. */
  uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** Section 4.1. */
  int32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  /** Section 4.9: a fixed number of bytes, then padding. Shares memory with the message. */
  fixedOpaque(length: number): Uint8Array {
    const start = this.#take(padded(length));
    return this.#bytes.subarray(start, start + length);
  }

  /** Section 4.10: a length of at most `maxBytes`, the bytes, then padding. Shares memory with the message. */
  opaque(maxBytes: number): Uint8Array {
    return this.fixedOpaque(this.count(maxBytes));
  }

  /** Section 4.11, in UTF-8. What is no UTF-8 becomes U+FFFD. */
  string(maxBytes: number): string {
    return decodeUtf8(this.opaque(maxBytes));
  }

  /** Section 4.19: a flag, then the value if it is set. */
  optional<Value>(read: () => Value): Value | undefined {
    const flag = this.uint32();
    if (flag > 1) throw new XdrError(`flag is ${flag}, not 0 or 1`);
    return flag === 1 ? read() : undefined;
  }

  /** Section 4.13: a count of at most `max`, then that many values. */
  array<Value>(max: number, read: () => Value): Value[] {
    const values: Value[] = [];
    for (let left = this.count(max); left > 0; left -= 1) {
      this.#checkTime();
      values.push(read());
    }
    return values;
  }

  /** A length or count, which may be `max` at most. */
  count(max: number): number {
    const count = this.uint32();
    if (count > max) throw new XdrError(`length is ${count}, limit is ${max}`);
    return count;
  }

  /** Checks that nothing is left. */
  end(): void {
    const left = this.#bytes.length - this.#offset;
    if (left > 0) throw new XdrError(`${left} bytes too many`);
  }

  /** Moves past `length` bytes and returns where they began. Every read goes through here. */
  #take(length: number): number {
    const start = this.#offset;
    const left = this.#bytes.length - start;
    if (length > left) throw new XdrError(`need ${length} bytes, ${left} left`);
    this.#offset = start + length;
    return start;
  }
}

/** Holds the arguments of every call that we make but those with a long name. */
const FIRST_BYTES = 128;

export class XdrWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #length = 0;

  uint32(value: number): this {
    const start = this.#extend(4);
    new DataView(this.#bytes.buffer).setUint32(start, value);
    return this;
  }

  /** Section 4.1: two's complement, so the bits of uint32 serve. */
  int32(value: number): this {
    return this.uint32(value);
  }

  fixedOpaque(bytes: Uint8Array): this {
    const start = this.#extend(padded(bytes.length));
    this.#bytes.set(bytes, start);
    return this;
  }

  string(text: string): this {
    const bytes = encodeUtf8(text);
    return this.uint32(bytes.length).fixedOpaque(bytes);
  }

  /** What has been written so far. Shares memory with what is written next. */
  toBytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Adds `length` zero bytes and returns where they begin. */
  #extend(length: number): number {
    const start = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(this.#length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return start;
  }
}
