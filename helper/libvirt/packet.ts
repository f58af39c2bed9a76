/** One message of libvirt's RPC: length word, header, body (src/rpc/virnetprotocol.x). */

import { decodeUtf8 } from "../utf8.ts";
import {
  HEADER_BYTES,
  LENGTH_WORD_BYTES,
  MESSAGE_MAX_BYTES,
  MESSAGE_TYPE,
  PROGRAM,
  PROTOCOL_VERSION,
  QEMU_PROGRAM,
  STATUS,
  STRING_MAX_BYTES,
  WORDS_MAX_BYTES,
} from "./protocol.ts";
import { XdrError, XdrReader, XdrWriter } from "./xdr.ts";

/** The header of what a daemon sends, checked: it is of a program that we speak. */
export interface Header {
  readonly program: number;
  /** Of the body that follows. */
  readonly bodyBytes: number;
  readonly procedure: number;
  readonly serial: number;
  readonly kind: "answer" | "refusal" | "event";
}

/** What the daemon says of a call that it refused: struct virNetMessageError, as far as we use it. */
export interface RemoteFailure {
  /** virErrorNumber */
  readonly code: number;
  readonly message: string;
}

/** What a call is made of; of PROGRAM unless told. */
interface CallParts {
  readonly program?: number;
  readonly procedure: number;
  readonly body: Uint8Array;
}

/** A whole call, ready to send. */
export function encodeCall({ program = PROGRAM, procedure, body }: CallParts, serial: number): Uint8Array {
  const header = new XdrWriter()
    .uint32(HEADER_BYTES + body.length)
    .uint32(program)
    .uint32(PROTOCOL_VERSION)
    .int32(procedure)
    .uint32(MESSAGE_TYPE.call)
    .uint32(serial)
    .uint32(STATUS.ok)
    .toBytes();
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  bytes.set(header);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/**
 * Reads a header of HEADER_BYTES.
 * @throws XdrError if it is neither a reply nor an event, not libvirt's, or longer than a message may be
 */
export function decodeHeader(bytes: Uint8Array): Header {
  const reader = new XdrReader(bytes);
  const length = reader.uint32();
  if (length < HEADER_BYTES || length > LENGTH_WORD_BYTES + MESSAGE_MAX_BYTES) {
    throw new XdrError(
      `message is ${length} bytes, limits are ${HEADER_BYTES} and ${LENGTH_WORD_BYTES + MESSAGE_MAX_BYTES}`,
    );
  }
  const program = reader.uint32();
  if (program !== QEMU_PROGRAM) expect("program", program, PROGRAM);
  expect("program version", reader.uint32(), PROTOCOL_VERSION);
  const procedure = reader.int32();
  const type = reader.uint32();
  if (type !== MESSAGE_TYPE.reply && type !== MESSAGE_TYPE.message) {
    throw new XdrError(`message type is ${type}, not ${MESSAGE_TYPE.reply} or ${MESSAGE_TYPE.message}`);
  }
  const serial = reader.uint32();
  const status = reader.uint32();
  if (status > STATUS.error) throw new XdrError(`status is ${status}, not 0 or 1`);
  const kind = type === MESSAGE_TYPE.message ? "event" : status === STATUS.error ? "refusal" : "answer";
  return { bodyBytes: length - HEADER_BYTES, program, procedure, serial, kind };
}

function expect(what: string, value: number, wanted: number): void {
  if (value !== wanted) throw new XdrError(`${what} is ${value}, not ${wanted}`);
}

/**
 * Reads the body of an error reply. What follows the message (level, the objects that it is about, more strings) is left unread.
 * @throws XdrError
 */
export function decodeRemoteFailure(body: Uint8Array): RemoteFailure {
  const reader = new XdrReader(body);
  const code = reader.int32();
  reader.int32(); // domain: the part of libvirt that speaks
  const words = reader.optional(() => reader.opaque(STRING_MAX_BYTES));
  return { code, message: words === undefined ? "" : decodeUtf8(words.subarray(0, WORDS_MAX_BYTES)) };
}
