// What a libvirt daemon does for those who may change something: each call, and what comes of it.

import type { Arguments } from "./fake-arguments.ts";
import type { FakeAuthorizedKeys } from "./fake-authorized-keys.ts";
import { domainBytes, type FakeDomain, type KnownDomain } from "./fake-domain.ts";
import { text, word } from "./fake-replies.ts";

interface ChangeError {
  readonly code: number;
  readonly message: string;
}

/** A FakeLibvirtd. */
interface Daemon {
  domains: readonly FakeDomain[];
  readonly known: readonly KnownDomain[];
  readonly options: {
    readonly errors?: Readonly<Record<number, ChangeError>>;
    readonly authorizedKeys?: FakeAuthorizedKeys;
  };
  change(name: string, change: Partial<FakeDomain>, event: "defined" | "started"): void;
}

/** A call as the log has it, and what is done unless the connection is read-only: what it returns is the answer. */
export interface Change {
  readonly call: string;
  make(): Buffer | ChangeError;
}

/** VIR_ERR_NO_DOMAIN, VIR_ERR_OPERATION_INVALID, VIR_ERR_ARGUMENT_UNSUPPORTED and VIR_ERR_OPERATION_UNSUPPORTED of virterror.h. */
const NO_DOMAIN: ChangeError = { code: 42, message: "Domain not found" };
const invalid = (message: string): ChangeError => ({ code: 55, message });
export const NO_AGENT: ChangeError = { code: 74, message: "QEMU guest agent is not configured" };
const HAS_VSOCK: ChangeError = { code: 84, message: "the domain already has a vsock device" };

const NOTHING = Buffer.alloc(0);

/** What a vsock device that is added gets. */
const NEXT_CID = 9;

/** DOMAIN_CREATE */
export function create(daemon: Daemon, args: Arguments): Change {
  const { name } = args.domain();
  return {
    call: `create ${JSON.stringify(name)}`,
    make() {
      const domain = daemon.domains.find((one) => one.name === name);
      if (domain === undefined) return NO_DOMAIN;
      if (domain.state !== "shut off") return invalid("domain is already running");
      daemon.change(name, { state: "running" }, "started");
      return NOTHING;
    },
  };
}

/** DOMAIN_ATTACH_DEVICE_FLAGS: qemuDomainAttachDeviceFlags() in libvirt's qemu_driver.c, for a vsock device. */
export function attachDevice(daemon: Daemon, args: Arguments): Change {
  const [{ name }, xml, flags] = [args.domain(), args.text(), args.word()];
  return {
    call: `attachDevice ${JSON.stringify(name)} ${xml} ${flags}`,
    make() {
      const domain = daemon.domains.find((one) => one.name === name);
      if (domain === undefined) return NO_DOMAIN;
      const parts = { isLive: (flags & 1) !== 0, isConfig: (flags & 2) !== 0 };
      const obstacle = findObstacle(domain, parts);
      if (obstacle !== undefined || daemon.options.errors?.[ATTACH_DEVICE] !== undefined) return obstacle ?? NOTHING;
      const isConfigured = hasConfigured(domain) || parts.isConfig;
      daemon.change(name, { isConfigured, ...(parts.isLive ? { cid: NEXT_CID } : {}) }, "defined");
      return NOTHING;
    },
  };
}

function hasConfigured({ isConfigured, cid }: FakeDomain): boolean {
  return isConfigured ?? cid !== undefined;
}

/** What keeps a domain from being given a vsock device. */
function findObstacle(domain: FakeDomain, { isLive, isConfig }: { isLive: boolean; isConfig: boolean }) {
  if (isLive && domain.state === "shut off") return invalid("domain is not running");
  if (isConfig && hasConfigured(domain)) return invalid("domain already has a vsock device");
  return isLive && domain.cid !== undefined ? HAS_VSOCK : undefined;
}

/** REMOTE_PROC_DOMAIN_ATTACH_DEVICE_FLAGS */
const ATTACH_DEVICE = 160;

/** DOMAIN_DEFINE_XML_FLAGS: by the name alone, which is in the XML. */
export function defineXml(daemon: Daemon, args: Arguments): Change {
  const [xml, flags] = [args.text(), args.word()];
  const name = /<name>([^<]*)</.exec(xml)?.[1] ?? "";
  return {
    call: `defineXml ${JSON.stringify(name)} ${flags}`,
    make() {
      daemon.domains = daemon.domains.map((domain) => (domain.name === name ? { ...domain, xml } : domain));
      const found = daemon.known.find((domain) => domain.name === name);
      return found === undefined ? NO_DOMAIN : domainBytes(found);
    },
  };
}

/** DOMAIN_AUTHORIZED_SSH_KEYS_GET: qemuDomainAuthorizedSSHKeysGet() in libvirt's qemu_driver.c. */
export function getKeys(daemon: Daemon, args: Arguments): Change {
  const [{ name }, user, flags] = [args.domain(), args.text(), args.word()];
  return {
    call: `getKeys ${JSON.stringify(name)} ${JSON.stringify(user)} ${flags}`,
    make() {
      const said = daemon.options.authorizedKeys?.get(user) ?? NO_AGENT;
      return Array.isArray(said) ? Buffer.concat([word(said.length), ...said.map(text)]) : said;
    },
  };
}

/** DOMAIN_AUTHORIZED_SSH_KEYS_SET: qemuDomainAuthorizedSSHKeysSet(). */
export function setKeys(daemon: Daemon, args: Arguments): Change {
  const [{ name }, user] = [args.domain(), args.text()];
  const lines = Array.from({ length: args.word() }, () => args.text());
  const flags = args.word();
  return {
    call: `setKeys ${[name, user, ...lines].map((one) => JSON.stringify(one)).join(" ")} ${flags}`,
    make() {
      const keys = daemon.options.authorizedKeys;
      if (keys === undefined) return NO_AGENT;
      if (daemon.options.errors?.[SET_KEYS] !== undefined) return NOTHING; // which takes the place of this
      return (flags === APPEND ? keys.append(user, lines) : keys.remove(user, lines)) ?? NOTHING;
    },
  };
}

/** REMOTE_PROC_DOMAIN_AUTHORIZED_SSH_KEYS_SET */
const SET_KEYS = 425;
/** VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND of libvirt-domain.h */
const APPEND = 1;
