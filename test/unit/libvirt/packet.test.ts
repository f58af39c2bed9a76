import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeHeader, decodeRemoteFailure, encodeCall } from "../../../helper/libvirt/packet.ts";
import { XdrError } from "../../../helper/libvirt/xdr.ts";
import { runs } from "../fuzz.ts";
import { hex } from "../hex.ts";

test("encodeCall() puts the header of virnetprotocol.x before the body", () => {
  expect(encodeCall({ procedure: 66, body: hex("00 00 00 2a") }, 3)).toEqual(
    hex(`
    00 00 00 20  // length, itself included
    20 00 80 86  // program
    00 00 00 01  // version
    00 00 00 42  // procedure
    00 00 00 00  // VIR_NET_CALL
    00 00 00 03  // serial
    00 00 00 00  // VIR_NET_OK
    00 00 00 2a  // body
  `),
  );
});

test("encodeCall() names another program where it is told to", () => {
  expect(encodeCall({ program: 0x2000_8087, procedure: 3, body: hex("") }, 3).subarray(4, 8)).toEqual(
    hex("20 00 80 87"),
  );
});

/** A reply to AUTH_LIST, serial 3, with a body of 8 bytes; one field replaced. */
function replyHeader(
  fields: { readonly [Field in "length" | "program" | "version" | "type" | "status"]?: string } = {},
) {
  return hex(`
    ${fields.length ?? "00 00 00 24"}   // length
    ${fields.program ?? "20 00 80 86"}  // program
    ${fields.version ?? "00 00 00 01"}  // version
    00 00 00 42                         // procedure
    ${fields.type ?? "00 00 00 01"}     // VIR_NET_REPLY
    00 00 00 03                         // serial
    ${fields.status ?? "00 00 00 00"}   // VIR_NET_OK
  `);
}

const HEADER = { bodyBytes: 8, program: 0x2000_8086, procedure: 66, serial: 3, kind: "answer" };

test.each([
  ["a reply", {}, HEADER],
  ["a reply of QEMU's program", { program: "20 00 80 87" }, { ...HEADER, program: 0x2000_8087 }],
  ["an error", { status: "00 00 00 01" }, { ...HEADER, kind: "refusal" }],
  ["an event", { type: "00 00 00 02" }, { ...HEADER, kind: "event" }],
  ["a reply without a body", { length: "00 00 00 1c" }, { ...HEADER, bodyBytes: 0 }],
  // VIR_NET_MESSAGE_LEN_MAX + VIR_NET_MESSAGE_MAX is 33,554,436.
  ["the longest reply", { length: "02 00 00 04" }, { ...HEADER, bodyBytes: 33_554_408 }],
])("decodeHeader() reads %s", (_, fields, header) => {
  expect(decodeHeader(replyHeader(fields))).toEqual(header);
});

test.each([
  ["shorter than a header", { length: "00 00 00 1b" }, "message is 27 bytes"],
  ["of no length", { length: "00 00 00 00" }, "message is 0 bytes"],
  ["longer than a message may be", { length: "02 00 00 05" }, "message is 33554437 bytes"],
  ["of 4 GB", { length: "ff ff ff ff" }, "message is 4294967295 bytes"],
  ["of another program", { program: "20 00 80 88" }, "program is 536903816, not 536903814"],
  ["of the keepalive program", { program: "6b 65 65 70" }, "program is"],
  ["of another version", { version: "00 00 00 02" }, "program version is 2, not 1"],
  ["a call", { type: "00 00 00 00" }, "message type is 0, not 1 or 2"],
  ["a stream", { type: "00 00 00 03" }, "message type is 3, not 1 or 2"],
  ["a reply with descriptors", { type: "00 00 00 05" }, "message type is 5, not 1 or 2"],
  ["to be continued", { status: "00 00 00 02" }, "status is 2, not 0 or 1"],
])("decodeHeader() rejects a message that is %s", (_, fields, words) => {
  expect(() => decodeHeader(replyHeader(fields))).toThrow(XdrError);
  expect(() => decodeHeader(replyHeader(fields))).toThrow(words);
});

test("decodeHeader() rejects a header that is cut short", () => {
  expect(() => decodeHeader(replyHeader().subarray(0, 27))).toThrow(XdrError);
});

test("decodeRemoteFailure() reads the code and the message of struct virNetMessageError", () => {
  const body = hex(`
    00 00 00 2a                          // code: VIR_ERR_NO_DOMAIN
    00 00 00 0a                          // domain: VIR_FROM_QEMU
    00 00 00 01                          // there is a message
    00 00 00 07 6e 6f 20 73 75 63 68 00  // "no such"
    00 00 00 02                          // level: VIR_ERR_ERROR
    00 00 00 00                          // no domain
    00 00 00 01 00 00 00 02 25 73 00 00  // str1: "%s"
    00 00 00 00 00 00 00 00              // no str2, no str3
    ff ff ff ff ff ff ff ff              // int1, int2
    00 00 00 00                          // no network
  `);
  expect(decodeRemoteFailure(body)).toEqual({ code: 42, message: "no such" });
});

test.each([
  ["without a message", "00 00 00 2d  00 00 00 00  00 00 00 00", { code: 45, message: "" }],
  ["with a code below 0", "ff ff ff ff  00 00 00 00  00 00 00 00", { code: -1, message: "" }],
])("decodeRemoteFailure() reads an error %s", (_, bytes, failure) => {
  expect(decodeRemoteFailure(hex(bytes))).toEqual(failure);
});

test.each([
  ["cut short", "00 00 00 2a  00 00 00 0a"],
  ["with half a message", "00 00 00 2a  00 00 00 0a  00 00 00 01  00 00 00 08  61"],
  ["with a message over REMOTE_STRING_MAX", "00 00 00 2a  00 00 00 0a  00 00 00 01  00 40 00 01"],
  ["with a flag that is no flag", "00 00 00 2a  00 00 00 0a  00 00 00 07"],
])("decodeRemoteFailure() rejects an error %s", (_, bytes) => {
  expect(() => decodeRemoteFailure(hex(bytes))).toThrow(XdrError);
});

test("decodeHeader() and decodeRemoteFailure() read any bytes, or throw XdrError", () => {
  const nearly = fc.tuple(fc.nat({ max: 27 }), fc.nat({ max: 255 })).map(([at, byte]) => {
    const bytes = replyHeader();
    bytes[at] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(nearly, fc.uint8Array({ maxLength: 40 })), (bytes) => {
      for (const decode of [decodeHeader, decodeRemoteFailure]) {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(XdrError);
        }
      }
    }),
    runs(2000),
  );
});
