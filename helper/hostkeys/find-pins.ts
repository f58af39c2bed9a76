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
 * The UUID of the domain that a target means. One that is not defined any more, or whose daemon cannot be asked, is known by its UUID,
 * which may stand alone, or by the name that it had when its key was last seen.
 * @throws HelperError
 */
export function findPinnedUuid(text: string, deadlineMs: number, sys: System): string {
  const alone = normalizeUuid(text);
  if (alone !== undefined) return alone;
  const target = parseTarget(text);
  if (target.kind === "vsock") throw new HelperError({ kind: "nothing-pinned", target: text });
  try {
    using located = locate({ target, port: 0, deadlineMs }, sys);
    if (located === undefined) throw new Error("a domain was asked for, and is not there");
    return located.domain.uuid;
  } catch (error) {
    const known = isUnknown(error) ? findKnown(target, sys) : undefined;
    if (known === undefined) throw error;
    return known;
  }
}

/** A name that means several domains means none of those that are gone. */
function isUnknown(error: unknown): boolean {
  return error instanceof HelperError && error.failure.kind !== "domain-ambiguous";
}

function normalizeUuid(text: string): string | undefined {
  const bytes = parseUuid(text);
  return bytes === undefined ? undefined : formatUuid(bytes);
}

/** @throws HelperError pinned-for-several */
function findKnown({ name }: DomainTarget, sys: System): string | undefined {
  const uuids = listAllPinned(sys);
  const uuid = normalizeUuid(name);
  if (uuid !== undefined && uuids.includes(uuid)) return uuid;
  const names = [name, decodeName(name)];
  const bearers = uuids.filter((one) =>
    readAllPins(one, sys).some(({ facts }) => facts !== undefined && names.includes(facts.name)),
  );
  if (bearers.length > 1) throw new HelperError({ kind: "pinned-for-several", name, uuids: bearers });
  return bearers[0];
}

/** UUIDs of all domains of which a key is pinned, by whomever. @throws HelperError pins-failed */
export function listAllPinned(sys: System): string[] {
  const { admin, own } = listPinned(sys);
  return [...new Set([...admin, ...own])].sort();
}
