// Arguments and answers, byte by byte, from remote_protocol.x.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  authList,
  authPolkit,
  type Call,
  connectClose,
  connectListAllDomains,
  connectOpen,
  domainAttachDeviceFlags,
  domainGetState,
  domainGetXmlDesc,
  domainHasManagedSaveImage,
  domainIsPersistent,
  domainLookupById,
  domainLookupByName,
  domainLookupByUuid,
} from "../../../helper/libvirt/calls.ts";
import { XdrError } from "../../../helper/libvirt/xdr.ts";
import { runs } from "../fuzz.ts";
import { hex } from "../hex.ts";

const UUID = "4d ea 22 b3 1d 52 d8 f3 25 16 78 2e 98 ab 3f a0";

const WEB = { name: "web", uuid: hex(UUID), id: 7 };

/** struct remote_nonnull_domain */
const WEB_BYTES = `
  00 00 00 03 77 65 62 00  // name: "web"
  ${UUID}                  // uuid
  00 00 00 07              // id
`;

const SHUT_OFF = { name: "db", uuid: hex(UUID), id: -1 };

const SHUT_OFF_BYTES = `
  00 00 00 02 64 62 00 00  // name: "db"
  ${UUID}                  // uuid
  ff ff ff ff              // id: none
`;

const ARGUMENTS: readonly [string, Call<unknown>, number, string][] = [
  ["AUTH_LIST", authList(), 66, ""],
  ["AUTH_POLKIT", authPolkit(), 70, ""],
  [
    "CONNECT_OPEN",
    connectOpen("qemu:///system"),
    1,
    `00 00 00 01                          // there is a name
     00 00 00 0e 71 65 6d 75 3a 2f 2f 2f  // "qemu:///
     73 79 73 74 65 6d 00 00              //  system"
     00 00 00 01                          // VIR_CONNECT_RO`,
  ],
  ["CONNECT_CLOSE", connectClose(), 2, ""],
  ["DOMAIN_LOOKUP_BY_NAME", domainLookupByName("web"), 23, "00 00 00 03 77 65 62 00"],
  ["DOMAIN_LOOKUP_BY_NAME of UTF-8", domainLookupByName("ü"), 23, "00 00 00 02 c3 bc 00 00"],
  ["DOMAIN_LOOKUP_BY_UUID", domainLookupByUuid(hex(UUID)), 24, UUID],
  ["DOMAIN_LOOKUP_BY_ID", domainLookupById(7), 22, "00 00 00 07"],
  ["DOMAIN_GET_STATE", domainGetState(WEB), 212, `${WEB_BYTES} 00 00 00 00 // flags`],
  ["DOMAIN_GET_XML_DESC", domainGetXmlDesc(WEB), 14, `${WEB_BYTES} 00 00 00 00 // flags`],
  ["DOMAIN_GET_XML_DESC of one without an ID", domainGetXmlDesc(SHUT_OFF), 14, `${SHUT_OFF_BYTES} 00 00 00 00`],
  [
    "DOMAIN_GET_XML_DESC of a configuration",
    domainGetXmlDesc(WEB, 2),
    14,
    `${WEB_BYTES} 00 00 00 02 // VIR_DOMAIN_XML_INACTIVE`,
  ],
  ["DOMAIN_IS_PERSISTENT", domainIsPersistent(WEB), 151, WEB_BYTES],
  ["DOMAIN_HAS_MANAGED_SAVE_IMAGE", domainHasManagedSaveImage(WEB), 183, `${WEB_BYTES} 00 00 00 00 // flags`],
  [
    "DOMAIN_ATTACH_DEVICE_FLAGS",
    domainAttachDeviceFlags(WEB, "<rng/>", 3),
    160,
    `${WEB_BYTES}
     00 00 00 06 3c 72 6e 67 2f 3e 00 00  // xml: "<rng/>"
     00 00 00 03                          // flags: VIR_DOMAIN_AFFECT_LIVE and VIR_DOMAIN_AFFECT_CONFIG`,
  ],
  ["CONNECT_LIST_ALL_DOMAINS", connectListAllDomains(3), 273, "00 00 00 01  00 00 00 00 // results wanted, no flags"],
];

test.each(ARGUMENTS.map(([what, ...facts]) => [what, facts] as const))("the arguments of %s", (_, facts) => {
  const [call, procedure, body] = facts;
  expect(call.procedure).toBe(procedure);
  expect(call.body).toEqual(hex(body));
});

const ANSWERS: readonly [string, Call<unknown>, string, unknown][] = [
  ["AUTH_LIST: none", authList(), "00 00 00 01  00 00 00 00", [0]],
  ["AUTH_LIST: SASL and polkit", authList(), "00 00 00 02  00 00 00 01  00 00 00 02", [1, 2]],
  ["AUTH_LIST: empty", authList(), "00 00 00 00", []],
  ["AUTH_LIST: as many as there may be", authList(), `00 00 00 14 ${"00 00 00 00".repeat(20)}`, Array(20).fill(0)],
  ["AUTH_POLKIT", authPolkit(), "00 00 00 01", 1],
  ["CONNECT_OPEN", connectOpen("qemu:///system"), "", undefined],
  ["CONNECT_CLOSE", connectClose(), "", undefined],
  ["DOMAIN_LOOKUP_BY_NAME", domainLookupByName("web"), WEB_BYTES, WEB],
  ["DOMAIN_LOOKUP_BY_UUID", domainLookupByUuid(hex(UUID)), SHUT_OFF_BYTES, SHUT_OFF],
  ["DOMAIN_LOOKUP_BY_ID", domainLookupById(7), WEB_BYTES, WEB],
  ["DOMAIN_GET_STATE: shut off, by the user", domainGetState(WEB), "00 00 00 05  00 00 00 01", 5],
  ["DOMAIN_GET_XML_DESC", domainGetXmlDesc(WEB), "00 00 00 05 3c 61 2f 3e 0a 00 00 00", hex("3c 61 2f 3e 0a")],
  ["DOMAIN_IS_PERSISTENT: yes", domainIsPersistent(WEB), "00 00 00 01", true],
  ["DOMAIN_IS_PERSISTENT: no", domainIsPersistent(WEB), "00 00 00 00", false],
  ["DOMAIN_HAS_MANAGED_SAVE_IMAGE: yes", domainHasManagedSaveImage(WEB), "00 00 00 01", true],
  ["DOMAIN_HAS_MANAGED_SAVE_IMAGE: no", domainHasManagedSaveImage(WEB), "00 00 00 00", false],
  ["DOMAIN_ATTACH_DEVICE_FLAGS", domainAttachDeviceFlags(WEB, "<rng/>", 1), "", undefined],
  [
    "CONNECT_LIST_ALL_DOMAINS: of names of three bytes",
    connectListAllDomains(3),
    `00 00 00 02 ${WEB_BYTES} ${SHUT_OFF_BYTES} 00 00 00 02 // count, domains, count again`,
    [WEB],
  ],
  ["CONNECT_LIST_ALL_DOMAINS: no domain", connectListAllDomains(3), "00 00 00 00  00 00 00 00", []],
];

test.each(ANSWERS.map(([what, ...facts]) => [what, facts] as const))("the answer to %s", (_, facts) => {
  const [call, body, answer] = facts;
  expect(call.decode(hex(body))).toEqual(answer);
});

describe("limits", () => {
  test.each<[string, Call<unknown>, string]>([
    [
      "more ways of authentication than REMOTE_AUTH_TYPE_LIST_MAX",
      authList(),
      `00 00 00 15 ${"00 00 00 00".repeat(21)}`,
    ],
    ["ways of authentication that are missing", authList(), "00 00 00 02  00 00 00 00"],
    ["bytes after an empty answer", connectOpen("qemu:///system"), "00 00 00 00"],
    ["bytes after a domain", domainLookupById(7), `${WEB_BYTES} 00 00 00 00`],
    ["a domain without an ID", domainLookupById(7), `00 00 00 03 77 65 62 00 ${UUID}`],
    ["a domain with half a UUID", domainLookupById(7), "00 00 00 03 77 65 62 00  4d ea 22 b3"],
    ["a name over NAME_MAX_BYTES", domainLookupById(7), `00 00 03 fd ${"61".repeat(1_024)} ${UUID} 00 00 00 07`],
    ["a name of 4 GB", domainLookupById(7), "ff ff ff ff  61 61 61 61"],
    ["a state without its reason", domainGetState(WEB), "00 00 00 05"],
    ["XML over REMOTE_STRING_MAX", domainGetXmlDesc(WEB), "00 40 00 01  3c 61 2f 3e"],
    ["XML that is cut short", domainGetXmlDesc(WEB), "00 00 00 08  3c 61 2f 3e"],
    ["more domains than REMOTE_DOMAIN_LIST_MAX", connectListAllDomains(3), "00 00 40 01"],
    ["domains that are missing", connectListAllDomains(3), `00 00 00 02 ${WEB_BYTES} 00 00 00 02`],
    ["domains without their count", connectListAllDomains(3), "00 00 00 00"],
  ])("decode() rejects %s", (_, call, body) => {
    expect(() => call.decode(hex(body))).toThrow(XdrError);
  });

  /** As many domains, with names of NAME_MAX_BYTES. */
  const longNames = (count: number) => {
    const domain = Buffer.concat([hex("00 00 03 fc"), Buffer.alloc(1_020, "a"), hex(`${UUID} 00 00 00 07`)]);
    const words = new DataView(new ArrayBuffer(4));
    words.setUint32(0, count);
    const number = new Uint8Array(words.buffer);
    return Buffer.concat([number, ...Array.from({ length: count }, () => domain), number]);
  };

  test("names may be as long as NAME_MAX_BYTES, and NAMES_MAX_BYTES together", () => {
    expect(connectListAllDomains().decode(longNames(1_028))).toHaveLength(1_028);
    expect(() => connectListAllDomains().decode(longNames(1_029))).toThrow(
      new XdrError("the names of all domains have over 1048576 bytes"),
    );
  });

  test("XML may be as long as REMOTE_STRING_MAX", () => {
    const body = new Uint8Array(4 + 4_194_304);
    body.set(hex("00 40 00 00"));
    expect(domainGetXmlDesc(WEB).decode(body)).toHaveLength(4_194_304);
  });
});

test("every call reads any bytes, or throws XdrError", () => {
  const calls: Call<unknown>[] = [
    authList(),
    authPolkit(),
    connectOpen("qemu:///system"),
    domainLookupById(7),
    domainGetState(WEB),
    domainGetXmlDesc(WEB),
    domainIsPersistent(WEB),
    domainAttachDeviceFlags(WEB, "<rng/>", 3),
    connectListAllDomains(3),
  ];
  const list = hex(`00 00 00 02 ${WEB_BYTES} ${SHUT_OFF_BYTES} 00 00 00 02`);
  const nearly = fc
    .tuple(fc.nat({ max: list.length - 1 }), fc.nat({ max: 255 }), fc.nat({ max: 9 }))
    .map(([at, byte, cut]) => {
      const bytes = list.slice(0, list.length - cut);
      if (at < bytes.length) bytes[at] = byte;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(nearly, fc.uint8Array({ maxLength: 60 })), (bytes) => {
      for (const call of calls) {
        try {
          call.decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(XdrError);
        }
      }
    }),
    runs(2000),
  );
});
