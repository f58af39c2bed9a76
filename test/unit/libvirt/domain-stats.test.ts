// The states of all domains, byte by byte: src/remote/remote_protocol.x of libvirt 11.3.

import fc from "fast-check";
import { expect, test } from "vitest";
import { connectGetAllDomainStats } from "../../../helper/libvirt/domain-stats.ts";
import { XdrError } from "../../../helper/libvirt/xdr.ts";
import { runs } from "../fuzz.ts";
import { hex } from "../hex.ts";

const UUID = "4d ea 22 b3 1d 52 d8 f3 25 16 78 2e 98 ab 3f a0";

/** "web", live under the ID 7 */
const WEB = `00 00 00 03 77 65 62 00  ${UUID}  00 00 00 07`;
const OFF = `00 00 00 03 6f 66 66 00  ${UUID}  ff ff ff ff`;

const field = (name: string) => {
  const bytes = Buffer.from(name);
  const padded = Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  return `${bytes.length.toString(16).padStart(8, "0")} ${padded.toString("hex")}`;
};

const state = (value: string) => `${field("state.state")} 00 00 00 01 ${value} // VIR_TYPED_PARAM_INT`;
const REASON = `${field("state.reason")} 00 00 00 01 00 00 00 01`;

test.each([
  ["all", true, "00 00 00 00"],
  ["those that are live", false, "00 00 00 01"],
])("the arguments for %s", (_, all, flags) => {
  const { procedure, body } = connectGetAllDomainStats(all);
  expect(procedure).toBe(344);
  expect(body).toEqual(hex(`00 00 00 00  00 00 00 01  ${flags} // no domain in particular, VIR_DOMAIN_STATS_STATE`));
});

const web = { name: "web", uuid: hex(UUID), id: 7, state: 1 };
const off = { name: "off", uuid: hex(UUID), id: -1, state: 5 };
const decode = (text: string) => connectGetAllDomainStats(true).decode(hex(text));

const OTHERS = [
  `${field("a")} 00 00 00 02 00 00 00 05             // VIR_TYPED_PARAM_UINT`,
  `${field("b")} 00 00 00 03 00 00 00 05 00 00 00 05 // VIR_TYPED_PARAM_LLONG`,
  `${field("c")} 00 00 00 04 00 00 00 05 00 00 00 05 // VIR_TYPED_PARAM_ULLONG`,
  `${field("d")} 00 00 00 05 00 00 00 05 00 00 00 05 // VIR_TYPED_PARAM_DOUBLE`,
  `${field("e")} 00 00 00 06 00 00 00 01             // VIR_TYPED_PARAM_BOOLEAN`,
  `${field("f")} 00 00 00 07 00 00 00 01 61 00 00 00 // VIR_TYPED_PARAM_STRING`,
];

test.each([
  ["no domain", "00 00 00 00", []],
  [
    "two domains",
    `00 00 00 02
     ${WEB} 00 00 00 02
     ${state("00 00 00 01")}
     ${REASON}
     ${OFF} 00 00 00 02
     ${state("00 00 00 05")}
     ${REASON}`,
    [web, off],
  ],
  [
    "parameters of every other type",
    `00 00 00 01\n${WEB} 00 00 00 07\n${OTHERS.join("\n")}\n${state("00 00 00 01")}`,
    [web],
  ],
])("the answer: %s", (_, body, answer) => {
  expect(decode(body)).toEqual(answer);
});

test.each([
  ["a domain without a state", `00 00 00 01 ${WEB} 00 00 00 01 ${REASON}`],
  ["a state that is a string", `00 00 00 01 ${WEB} 00 00 00 01 ${field("state.state")} 00 00 00 07 00 00 00 00`],
  ["a type that there is not", `00 00 00 01 ${WEB} 00 00 00 01 ${field("x")} 00 00 00 08 00 00 00 00`],
  ["a field of 81 bytes", `00 00 00 01 ${WEB} 00 00 00 01 ${field("x".repeat(81))} 00 00 00 01 00 00 00 00`],
  ["more domains than REMOTE_DOMAIN_LIST_MAX", "00 00 40 01"],
  ["more parameters than there is a use for", `00 00 00 01 ${WEB} 00 00 00 11`],
  ["bytes after the last", "00 00 00 00 00 00 00 00"],
  ["domains that are missing", `00 00 00 02 ${WEB} 00 00 00 01 ${state("00 00 00 01")}`],
])("decode() rejects %s", (_, body) => {
  expect(() => decode(body)).toThrow(XdrError);
});

test("decode() reads any bytes, or throws XdrError", () => {
  const whole = hex(`00 00 00 01 ${WEB} 00 00 00 02 ${state("00 00 00 01").replace(/\/\/.*/, "")} ${REASON}`);
  const nearly = fc.tuple(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 })).map(([at, byte]) => {
    const bytes = whole.slice();
    bytes[at] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(nearly, fc.uint8Array({ maxLength: 80 })), (bytes) => {
      try {
        connectGetAllDomainStats(true).decode(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(XdrError);
      }
    }),
    runs(2000),
  );
});
