/**
 * The SMBIOS OEM strings (type 11) in a domain's configuration, and the same configuration with others, in which not a byte of the
 * rest is different. What is added stands where libvirt itself would put it, and in its form: virDomainDefFormatInternalSetRootName()
 * in its domain_conf.c. No I/O.
 */

import { decodeUtf8, encodeUtf8 } from "../utf8.ts";
import { asciiBytes, openDomain, resolveReferences, type TagScanner, XmlError, type XmlFinder } from "./domain-xml.ts";

/** What a domain has to tell its guest by SMBIOS. */
export interface Smbios {
  /** The processor's architecture. */
  readonly arch: string | undefined;
  /** Where the strings come from; those of the domain's own XML count with `sysinfo` alone. */
  readonly mode: string | undefined;
  /** The OEM strings in the domain's XML, whether they count or not. */
  readonly strings: readonly string[];
  /** Whether there are other values beside them. */
  readonly hasMore: boolean;
}

/** An element, in bytes from the start of the document. */
interface Element {
  readonly start: number;
  /** Where its content ends; undefined for an element without any: `<a/>`. */
  readonly contentEnd: number | undefined;
  readonly end: number;
}

interface Entry {
  readonly element: Element;
  readonly value: string;
}

interface Layout {
  os?: { element: Element; arch: string | undefined };
  smbios?: { element: Element; mode: string | undefined };
  /** The first of the type smbios, and whether there is anything else in it than OEM strings. */
  sysinfo?: { element: Element; hasMore: boolean };
  oemStrings?: { element: Element; entries: Entry[] };
}

const NAMES = {
  os: asciiBytes("os"),
  type: asciiBytes("type"),
  smbios: asciiBytes("smbios"),
  sysinfo: asciiBytes("sysinfo"),
  oemStrings: asciiBytes("oemStrings"),
  entry: asciiBytes("entry"),
} as const;

/** @throws XmlError */
export function readSmbios(xml: Uint8Array, finder: XmlFinder): Smbios {
  const { os, smbios, sysinfo, oemStrings } = readLayout(xml, finder);
  const strings = (oemStrings?.entries ?? []).map(({ value }) => value);
  return { arch: os?.arch, mode: smbios?.mode, strings, hasMore: sysinfo?.hasMore === true };
}

/** As libvirt reads it, which takes the first of several: virDomainDefParseXML() and virSysinfoParseSMBIOSDef(). */
function readLayout(xml: Uint8Array, finder: XmlFinder): Layout {
  const tags = openDomain(xml, finder);
  const layout: Layout = {};
  walk(tags, () => {
    if (layout.os === undefined && tags.hasName(NAMES.os)) readOs(tags, layout);
    else if (layout.sysinfo === undefined && isSmbiosInfo(tags)) readSysinfo(tags, xml, layout);
    else tags.skip();
  });
  return layout;
}

/** Goes through the children of the element whose start tag was read last; `visit` has to end at the end of the child. */
function walk(tags: TagScanner, visit: () => void): Element {
  const { start } = tags;
  if (tags.isEmpty) return { start, contentEnd: undefined, end: tags.end };
  while (tags.nextChild()) visit();
  return { start, contentEnd: tags.start, end: tags.end };
}

function readOs(tags: TagScanner, layout: Layout): void {
  let arch: string | undefined;
  const element = walk(tags, () => {
    if (tags.hasName(NAMES.type)) arch ??= tags.findAttribute("arch");
    if (layout.smbios === undefined && tags.hasName(NAMES.smbios)) {
      const mode = tags.findAttribute("mode");
      layout.smbios = { mode, element: walk(tags, () => tags.skip()) };
    } else tags.skip();
  });
  layout.os = { element, arch };
}

function isSmbiosInfo(tags: TagScanner): boolean {
  return tags.hasName(NAMES.sysinfo) && tags.findAttribute("type") === "smbios";
}

function readSysinfo(tags: TagScanner, xml: Uint8Array, layout: Layout): void {
  let hasMore = false;
  const element = walk(tags, () => {
    if (layout.oemStrings === undefined && tags.hasName(NAMES.oemStrings)) readOemStrings(tags, xml, layout);
    else {
      hasMore = true;
      tags.skip();
    }
  });
  layout.sysinfo = { element, hasMore };
}

/** Structure Table Length in SMBIOS 2.1 has 16 bits; and each byte may be a reference, such as `&lt;`. */
const MAX_STRINGS_BYTES = 262_144;

function readOemStrings(tags: TagScanner, xml: Uint8Array, layout: Layout): void {
  const entries: Entry[] = [];
  const { start } = tags;
  const element = walk(tags, () => {
    if (!tags.hasName(NAMES.entry)) {
      tags.skip();
      return;
    }
    const from = tags.end;
    const entry = walk(tags, () => tags.skip());
    if (tags.end - start > MAX_STRINGS_BYTES) throw new XmlError("the OEM strings are too long");
    entries.push({ element: entry, value: readText(decodeUtf8(xml.subarray(from, entry.contentEnd ?? from))) });
  });
  layout.oemStrings = { element, entries };
}

/** XML 1.0, 2.5 to 2.7 and 3.1: what begins with `<`, and how it ends. */
const MARKUP = [
  ["<![CDATA[", "]]>"],
  ["<!--", "-->"],
  ["<?", "?>"],
  ["<", ">"],
] as const;

/** XML 1.0, 2.4 and 4.1: the text of an element's content. Goes through it once, whatever is in it. */
function readText(content: string): string {
  const texts: string[] = [];
  for (let at = 0; at < content.length; ) {
    const [open, close] = MARKUP.find(([mark]) => content.startsWith(mark, at)) ?? ["", "<"];
    const found = content.indexOf(close, at + open.length);
    const end = found < 0 ? content.length : found;
    if (open === "") texts.push(resolveReferences(content.slice(at, end)));
    if (open === "<![CDATA[") texts.push(content.slice(at + open.length, end));
    at = open === "" ? end : end + close.length;
  }
  return texts.join("");
}

/** What comes in the place of some bytes. */
interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Which strings are to be taken out, and what comes in their place, if anything does. */
export interface Replacement {
  readonly isReplaced: (value: string) => boolean;
  readonly value: string | undefined;
}

/**
 * The configuration with a string in the place of those that are replaced, and with what it takes for a guest to see it; or without
 * them, and without what is then left empty.
 * @throws XmlError
 */
export function replaceOemStrings(xml: Uint8Array, { isReplaced, value }: Replacement, finder: XmlFinder): Uint8Array {
  const layout = readLayout(xml, finder);
  const entries = layout.oemStrings?.entries ?? [];
  const replaced = entries.filter((entry) => isReplaced(entry.value)).map(({ element }) => element);
  const isLast = replaced.length === entries.length;
  const splices =
    value === undefined ? removeAll(xml, layout, { replaced, isLast }) : putIn(xml, layout, { replaced, value });
  return apply(xml, splices);
}

function removeAll(
  xml: Uint8Array,
  { oemStrings, sysinfo, smbios }: Layout,
  { replaced, isLast }: { readonly replaced: readonly Element[]; readonly isLast: boolean },
): Splice[] {
  if (replaced.length === 0 || oemStrings === undefined || sysinfo === undefined) return [];
  if (!isLast) return replaced.map((element) => cutOut(xml, element));
  if (sysinfo.hasMore) return [cutOut(xml, oemStrings.element)];
  // A domain with <smbios mode='sysinfo'/> and no <sysinfo> does not start: qemuBuildSmbiosCommandLine() in libvirt's qemu_command.c.
  const mode = smbios?.mode === "sysinfo" ? [cutOut(xml, smbios.element)] : [];
  return [cutOut(xml, sysinfo.element), ...mode];
}

/** What has a domain's own strings shown to its guest. */
export const SMBIOS_MODE = "<smbios mode='sysinfo'/>";

function putIn(
  xml: Uint8Array,
  layout: Layout,
  { replaced, value }: { readonly replaced: readonly Element[]; readonly value: string },
): Splice[] {
  const { os, smbios } = layout;
  if (os === undefined) throw new XmlError("there is no <os>");
  const [first, ...rest] = replaced;
  const entry = renderOemString(value);
  const strings =
    first === undefined
      ? addEntry(xml, layout, entry)
      : [{ ...first, text: entry }, ...rest.map((element) => cutOut(xml, element))];
  if (smbios?.mode === "sysinfo") return strings;
  return [
    ...strings,
    smbios === undefined ? append(xml, os.element, `\n    ${SMBIOS_MODE}`) : { ...smbios.element, text: SMBIOS_MODE },
  ];
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos" };

/** As libvirt writes it: virBufferEscapeString() in its virbuffer.c. */
export function renderOemString(value: string): string {
  return `<entry>${value.replace(/[&<>"']/g, (mark) => `&${ENTITIES[mark]};`)}</entry>`;
}

function addEntry(xml: Uint8Array, { os, sysinfo, oemStrings }: Layout, entry: string): Splice[] {
  const line = `\n      ${entry}`;
  if (oemStrings?.element.contentEnd !== undefined) return [append(xml, oemStrings.element, line)];
  const list = `<oemStrings>${line}\n    </oemStrings>`;
  if (oemStrings !== undefined) return [{ ...oemStrings.element, text: list }];
  if (sysinfo?.element.contentEnd !== undefined) return [append(xml, sysinfo.element, `\n    ${list}`)];
  const whole = `<sysinfo type='smbios'>\n    ${list}\n  </sysinfo>`;
  if (sysinfo !== undefined) return [{ ...sysinfo.element, text: whole }];
  const at = os?.element.start ?? 0;
  return [{ start: at, end: at, text: `${whole}\n  ` }];
}

/** Behind the last child of an element that has content. */
function append(xml: Uint8Array, { contentEnd, start, end }: Element, text: string): Splice {
  if (contentEnd === undefined) throw new XmlError(`the element at ${start} to ${end} is empty`);
  const at = findTextEnd(xml, contentEnd);
  return { start: at, end: at, text };
}

/** An element, and the blanks before it. */
function cutOut(xml: Uint8Array, { start, end }: Element): Splice {
  return { start: findTextEnd(xml, start), end, text: "" };
}

/** Where the blanks begin that end at `end`. */
function findTextEnd(xml: Uint8Array, end: number): number {
  let at = end;
  while (at > 0 && isBlank(xml[at - 1])) at -= 1;
  return at;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function apply(xml: Uint8Array, splices: readonly Splice[]): Uint8Array {
  const sorted = [...splices].sort((one, other) => one.start - other.start);
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const { start, end, text } of sorted) {
    parts.push(xml.subarray(at, start), encodeUtf8(text));
    at = end;
  }
  return join([...parts, xml.subarray(at)]);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether two documents are the same but for blanks between tags. */
export function isSameXml(one: Uint8Array, other: Uint8Array): boolean {
  return dropBlanks(one) === dropBlanks(other);
}

function dropBlanks(xml: Uint8Array): string {
  return decodeUtf8(xml).replace(/>\s+</g, "><");
}
