/**
 * Keys for root as a credential of systemd's, ssh.authorized_keys.root in systemd.system-credentials(7), as an SMBIOS OEM string:
 * smbios-type-11(7). No I/O.
 */

import { decodeBase64, encodeBase64 } from "../hostkeys/base64.ts";
import { decodeUtf8, encodeUtf8 } from "../utf8.ts";
import { type AuthorizedKey, parseKeyLine } from "./key-line.ts";

export const CREDENTIAL = "ssh.authorized_keys.root";

const AS_TEXT = `io.systemd.credential:${CREDENTIAL}=`;
const AS_BASE64 = `io.systemd.credential.binary:${CREDENTIAL}=`;

export function isCredential(oemString: string): boolean {
  return oemString.startsWith(AS_TEXT) || oemString.startsWith(AS_BASE64);
}

/** What a guest takes. Of several, systemd has the first that it can read: parse_smbios_strings() in its import-creds.c. */
export function findCredential(oemStrings: readonly string[]): string | undefined {
  const all = oemStrings.filter(isCredential);
  return all.find((one) => readContent(one) !== undefined) ?? all[0];
}

export function formatCredentialString(keys: readonly AuthorizedKey[]): string {
  return AS_BASE64 + encodeBase64(encodeUtf8(keys.map(({ line }) => `${line}\n`).join("")));
}

/** The keys of such a string; none of what systemd would not take, or sshd. */
export function readCredentialString(oemString: string): AuthorizedKey[] {
  return (readContent(oemString) ?? "").split("\n").flatMap((line) => parseKeyLine(line) ?? []);
}

function readContent(oemString: string): string | undefined {
  if (oemString.startsWith(AS_TEXT)) return oemString.slice(AS_TEXT.length);
  const bytes = decodeBase64(oemString.slice(AS_BASE64.length).replace(/\s/g, ""));
  return bytes === undefined ? undefined : decodeUtf8(bytes);
}
