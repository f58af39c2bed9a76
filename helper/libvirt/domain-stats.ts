/** One call that tells the state of every domain: REMOTE_PROC_CONNECT_GET_ALL_DOMAIN_STATS of src/remote/remote_protocol.x. */

import { type Call, type DomainRef, makeCall, makeNameAllowance, readDomain } from "./calls.ts";
import { DOMAIN_LIST_MAX, STRING_MAX_BYTES } from "./protocol.ts";
import { type Allowance, XdrError, type XdrReader, XdrWriter } from "./xdr.ts";

export interface DomainState extends DomainRef {
  /** virDomainState */
  readonly state: number;
}

/** REMOTE_PROC_CONNECT_GET_ALL_DOMAIN_STATS */
const PROCEDURE = 344;

/** VIR_DOMAIN_STATS_STATE: no more than the state, for which no domain's monitor is asked (qemuDomainGetStatsWorkers in qemu_driver.c). */
const STATS_STATE = 1;
/** VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE */
const ONLY_LIVE = 1;

/** Of a domain. Two belong to a state (qemuDomainGetStatsState in qemu_driver.c); a protocol's 262,144 would take seconds to read. */
const PARAMS_MAX = 16;
/** VIR_TYPED_PARAM_FIELD_LENGTH of libvirt-common.h */
const FIELD_MAX_BYTES = 80;
/** VIR_DOMAIN_STATS_STATE_STATE of libvirt-domain.h */
const STATE_FIELD = "state.state";

/** virTypedParameterType of libvirt-common.h, and how many bytes a value takes: section 4 of RFC 4506. */
const INT = 1;
const STRING = 7;
const VALUE_BYTES: Readonly<Record<number, number>> = { [INT]: 4, 2: 4, 3: 8, 4: 8, 5: 8, 6: 4 };

/** Every domain, or those that live alone, each with its state. For read-only connections, too. */
export function connectGetAllDomainStats(all: boolean): Call<DomainState[]> {
  const body = new XdrWriter()
    .uint32(0)
    .uint32(STATS_STATE)
    .uint32(all ? 0 : ONLY_LIVE)
    .toBytes();
  return makeCall(PROCEDURE, body, (reader) => {
    const allowance = makeNameAllowance();
    return reader.array(DOMAIN_LIST_MAX, () => readRecord(reader, allowance));
  });
}

/** struct remote_domain_stats_record */
function readRecord(reader: XdrReader, allowance: Allowance): DomainState {
  const domain = readDomain(reader, allowance);
  const values = reader.array(PARAMS_MAX, () => readParam(reader));
  const state = values.find((value) => value !== undefined);
  if (state === undefined) throw new XdrError(`there is no ${STATE_FIELD}`);
  return { ...domain, state };
}

/** struct remote_typed_param; the state, if it is that. */
function readParam(reader: XdrReader): number | undefined {
  const field = reader.string(FIELD_MAX_BYTES);
  const type = reader.int32();
  if (field === STATE_FIELD && type === INT) return reader.int32();
  const bytes = VALUE_BYTES[type];
  if (bytes !== undefined) reader.fixedOpaque(bytes);
  else if (type === STRING) reader.opaque(STRING_MAX_BYTES);
  else throw new XdrError(`a value is of type ${type}`);
  return undefined;
}
