/**
 * What ssh hears when it asks about a guest's host key (KnownHostsCommand in ssh_config(5)): the keys that are pinned for the domain
 * that its connection leads to. A first key is pinned; any other, once one is, is a change.
 *
 * ssh asks before it has checked the guest's signature, so a guest can have a key pinned that it does not hold. That harms the guest
 * alone: nobody else can answer at its CID, and from then on ssh refuses what it does hold.
 */

import { type Failure, HelperError } from "../failure.ts";
import type { PinnedDomain } from "../failure-facts.ts";
import type { System } from "../sys/system.ts";
import { formatTarget } from "../target.ts";
import type { HostKey } from "./host-key.ts";
import { addPin, changeFacts, type Pin } from "./pin-file.ts";
import { changeOwnPins, type PinFile, readAdminPins, readOwnPins } from "./pin-store.ts";
import { findRecord, type Record, removeRecord } from "./record.ts";
import { formatTime } from "./time.ts";
import { judge, listLines, type Offer, readOffer, selectPins, type Verdict } from "./verdict.ts";

export interface Question {
  /** ssh's %n, for messages. */
  readonly host: string;
  /** The key that the guest has shown; undefined where ssh asks which types to prefer (ORDER). */
  readonly key: HostKey | undefined;
}

export interface Answer {
  /** Lines of known_hosts. */
  readonly lines: readonly string[];
  /** What the user is to hear beside what ssh says: a warning, unless ssh refuses the key. */
  readonly notice?: Failure;
}

const NOTHING: Answer = { lines: [] };

/** @throws HelperError where pins may be there, and cannot be read: ssh gives up then, whatever its configuration */
export function answerSsh({ host, key }: Question, sys: System): Answer {
  const found = findRecord(sys);
  if (found === undefined) return key === undefined ? NOTHING : { ...NOTHING, notice: { kind: "no-record", host } };
  const { record, path } = found;
  if (key === undefined) return { lines: listLines(readPins(record, sys).pins) };
  removeRecord(path, sys);
  const offer = readOffer(key);
  if (offer === undefined) throw new HelperError({ kind: "bad-certificate", type: key.type });
  return vouch({ record, offer }, sys);
}

interface Case {
  readonly record: Record;
  readonly offer: Offer;
}

/** The pins that count for a port: the administrator's, or where those say of no key that it is right, the user's own beside them. */
interface Pins extends PinFile {
  readonly isAdmin: boolean;
}

/** @throws HelperError pins-failed */
export function readPins({ uuid, port }: Pick<Record, "uuid" | "port">, sys: System): Pins {
  const admin = readAdminPins(uuid, sys);
  const chosen = selectPins(admin.pins, port);
  if (chosen.some(({ marker }) => marker !== "@revoked")) return { path: admin.path, pins: chosen, isAdmin: true };
  const own = readOwnPins(uuid, sys);
  return { path: own.path, pins: [...chosen, ...selectPins(own.pins, port)], isAdmin: false };
}

function vouch(given: Case, sys: System): Answer {
  const pins = readPins(given.record, sys);
  const verdict = judge(pins.pins, given.offer);
  if (verdict === "new") return pin(given, pins.pins, sys);
  if (verdict === "changed") return describeChange(given, pins);
  if (!pins.isAdmin) note(given, pins.pins, sys);
  return { lines: listLines(pins.pins) };
}

/** Pins the offered key, unless somebody else has been first: then it is held against theirs. */
function pin(given: Case, revoked: readonly Pin[], sys: System): Answer {
  const { record, offer } = given;
  let verdict: Verdict = "new";
  const now = formatTime(sys.unixTime());
  const facts = { name: record.name, port: record.port, firstSeen: now, lastSeen: now };
  try {
    changeOwnPins(
      record.uuid,
      (text, pins) => {
        verdict = judge(selectPins(pins, record.port), offer);
        return verdict === "new" ? addPin(text, offer.key, facts) : text;
      },
      sys,
    );
  } catch (error) {
    const because = findUnpinned(error);
    if (because === undefined) throw error;
    if (judge(readPins(record, sys).pins, offer) !== "new") return vouch(given, sys); // somebody else has pinned one meanwhile
    return { ...accept(offer, revoked), notice: { kind: "not-pinned", domain: describeDomain(record), because } };
  }
  return verdict === "new" ? accept(offer, revoked) : vouch(given, sys);
}

function accept({ key }: Offer, revoked: readonly Pin[]): Answer {
  return { lines: listLines([...revoked, { key, line: 0 }]) };
}

/**
 * There was no pin to be read, and the new one cannot be written: a disk that is full must not keep an administrator out of a guest
 * that VSOCK itself identifies. What cannot be read may be a pin, and is never written over.
 */
function findUnpinned(error: unknown): Extract<Failure, { readonly kind: "not-pinned" }>["because"] | undefined {
  if (!(error instanceof HelperError)) return undefined;
  const { failure } = error;
  if (failure.kind === "no-own-directory") return failure;
  const isUnwritable =
    failure.kind === "pins-failed" && failure.problem.is === "refused" && failure.problem.act !== "read";
  return isUnwritable ? failure : undefined;
}

/** Keeps the day when the key was last seen, and the domain's name then. Nothing is lost where that cannot be written. */
function note({ record, offer }: Case, pins: readonly Pin[], sys: System): void {
  const now = formatTime(sys.unixTime());
  const isOld = ({ facts, key }: Pin) =>
    facts !== undefined &&
    key.text === offer.key.text &&
    (facts.name !== record.name || facts.lastSeen.slice(0, 10) !== now.slice(0, 10));
  if (!pins.some(isOld)) return;
  const change = { name: record.name, lastSeen: now };
  try {
    changeOwnPins(
      record.uuid,
      (text, all) => {
        const old = selectPins(all, record.port).find(isOld);
        return text === undefined || old === undefined ? text : changeFacts(text, old, change);
      },
      sys,
    );
  } catch (error) {
    if (findUnpinned(error) === undefined) throw error;
  }
}

function describeChange({ record, offer }: Case, { path, pins, isAdmin }: Pins): Answer {
  const counting = pins.filter(({ marker }) => marker !== "@revoked");
  const since = counting.find(({ facts }) => facts !== undefined)?.facts?.firstSeen;
  const notice: Failure = {
    kind: "host-key-changed",
    domain: describeDomain(record),
    port: record.port,
    offered: offer.key.type,
    pinned: [...new Set(counting.map(({ key }) => key.type))],
    ...(since === undefined ? {} : { since }),
    ...(isAdmin ? { adminPath: path } : {}),
    ...(counting.every(({ marker }) => marker === "@cert-authority") ? { isUncertified: true } : {}),
  };
  return { lines: listLines(pins), notice };
}

function describeDomain({ uri, name, uuid }: Record): PinnedDomain {
  return { name, uuid, target: formatTarget(uri === "qemu:///system" ? "system" : "session", name) };
}
