/** The pins of a domain that a person names: one that libvirt knows, or one that it has known. */

import { HelperError } from "../failure.ts";
import { locate } from "../libvirt/find-endpoint.ts";
import { formatUuid, parseUuid } from "../libvirt/uuid.ts";
import type { System } from "../sys/system.ts";
import { type DomainTarget, decodeName, parseTarget } from "../target.ts";
import type { Pin } from "./pin-file.ts";
import { listPinned, readAdminPins, readOwnPins } from "./pin-store.ts";

/** A pin, whose it is, and where it lies. */
export interface KeptPin extends Pin {
  readonly uuid: string;
  readonly by: "administrator" | "user";
  readonly path: string;
}

/** The administrator's, and then the user's own. @throws HelperError pins-failed */
export function readAllPins(uuid: string, sys: System): KeptPin[] {
  const admin = readAdminPins(uuid, sys);
  const own = readOwnPins(uuid, sys);
  return [
    ...admin.pins.map((pin) => ({ ...pin, uuid, by: "administrator" as const, path: admin.path })),
    ...own.pins.map((pin) => ({ ...pin, uuid, by: "user" as const, path: own.path })),
  ];
}

/**
 * The UUID of the domain that a target means. One that is not defined any more is known by the name that it had when its key was last
 * seen, or by its UUID, which may stand alone and for which no daemon need be there.
 * @throws HelperError
 */
export function findPinnedUuid(text: string, deadlineMs: number, sys: System): string {
  const alone = normalizeUuid(text);
  if (alone !== undefined) return alone;
  const target = parseTarget(text);
  if (target.kind === "vsock") throw new HelperError({ kind: "nothing-pinned", target: text });
  try {
    return findUuid(target, deadlineMs, sys);
  } catch (error) {
    const known = findKnown(error, target, sys).filter((uuid) => !isDefined(uuid, deadlineMs, sys));
    const [only] = known;
    if (only === undefined) throw error;
    if (known.length > 1) throw severalError(target, known, error);
    return only;
  }
}

function severalError({ name }: DomainTarget, uuids: readonly string[], cause: unknown): HelperError {
  return new HelperError({ kind: "pinned-for-several", name, uuids }, { cause });
}

/** @throws HelperError */
function findUuid(target: DomainTarget, deadlineMs: number, sys: System): string {
  using located = locate({ target, port: 0, deadlineMs }, sys);
  if (located === undefined) throw new Error("a domain was asked for, and is not there");
  return located.domain.uuid;
}

function normalizeUuid(text: string): string | undefined {
  const bytes = parseUuid(text);
  return bytes === undefined ? undefined : formatUuid(bytes);
}

/** UUIDs that a target may mean where no daemon has such a domain, or none could be asked. */
function findKnown(error: unknown, { name }: DomainTarget, sys: System): string[] {
  if (!(error instanceof HelperError)) return [];
  const uuids = listAllPinned(sys);
  const uuid = normalizeUuid(name);
  if (uuid !== undefined && uuids.includes(uuid)) return [uuid];
  if (error.failure.kind !== "domain-not-found") return []; // the name may be another's by now
  const names = [name, decodeName(name)];
  const bears = ({ facts }: KeptPin) => facts !== undefined && names.includes(facts.name);
  return uuids.filter((one) => tryToRead(one, sys).some(bears));
}

/** A file that cannot be read says nothing of names. */
function tryToRead(uuid: string, sys: System): KeptPin[] {
  try {
    return readAllPins(uuid, sys);
  } catch (error) {
    if (error instanceof HelperError) return [];
    throw error;
  }
}

/** Whether the domain is there under another name, or another daemon's: then it is not the one that is meant by its old name. */
function isDefined(uuid: string, deadlineMs: number, sys: System): boolean {
  try {
    findUuid({ kind: "domain", scope: "any", name: uuid, folded: false }, deadlineMs, sys);
    return true;
  } catch (error) {
    if (error instanceof HelperError) return false;
    throw error;
  }
}

/** UUIDs of all domains of which a key is pinned, by whomever. @throws HelperError pins-failed */
export function listAllPinned(sys: System): string[] {
  const { admin, own } = listPinned(sys);
  return [...new Set([...admin, ...own])].sort();
}
