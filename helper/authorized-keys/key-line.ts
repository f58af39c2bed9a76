/** One line of authorized_keys: sshd(8), AUTHORIZED_KEYS FILE FORMAT. No I/O. */

import type { KeyLineProblem } from "../failures/keys.ts";
import { type HostKey, isCertificate, parseHostKey, readFields } from "../hostkeys/host-key.ts";

export interface AuthorizedKey {
  /** What stands before the key, as it is: `no-pty,command="date"`; empty where there is nothing. */
  readonly options: string;
  readonly key: HostKey;
  /** What stands behind it; empty where there is nothing. */
  readonly comment: string;
  /** The whole, without blanks around it. */
  readonly line: string;
}

/** A line taken apart: the words of a key, whether they are one or not. */
interface Parts {
  readonly options: string;
  readonly type: string;
  readonly text: string;
  readonly comment: string;
}

/** The key of a line; undefined for one that has none: blank, a comment, or anything else that sshd passes over. */
export function parseKeyLine(text: string): AuthorizedKey | undefined {
  const line = trimBlanks(text);
  if (isBare(line)) return undefined;
  const found = splitLine(line);
  const key = found === undefined ? undefined : parseHostKey(found.type, found.text);
  if (found === undefined || key === undefined) return undefined;
  return { options: found.options, key, comment: found.comment, line };
}

/** Whether there is no key in the line, and none is meant: it is blank, or a comment. */
export function isBare(line: string): boolean {
  return /^[ \t]*(?:#|$)/.test(line);
}

/** What keeps the line of somebody who is to be let in from doing that; undefined where nothing does. */
export function findProblem(text: string): KeyLineProblem | undefined {
  const line = trimBlanks(text);
  if (hasUnsafe(line)) return "unsafe characters";
  const parts = splitLine(line);
  if (parts === undefined) return hasOpenQuote(line) ? "open quote" : "no key";
  if (!OPTIONS.test(parts.options)) return "options";
  if (isCertificate(parts)) return "certificate";
  if (parts.type === "ssh-dss") return "DSA";
  const check = CHECKS[parts.type];
  if (check === undefined) return "unknown type";
  const key = parseHostKey(parts.type, parts.text);
  const fields = key === undefined ? undefined : readFields(key);
  return fields !== undefined && check(fields.slice(1)) ? undefined : "damaged";
}

function trimBlanks(line: string): string {
  const start = /[^ \t]/.exec(line)?.index ?? line.length;
  let end = line.length;
  while (end > start && " \t\r".includes(line.charAt(end - 1))) end -= 1; // an expression would look at each run of blanks again and again
  return line.slice(start, end);
}

/** Control characters would break the line or a terminal; U+FFFD stands for bytes that are no UTF-8, which libvirt refuses. */
function hasUnsafe(line: string): boolean {
  return Array.from(line, (character) => character.codePointAt(0) ?? 0).some(
    (code) => (code < 0x20 && code !== 0x09) || (code >= 0x7f && code <= 0x9f) || code === 0xfffd,
  );
}

/** sshkey_read() in OpenSSH's sshkey.c: a type, a blank, the blob. A type has a hyphen, which base64 has not. */
const KEY = /^([A-Za-z0-9@.-]+)[ \t]+([A-Za-z0-9+/=]+)(?:[ \t]+(.*))?$/;

/** What looks like the type of a key, known or not; options that bear such a name have none of a key's blob behind them. */
const TYPE = /^(?:ssh-|ecdsa-|sk-|[^,="]+@)/;

/** As sshd does: the key comes first, or else options do, up to the first blank that is in no quotes. */
function splitLine(line: string): Parts | undefined {
  const [, type = "", text = "", comment = ""] = KEY.exec(line) ?? [];
  if (TYPE.test(type)) return { options: "", type, text, comment };
  const options = readOptions(line);
  if (options === undefined) return undefined;
  const rest = line.slice(options.length).replace(/^[ \t]+/, "");
  const [, restType = "", restText = "", restComment = ""] = KEY.exec(rest) ?? [];
  return TYPE.test(restType) ? { options, type: restType, text: restText, comment: restComment } : undefined;
}

/** sshkey_advance_past_options() in OpenSSH's authfile.c; undefined where a quote does not end. */
function readOptions(line: string): string | undefined {
  let isQuoted = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (!isQuoted && (character === " " || character === "\t")) return line.slice(0, at);
    if (character === "\\" && line.charAt(at + 1) === '"') at += 1;
    else if (character === '"') isQuoted = !isQuoted;
  }
  return isQuoted ? undefined : line;
}

function hasOpenQuote(line: string): boolean {
  return readOptions(line) === undefined;
}

/** Names, some with a value in quotes. Which names there are is the guest's sshd's business, which may be newer. */
const OPTIONS = /^(?:[A-Za-z0-9-]+(?:="(?:\\"|[^"])*")?(?:,(?!$)|$))*$/;

type Check = (fields: readonly Uint8Array[]) => boolean;

/**
 * What is in the blob of a key, after its type: RFC 8709, section 4 (Ed25519); RFC 4253, 6.6 (RSA); RFC 5656, 3.1 (ECDSA); OpenSSH's
 * PROTOCOL.u2f (sk-…). parseHostKey() has counted the fields.
 */
const CHECKS: Readonly<Record<string, Check>> = {
  "ssh-ed25519": ([key]) => key?.length === 32,
  "ssh-rsa": ([exponent, modulus]) => isNumber(exponent) && hasGoodSize(modulus),
  "ecdsa-sha2-nistp256": ([curve, point]) => hasText(curve, "nistp256") && isPoint(point, 32),
  "ecdsa-sha2-nistp384": ([curve, point]) => hasText(curve, "nistp384") && isPoint(point, 48),
  "ecdsa-sha2-nistp521": ([curve, point]) => hasText(curve, "nistp521") && isPoint(point, 66),
  "sk-ssh-ed25519@openssh.com": ([key]) => key?.length === 32,
  "sk-ecdsa-sha2-nistp256@openssh.com": ([curve, point]) => hasText(curve, "nistp256") && isPoint(point, 32),
};

/** RFC 4251, section 5, mpint: positive, with no zero too many in front. */
function isNumber(field: Uint8Array | undefined): field is Uint8Array {
  const [first = 0x80, second = 0] = field ?? [];
  return first < 0x80 && (first > 0 || second >= 0x80);
}

/** SSH_RSA_MINIMUM_MODULUS_SIZE in OpenSSH's sshkey.h and SSHBUF_MAX_BIGNUM in its sshbuf.h: 1024 to 16384 bits. */
function hasGoodSize(modulus: Uint8Array | undefined): boolean {
  if (!isNumber(modulus)) return false;
  const bytes = modulus[0] === 0 ? modulus.length - 1 : modulus.length;
  const isFull = modulus[0] === 0; // else the highest bit of the first byte is not set
  return (bytes > 128 || (bytes === 128 && isFull)) && bytes <= 2_048;
}

function hasText(field: Uint8Array | undefined, text: string): boolean {
  return field !== undefined && String.fromCharCode(...field.subarray(0, 64)) === text;
}

/** SEC 1, 2.3.3: an uncompressed point, which is all that OpenSSH takes (get_ec() in its sshbuf-getput-crypto.c). */
function isPoint(field: Uint8Array | undefined, bytes: number): boolean {
  return field?.length === 1 + 2 * bytes && field[0] === 4;
}
