// Reads the arguments of a call as a libvirt daemon does.

/** Arguments of a call, read strictly: what is left over, or missing, is an error as in libvirt. */
export class Arguments {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  word(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  bytes(length: number): Buffer {
    const start = this.#at;
    this.#at += Math.ceil(length / 4) * 4;
    if (this.#at > this.#bytes.length) throw new RangeError("arguments are cut short");
    return this.#bytes.subarray(start, start + length);
  }

  text(): string {
    return this.bytes(this.word()).toString();
  }

  domain(): { name: string; uuid: Buffer } {
    const [name, uuid] = [this.text(), this.bytes(16)];
    this.word();
    return { name, uuid };
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new RangeError("arguments are too long");
  }
}
