/** A host key as `ssh-keygen -l` shows it. Off the hot path: it loads a library. */

import { sha256 } from "@noble/hashes/sha2.js";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { type HostKey, readFields } from "./host-key.ts";

export interface Fingerprint {
  /** The key's size, as ssh-keygen counts it. */
  readonly bits: number;
  /** `SHA256:` and base64 without padding: sshkey_fingerprint(), ssh-keygen(1) -l. */
  readonly sha256: string;
  /** `ED25519` */
  readonly type: string;
}

/** sshkey_size() and sshkey_type() of OpenSSH: bits where they are the same for all keys of a type. */
const TYPES: Readonly<Record<string, { readonly type: string; readonly bits?: number }>> = {
  "ssh-ed25519": { type: "ED25519", bits: 256 },
  "ssh-rsa": { type: "RSA" },
  "ecdsa-sha2-nistp256": { type: "ECDSA", bits: 256 },
  "ecdsa-sha2-nistp384": { type: "ECDSA", bits: 384 },
  "ecdsa-sha2-nistp521": { type: "ECDSA", bits: 521 },
  "sk-ssh-ed25519@openssh.com": { type: "ED25519-SK", bits: 256 },
  "sk-ecdsa-sha2-nistp256@openssh.com": { type: "ECDSA-SK", bits: 256 },
};

export function computeFingerprint(key: HostKey): Fingerprint {
  const digest = sha256(decodeBase64(key.text) ?? new Uint8Array());
  const { type, bits } = TYPES[key.type] ?? { type: key.type };
  return { bits: bits ?? countModulusBits(key), sha256: `SHA256:${encodeBase64(digest).replace(/=+$/, "")}`, type };
}

/** `256 SHA256:… web (ED25519)` */
export function formatFingerprint({ bits, sha256, type }: Fingerprint, comment: string): string {
  return `${bits} ${sha256} ${comment} (${type})`;
}

/** An RSA key's second number, RFC 4253, 6.6: big-endian, with a zero in front where it would look negative. */
function countModulusBits(key: HostKey): number {
  const [, , modulus = new Uint8Array()] = readFields(key) ?? [];
  const start = modulus.findIndex((byte) => byte !== 0);
  return start < 0 ? 0 : (modulus.length - start) * 8 - (Math.clz32(modulus[start] ?? 0) - 24);
}
