/**
 * Reads the live ID and the vsock CID out of a domain's XML. A pull scanner that follows one path and skips the rest: a general
 * parser takes 5 to 27 ms in QuickJS where this takes under 1. A test holds it against a real parser.
 *
 * Only /domain/@id and /domain/devices/vsock/cid/@address count: <metadata> and <description> may hold anyone's XML.
 */

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
const PATH = ["devices", "vsock", "cid"].map(asciiBytes);

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

/** @throws XmlError */
export function readDomainXml(xml: Uint8Array): DomainXml {
  const tags = new TagScanner(xml);
  tags.next();
  if (tags.isEnd || !tags.hasName(ROOT)) throw new XmlError("the root element is not <domain>");
  const id = readNumber(tags, "id", { min: 0, max: MAX_ID });
  return { id, cid: findCid(tags, PATH) };
}

/** Whether it has a vsock device, which need not have a CID yet. @throws XmlError */
export function hasVsockDevice(xml: Uint8Array): boolean {
  const tags = new TagScanner(xml);
  tags.next();
  if (tags.isEnd || !tags.hasName(ROOT)) throw new XmlError("the root element is not <domain>");
  return hasElement(tags, PATH.slice(0, -1));
}

/** The same for an element on the path below the element whose start tag was read last. Ends at its end tag, or at the element. */
function hasElement(tags: TagScanner, [name, ...rest]: readonly Uint8Array[]): boolean {
  if (name === undefined) return true;
  if (tags.isEmpty) return false;
  while (tags.nextChild()) {
    if (tags.hasName(name) && hasElement(tags, rest)) return true;
    tags.skip();
  }
  return false;
}

/** The CID that lies on the path below the element whose start tag was read last. Ends at its end tag, or at the CID. */
function findCid(tags: TagScanner, [name, ...rest]: readonly Uint8Array[]): number | undefined {
  if (name === undefined) return readNumber(tags, "address", { min: MIN_CID, max: MAX_CID });
  if (tags.isEmpty) return undefined;
  while (tags.nextChild()) {
    const cid = tags.hasName(name) ? findCid(tags, rest) : undefined;
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

/**
 * Goes from tag to tag. Comments, processing instructions and CDATA are passed over; a document type is refused.
 * Every method throws XmlError where the document is cut short.
 */
export class TagScanner {
  readonly #xml: Uint8Array;
  #start = 0;
  #end = 0;
  #position = 0;

  constructor(xml: Uint8Array) {
    this.#xml = xml;
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
    this.next();
    return !this.isEnd;
  }

  /** Goes to the end tag of the element whose start tag was read last, past all that is in it. */
  skip(): void {
    if (this.isEnd || this.isEmpty) return;
    for (let depth = 1; depth > 0; ) {
      this.next();
      if (this.isEnd) depth -= 1;
      else if (!this.isEmpty) depth += 1;
    }
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
    if (this.#end - this.#start > MAX_TAG_BYTES) throw new XmlError("a tag is too long");
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
    if (second < 0 || (next >= 0 && second > next && end < next)) return end;
    return this.#findUnquoted(from);
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

/** Of a tag that is looked into: <domain>, whose namespaces take the most room, or <cid>. libvirt's are under 500. */
const MAX_TAG_BYTES = 16_384;

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** XML 1.0, 4.1 and 4.6: character references and the five predefined entities. */
export function resolveReferences(text: string): string {
  return text.replace(/&(#x[0-9a-fA-F]{1,6}|#[0-9]{1,7}|[a-z]+);/g, (whole, name: string) => {
    if (!name.startsWith("#")) return Object.hasOwn(ENTITIES, name) ? (ENTITIES[name] ?? whole) : whole;
    const code = Number(name.replace("#", "").replace(/^x/, "0x"));
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
