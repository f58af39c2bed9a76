// A libvirt daemon as far as its protocol shows: takes a client's bytes, answers with bytes. It encodes and decodes by itself,
// from libvirt's src/remote/remote_protocol.x and src/rpc/virnetprotocol.x, so that it cannot share a mistake with the helper.

import { Arguments } from "./fake-arguments.ts";
import type { FakeAuthorizedKeys } from "./fake-authorized-keys.ts";
import { attachDevice, type Change, create, defineXml, getKeys, NO_AGENT, setKeys } from "./fake-changes.ts";
import { describeKnown, domainBytes, type FakeDomain, type KnownDomain, statsBytes } from "./fake-domain.ts";
import { type Misbehaviour, makeReply, text, word } from "./fake-replies.ts";

/** Procedures of remote_protocol.x. */
export const PROC = {
  open: 1,
  close: 2,
  create: 9,
  getXmlDesc: 14,
  lookupById: 22,
  lookupByName: 23,
  lookupByUuid: 24,
  authList: 66,
  authPolkit: 70,
  isPersistent: 151,
  attachDevice: 160,
  hasManagedSave: 183,
  getState: 212,
  listAllDomains: 273,
  registerEvent: 316,
  lifecycleEvent: 318,
  defineXml: 350,
  getAllDomainStats: 344,
  getKeys: 424,
  setKeys: 425,
} as const;

/** REMOTE_PROGRAM; and QEMU_PROGRAM of qemu_protocol.x, of which there is QEMU_PROC_DOMAIN_AGENT_COMMAND alone. */
const PROGRAM = 0x2000_8086;
const QEMU_PROGRAM = 0x2000_8087;
const AGENT_COMMAND = 3;

/** remote_auth_type */
const AUTH_NONE = 0;
const AUTH_POLKIT = 2;

/** VIR_ERR_RPC, VIR_ERR_NO_DOMAIN and VIR_ERR_AUTH_FAILED of virterror.h. */
const ERR_RPC = 39;
const ERR_NO_DOMAIN = 42;
export const ERR_AUTH_FAILED = 45;

/** virDomainEventType */
const EVENTS = { defined: 0, undefined: 1, started: 2, suspended: 3, resumed: 4, stopped: 5, shutdown: 6 } as const;

/** VIR_DOMAIN_XML_SECURE and VIR_DOMAIN_XML_INACTIVE */
const XML_SECURE = 1;
const XML_INACTIVE = 2;

/** VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE */
const STATS_ACTIVE = 1;

/** VIR_ERR_OPERATION_DENIED of virterror.h. */
const READ_ONLY: FakeError = { code: 29, message: "operation forbidden for read only access" };

const CHANGES: Readonly<Record<number, (daemon: FakeLibvirtd, args: Arguments) => Change>> = {
  [PROC.create]: create,
  [PROC.attachDevice]: attachDevice,
  [PROC.defineXml]: defineXml,
  [PROC.getKeys]: getKeys,
  [PROC.setKeys]: setKeys,
};

export interface FakeError {
  readonly code: number;
  readonly message: string;
}

export interface FakeLibvirtdOptions {
  readonly domains?: readonly FakeDomain[];
  /** What AUTH_LIST offers: no authentication unless told. */
  readonly auth?: readonly number[];
  /** How polkit decides; granted unless told. */
  readonly polkit?: FakeError;
  /** Errors in answer to a procedure, whatever its arguments are. */
  readonly errors?: Readonly<Record<number, FakeError>>;
  /** What goes wrong in answer to a procedure. */
  readonly misbehaves?: Readonly<Record<number, Misbehaviour>>;
  /** What every guest's agent knows of keys; no channel to one unless told. */
  readonly authorizedKeys?: FakeAuthorizedKeys;
  /** What a guest's agent says to a command: its reply, as JSON. */
  readonly agentCommands?: (command: string) => string | FakeError;
  /** Changes the bytes of each reply. */
  readonly edit?: (reply: Buffer) => Buffer;
  /** The procedure whose answer comes after that of the next call. */
  readonly late?: number;
  /** Called before each call is answered: it may change `domains`. */
  readonly before?: (procedure: number, daemon: FakeLibvirtd) => void;
}

/** What a client gets for what it sent. */
export interface FakeAnswer {
  readonly bytes: Uint8Array;
  readonly closes: boolean;
}

export class FakeLibvirtd {
  readonly options: FakeLibvirtdOptions;
  domains: readonly FakeDomain[];
  /** Every call of every client: `lookupByName "web"`. */
  readonly calls: string[] = [];
  readonly #clients: FakeClient[] = [];
  #known: { readonly of: readonly FakeDomain[] | undefined; readonly all: readonly KnownDomain[] } = {
    of: undefined,
    all: [],
  };

  constructor(options: FakeLibvirtdOptions = {}) {
    this.options = options;
    this.domains = options.domains ?? [];
  }

  /** The domains as they are now. */
  get known(): readonly KnownDomain[] {
    if (this.#known.of !== this.domains) this.#known = { of: this.domains, all: this.domains.map(describeKnown) };
    return this.#known.all;
  }

  accept(): FakeClient {
    const client = new FakeClient(this);
    this.#clients.push(client);
    return client;
  }

  /** Changes a domain, by its name, and tells who wants to know. */
  change(name: string, change: Partial<FakeDomain>, event: keyof typeof EVENTS): void {
    this.domains = this.domains.map((domain) => (domain.name === name ? { ...domain, ...change } : domain));
    const index = this.domains.findIndex((domain) => domain.name === name);
    const domain = this.domains[index];
    if (domain === undefined) throw new Error(`no domain ${name}`);
    const bytes = Buffer.concat([domainBytes(describeKnown(domain, index)), word(EVENTS[event]), word(0)]);
    for (const client of this.#clients) client.tell(bytes);
  }
}

/** struct remote_error: the strings and objects that it may carry are left out. */
function errorBody({ code, message }: FakeError): Buffer {
  const [domain, level, absent] = [10, 2, 0];
  const words = [level, absent, absent, absent, absent, 0, 0, absent].map(word);
  return Buffer.concat([word(code), word(domain), word(1), text(message), ...words]);
}

/** Of a registration for events. */
const CALLBACK = 1;

type Answer = Buffer | FakeError;

/** One connection to a FakeLibvirtd. */
export class FakeClient {
  readonly #daemon: FakeLibvirtd;
  #received: Buffer = Buffer.alloc(0);
  #held: Buffer = Buffer.alloc(0);
  #isTrusted = false;
  #isOpen = false;
  #isReadOnly = false;
  #isRegistered = false;
  #events: Buffer = Buffer.alloc(0);

  constructor(daemon: FakeLibvirtd) {
    this.#daemon = daemon;
  }

  /** An event, if the client has registered for it: struct remote_domain_event_callback_lifecycle_msg. */
  tell(message: Buffer): void {
    if (!this.#isRegistered) return;
    const event = {
      procedure: PROC.lifecycleEvent,
      type: 2,
      serial: 0,
      status: 0,
      body: Buffer.concat([word(CALLBACK), message]),
    };
    this.#events = Buffer.concat([this.#events, makeReply(undefined, event).bytes]);
  }

  /** What the daemon has to say without being asked. */
  takeEvents(): Buffer {
    const events = this.#events;
    this.#events = Buffer.alloc(0);
    return events;
  }

  /** Takes what the client sent, which need not be whole calls, and answers. */
  receive(bytes: Uint8Array): FakeAnswer {
    this.#received = Buffer.concat([this.#received, bytes]);
    const replies: Buffer[] = [];
    while (this.#received.length >= 4 && this.#received.length >= this.#received.readUInt32BE(0)) {
      const length = this.#received.readUInt32BE(0);
      const message = this.#received.subarray(0, length);
      this.#received = this.#received.subarray(length);
      const procedure = message.readInt32BE(12);
      const { bytes: whole, closes } = this.#reply(message);
      const reply = this.#daemon.options.edit?.(whole) ?? whole;
      if (procedure === this.#daemon.options.late && !closes) {
        this.#held = reply;
        continue;
      }
      replies.push(reply, this.#held);
      this.#held = Buffer.alloc(0);
      if (closes) return { bytes: Buffer.concat(replies), closes };
    }
    return { bytes: Buffer.concat(replies), closes: false };
  }

  #reply(message: Buffer): { bytes: Buffer; closes: boolean } {
    const header = Array.from({ length: 7 }, (_, index) => message.readUInt32BE(index * 4));
    const [, program, version, procedure = 0, type, serial = 0, status] = header;
    // Those who break the protocol are thrown out: virNetServerClientDispatchMessage().
    const isQemu = program === QEMU_PROGRAM && procedure === AGENT_COMMAND;
    if ((program !== PROGRAM && !isQemu) || version !== 1 || type !== 0 || status !== 0) {
      return { bytes: Buffer.alloc(0), closes: true };
    }
    this.#daemon.options.before?.(procedure, this.#daemon);
    const args = new Arguments(message.subarray(28));
    const answer = isQemu ? this.#commandAgent(args) : this.#answer(procedure, args);
    const isError = "code" in answer;
    const body = isError ? errorBody(answer) : answer;
    const wrong = this.#daemon.options.misbehaves?.[procedure];
    return makeReply(wrong, { program, procedure, serial, status: isError ? 1 : 0, body });
  }

  #commandAgent(args: Arguments): Answer {
    const [{ name }, command, seconds, flags] = [args.domain(), args.text(), args.word(), args.word()];
    args.end();
    this.#daemon.calls.push(`agentCommand ${JSON.stringify(name)} ${command} ${seconds} ${flags}`);
    if (this.#isReadOnly) return READ_ONLY;
    const said = this.#daemon.options.agentCommands?.(command) ?? NO_AGENT;
    return typeof said === "string" ? Buffer.concat([word(1), text(said)]) : said;
  }

  #answer(procedure: number, args: Arguments): Answer {
    const { options } = this.#daemon;
    try {
      const answer = this.#dispatch(procedure, args);
      args.end();
      return options.errors?.[procedure] ?? answer;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return { code: ERR_RPC, message: "Unable to decode message payload" };
    }
  }

  #dispatch(procedure: number, args: Arguments): Answer {
    const { options, calls } = this.#daemon;
    switch (procedure) {
      case PROC.authList: {
        calls.push("authList");
        const auth = options.auth ?? [AUTH_NONE];
        this.#isTrusted = auth.length === 0 || auth.includes(AUTH_NONE);
        return Buffer.concat([word(auth.length), ...auth.map(word)]);
      }
      case PROC.authPolkit:
        calls.push("authPolkit");
        if (options.auth?.includes(AUTH_POLKIT) !== true) return { code: ERR_RPC, message: "no polkit here" };
        this.#isTrusted = options.polkit === undefined;
        return options.polkit ?? word(1);
      case PROC.open: {
        const [isNamed, uri, flags] = [args.word(), args.text(), args.word()];
        calls.push(`open ${JSON.stringify(uri)}${flags === 1 ? " read-only" : ""}`);
        if (!this.#isTrusted || isNamed !== 1) return { code: ERR_RPC, message: "authentication required" };
        this.#isOpen = true;
        this.#isReadOnly = flags === 1;
        return Buffer.alloc(0);
      }
      case PROC.close:
        calls.push("close");
        return Buffer.alloc(0);
      default:
        return this.#dispatchDomain(procedure, args);
    }
  }

  #dispatchDomain(procedure: number, args: Arguments): Answer {
    const { calls } = this.#daemon;
    if (!this.#isOpen) return { code: ERR_RPC, message: "connection not open" };
    switch (procedure) {
      case PROC.lookupByName: {
        const name = args.text();
        calls.push(`lookupByName ${JSON.stringify(name)}`);
        return this.#find((domain) => domain.name === name, domainBytes);
      }
      case PROC.lookupByUuid: {
        const uuid = args.bytes(16);
        calls.push(`lookupByUuid ${uuid.toString("hex")}`);
        return this.#find((domain) => domain.uuid.equals(uuid), domainBytes);
      }
      case PROC.lookupById: {
        const id = args.word();
        calls.push(`lookupById ${id}`);
        return this.#find((domain) => domain.id === id, domainBytes);
      }
      case PROC.getState:
      case PROC.getXmlDesc:
        return this.#describe(procedure, args);
      case PROC.listAllDomains: {
        const [needsResults, flags] = [args.word(), args.word()];
        calls.push(`listAllDomains ${needsResults} ${flags}`);
        const all = this.#daemon.known;
        return Buffer.concat([word(all.length), ...all.map(domainBytes), word(all.length)]);
      }
      case PROC.getAllDomainStats: {
        const [count, stats, flags] = [args.word(), args.word(), args.word()];
        calls.push(`getAllDomainStats ${count} ${stats} ${flags}`);
        const all = this.#daemon.known;
        const chosen = flags === STATS_ACTIVE ? all.filter(({ id }) => id >= 0) : all;
        return Buffer.concat([word(chosen.length), ...chosen.map(statsBytes)]);
      }
      case PROC.registerEvent: {
        const [eventId, hasDomain] = [args.word(), args.word()];
        const about = hasDomain === 1 ? ` ${JSON.stringify(args.domain().name)}` : "";
        calls.push(`registerEvent ${eventId}${about}`);
        this.#isRegistered = true;
        return word(CALLBACK);
      }
      case PROC.isPersistent:
      case PROC.hasManagedSave:
        return this.#describeConfiguration(procedure, args);
      default:
        return this.#dispatchChange(procedure, args);
    }
  }

  #dispatchChange(procedure: number, args: Arguments): Answer {
    const change = CHANGES[procedure]?.(this.#daemon, args);
    if (change === undefined) return { code: ERR_RPC, message: `unknown procedure ${procedure}` };
    this.#daemon.calls.push(change.call);
    return this.#isReadOnly ? READ_ONLY : change.make();
  }

  #describeConfiguration(procedure: number, args: Arguments): Answer {
    const { name, uuid } = args.domain();
    if (procedure === PROC.hasManagedSave) args.word();
    this.#daemon.calls.push(
      `${procedure === PROC.isPersistent ? "isPersistent" : "hasManagedSave"} ${JSON.stringify(name)}`,
    );
    return this.#find(
      (domain) => domain.uuid.equals(uuid),
      ({ isTransient, isSaved }) => word((procedure === PROC.isPersistent ? !isTransient : isSaved) ? 1 : 0),
    );
  }

  /** As libvirt does, by the UUID alone: a stale name or ID makes no difference. */
  #describe(procedure: number, args: Arguments): Answer {
    const { name, uuid } = args.domain();
    const flags = args.word();
    const isState = procedure === PROC.getState;
    this.#daemon.calls.push(`${isState ? "getState" : "getXmlDesc"} ${JSON.stringify(name)} ${flags}`);
    if (!isState && (flags & XML_SECURE) !== 0 && this.#isReadOnly) return READ_ONLY;
    return this.#find(
      (domain) => domain.uuid.equals(uuid),
      ({ state, xml, inactiveXml }) =>
        isState ? Buffer.concat([word(state), word(1)]) : text((flags & XML_INACTIVE) !== 0 ? inactiveXml : xml),
    );
  }

  #find(fits: (domain: KnownDomain) => boolean, answer: (domain: KnownDomain) => Buffer): Answer {
    const found = this.#daemon.known.find(fits);
    return found === undefined ? { code: ERR_NO_DOMAIN, message: "Domain not found" } : answer(found);
  }
}
