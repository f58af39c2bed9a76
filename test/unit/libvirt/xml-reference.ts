// Domain XML made at random, and a second reader for it over a real parser.

import fc from "fast-check";
import { SaxesParser } from "saxes";
import type { DomainXml } from "../../../helper/libvirt/domain-xml.ts";

const DEVICE = "domain/devices/vsock";
const PATH = `${DEVICE}/cid`;

function parseNumber(text: string, min: number, max: number): number {
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : -1;
  if (value < min || value > max) throw new RangeError(text);
  return value;
}

/** Calls `see` with the path of each element, and its attributes. */
function parse(xml: string, see: (path: string, attributes: Readonly<Record<string, string>>) => void): void {
  const parser = new SaxesParser();
  const open: string[] = [];
  parser.on("error", (error) => {
    throw new Error(`the document is not well-formed: ${xml}`, { cause: error });
  });
  parser.on("opentag", ({ name, attributes }) => {
    open.push(name);
    see(open.join("/"), attributes);
  });
  parser.on("closetag", () => void open.pop());
  parser.write(xml).close();
}

/** What hasVsockDevice() ought to say of a well-formed document. */
export function findDeviceWithSaxes(xml: string): boolean {
  let isThere = false;
  parse(xml, (path) => {
    isThere ||= path === DEVICE;
  });
  return isThere;
}

/** What readDomainXml() ought to say of a well-formed document. */
export function readWithSaxes(xml: string): DomainXml | "refused" {
  let id: string | undefined;
  let cid: string | undefined;
  parse(xml, (path, attributes) => {
    if (path === "domain") id = attributes["id"];
    if (path === PATH) cid ??= attributes["address"];
  });
  try {
    return {
      id: id === undefined ? undefined : parseNumber(id, 0, 0x7fff_ffff),
      cid: cid === undefined ? undefined : parseNumber(cid, 3, 0xffff_fffe),
    };
  } catch (error) {
    if (error instanceof RangeError) return "refused";
    throw error;
  }
}

/** Names on the path are the most frequent ones, since only they can go wrong. */
const elementName = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("devices", "vsock", "cid") },
  fc.constantFrom("domain", "metadata", "description", "cids", "ci", "x:cid", "vsock2", "x:devices", "disk"),
);

const space = fc.constantFrom(" ", "\n", "\t", "  ", "\r\n ");
const maybeSpace = fc.oneof(fc.constant(""), space);

const decoy = `<devices><vsock><cid address="66"/></vsock></devices>`;

/** Raw text of a value that holds neither `<` nor `&` nor either quote, but for the references. */
const valueText = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 3, max: 40 }).map(String) },
  fc.constantFrom(
    "4294967294",
    "4294967295",
    "2",
    "",
    "x",
    " 7",
    "&#55;",
    "&#x37;1",
    "&lt;cid",
    "&amp;#55;",
    "&apos;&quot;&gt;",
    ">",
    "/>",
    "yes",
  ),
);

const attribute = fc
  .record({
    name: fc.oneof(
      { weight: 3, arbitrary: fc.constant("address") },
      fc.constantFrom("id", "auto", "x:address", "addresses", "domain"),
    ),
    value: valueText,
    quote: fc.constantFrom("'", '"'),
    other: fc.boolean(),
    before: space,
    around: maybeSpace,
  })
  .map(({ name, value, quote, other, before, around }) => {
    // The other kind of quote may stand inside, and what it encloses may look like an attribute.
    const inner = quote === "'" ? '"' : "'";
    const text = other && name !== "address" ? `${value} address=${inner}66${inner}>` : value;
    return { name, text: `${before}${name}${around}=${around}${quote}${text}${quote}` };
  });

const attributes = fc
  .uniqueArray(attribute, { selector: ({ name }) => name, maxLength: 3 })
  .map((all) => all.map(({ text }) => text).join(""));

const noise = fc.oneof(
  fc.constantFrom("", "text", "a > b", "é東🙂", "&amp;&lt;&#62;", " \n ", '"', "'"),
  fc.constantFrom(decoy, "--><", "> - ->", "'").map((text) => `<!--${text.replaceAll("--", "- ")}-->`),
  fc.constantFrom(decoy, "]]", "</devices>", "]> ]]", "<!-- ").map((text) => `<![CDATA[${text}]]>`),
  fc.constantFrom(decoy, "?", ">", "'").map((text) => `<?app ${text} ?>`),
);

const { element } = fc.letrec<{ element: string; content: string }>((tie) => ({
  element: fc
    .record({ name: elementName, attributes, end: maybeSpace, content: fc.option(tie("content"), { nil: undefined }) })
    .map(({ name, attributes: list, end, content }) =>
      content === undefined ? `<${name}${list}${end}/>` : `<${name}${list}${end}>${content}</${name}${end}>`,
    ),
  content: fc
    .array(fc.oneof({ depthSize: "small", withCrossShrink: true }, noise, tie("element")), { maxLength: 4 })
    .map((parts) => parts.join("")),
}));

/** The devices of a domain, as they usually are, with whatever else among them. */
const usualDevices = fc
  .tuple(noise, attributes, element, noise)
  .map(([before, list, other, after]) => `<devices>${before}<vsock>${other}<cid${list}/></vsock>${after}</devices>`);

const root = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(" id='7'", ' type="kvm" id="12"', "", "\n id = '0' ") },
  attributes,
);

/** A well-formed document whose root is `<domain>`. */
export const anyDocument = fc
  .record({
    prolog: fc.constantFrom(
      "",
      "<?xml version='1.0' encoding='UTF-8'?>",
      "<!-- <domain id='66'> -->\n",
      "<?x <domain> ?>",
    ),
    root,
    parts: fc.array(fc.oneof(noise, element, usualDevices), { maxLength: 5 }),
  })
  .map(({ prolog, root: list, parts }) => `${prolog}<domain${list}>${parts.join("")}</domain>`);
