/** What is pinned for a guest. It only reads. */

import type { Domain } from "../endpoint.ts";
import { HelperError } from "../failure.ts";
import { computeFingerprint } from "../hostkeys/fingerprint.ts";
import { readPins } from "../hostkeys/known-hosts.ts";
import { requireStateDirectory } from "../hostkeys/own-directory.ts";
import type { Pin } from "../hostkeys/pin-file.ts";
import { formatMinute } from "../hostkeys/time.ts";
import { quote } from "../quote.ts";
import type { System } from "../sys/system.ts";
import type { KeyCheck } from "./key-check.ts";
import type { Passed } from "./report.ts";

/** A guest of which there is the CID alone. @throws HelperError no-host-key-check */
export function checkBareCid(check: KeyCheck | undefined): Passed<true> {
  if (check?.isOurs === true && check.files.length === 0) {
    throw new HelperError({ kind: "no-host-key-check", host: check.host, lacks: "uuid", program: check.program });
  }
  return { value: true, detail: "a bare CID has no UUID: nothing is pinned, ssh's usual rules apply" };
}

export interface Pinned {
  readonly domain: Domain;
  readonly port: number;
  /** undefined where ssh's configuration does not lead to virtssh. */
  readonly check: KeyCheck | undefined;
}

/** @throws HelperError pins-failed, no-own-directory */
export function checkPins({ domain: { uuid }, port, check }: Pinned, sys: System): Passed<true> {
  if (check?.isOurs === false) return { value: true, detail: "ssh does not ask virtssh about it" };
  const { path, pins, isAdmin } = readPins({ uuid, port }, sys);
  const revoked = pins.filter(({ marker }) => marker === "@revoked").map(describeKey);
  const good = pins.filter(({ marker }) => marker !== "@revoked");
  const never = revoked.length === 0 ? "" : `; revoked: ${revoked.join(", ")}`;
  if (good.length === 0) {
    requireStateDirectory(sys); // or the next login pins nothing
    return { value: true, detail: `none is pinned yet: the next login pins the one that the guest shows${never}` };
  }
  const by = isAdmin ? " by the administrator" : "";
  const keys = good.map((pin) => `${describeKey(pin)} pinned${by}${describeAge(pin)}`);
  return { value: true, detail: `${keys.join(", ")}, in ${quote(path)}${never}` };
}

function describeKey({ key, marker }: Pin): string {
  const { type, sha256 } = computeFingerprint(key);
  return `${marker === "@cert-authority" ? "certificates of " : ""}${type} ${sha256}`;
}

function describeAge({ facts }: Pin): string {
  return facts === undefined ? "" : ` since ${formatMinute(facts.firstSeen)}`;
}
