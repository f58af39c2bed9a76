/** What linux.ts and files.ts build on: error numbers as SystemError, and descriptors that `using` closes. */

import * as native from "virtssh:native";
import { type Descriptor, SystemError } from "./system.ts";

/** The result, if it is one. */
export function check(call: string, result: number): number {
  if (result < 0) throw new SystemError(call, -result);
  return result;
}

export class OpenDescriptor implements Descriptor {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  [Symbol.dispose](): void {
    native.close(this.fd);
  }
}

const READ_CHUNK_BYTES = 65_536;

/** Up to the end, or to `maxBytes`. */
export function readAll(maxBytes: number, readSome: (into: Uint8Array) => number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < maxBytes) {
    const chunk = new Uint8Array(Math.min(READ_CHUNK_BYTES, maxBytes - length));
    const count = readSome(chunk);
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
