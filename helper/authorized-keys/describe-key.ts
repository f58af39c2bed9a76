/** A key as people and programs are shown it. */

import { computeFingerprint, formatFingerprint } from "../hostkeys/fingerprint.ts";
import { escapeUnsafe } from "../quote.ts";
import type { AuthorizedKey } from "./key-line.ts";

/** As `ssh-keygen -l` shows it, whose words stand where there is no comment, and its options; safe for a terminal. */
export function formatKey({ key, comment, options }: AuthorizedKey): string {
  const line = formatFingerprint(computeFingerprint(key), comment === "" ? "no comment" : shorten(comment));
  return options === "" ? line : `${line} options: ${shorten(options)}`;
}

/** The longest comment that is shown, in UTF-16 units: a line from outside is not to fill a terminal. */
const MAX_SHOWN = 512;

function shorten(text: string): string {
  return text.length > MAX_SHOWN ? `${escapeUnsafe(text.slice(0, MAX_SHOWN))}...` : escapeUnsafe(text);
}

/** For JSON. */
export function listKeyFacts({ options, key, comment, line }: AuthorizedKey) {
  const { type, bits, sha256 } = computeFingerprint(key);
  return { options, type, bits, fingerprint: sha256, key: `${key.type} ${key.text}`, comment, line };
}
