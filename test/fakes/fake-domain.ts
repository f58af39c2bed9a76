// A domain as a libvirt daemon tells of it.

import { text, word } from "./fake-replies.ts";

/** virDomainState of libvirt-domain.h. */
const STATES = {
  "no state": 0,
  running: 1,
  idle: 2,
  paused: 3,
  "in shutdown": 4,
  "shut off": 5,
  crashed: 6,
  pmsuspended: 7,
} as const;

type FakeState = keyof typeof STATES;

export interface FakeDomain {
  readonly name: string;
  /** 32 hex digits, hyphens or not; made out of the position unless told. */
  readonly uuid?: string;
  /** The live ID; its position, from 1, unless told. None while it is shut off or crashed. */
  readonly id?: number;
  /** Running unless told. */
  readonly state?: FakeState;
  /** The address in its vsock device; no device unless told. */
  readonly cid?: number;
  /** Whether its configuration has a vsock device; as the domain has unless told. */
  readonly isConfigured?: boolean;
  /** Whether it has no configuration. */
  readonly isTransient?: true;
  /** Whether `virsh managedsave` has saved it. */
  readonly isSaved?: true;
  /** All of its XML, in place of what follows from the rest. */
  readonly xml?: string;
}

export interface KnownDomain {
  readonly name: string;
  readonly uuid: Buffer;
  readonly id: number;
  readonly state: number;
  readonly xml: string;
  readonly inactiveXml: string;
  readonly isTransient: boolean;
  readonly isSaved: boolean;
}

export function describeKnown(domain: FakeDomain, index: number): KnownDomain {
  const state = domain.state ?? "running";
  const isLive = state !== "shut off" && state !== "crashed";
  const id = isLive ? (domain.id ?? index + 1) : -1;
  const uuid = Buffer.from((domain.uuid ?? String(index + 1).padStart(32, "0")).replaceAll("-", ""), "hex");
  const { name, isTransient = false, isSaved = false, xml = makeXml(domain, id) } = domain;
  const inactiveXml = domain.xml ?? makeInactiveXml(domain);
  return { name, uuid, id, state: STATES[state], xml: id < 0 ? inactiveXml : xml, inactiveXml, isTransient, isSaved };
}

/** The vsock device has an address where that is part of the configuration. */
function makeInactiveXml({ isConfigured, ...domain }: FakeDomain): string {
  if (isConfigured === undefined) return makeXml(domain, -1);
  const xml = makeXml({ name: domain.name }, -1);
  return isConfigured ? xml.replace("<devices>", "<devices><vsock model='virtio'><cid auto='yes'/></vsock>") : xml;
}

function makeXml({ name, cid }: FakeDomain, id: number): string {
  const escaped = name.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const vsock = cid === undefined ? "" : `<vsock model='virtio'><cid auto='no' address='${cid}'/></vsock>`;
  const live = id < 0 ? "" : ` id='${id}'`;
  return `<domain type='kvm'${live}>\n  <name>${escaped}</name>\n  <devices>\n    ${vsock}\n  </devices>\n</domain>\n`;
}

export function domainBytes({ name, uuid, id }: KnownDomain): Buffer {
  return Buffer.concat([text(name), uuid, word(id)]);
}

/** VIR_TYPED_PARAM_INT of libvirt-common.h */
const INT = 1;

/** struct remote_domain_stats_record, as qemuDomainGetStatsState() of libvirt's qemu_driver.c fills it in. */
export function statsBytes(domain: KnownDomain): Buffer {
  const param = (field: string, value: number) => Buffer.concat([text(field), word(INT), word(value)]);
  return Buffer.concat([domainBytes(domain), word(2), param("state.state", domain.state), param("state.reason", 1)]);
}
