import { expect, test } from "vitest";
import { encodeBase64 } from "../../../helper/hostkeys/base64.ts";
import { computeFingerprint, formatFingerprint } from "../../../helper/hostkeys/fingerprint.ts";
import { KEYS } from "../../fixtures/host-keys.ts";
import { hex } from "../hex.ts";

test.each(KEYS)("a key's fingerprint is as ssh-keygen -l prints it: $name", ({ key, listed }) => {
  expect(formatFingerprint(computeFingerprint(key), "no comment")).toBe(listed);
});

test("computeFingerprint() has its three parts", () => {
  const [known] = KEYS;
  expect(known && computeFingerprint(known.key)).toEqual({
    bits: 256,
    sha256: "SHA256:wme08HyWWcEiUPD9h9Hz+5cMYNoPUnPBRplU8nw09lQ",
    type: "ED25519",
  });
});

const RSA = "00 00 00 07  73 73 68 2d 72 73 61"; // "ssh-rsa"

test.each([
  ["17 bits, with a zero in front", `${RSA} 00 00 00 01 03  00 00 00 04  00 01 00 01`, 17],
  ["16 bits, with a zero in front", `${RSA} 00 00 00 01 03  00 00 00 03  00 80 01`, 16],
  ["0 bits", `${RSA} 00 00 00 01 03  00 00 00 02  00 00`, 0],
  ["0 bits where it is missing", `${RSA} 00 00 00 01 03`, 0],
  ["0 bits where it is cut short", `${RSA} 00 00 00 01 03  00 00 00 04  01`, 0],
])("computeFingerprint() counts an RSA modulus: %s", (_, bytes, bits) => {
  expect(computeFingerprint({ type: "ssh-rsa", text: encodeBase64(hex(bytes)) }).bits).toBe(bits);
});

test("computeFingerprint() calls a type that it does not know by its own name", () => {
  const text = encodeBase64(hex("00 00 00 01 78")); // "x"
  expect(computeFingerprint({ type: "x", text }).type).toBe("x");
});
