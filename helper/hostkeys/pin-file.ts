/** The text of a file of pins: known_hosts lines (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"), each with a comment line above. No I/O. */

import { formatJson } from "../quote.ts";
import { type HostKey, parseHostKey } from "./host-key.ts";

type Marker = "@cert-authority" | "@revoked";

/** What the comment line above a key says. */
export interface PinFacts {
  /** The domain's, when the key was last seen. */
  readonly name: string;
  readonly port: number;
  /** `2026-11-22T05:48:36Z` */
  readonly firstSeen: string;
  /** To the day. */
  readonly lastSeen: string;
}

export interface Pin {
  readonly marker?: Marker;
  readonly key: HostKey;
  /** Without them the key is for every port, which is what an administrator may write. */
  readonly facts?: PinFacts;
  /** The key's line, from 0. */
  readonly line: number;
}

/** A line is neither a key nor a comment. */
export class PinFileError extends Error {
  /** From 1. */
  readonly line: number;

  constructor(line: number) {
    super(`line ${line}`);
    this.line = line;
  }
}

/** @throws PinFileError */
export function parsePins(text: string): Pin[] {
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    if (/^\s*(#|$)/.test(line)) return [];
    const facts = parseFacts(lines[index - 1] ?? "");
    return [{ ...parseLine(line, index), line: index, ...(facts === undefined ? {} : { facts }) }];
  });
}

/** The host names are not looked at: the file's own name says whose the keys are. What follows the key is a comment. */
function parseLine(line: string, index: number): Pick<Pin, "marker" | "key"> {
  const words = line.trim().split(/\s+/);
  const marker = words[0]?.startsWith("@") === true ? words.shift() : undefined;
  const [, type = "", text = ""] = words;
  const key = parseHostKey(type, text);
  if (key === undefined) throw new PinFileError(index + 1);
  if (marker === undefined) return { key };
  if (marker !== "@cert-authority" && marker !== "@revoked") throw new PinFileError(index + 1);
  return { marker, key };
}

const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;
const FACTS = new RegExp(`^# domain ("(?:[^"\\\\]|\\\\.)*"), port (\\d+), first seen (${TIME}), last seen (${TIME})$`);

function parseFacts(line: string): PinFacts | undefined {
  const found = FACTS.exec(line);
  if (found === null) return undefined;
  const [, name = "", port, firstSeen = "", lastSeen = ""] = found;
  return { name: parseName(name), port: Number(port), firstSeen, lastSeen };
}

function parseName(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted; // it says what the domain was called, and nothing depends on it
  }
}

function formatFacts({ name, port, firstSeen, lastSeen }: PinFacts): string {
  return `# domain ${formatJson(name)}, port ${port}, first seen ${firstSeen}, last seen ${lastSeen}`;
}

const HEADER = `# The host keys of one libvirt domain, by which its guest is known again. "virtssh trust" shows them, and forgets them.\n`;

/** The file with one more key. */
export function addPin(text: string | undefined, key: HostKey, facts: PinFacts): string {
  const before = text === undefined || text === "" ? HEADER : text;
  const end = before.endsWith("\n") ? "" : "\n";
  return `${before}${end}${formatFacts(facts)}\n${formatLine({ key })}\n`;
}

/** The file with other facts about one of its keys. */
export function changeFacts(text: string, { line, facts }: Pin, change: Partial<PinFacts>): string {
  if (facts === undefined) return text;
  return text
    .split("\n")
    .map((old, index) => (index === line - 1 ? formatFacts({ ...facts, ...change }) : old))
    .join("\n");
}

/** The file without some of its keys. */
export function removePins(text: string, pins: readonly Pin[]): string {
  const gone = new Set(pins.flatMap(({ line, facts }) => (facts === undefined ? [line] : [line - 1, line])));
  return text
    .split("\n")
    .filter((_, index) => !gone.has(index))
    .join("\n");
}

/** A line of known_hosts that counts whatever the host is called: `*` matches names and ports that ssh's own `%H` does not. */
export function formatLine({ marker, key: { type, text } }: Pick<Pin, "marker" | "key">): string {
  return `${marker === undefined ? "" : `${marker} `}* ${type} ${text}`;
}
