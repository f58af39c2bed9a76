/**
 * Reads the live ID and the vsock CID out of a domain's XML. A pull scanner that follows one path and skips the rest: a general
 * parser takes 5 to 27 ms in QuickJS where this takes a hundredth of that. A test holds it against a real parser.
 *
 * Only /domain/@id and /domain/devices/vsock/cid/@address count: <metadata> and <description> may hold anyone's XML.
 */

import { type System, XML_DOCTYPE } from "../sys/system.ts";
import { decodeUtf8 } from "../utf8.ts";

export interface DomainXml {
  /** The live ID; undefined for a domain that is not running. */
  readonly id: number | undefined;
  /** The CID of the vsock device; undefined where there is no device, or no CID yet. */
  readonly cid: number | undefined;
}

/** XML that no libvirt writes. */
export class XmlError extends Error {}

const LESS = 0x3c; // <
const GREATER = 0x3e; // >
const SLASH = 0x2f;
const EXCLAMATION = 0x21;
const QUESTION = 0x3f;

const ROOT = asciiBytes("domain");
const CID = asciiBytes("cid");
const PATH = [asciiBytes("devices"), asciiBytes("vsock"), CID];

/** The IDs of guests: VMADDR_CID_HOST is 2, VMADDR_CID_ANY is -1U (linux/vm_sockets.h). */
const MIN_CID = 3;
const MAX_CID = 0xffff_fffe;
const MAX_ID = 0x7fff_ffff;

export function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length); // from() takes ten times as long, at every start of the program
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** XML 1.0, 2.5 to 2.7. */
const COMMENT = { open: asciiBytes("<!--"), close: asciiBytes("-->") };
const CDATA = { open: asciiBytes("<![CDATA["), close: asciiBytes("]]>") };
const INSTRUCTION_CLOSE = asciiBytes("?>");

/** What goes through XML without looking at it. */
export type XmlFinder = Pick<System, "findChild">;

/** @throws XmlError */
export function readDomainXml(xml: Uint8Array, finder: XmlFinder): DomainXml {
  const tags = openDomain(xml, finder);
  const id = readNumber(tags, "id", { min: 0, max: MAX_ID });
  return { id, cid: findCid(tags, 0) };
}

/** Whether it has a vsock device, which need not have a CID yet. @throws XmlError */
export function hasVsockDevice(xml: Uint8Array, finder: XmlFinder): boolean {
  return hasElement(openDomain(xml, finder), 0);
}

/** At the start tag of the root. @throws XmlError */
export function openDomain(xml: Uint8Array, finder: XmlFinder): TagScanner {
  const tags = new TagScanner(xml, finder);
  tags.next();
  if (tags.isEnd || !tags.hasName(ROOT)) throw new XmlError("the root element is not <domain>");
  return tags;
}

/** The same for what is on PATH, from `step` on, below the element whose start tag was read last. Ends at its end tag, or at the element. */
function hasElement(tags: TagScanner, step: number): boolean {
  const name = PATH[step];
  if (name === undefined || name === CID) return true;
  if (tags.isEmpty) return false;
  while (tags.nextNamed(name)) {
    if (hasElement(tags, step + 1)) return true;
    tags.skip();
  }
  return false;
}

/** The CID that lies on PATH, from `step` on, below the element whose start tag was read last. Ends at its end tag, or at the CID. */
function findCid(tags: TagScanner, step: number): number | undefined {
  const name = PATH[step];
  if (name === undefined) return readNumber(tags, "address", { min: MIN_CID, max: MAX_CID });
  if (tags.isEmpty) return undefined;
  while (tags.nextNamed(name)) {
    const cid = findCid(tags, step + 1);
    if (cid !== undefined) return cid;
    tags.skip();
  }
  return undefined;
}

function readNumber(tags: TagScanner, attribute: string, range: { min: number; max: number }): number | undefined {
  const text = tags.findAttribute(attribute);
  if (text === undefined) return undefined;
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : -1;
  if (value < range.min || value > range.max) throw new XmlError(`${attribute} is no number that it may be`);
  return value;
}

/** How many elements are looked at one by one: libvirt's 4 MB of XML hold some 20,000 channels, and nothing that is shorter so often. */
const MAX_VISITED = 65_536;

/** Of no element: what begins so is an end tag. */
const NOBODY = asciiBytes("/");

/**
 * Goes from tag to tag. Comments, processing instructions and CDATA are passed over; a document type is refused.
 * Every method throws XmlError where the document is cut short.
 */
export class TagScanner {
  readonly #xml: Uint8Array;
  readonly #finder: XmlFinder;
  #start = 0;
  #end = 0;
  #position = 0;
  #visited = 0;
  #lookedInto = 0;

  constructor(xml: Uint8Array, finder: XmlFinder) {
    this.#xml = xml;
    this.#finder = finder;
  }

  /** Goes to the next start or end tag. */
  next(): void {
    for (;;) {
      const open = this.#xml.indexOf(LESS, this.#position);
      if (open < 0) throw new XmlError("the document is cut short");
      const mark = this.#xml[open + 1];
      if (mark === EXCLAMATION) this.#position = this.#skipDeclaration(open);
      else if (mark === QUESTION) this.#position = this.#find(INSTRUCTION_CLOSE, open + 2);
      else {
        this.#start = open + 1;
        this.#end = this.#findTagEnd(open + 1);
        this.#position = this.#end + 1;
        return;
      }
    }
  }

  /** Goes to the start tag of the next child of the open element; false, at its end tag, when there is none. */
  nextChild(): boolean {
    this.#visited += 1;
    if (this.#visited > MAX_VISITED) throw new XmlError("there are too many elements");
    this.next();
    return !this.isEnd;
  }

  /** The same for the next child of that name. */
  nextNamed(name: Uint8Array): boolean {
    this.#position = this.#findChild(name);
    return this.nextChild();
  }

  /** Goes to the end tag of the element whose start tag was read last, past all that is in it. */
  skip(): void {
    if (this.isEnd || this.isEmpty) return;
    this.#position = this.#findChild(NOBODY);
    this.next();
  }

  #findChild(name: Uint8Array): number {
    const found = this.#finder.findChild(this.#xml, this.#position, name);
    if (found === XML_DOCTYPE) throw new XmlError("there is a document type");
    if (found < 0) throw new XmlError("the document is cut short");
    return found;
  }

  /** Where the tag begins, with its `<`. */
  get start(): number {
    return this.#start - 1;
  }

  /** Where what comes behind the tag begins. */
  get end(): number {
    return this.#end + 1;
  }

  get isEnd(): boolean {
    return this.#xml[this.#start] === SLASH;
  }

  /** Whether this is an element without content: `<a/>`. */
  get isEmpty(): boolean {
    return this.#xml[this.#end - 1] === SLASH;
  }

  hasName(name: Uint8Array): boolean {
    for (let index = 0; index < name.length; index += 1) {
      if (this.#xml[this.#start + index] !== name[index]) return false;
    }
    return isNameEnd(this.#xml[this.#start + name.length]);
  }

  /** The value of an attribute of this start tag, with its references resolved. */
  findAttribute(name: string): string | undefined {
    this.#lookedInto += this.#end - this.#start;
    if (this.#lookedInto > MAX_TAG_BYTES) throw new XmlError("tags are too long");
    const tag = decodeUtf8(this.#xml.subarray(this.#start, this.#end));
    ATTRIBUTE.lastIndex = /^[^\s/]*/.exec(tag)?.[0].length ?? 0;
    for (let match = ATTRIBUTE.exec(tag); match !== null; match = ATTRIBUTE.exec(tag)) {
      const [, found, quoted = ""] = match;
      if (found === name) return resolveReferences(quoted.slice(1, -1));
    }
    return undefined;
  }

  /** XML 1.0, 2.4 and 3.1: `>` may stand inside quotes, `<` may not stand in a tag at all. */
  #findTagEnd(from: number): number {
    const end = this.#xml.indexOf(GREATER, from);
    if (end < 0) throw new XmlError("a tag is cut short");
    const next = this.#xml.indexOf(LESS, from);
    const second = this.#xml.indexOf(GREATER, end + 1);
    // The usual case: a single `>` before the next tag, so no quotes need be looked at.
    const isAlone = next < 0 ? second < 0 : next > end && (second < 0 || second > next);
    return isAlone ? end : this.#findUnquoted(from);
  }

  #findUnquoted(from: number): number {
    let quote: number | undefined;
    for (let at = from; at < this.#xml.length; at += 1) {
      const byte = this.#xml[at];
      if (quote !== undefined) {
        if (byte === quote) quote = undefined;
      } else if (byte === GREATER) return at;
      else if (byte === 0x22 || byte === 0x27) quote = byte;
    }
    throw new XmlError("a tag is cut short");
  }

  #skipDeclaration(open: number): number {
    if (this.#has(COMMENT.open, open)) return this.#find(COMMENT.close, open + COMMENT.open.length);
    if (this.#has(CDATA.open, open)) return this.#find(CDATA.close, open + CDATA.open.length);
    throw new XmlError("there is a document type");
  }

  #has(mark: Uint8Array, at: number): boolean {
    // From its end: the last byte is the one that was searched for, and the one before it is the likeliest to differ.
    for (let index = mark.length - 1; index >= 0; index -= 1) {
      if (this.#xml[at + index] !== mark[index]) return false;
    }
    return true;
  }

  /** The position after the next `mark`, which ends with `>`. */
  #find(mark: Uint8Array, from: number): number {
    const before = mark.length - 1;
    let at = this.#xml.indexOf(GREATER, from + before);
    while (at >= 0 && !this.#has(mark, at - before)) at = this.#xml.indexOf(GREATER, at + 1);
    if (at < 0) throw new XmlError("the document is cut short");
    return at + 1;
  }
}

/** Of XML 1.0, 2.3 and 3.1: after an element's name comes white space, `/` or `>`. */
function isNameEnd(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d || byte === SLASH || byte === GREATER;
}

/** XML 1.0, 3.1: one attribute, from where the last thing ended, so that no text takes more than one pass. */
const ATTRIBUTE = /\s+([^\s=/>"']+)\s*=\s*("[^"]*"|'[^']*')/y;

/** Of all tags that are looked into: <domain>, whose namespaces take some 500, <cid>, and a channel's <target>, 100 each, up to three times. */
const MAX_TAG_BYTES = 262_144;

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** XML 1.0, 4.1 and 4.6: character references and the five predefined entities. */
export function resolveReferences(text: string): string {
  return text.replace(/&(#x[0-9a-fA-F]{1,6}|#[0-9]{1,7}|[a-z]+);/g, (whole, name: string) => {
    if (!name.startsWith("#")) return Object.hasOwn(ENTITIES, name) ? (ENTITIES[name] ?? whole) : whole;
    const code = Number(name.replace("#", "").replace(/^x/, "0x"));
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
