import { expect, test } from "vitest";
import { domainAuthorizedSshKeysGet, KeysTooLongError } from "../../../helper/libvirt/agent-calls.ts";
import { hex } from "../hex.ts";

const call = domainAuthorizedSshKeysGet({ name: "web", uuid: new Uint8Array(16), id: 1 }, "root");

test("the answer to DOMAIN_AUTHORIZED_SSH_KEYS_GET", () => {
  const answer = hex(`
    00 00 00 02           // two keys
    00 00 00 01  61 00 00 00
    00 00 00 02  c3 bc 00 00
  `);
  expect(call.decode(answer)).toEqual(["a", "ü"]);
});

test("keys may have AUTHORIZED_KEYS_MAX_BYTES together", () => {
  const half = Buffer.concat([hex("00 10 00 00"), Buffer.alloc(0x10_0000, "a")]);
  expect(call.decode(Buffer.concat([hex("00 00 00 02"), half, half]))).toHaveLength(2);
  const more = Buffer.concat([hex("00 00 00 03"), half, half, hex("00 00 00 01  61 00 00 00")]);
  expect(() => call.decode(more)).toThrow(KeysTooLongError);
});
