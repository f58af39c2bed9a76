/** `virtssh trust`: the host keys that are pinned, shown and forgotten. */

import { HelperError } from "../failure.ts";
import { findPinnedUuid, type KeptPin, listAllPinned, readAllPins } from "../hostkeys/find-pins.ts";
import { computeFingerprint, formatFingerprint } from "../hostkeys/fingerprint.ts";
import { type Pin, removePins } from "../hostkeys/pin-file.ts";
import { changeOwnPins, type Edit } from "../hostkeys/pin-store.ts";
import { formatMinute } from "../hostkeys/time.ts";
import { selectPins } from "../hostkeys/verdict.ts";
import { escapeUnsafe, formatJson, quote } from "../quote.ts";
import type { System } from "../sys/system.ts";

export interface TrustOptions {
  readonly json: boolean;
  readonly timeoutSeconds: number;
  readonly port?: number;
}

type Print = (text: string) => void;

/** A file that cannot be read does not keep the others from being shown. @throws HelperError, once they have been */
export function listTrust({ json }: Pick<TrustOptions, "json">, print: Print, sys: System): void {
  const failures: HelperError[] = [];
  const pins = listAllPinned(sys).flatMap((uuid) => {
    try {
      return readAllPins(uuid, sys);
    } catch (error) {
      if (!(error instanceof HelperError)) throw error;
      failures.push(error);
      return [];
    }
  });
  print(json ? formatAll(pins) : formatTable(pins));
  const [first] = failures;
  if (first !== undefined) throw first;
}

/** @throws HelperError */
export function formatShown(target: string, options: TrustOptions, sys: System): string {
  const pins = findPins(target, options, sys);
  return options.json ? formatAll(pins) : pins.map(formatPin).join("");
}

/**
 * Forgets the user's own pins of a domain, for all ports or for one. Keys that are revoked stay so. Returns what is to be printed.
 * @throws HelperError
 */
export function forget(target: string, options: TrustOptions, sys: System): string {
  const { port, json } = options;
  const pins = findPins(target, options, sys);
  const isMeant = ({ marker, facts }: Pin) => marker !== "@revoked" && (port === undefined || facts?.port === port);
  const own = pins.filter((pin) => pin.by === "user" && isMeant(pin));
  const [first] = own;
  if (first === undefined) throw explainNone(pins, target, port);
  const drop: Edit = (text, all) => {
    const kept = text === undefined ? "" : removePins(text, all.filter(isMeant));
    return /^(?:#.*\n|\s)*$/.test(kept) ? undefined : kept;
  };
  changeOwnPins(first.uuid, drop, sys);
  if (json) return formatAll(own);
  return own.map((pin) => `forgot ${formatKey(pin)}${formatPort(pin)}, uuid ${pin.uuid}\n`).join("");
}

function explainNone(pins: readonly KeptPin[], target: string, port: number | undefined): HelperError {
  const admin = pins.find(({ by }) => by === "administrator");
  if (admin !== undefined) return new HelperError({ kind: "pinned-by-admin", path: admin.path, target });
  return new HelperError({ kind: "nothing-pinned", target, ...(port === undefined ? {} : { port }) });
}

/** @throws HelperError nothing-pinned, and whatever keeps us from knowing */
function findPins(target: string, { port, timeoutSeconds }: TrustOptions, sys: System): KeptPin[] {
  const uuid = findPinnedUuid(target, sys.nowMs() + timeoutSeconds * 1000, sys);
  const all = readAllPins(uuid, sys);
  const pins = port === undefined ? all : all.filter((pin) => selectPins([pin], port).length > 0);
  if (pins.length > 0) return pins;
  throw new HelperError({ kind: "nothing-pinned", target, ...(port === undefined ? {} : { port }) });
}

/** As `ssh-keygen -l` prints it, the domain's name in the comment's place. */
function formatKey({ key, facts, marker }: KeptPin): string {
  const line = formatFingerprint(computeFingerprint(key), facts === undefined ? "-" : escapeUnsafe(facts.name));
  return marker === undefined ? line : `${line} ${marker}`;
}

function formatPort({ facts }: KeptPin): string {
  return facts === undefined ? ", any port" : `, vsock port ${facts.port}`;
}

function formatPin(pin: KeptPin): string {
  const { uuid, facts, path, by } = pin;
  const seen =
    facts === undefined
      ? []
      : [`first seen ${formatMinute(facts.firstSeen)}`, `last seen ${formatDay(facts.lastSeen)}`];
  const details = [
    `uuid ${uuid}${formatPort(pin)}`,
    ...seen,
    `in ${quote(path)}${by === "user" ? "" : ", the administrator's"}`,
  ];
  return `${formatKey(pin)}\n${details.map((detail) => `    ${detail}\n`).join("")}`;
}

function formatDay(time: string): string {
  return time.slice(0, 10);
}

const HEAD = ["DOMAIN", "PORT", "FIRST SEEN", "LAST SEEN", "BY", "UUID", "KEY"];

/** The columns that are as wide as what is in them come last. */
function formatTable(pins: readonly KeptPin[]): string {
  if (pins.length === 0) return "";
  const rows = pins.map((pin) => {
    const { facts, by, uuid, marker, key } = pin;
    const { bits, sha256, type } = computeFingerprint(key);
    return [
      facts === undefined ? "-" : escapeUnsafe(facts.name),
      facts === undefined ? "any" : String(facts.port),
      facts === undefined ? "-" : formatDay(facts.firstSeen),
      facts === undefined ? "-" : formatDay(facts.lastSeen),
      by === "user" ? "you" : "admin",
      uuid,
      `${bits} ${sha256} (${type})${marker === undefined ? "" : ` ${marker}`}`,
    ];
  });
  const lines = [HEAD, ...rows];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  return lines
    .map(
      (cells) =>
        `${cells
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** A list of objects: name, uuid, port, type, bits, fingerprint, key, marker, firstSeen, lastSeen, by, path. */
function formatAll(pins: readonly KeptPin[]): string {
  const objects = pins.map(({ uuid, facts, key, marker, by, path }) => {
    const { type, bits, sha256 } = computeFingerprint(key);
    return {
      name: facts?.name ?? null,
      uuid,
      port: facts?.port ?? null,
      type,
      bits,
      fingerprint: sha256,
      key: `${key.type} ${key.text}`,
      marker: marker ?? null,
      firstSeen: facts?.firstSeen ?? null,
      lastSeen: facts?.lastSeen ?? null,
      by,
      path,
    };
  });
  return `${formatJson(objects)}\n`;
}
