/** `virtssh keys list`, `add` and `remove`: who may log in to a guest, by its agent. */

import { formatKey, listKeyFacts } from "../authorized-keys/describe-key.ts";
import { readKeyFile } from "../authorized-keys/key-file.ts";
import { type AuthorizedKey, parseKeyLine } from "../authorized-keys/key-line.ts";
import { HelperError } from "../failure.ts";
import type { DomainFacts } from "../failure-facts.ts";
import { AgentKeys } from "../libvirt/agent.ts";
import { describeDomain } from "../libvirt/find-endpoint.ts";
import { AUTHORIZED_KEYS_MAX } from "../libvirt/protocol.ts";
import { resolveAt } from "../libvirt/resolve.ts";
import { findPlaces } from "../libvirt/sockets.ts";
import { escapeUnsafe, formatJson, quote } from "../quote.ts";
import type { System } from "../sys/system.ts";
import { type DomainTarget, parseTarget } from "../target.ts";

export interface KeysOptions {
  readonly target: string;
  /** The account in the guest. */
  readonly user: string;
  readonly json: boolean;
  readonly timeoutSeconds: number;
}

export interface ChangeOptions extends KeysOptions {
  /** `-` for standard input. */
  readonly file: string;
}

type Print = (text: string) => void;

/** A line of the guest's, and the key in it. */
interface Line {
  readonly line: string;
  readonly key: AuthorizedKey | undefined;
}

type Change = "added" | "present" | "differs" | "removed" | "absent";

/** What has come of a key. */
interface Outcome {
  readonly change: Change;
  /** As it is there now, or was. */
  readonly key: AuthorizedKey;
}

/** @throws HelperError */
export function formatKeys(options: KeysOptions, sys: System): string {
  return withKeys({ ...options, target: checkAccount("keys list", options) }, sys, (keys) => {
    const lines = keys.read().map(parseLine);
    return options.json ? formatAll(lines.map(describeLine)) : lines.map(formatLine).join("");
  });
}

/** Prints what has come of each key, and only then throws. @throws HelperError */
export function addKeys(options: ChangeOptions, print: Print, sys: System): void {
  change(options, print, { act: addTo, sys });
}

/** The same. @throws HelperError */
export function removeKeys(options: ChangeOptions, print: Print, sys: System): void {
  change(options, print, { act: removeFrom, sys });
}

/** What was done, and what is wrong with it. */
interface Result {
  readonly outcomes: readonly Outcome[];
  readonly notDone: number;
  /** Lines that have gone, though nobody has asked for it here. */
  readonly othersGone: number;
}

type Act = (keys: AgentKeys, wanted: readonly AuthorizedKey[], options: ChangeOptions) => Result;

function change(options: ChangeOptions, print: Print, { act, sys }: { act: Act; sys: System }): void {
  const target = checkAccount(act === addTo ? "keys add" : "keys remove", options);
  const { file, user, json, timeoutSeconds } = options;
  const wanted = readKeyFile(file, sys.nowMs() + timeoutSeconds * 1000, sys);
  withKeys({ ...options, target }, sys, (keys, domain) => {
    const { outcomes, notDone, othersGone } = act(keys, wanted, options);
    print(json ? formatAll(outcomes.map(describeOutcome)) : outcomes.map(formatOutcome).join(""));
    if (notDone > 0) {
      const lines = act === addTo ? "not added" : "not removed";
      throw new HelperError({ kind: "keys-not-changed", domain, user, lines, count: notDone });
    }
    if (othersGone > 0) {
      throw new HelperError({ kind: "keys-not-changed", domain, user, lines: "others gone", count: othersGone });
    }
    const different = outcomes.find((outcome) => outcome.change === "differs");
    if (different === undefined) return;
    const { fingerprint, options: there } = listKeyFacts(different.key);
    throw new HelperError({ kind: "key-has-other-options", domain, user, fingerprint, options: there, file });
  });
}

/** @throws HelperError bad-usage, bad-target */
function checkAccount(command: string, { target, user }: KeysOptions): DomainTarget {
  const parsed = parseTarget(target);
  if (parsed.kind === "vsock") {
    const problem = "keys are those of a domain, whose agent libvirt knows, not of a CID";
    throw new HelperError({ kind: "bad-usage", problem, command });
  }
  if (user === "" || user.length > MAX_USER || user.includes("\ufffd") || escapeUnsafe(user) !== user) {
    throw new HelperError({ kind: "bad-usage", problem: "no user has the name", word: user, command });
  }
  return parsed;
}

/** useradd(8) takes 256 bytes at most; Windows, 20 characters, and the name of a domain of its own. */
const MAX_USER = 256;

interface Asked extends Omit<KeysOptions, "target"> {
  readonly target: DomainTarget;
}

type Work<Answer> = (keys: AgentKeys, domain: DomainFacts) => Answer;

/** Whoever types keys has had his own time: the deadline is that of the agent. */
function withKeys<Answer>({ target, user, timeoutSeconds }: Asked, sys: System, work: Work<Answer>): Answer {
  const deadlineMs = sys.nowMs() + timeoutSeconds * 1000;
  using located = resolveAt({ target, places: findPlaces(target.scope, sys) }, sys, deadlineMs);
  using keys = AgentKeys.open({ located, user, deadlineMs }, sys);
  return work(keys, describeDomain(located.domain));
}

function addTo(keys: AgentKeys, wanted: readonly AuthorizedKey[], { file }: ChangeOptions): Result {
  const before = readLines(keys);
  const missing = new Set(wanted.filter((key) => find(key, before).length === 0));
  if (missing.size === 0) return { outcomes: wanted.map((key) => compare(key, before)), notDone: 0, othersGone: 0 };
  if (before.all.length + missing.size > AUTHORIZED_KEYS_MAX) {
    // libvirt would not tell of any of them any more.
    const problem = { is: "too-many", maxKeys: Math.max(0, AUTHORIZED_KEYS_MAX - before.all.length) } as const;
    throw new HelperError({ kind: "bad-key-file", path: file === "-" ? undefined : file, problem });
  }
  keys.append([...missing].map(({ line }) => line));
  const after = readLines(keys);
  const done = wanted.filter((key) => find(key, after).length > 0);
  const outcomes = done.map((key): Outcome => {
    const now = compare(key, after); // which somebody else may have changed meanwhile
    return now.change === "present" && missing.has(key) ? { ...now, change: "added" } : now;
  });
  return { outcomes, notDone: wanted.length - done.length, othersGone: countGone(before.all, after.all) };
}

function removeFrom(keys: AgentKeys, wanted: readonly AuthorizedKey[]): Result {
  const before = readLines(keys);
  const meant = new Set(wanted.flatMap((key) => find(key, before).map(({ line }) => line)));
  if (meant.size > 0) keys.remove([...meant].flatMap((line) => [line, `${line}${CARRIAGE_RETURN}`]));
  const after = meant.size === 0 ? before : readLines(keys);
  const done = wanted.filter((key) => find(key, after).length === 0);
  const outcomes = done.map((key): Outcome => {
    const [there] = find(key, before);
    return there === undefined ? { change: "absent", key } : { change: "removed", key: there };
  });
  const others = before.all.filter(({ line }) => !meant.has(line));
  return { outcomes, notDone: wanted.length - done.length, othersGone: countGone(others, after.all) };
}

/** At the end of each line of a file that was made on Windows: the agent leaves it out when it tells of a line, not when it compares. */
const CARRIAGE_RETURN = "\r";

/** All that the agent tells of, and the keys in it. */
interface Lines {
  readonly all: readonly Line[];
  /** By the key alone, whatever its options and comment are. */
  readonly keys: ReadonlyMap<string, readonly AuthorizedKey[]>;
}

function readLines(agent: AgentKeys): Lines {
  const all = agent.read().map(parseLine);
  const keys = new Map<string, AuthorizedKey[]>();
  for (const { key } of all) {
    if (key !== undefined) keys.set(nameKey(key), [...(keys.get(nameKey(key)) ?? []), key]);
  }
  return { all, keys };
}

function parseLine(line: string): Line {
  return { line, key: line.length > MAX_LINE ? undefined : parseKeyLine(line) };
}

/** Of a line that is looked at, in UTF-16 units: the longest key has 2,800, and options few hundreds. */
const MAX_LINE = 65_536;

function nameKey({ key: { type, text } }: AuthorizedKey): string {
  return `${type} ${text}`;
}

function find(key: AuthorizedKey, { keys }: Lines): readonly AuthorizedKey[] {
  return keys.get(nameKey(key)) ?? [];
}

/** Of a key that is there. */
function compare(key: AuthorizedKey, lines: Lines): Outcome {
  const there = find(key, lines);
  const same = there.find(({ options }) => options === key.options);
  return same === undefined ? { change: "differs", key: there[0] ?? key } : { change: "present", key: same };
}

function countGone(before: readonly Line[], after: readonly Line[]): number {
  const counts = new Map<string, number>();
  for (const { line } of after) counts.set(line, (counts.get(line) ?? 0) + 1);
  let gone = 0;
  for (const { line } of before) {
    const count = counts.get(line) ?? 0;
    if (count === 0) gone += 1;
    else counts.set(line, count - 1);
  }
  return gone;
}

const CHANGES: Readonly<Record<Change, string>> = {
  added: "added",
  present: "there already",
  differs: "there already, with other options",
  removed: "removed",
  absent: "not there",
};

function formatOutcome({ change: what, key }: Outcome): string {
  return `${CHANGES[what]}: ${formatKey(key)}\n`;
}

function formatLine({ line, key }: Line): string {
  if (key !== undefined) return `${formatKey(key)}\n`;
  return `${line.length > MAX_LINE ? "too long to be looked at" : "not a key"}: ${quote(line)}\n`;
}

function formatAll(objects: readonly object[]): string {
  return `${formatJson(objects)}\n`;
}

/** packaging/schema/virtssh-keys.schema.json */
function describeLine({ line, key }: Line): object {
  if (key !== undefined) return listKeyFacts(key);
  return { options: null, type: null, bits: null, fingerprint: null, key: null, comment: null, line };
}

function describeOutcome({ change: what, key }: Outcome): object {
  return { change: what, ...listKeyFacts(key) };
}
