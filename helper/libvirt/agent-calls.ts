/** The calls that ask a guest's agent about keys: src/remote/remote_protocol.x, since libvirt 6.10. Off the hot path. */

import { decodeUtf8 } from "../utf8.ts";
import { type Call, type DomainRef, domainArgument, makeCall } from "./calls.ts";
import { AUTHORIZED_KEYS_MAX, AUTHORIZED_KEYS_MAX_BYTES, PROCEDURE, STRING_MAX_BYTES } from "./protocol.ts";

/** What a guest says of its keys has over AUTHORIZED_KEYS_MAX_BYTES, which is no fault of the daemon's. */
export class KeysTooLongError extends Error {}

/**
 * The lines of a user's authorized_keys in the guest, by its agent, without blanks around them; those that are blank, or comments, are
 * not among them. Needs a connection that may change something.
 */
export function domainAuthorizedSshKeysGet(domain: DomainRef, user: string): Call<string[]> {
  const body = domainArgument(domain).string(user).uint32(0).toBytes();
  return makeCall(PROCEDURE.domainAuthorizedSshKeysGet, body, (reader) => {
    let left = AUTHORIZED_KEYS_MAX_BYTES;
    return reader.array(AUTHORIZED_KEYS_MAX, () => {
      const line = reader.opaque(STRING_MAX_BYTES);
      left -= line.length;
      if (left < 0) throw new KeysTooLongError();
      return decodeUtf8(line);
    });
  });
}

export interface KeyChange {
  readonly user: string;
  /** At least one (virDomainAuthorizedSSHKeysSet() takes no less), AUTHORIZED_KEYS_MAX at most. */
  readonly lines: readonly string[];
  /** One of SET_KEYS. */
  readonly flags: number;
}

/** Changes a user's authorized_keys in the guest, by its agent. Needs a connection that may change something. */
export function domainAuthorizedSshKeysSet(domain: DomainRef, { user, lines, flags }: KeyChange): Call<void> {
  const body = domainArgument(domain).string(user).uint32(lines.length);
  for (const line of lines) body.string(line);
  return makeCall(PROCEDURE.domainAuthorizedSshKeysSet, body.uint32(flags).toBytes(), () => undefined);
}
