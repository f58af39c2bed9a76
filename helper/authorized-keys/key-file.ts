/** Reads the public keys that are to be let in, and lets nothing else pass. */

import { HelperError } from "../failure.ts";
import type { ForeignFormat, KeyFileProblem } from "../failures/keys.ts";
import { decodeLatin1 } from "../latin1.ts";
import { errnoName } from "../sys/errno.ts";
import { type System, SystemError } from "../sys/system.ts";
import { decodeUtf8, encodeUtf8 } from "../utf8.ts";
import { type AuthorizedKey, findProblem, isBare, parseKeyLine } from "./key-line.ts";

/** In place of a path. */
const STANDARD_INPUT = "-";

const STDIN = 0;
const STDERR = 2;

/** A thousand RSA keys have less. */
const MAX_BYTES = 1_048_576;

/** REMOTE_DOMAIN_AUTHORIZED_SSH_KEYS_MAX in libvirt's remote_protocol.x. */
const MAX_KEYS = 2_048;

/**
 * The keys in the file at `path`, `-` for standard input, in their order, each once; never none.
 * @throws HelperError bad-key-file, where anything in it is no public key that sshd takes
 */
export function readKeyFile(path: string, deadlineMs: number, sys: System): AuthorizedKey[] {
  const isInput = path === STANDARD_INPUT;
  const fail = (problem: KeyFileProblem, options?: ErrorOptions) =>
    new HelperError({ kind: "bad-key-file", path: isInput ? undefined : path, problem }, { cause: options?.cause });
  try {
    const bytes = isInput ? readInput(deadlineMs, sys) : sys.readFile(path, MAX_BYTES + 1);
    if (bytes.length > MAX_BYTES) throw fail({ is: "too-large", maxBytes: MAX_BYTES });
    const parsed = parseKeys(bytes);
    if (!Array.isArray(parsed)) throw fail(parsed);
    return parsed;
  } catch (error) {
    if (error instanceof SystemError) throw fail({ is: "refused", errno: errnoName(error.errno) }, { cause: error });
    throw error;
  }
}

function readInput(deadlineMs: number, sys: System): Uint8Array {
  if (sys.isTerminal(STDIN)) {
    const notice = "virtssh: type or paste public keys, and end with Ctrl-D on a line of its own\n";
    sys.write(STDERR, encodeUtf8(notice), Number.POSITIVE_INFINITY);
  }
  const limitMs = sys.isTerminal(STDIN) ? Number.POSITIVE_INFINITY : deadlineMs;
  const bytes = new Uint8Array(MAX_BYTES + 1);
  let length = 0;
  while (length < bytes.length) {
    const count = sys.read(STDIN, bytes.subarray(length), limitMs);
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}

function parseKeys(bytes: Uint8Array): AuthorizedKey[] | KeyFileProblem {
  const format = findFormat(decodeLatin1(bytes));
  if (format !== undefined) return format;
  const lines = decodeUtf8(bytes)
    .replace(/^\ufeff/, "")
    .split("\n");
  const keys = new Map<string, AuthorizedKey>();
  for (const [index, line] of lines.entries()) {
    if (isBare(line.replace(/\r$/, ""))) continue;
    const problem = findProblem(line);
    const key = parseKeyLine(line);
    if (problem !== undefined || key === undefined) {
      return { is: "bad-line", line: index + 1, problem: problem ?? "no key" };
    }
    const name = `${key.key.type} ${key.key.text}`;
    if (!keys.has(name)) keys.set(name, key);
  }
  if (keys.size === 0) return { is: "no-key" };
  return keys.size > MAX_KEYS ? { is: "too-many", maxKeys: MAX_KEYS } : [...keys.values()];
}

/**
 * How private keys begin: RFC 7468, 10 and 11, and what went before it (PKCS #1, SEC 1, OpenSSH's own: PROTOCOL.key); ssh.com's; PuTTY's;
 * those of ssh's first version; and OpenSSH's and age's without a word around them.
 */
const PRIVATE =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|---- BEGIN SSH2 ENCRYPTED PRIVATE KEY|PuTTY-User-Key-File-|SSH PRIVATE KEY FILE FORMAT|b3BlbnNzaC1rZXktdjE|AGE-SECRET-KEY-1/i;

const FORMATS: readonly (readonly [RegExp, ForeignFormat])[] = [
  [/---- BEGIN SSH2 PUBLIC KEY ----/, "RFC4716"],
  [/-----BEGIN PUBLIC KEY-----/, "PKCS8"],
  [/-----BEGIN RSA PUBLIC KEY-----/, "PEM"],
];

/** Wherever it stands, and in UTF-16 too: a private key is one, whatever is around it. */
function findFormat(text: string): KeyFileProblem | undefined {
  if (PRIVATE.test(text.replaceAll("\0", ""))) return { is: "private-key" };
  const format = FORMATS.find(([pattern]) => pattern.test(text))?.[1];
  return format === undefined ? undefined : { is: "other-format", format };
}
