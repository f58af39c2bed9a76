// A libvirt daemon as far as its protocol shows: takes a client's bytes, answers with bytes. It encodes and decodes by itself,
// from libvirt's src/remote/remote_protocol.x and src/rpc/virnetprotocol.x, so that it cannot share a mistake with the helper.

import { type Misbehaviour, makeReply, text, word } from "./fake-replies.ts";

/** Procedures of remote_protocol.x. */
export const PROC = {
  open: 1,
  close: 2,
  getXmlDesc: 14,
  lookupById: 22,
  lookupByName: 23,
  lookupByUuid: 24,
  authList: 66,
  authPolkit: 70,
  getState: 212,
  listAllDomains: 273,
} as const;

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

/** remote_auth_type */
const AUTH_NONE = 0;
const AUTH_POLKIT = 2;

/** VIR_ERR_RPC, VIR_ERR_NO_DOMAIN and VIR_ERR_AUTH_FAILED of virterror.h. */
const ERR_RPC = 39;
const ERR_NO_DOMAIN = 42;
export const ERR_AUTH_FAILED = 45;

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
  /** All of its XML, in place of what follows from the rest. */
  readonly xml?: string;
}

interface FakeError {
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

  constructor(options: FakeLibvirtdOptions = {}) {
    this.options = options;
    this.domains = options.domains ?? [];
  }

  accept(): FakeClient {
    return new FakeClient(this);
  }
}

interface KnownDomain {
  readonly name: string;
  readonly uuid: Buffer;
  readonly id: number;
  readonly state: number;
  readonly xml: string;
}

function describe(domain: FakeDomain, index: number): KnownDomain {
  const state = domain.state ?? "running";
  const isLive = state !== "shut off" && state !== "crashed";
  const id = isLive ? (domain.id ?? index + 1) : -1;
  const uuid = Buffer.from((domain.uuid ?? String(index + 1).padStart(32, "0")).replaceAll("-", ""), "hex");
  return { name: domain.name, uuid, id, state: STATES[state], xml: domain.xml ?? makeXml(domain, id) };
}

function makeXml({ name, cid }: FakeDomain, id: number): string {
  const escaped = name.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const vsock = cid === undefined ? "" : `<vsock model='virtio'><cid auto='no' address='${cid}'/></vsock>`;
  const live = id < 0 ? "" : ` id='${id}'`;
  return `<domain type='kvm'${live}>\n  <name>${escaped}</name>\n  <devices>\n    ${vsock}\n  </devices>\n</domain>\n`;
}

function domainBytes({ name, uuid, id }: KnownDomain): Buffer {
  return Buffer.concat([text(name), uuid, word(id)]);
}

/** struct remote_error: the strings and objects that it may carry are left out. */
function errorBody({ code, message }: FakeError): Buffer {
  const [domain, level, absent] = [10, 2, 0];
  const words = [level, absent, absent, absent, absent, 0, 0, absent].map(word);
  return Buffer.concat([word(code), word(domain), word(1), text(message), ...words]);
}

/** Arguments of a call, read strictly: what is left over, or missing, is an error as in libvirt. */
class Arguments {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  word(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  bytes(length: number): Buffer {
    const start = this.#at;
    this.#at += Math.ceil(length / 4) * 4;
    if (this.#at > this.#bytes.length) throw new RangeError("arguments are cut short");
    return this.#bytes.subarray(start, start + length);
  }

  text(): string {
    return this.bytes(this.word()).toString();
  }

  domain(): { name: string; uuid: Buffer } {
    const [name, uuid] = [this.text(), this.bytes(16)];
    this.word();
    return { name, uuid };
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new RangeError("arguments are too long");
  }
}

type Answer = Buffer | FakeError;

/** One connection to a FakeLibvirtd. */
export class FakeClient {
  readonly #daemon: FakeLibvirtd;
  #received: Buffer = Buffer.alloc(0);
  #held: Buffer = Buffer.alloc(0);
  #isTrusted = false;
  #isOpen = false;

  constructor(daemon: FakeLibvirtd) {
    this.#daemon = daemon;
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
    if (program !== 0x2000_8086 || version !== 1 || type !== 0 || status !== 0) {
      return { bytes: Buffer.alloc(0), closes: true };
    }
    this.#daemon.options.before?.(procedure, this.#daemon);
    const answer = this.#answer(procedure, new Arguments(message.subarray(28)));
    const isError = "code" in answer;
    const body = isError ? errorBody(answer) : answer;
    const wrong = this.#daemon.options.misbehaves?.[procedure];
    return makeReply(wrong, { procedure, serial, status: isError ? 1 : 0, body });
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
        const all = this.#daemon.domains.map(describe);
        return Buffer.concat([word(all.length), ...all.map(domainBytes), word(all.length)]);
      }
      default:
        return { code: ERR_RPC, message: `unknown procedure ${procedure}` };
    }
  }

  /** As libvirt does, by the UUID alone: a stale name or ID makes no difference. */
  #describe(procedure: number, args: Arguments): Answer {
    const { name, uuid } = args.domain();
    const flags = args.word();
    const isState = procedure === PROC.getState;
    this.#daemon.calls.push(`${isState ? "getState" : "getXmlDesc"} ${JSON.stringify(name)} ${flags}`);
    return this.#find(
      (domain) => domain.uuid.equals(uuid),
      ({ state, xml }) => (isState ? Buffer.concat([word(state), word(1)]) : text(xml)),
    );
  }

  #find(fits: (domain: KnownDomain) => boolean, answer: (domain: KnownDomain) => Buffer): Answer {
    const found = this.#daemon.domains.map(describe).find(fits);
    return found === undefined ? { code: ERR_NO_DOMAIN, message: "Domain not found" } : answer(found);
  }
}
