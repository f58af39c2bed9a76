/** Whether an offered host key is the pinned one, and the lines that ssh is to hear. No I/O. */

import { type HostKey, isCertificate, isSameKey, readCertificate } from "./host-key.ts";
import { formatLine, type Pin } from "./pin-file.ts";

/** What is offered: a plain key, or the one inside a certificate, with the key that has signed it. */
export interface Offer {
  readonly key: HostKey;
  readonly signer?: HostKey;
}

/** Nothing is pinned for that port; the key is pinned, or its signer is; another key is. */
export type Verdict = "new" | "known" | "changed";

/** undefined for a certificate that cannot be read. */
export function readOffer(key: HostKey): Offer | undefined {
  return isCertificate(key) ? readCertificate(key) : { key };
}

/** The pins that count for a port. */
export function selectPins(pins: readonly Pin[], port: number): Pin[] {
  return pins.filter(({ facts }) => facts === undefined || facts.port === port);
}

/** The pins are those of one port. A key of another type is as much a change as one of the same. */
export function judge(pins: readonly Pin[], offer: Offer): Verdict {
  const isPinned = ({ marker, key }: Pin) => {
    const shown = { "@cert-authority": [offer.signer], "@revoked": [offer.key, offer.signer], plain: [offer.key] };
    return shown[marker ?? "plain"].some((one) => one !== undefined && isSameKey(key, one));
  };
  if (pins.some(isPinned)) return "known"; // or revoked, which ssh says itself
  return pins.every(({ marker }) => marker === "@revoked") ? "new" : "changed";
}

/**
 * Where only signers are pinned, they are named as keys too. That lets nobody in who could not sign a certificate; and without it ssh
 * takes a key that they have not signed for a new one, which a user's own `StrictHostKeyChecking accept-new` lets in.
 */
export function listLines(pins: readonly Pin[]): string[] {
  const signers = pins.filter(({ marker }) => marker === "@cert-authority");
  const hasPlain = pins.some(({ marker }) => marker === undefined);
  return [...pins, ...(hasPlain ? [] : signers.map(({ key }) => ({ key })))].map(formatLine);
}
