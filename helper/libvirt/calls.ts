/** The calls that we make, each with its arguments and its answer: src/remote/remote_protocol.x. */

import { decodeUtf8 } from "../utf8.ts";
import {
  AUTH_TYPE_LIST_MAX,
  CONNECT_READ_ONLY,
  DOMAIN_LIST_MAX,
  EVENT_LIFECYCLE,
  NAME_MAX_BYTES,
  NAMES_MAX_BYTES,
  PROCEDURE,
  STRING_MAX_BYTES,
  UUID_BYTES,
} from "./protocol.ts";
import { Allowance, XdrReader, XdrWriter } from "./xdr.ts";

/** A call, and how to read its answer. */
export interface Call<Answer> {
  /** Of the protocol that all drivers share, unless told. */
  readonly program?: number;
  readonly procedure: number;
  readonly body: Uint8Array;
  /** `checkTime` is called over and over again, and may throw. @throws XdrError */
  decode(body: Uint8Array, checkTime?: () => void): Answer;
}

/** struct remote_nonnull_domain: how the daemon names a domain, and wants it named. */
export interface DomainRef {
  readonly name: string;
  readonly uuid: Uint8Array;
  /** -1 while it is not running. */
  readonly id: number;
}

const NOTHING = new Uint8Array(0);

/** `read` is to read all of the answer. */
export function makeCall<Answer>(
  procedure: number,
  body: Uint8Array,
  read: (reader: XdrReader) => Answer,
): Call<Answer> {
  return {
    procedure,
    body,
    decode(bytes, checkTime) {
      const reader = new XdrReader(bytes, checkTime);
      const answer = read(reader);
      reader.end();
      return answer;
    },
  };
}

/** For the names in one list. */
export function makeNameAllowance(): Allowance {
  return new Allowance(NAMES_MAX_BYTES, "the names of all domains");
}

/** struct remote_nonnull_domain, of a list with such an allowance. @throws XdrError */
export function readDomain(reader: XdrReader, allowance?: Allowance): DomainRef {
  const bytes = reader.opaque(NAME_MAX_BYTES);
  allowance?.take(bytes.length);
  const name = decodeUtf8(bytes);
  const uuid = reader.fixedOpaque(UUID_BYTES);
  return { name, uuid, id: reader.int32() };
}

export function domainArgument(domain: DomainRef): XdrWriter {
  return new XdrWriter().string(domain.name).fixedOpaque(domain.uuid).int32(domain.id);
}

/** Which ways of authentication the daemon offers: remote_auth_type. */
export function authList(): Call<number[]> {
  return makeCall(PROCEDURE.authList, NOTHING, (reader) => reader.array(AUTH_TYPE_LIST_MAX, () => reader.int32()));
}

/** Has the daemon ask polkit about us. The answer says nothing: a refusal is an error reply. */
export function authPolkit(): Call<number> {
  return makeCall(PROCEDURE.authPolkit, NOTHING, (reader) => reader.int32());
}

/** Opens a connection to a hypervisor; a read-only one unless it is to change something. */
export function connectOpen(uri: string, mayChange = false): Call<void> {
  const body = new XdrWriter()
    .uint32(1)
    .string(uri)
    .uint32(mayChange ? 0 : CONNECT_READ_ONLY)
    .toBytes();
  return makeCall(PROCEDURE.connectOpen, body, () => undefined);
}

export function connectClose(): Call<void> {
  return makeCall(PROCEDURE.connectClose, NOTHING, () => undefined);
}

export function domainLookupByName(name: string): Call<DomainRef> {
  return makeCall(PROCEDURE.domainLookupByName, new XdrWriter().string(name).toBytes(), readDomain);
}

/** `uuid` is UUID_BYTES long. */
export function domainLookupByUuid(uuid: Uint8Array): Call<DomainRef> {
  return makeCall(PROCEDURE.domainLookupByUuid, new XdrWriter().fixedOpaque(uuid).toBytes(), readDomain);
}

export function domainLookupById(id: number): Call<DomainRef> {
  return makeCall(PROCEDURE.domainLookupById, new XdrWriter().int32(id).toBytes(), readDomain);
}

/** virDomainState; the reason that comes with it is left unused. */
export function domainGetState(domain: DomainRef): Call<number> {
  const body = domainArgument(domain).uint32(0).toBytes();
  return makeCall(PROCEDURE.domainGetState, body, (reader) => {
    const state = reader.int32();
    reader.int32();
    return state;
  });
}

/** The live XML of a running domain, unless the flags say otherwise, else its configuration, in UTF-8. Shares memory with the message. */
export function domainGetXmlDesc(domain: DomainRef, flags = 0): Call<Uint8Array> {
  const body = domainArgument(domain).uint32(flags).toBytes();
  return makeCall(PROCEDURE.domainGetXmlDesc, body, (reader) => reader.opaque(STRING_MAX_BYTES));
}

/** Has the daemon tell of a domain's life: started, stopped, paused, … Its answer is the number of the registration. */
export function connectDomainEventCallbackRegisterAny(domain: DomainRef): Call<number> {
  const about = domainArgument(domain).toBytes();
  const body = new XdrWriter().int32(EVENT_LIFECYCLE).uint32(1).fixedOpaque(about).toBytes();
  return makeCall(PROCEDURE.connectDomainEventCallbackRegisterAny, body, (reader) => reader.int32());
}

/** Starts a domain. Needs a connection that may change something. */
export function domainCreate(domain: DomainRef): Call<void> {
  return makeCall(PROCEDURE.domainCreate, domainArgument(domain).toBytes(), () => undefined);
}

/** Whether it has a configuration; a transient domain has none, and is gone once it stops. */
export function domainIsPersistent(domain: DomainRef): Call<boolean> {
  return makeCall(PROCEDURE.domainIsPersistent, domainArgument(domain).toBytes(), (reader) => reader.int32() !== 0);
}

/** Whether a start would restore what `virsh managedsave` has saved. */
export function domainHasManagedSaveImage(domain: DomainRef): Call<boolean> {
  const body = domainArgument(domain).uint32(0).toBytes();
  return makeCall(PROCEDURE.domainHasManagedSaveImage, body, (reader) => reader.int32() !== 0);
}

/** Adds a device, by the flags of AFFECT. Needs a connection that may change something. */
export function domainAttachDeviceFlags(domain: DomainRef, xml: string, flags: number): Call<void> {
  const body = domainArgument(domain).string(xml).uint32(flags).toBytes();
  return makeCall(PROCEDURE.domainAttachDeviceFlags, body, () => undefined);
}

/** Makes a domain's configuration what the XML says, which names the domain by name and UUID. Needs a connection that may change something. */
export function domainDefineXmlFlags(xml: Uint8Array): Call<DomainRef> {
  const body = new XdrWriter().uint32(xml.length).fixedOpaque(xml).uint32(0).toBytes();
  return makeCall(PROCEDURE.domainDefineXmlFlags, body, readDomain);
}

/** Every domain, running or not; or those whose name has `nameBytes` bytes in UTF-8, the others' not even being decoded. */
export function connectListAllDomains(nameBytes?: number): Call<DomainRef[]> {
  const body = new XdrWriter().int32(1).uint32(0).toBytes();
  return makeCall(PROCEDURE.connectListAllDomains, body, (reader) => {
    const allowance = makeNameAllowance();
    const domains = reader.array(DOMAIN_LIST_MAX, () => {
      const name = reader.opaque(NAME_MAX_BYTES);
      allowance.take(name.length);
      const uuid = reader.fixedOpaque(UUID_BYTES);
      const id = reader.int32();
      const isWanted = nameBytes === undefined || name.length === nameBytes;
      return isWanted ? [{ name: decodeUtf8(name), uuid, id }] : [];
    });
    reader.uint32(); // the same count again
    return domains.flat();
  });
}
