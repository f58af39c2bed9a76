// Messages as a libvirt daemon writes them (src/rpc/virnetprotocol.x), and as a broken one does.

/** What a daemon that is broken does in place of an answer. */
export type Misbehaviour =
  | "is silent"
  | "closes"
  | "sends half a header"
  | "sends half a header and closes"
  | "sends half a body"
  | "announces 4 GB"
  | "announces 27 bytes"
  | "sends another serial"
  | "sends another procedure"
  | "sends another program"
  | "answers for QEMU's program"
  | "sends an event"
  | "sends an unknown status"
  | "sends garbage"
  | "sends nothing but zeros"
  | "adds a word"
  | "leaves out a word";

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([word(bytes.length), bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

export interface Reply {
  readonly program?: number;
  readonly procedure: number;
  readonly type?: number;
  readonly serial: number;
  readonly status: number;
  readonly body: Buffer;
}

function encodeReply({ program = 0x2000_8086, procedure, type = 1, serial, status, body }: Reply): Buffer {
  return Buffer.concat([...[28 + body.length, program, 1, procedure, type, serial, status].map(word), body]);
}

/** The bytes of a reply, or what a broken daemon sends in its place, and whether it then closes. */
export function makeReply(wrong: Misbehaviour | undefined, reply: Reply): { bytes: Buffer; closes: boolean } {
  const whole = encodeReply(reply);
  return {
    bytes: spoil(wrong, reply, whole),
    closes: wrong === "closes" || wrong === "sends half a header and closes",
  };
}

function spoil(wrong: Misbehaviour | undefined, reply: Reply, whole: Buffer): Buffer {
  switch (wrong) {
    case undefined:
      return whole;
    case "is silent":
    case "closes":
      return Buffer.alloc(0);
    case "sends half a header":
    case "sends half a header and closes":
      return whole.subarray(0, 14);
    case "sends half a body":
      return whole.subarray(0, 28 + Math.floor(reply.body.length / 2));
    case "announces 4 GB":
      return Buffer.concat([word(0xffff_ffff), whole.subarray(4)]);
    case "announces 27 bytes":
      return Buffer.concat([word(27), whole.subarray(4)]);
    case "sends another serial":
      return encodeReply({ ...reply, serial: reply.serial + 1 });
    case "sends another procedure":
      return encodeReply({ ...reply, procedure: reply.procedure + 1 });
    case "sends another program":
      return encodeReply({ ...reply, program: 0x2000_8088 }); // LXC_PROGRAM in lxc_protocol.x
    case "answers for QEMU's program":
      return encodeReply({ ...reply, program: 0x2000_8087 }); // QEMU_PROGRAM in qemu_protocol.x
    case "sends an event":
      return encodeReply({ ...reply, type: 2, serial: 0 });
    case "sends an unknown status":
      return encodeReply({ ...reply, status: 2 });
    case "sends garbage":
      return Buffer.from("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    case "sends nothing but zeros":
      return Buffer.alloc(64);
    case "adds a word":
      return encodeReply({ ...reply, body: Buffer.concat([reply.body, word(0)]) });
    case "leaves out a word":
      return encodeReply({ ...reply, body: reply.body.subarray(0, -4) });
  }
}
