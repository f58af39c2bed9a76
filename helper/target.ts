/** What a user types, as a Target. The only file that knows the syntax of names. */

import { HelperError } from "./failure.ts";
import type { TargetProblem } from "./failure-facts.ts";

/** Which daemons are asked: `any` is the system daemon, then the session daemon. */
export type Scope = "system" | "session" | "any";

export interface DomainTarget {
  readonly kind: "domain";
  readonly scope: Scope;
  /** A domain's name, UUID or ID, to the letter as it was typed. */
  readonly name: string;
  /** Whether ssh may have lower-cased `name`, so that the letters' case says nothing. */
  readonly folded: boolean;
}

interface VsockTarget {
  readonly kind: "vsock";
  readonly cid: number;
}

export type Target = DomainTarget | VsockTarget;

/** Prefix and separator, in lower case, and the daemons that it names. */
const PREFIXES: Readonly<Record<string, Scope>> = {
  "qemu/": "any",
  "qemu:system/": "system",
  "qemu:session/": "session",
  "qemu%": "any",
  "qemu-system%": "system",
  "qemu-session%": "session",
};

/** Longest first: an explicit scope wins over a domain whose own name ends in `.system` or `.session`. */
const SUFFIXES: readonly (readonly [string, Scope])[] = [
  [".system.qemu", "system"],
  [".session.qemu", "session"],
  [".qemu", "any"],
];

const VSOCK_PREFIX = /^vsock[/%]/i;

/** NAME_MAX in linux/limits.h: libvirt keeps a domain in a file that bears its name. */
const MAX_NAME_BYTES = 255;

/** VMADDR_CID_ANY in linux/vm_sockets.h is -1U; 0 (VMADDR_CID_HYPERVISOR) is reserved. */
const MAX_CID = 0xffff_fffe;

/** ASCII alone, as ssh folds. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase());
}

/**
 * Reads a target as a person typed it; nothing about it is folded.
 * @throws HelperError bad-target
 */
export function parseTarget(text: string): Target {
  const refuse = (problem: TargetProblem): never => {
    throw new HelperError({ kind: "bad-target", text, problem });
  };
  if (text === "") return refuse({ is: "empty" });
  // Bytes that are no UTF-8 arrive as this character: whatever domain was meant, it is not the one we would ask for.
  if (text.includes("\ufffd") || !text.isWellFormed()) return refuse({ is: "not-utf8" });
  const found = splitTarget(text);
  if ("is" in found) return refuse(found);
  if (found.scope === "vsock") {
    return isCid(found.rest) ? { kind: "vsock", cid: Number(found.rest) } : refuse({ is: "bad-cid", cid: found.rest });
  }
  const problem = findTextProblem(found.rest);
  if (problem !== undefined) return refuse(problem);
  return { kind: "domain", scope: found.scope, name: found.rest, folded: false };
}

interface Split {
  readonly scope: Scope | "vsock";
  readonly rest: string;
}

function splitTarget(text: string): Split | TargetProblem {
  const separator = text.search(/[/%]/);
  const prefix = lowerAscii(text.slice(0, separator + 1));
  const scope = Object.hasOwn(PREFIXES, prefix) ? PREFIXES[prefix] : undefined;
  if (scope !== undefined) return { scope, rest: text.slice(prefix.length) };
  if (VSOCK_PREFIX.test(text)) return { scope: "vsock", rest: text.slice(prefix.length) };
  const lower = lowerAscii(text);
  const suffix = SUFFIXES.find(([ending]) => lower.endsWith(ending));
  if (suffix !== undefined && !text.includes("/")) {
    return { scope: suffix[1], rest: text.slice(0, -suffix[0].length) };
  }
  return separator > 0 ? { is: "unknown-prefix", prefix: text.slice(0, separator) } : { is: "no-form" };
}

function isCid(text: string): boolean {
  return /^[0-9]{1,10}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_CID;
}

/** The length of `text` in UTF-8. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** Why no domain can have this name. libvirt refuses `/` and line breaks in a name, and takes all else. */
function findNameProblem(name: string): TargetProblem | undefined {
  if (name === "") return { is: "no-name" };
  const character = /[/\n\0]/.exec(name)?.[0];
  if (character !== undefined) return { is: "bad-character", character };
  const bytes = utf8Length(name);
  return bytes > MAX_NAME_BYTES ? { is: "too-long", bytes, maxBytes: MAX_NAME_BYTES } : undefined;
}

/** Why neither the text nor what it decodes to can be a name: with its escapes, a name is up to three times as long. */
function findTextProblem(text: string): TargetProblem | undefined {
  const problem = findNameProblem(text);
  return problem?.is === "too-long" && decodeName(text) !== undefined ? undefined : problem;
}

/**
 * The target out of what ssh hands over: `host` is its %h, `typed` its %n, where it gave one.
 *
 * ssh lower-cases %h unless it holds `%` or `:`, and keeps what was typed in %n; but under a HostName directive %h is the
 * target and %n an alias, which may look like a target itself. So %n counts only where it is %h but for case, or where %h is
 * no target: OpenSSH's ssh.c, main(), and ssh_config(5), "HostName". An alias that is its own target in other letters cannot be
 * told from a target that was typed, and is taken as it was typed.
 * @throws HelperError bad-target
 */
export function chooseTarget(host: string, typed: string | undefined): Target {
  if (typed === undefined) return parseTarget(host);
  if (lowerAscii(typed) === lowerAscii(host)) return parseTarget(typed);
  if (!isTarget(host) && isTarget(typed)) return parseTarget(typed);
  const target = parseTarget(host);
  return target.kind === "domain" ? { ...target, folded: mayBeFolded(host, target.name) } : target;
}

/** Whether ssh may have taken capitals away from `host`, and whether that would matter for `name`. */
function mayBeFolded(host: string, name: string): boolean {
  return !/[%:A-Z]/.test(host) && /[a-z]/.test(name);
}

function isTarget(text: string): boolean {
  try {
    parseTarget(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * `name` with its `%XX` escapes decoded, which is how a name that ssh refuses can be typed (`my%20vm`); undefined where there
 * is none, or where the result can be no domain's name.
 */
export function decodeName(name: string): string | undefined {
  if (!name.includes("%")) return undefined;
  try {
    const decoded = decodeURIComponent(name);
    return findNameProblem(decoded) === undefined ? decoded : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What ssh refuses in a host name typed on its command line (valid_hostname in ssh.c, 10.0), `@`, before which it looks for a user,
 * and `%`, which we decode.
 */
const NEEDS_ESCAPE = /[\s\p{Cc}'`"$\\;&<>|(){},@%]/u;

/** The target that names a domain of one daemon, in a form that ssh accepts. `scope` is `system` or `session`. */
export function formatTarget(scope: Exclude<Scope, "any">, name: string): string {
  const escapeOne = (character: string) => (NEEDS_ESCAPE.test(character) ? encodeURIComponent(character) : character);
  // encodeURIComponent leaves ' ( ) alone.
  const marks = (text: string) => text.replace(/['()]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`);
  return `qemu:${scope}/${marks(Array.from(name, escapeOne).join(""))}`;
}

/** Stays as it is in a target that has to pass for a host name: in ssh, scp, rsync and Ansible, and in a shell, unquoted. */
const PASSES_ANYWHERE = /[\p{L}\p{N}._-]/u;

/** The first character of `text`, which is all of it unless it is ASCII. encodeURIComponent leaves some of ASCII alone. */
function escapeCharacter(text: string): string {
  const code = text.charCodeAt(0);
  return code < 0x80 ? `%${code.toString(16).toUpperCase().padStart(2, "0")}` : encodeURIComponent(text);
}

function escapeName(name: string): string {
  return Array.from(name, (one) => (PASSES_ANYWHERE.test(one) ? one : escapeCharacter(one))).join("");
}

/** `NAME.system.qemu`: the target in the form that looks like a host name. */
export function formatSuffix(scope: Scope, name: string): string {
  const suffix = SUFFIXES.find(([, means]) => means === scope)?.[0] ?? "";
  // Neither may the name's end be read as a scope, nor its beginning as an option or as another form.
  const escaped = escapeName(name).replace(/\.(?=(?:system|session)$)/i, scope === "any" ? "%2E" : ".");
  const isOther = /^(?:-|(?:qemu(?:-system|-session)?|vsock)%)/i.test(escaped);
  return `${isOther ? `${escapeCharacter(escaped)}${escaped.slice(1)}` : escaped}${suffix}`;
}

/** Every form of the target: `qemu/NAME`, `qemu%NAME` and `NAME.qemu`, in this order. */
export function listForms(scope: Scope, name: string): string[] {
  const prefixes = Object.keys(PREFIXES).filter((prefix) => PREFIXES[prefix] === scope);
  return [...prefixes.map((prefix) => `${prefix}${escapeName(name)}`), formatSuffix(scope, name)];
}

/** A port of AF_VSOCK: 32 bits, of which -1U is VMADDR_PORT_ANY (linux/vm_sockets.h). */
const MAX_PORT = 0xffff_fffe;

/** @throws HelperError bad-number */
export function parsePort(text: string): number {
  return parseNumber("port", text, MAX_PORT);
}

/** A day: longer than anyone waits for a login. */
const MAX_SECONDS = 86_400;

/** @throws HelperError bad-number */
export function parseSeconds(text: string): number {
  return parseNumber("number of seconds", text, MAX_SECONDS);
}

function parseNumber(what: string, text: string, max: number): number {
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= max) return value;
  throw new HelperError({ kind: "bad-number", what, text, range: `1 to ${max}` });
}
