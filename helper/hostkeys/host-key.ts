/** A host key as ssh writes it: its type, and its blob in base64. Reads the plain key and the signer out of a certificate. */

import { decodeBase64, encodeBase64 } from "./base64.ts";

export interface HostKey {
  /** `ssh-ed25519` */
  readonly type: string;
  /** The key's blob (RFC 4253, 6.6) in base64, which is the same text for the same key. */
  readonly text: string;
}

/** What a host certificate holds: OpenSSH's PROTOCOL.certkeys. */
export interface Certificate {
  readonly key: HostKey;
  readonly signer: HostKey;
}

/** The largest RSA key that OpenSSH takes has 16384 bits (SSHBUF_MAX_BIGNUM in its sshbuf.h); certificates add names. */
const MAX_TEXT = 65_536;

/** undefined for text that cannot be a host key. */
export function parseHostKey(type: string, text: string): HostKey | undefined {
  if (!/^[A-Za-z0-9@.-]{1,64}$/.test(type) || text.length > MAX_TEXT) return undefined;
  const blob = decodeBase64(text);
  if (blob === undefined || new Blob(blob).text() !== type) return undefined;
  const fields = KEY_FIELDS[type];
  // ssh passes over a line whose key is cut short, as if nothing were pinned.
  if (fields !== undefined && splitFields(blob)?.length !== 1 + fields) return undefined;
  return { type, text };
}

export function isSameKey(one: HostKey, other: HostKey): boolean {
  return one.type === other.type && one.text === other.text;
}

const CERTIFICATE = /-cert-v01(@openssh\.com)$/;

/** How many fields a plain key has after its type: RFC 4253, 6.6; RFC 5656, 3.1; RFC 8709, 4; OpenSSH's PROTOCOL.u2f. */
const KEY_FIELDS: Readonly<Record<string, number>> = {
  "ssh-ed25519": 1,
  "ssh-rsa": 2,
  "ecdsa-sha2-nistp256": 2,
  "ecdsa-sha2-nistp384": 2,
  "ecdsa-sha2-nistp521": 2,
  "sk-ssh-ed25519@openssh.com": 2,
  "sk-ecdsa-sha2-nistp256@openssh.com": 3,
};

export function isCertificate({ type }: HostKey): boolean {
  return CERTIFICATE.test(type);
}

/** What the certificate holds; undefined for one of a kind that is not known, or that is cut short. */
export function readCertificate(key: HostKey): Certificate | undefined {
  const plain = key.type.replace(CERTIFICATE, "");
  const type = plain.startsWith("sk-") ? `${plain}@openssh.com` : plain;
  const fields = KEY_FIELDS[type];
  const bytes = decodeBase64(key.text);
  if (fields === undefined || bytes === undefined) return undefined;
  const blob = new Blob(bytes);
  blob.string(); // the type
  blob.string(); // the nonce
  const parts = Array.from({ length: fields }, () => blob.string());
  const signer = blob.skip(12).string() && blob.string() && skipToSigner(blob); // serial and type, key ID, principals
  if (signer === undefined || parts.some((part) => part === undefined)) return undefined;
  const signerType = new Blob(signer).text();
  if (signerType === undefined) return undefined;
  return {
    key: { type, text: encodeBase64(joinFields([encodeText(type), ...parts.map((part) => part ?? new Uint8Array())])) },
    signer: { type: signerType, text: encodeBase64(signer) },
  };
}

/** All fields of the key's blob, its type first; undefined where it is cut short. */
export function readFields({ text }: HostKey): Uint8Array[] | undefined {
  const bytes = decodeBase64(text);
  return bytes === undefined ? undefined : splitFields(bytes);
}

function splitFields(bytes: Uint8Array): Uint8Array[] | undefined {
  const blob = new Blob(bytes);
  const fields: Uint8Array[] = [];
  while (!blob.isAtEnd()) {
    const field = blob.string();
    if (field === undefined) return undefined;
    fields.push(field);
  }
  return fields;
}

/** Past the validity, the critical options, the extensions and what is reserved. */
function skipToSigner(blob: Blob): Uint8Array | undefined {
  return blob.skip(16).string() && blob.string() && blob.string() && blob.string();
}

function encodeText(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function joinFields(fields: readonly Uint8Array[]): Uint8Array {
  const lengthOf = ({ length }: Uint8Array) => [24, 16, 8, 0].map((shift) => (length >> shift) & 255);
  return Uint8Array.from(fields.flatMap((field) => [...lengthOf(field), ...field]));
}

/** Fields one after the other, each with its length in front: the type "string" of RFC 4251, section 5. */
class Blob {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next field; undefined where that is cut short. */
  string(): Uint8Array | undefined {
    const [first, second, third, fourth] = this.#bytes.subarray(this.#at, this.#at + 4);
    if (first === undefined || second === undefined || third === undefined || fourth === undefined) return undefined;
    const start = this.#at + 4;
    const length = first * 0x1000000 + (second << 16) + (third << 8) + fourth;
    if (start + length > this.#bytes.length) return undefined;
    this.#at = start + length;
    return this.#bytes.subarray(start, start + length);
  }

  /** The next field as ASCII. */
  text(): string | undefined {
    const bytes = this.string();
    return bytes === undefined ? undefined : String.fromCharCode(...bytes.subarray(0, 256));
  }

  isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  skip(bytes: number): this {
    this.#at += bytes;
    return this;
  }
}
