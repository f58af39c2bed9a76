import fc from "fast-check";
import { expect, test } from "vitest";
import { type DomainXml, hasVsockDevice, readDomainXml, XmlError } from "../../../helper/libvirt/domain-xml.ts";
import { findChild } from "../../fakes/find-child.ts";
import { runs } from "../fuzz.ts";
import { anyDocument, findDeviceWithSaxes, readWithSaxes } from "./xml-reference.ts";

const FINDER = { findChild };

function read(xml: string): DomainXml {
  return readDomainXml(Buffer.from(xml), FINDER);
}

/** As libvirt 11.3 writes it, with the decoys that anyone may put into a description and into metadata. */
const RUNNING = `<domain type='kvm' id='12' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>web</name>
  <uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>
  <description>&lt;devices&gt;&lt;vsock&gt;&lt;cid address='666'/&gt; a > b</description>
  <metadata>
    <app:x xmlns:app="http://example.org/"><devices><vsock><cid address='666'/></vsock></devices></app:x>
    <domain id='666'><devices><vsock><cid address="666"/></vsock></devices></domain>
  </metadata>
  <!-- <devices><vsock><cid address='666'/></vsock></devices> -->
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><source file='/a>b/&apos;c"'/><alias name='virtio-disk0'/></disk>
    <console type='pty' tty='/dev/pts/1'/>
    <vsock model='virtio'>
      <cid auto='yes' address='7'/>
      <alias name='vsock0'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </vsock>
  </devices>
  <seclabel type='dynamic' model='dac' relabel='yes'/>
</domain>
`;

function around(devices: string, root = "type='kvm' id='12'"): string {
  return `<domain ${root}><name>web</name><devices><emulator/>${devices}<rng/></devices><seclabel/></domain>`;
}

test.each<[string, string, DomainXml]>([
  ["one that runs", RUNNING, { id: 12, cid: 7 }],
  [
    "one that is shut off, with a static CID",
    around("<vsock><cid address='9'/></vsock>", "type='kvm'"),
    { id: undefined, cid: 9 },
  ],
  ["one without a vsock device", around(""), { id: 12, cid: undefined }],
  ["one whose CID is still to be chosen", around("<vsock><cid auto='yes'/></vsock>"), { id: 12, cid: undefined }],
  ["one with an empty vsock device", around("<vsock/>"), { id: 12, cid: undefined }],
  ["one without devices", "<domain id='1'><name>x</name></domain>", { id: 1, cid: undefined }],
  ["one with empty devices", "<domain id='1'><devices/></domain>", { id: 1, cid: undefined }],
  ["one with nothing in it", "<domain id='1'/>", { id: 1, cid: undefined }],
  ["the ID 0", "<domain id='0'/>", { id: 0, cid: undefined }],
  [
    "a declaration and comments before the root",
    `<?xml version="1.0"?><!-- > -->\n${around("")}`,
    { id: 12, cid: undefined },
  ],
  ["double quotes", '<domain id="3"><devices><vsock><cid address="8"/></vsock></devices></domain>', { id: 3, cid: 8 }],
  [
    "white space wherever it may be",
    "<domain\n\tid = '3'\r\n><devices ><vsock\n><cid\taddress\n=\n'8' /></vsock ></devices\n></domain >",
    { id: 3, cid: 8 },
  ],
  ["an end tag in place of an empty element", around("<vsock><cid address='8'></cid></vsock>"), { id: 12, cid: 8 }],
  ["other attributes around it", around("<vsock><cid auto='no' x='y' address='8' z='1'/></vsock>"), { id: 12, cid: 8 }],
  [
    "an attribute whose name ends alike",
    around("<vsock><cid xaddress='6' x:address='6' address='8'/></vsock>"),
    { id: 12, cid: 8 },
  ],
  [
    "an attribute whose value looks like the address",
    around(`<vsock><cid x="address='6'" address='8'/></vsock>`),
    { id: 12, cid: 8 },
  ],
  ["`>` inside values", around("<vsock a='>'><cid b='/>' c=\">'>\" address='8'/></vsock>"), { id: 12, cid: 8 }],
  ["the smallest CID of a guest", around("<vsock><cid address='3'/></vsock>"), { id: 12, cid: 3 }],
  ["the largest CID of a guest", around("<vsock><cid address='4294967294'/></vsock>"), { id: 12, cid: 4_294_967_294 }],
  ["character references in the address", around("<vsock><cid address='&#49;&#x31;'/></vsock>"), { id: 12, cid: 11 }],
  ["several CIDs: the first", around("<vsock><cid address='8'/><cid address='9'/></vsock>"), { id: 12, cid: 8 }],
  [
    "several devices: the first that has one",
    around("<vsock><cid/></vsock><vsock><cid address='9'/></vsock>"),
    { id: 12, cid: 9 },
  ],
  // Decoys: each of these has a CID, and none of them is the device's.
  ["a decoy in a comment", around("<!-- <vsock><cid address='6'/></vsock> -->"), { id: 12, cid: undefined }],
  ["a decoy in CDATA", around("<x><![CDATA[</x><vsock><cid address='6'/></vsock>]]></x>"), { id: 12, cid: undefined }],
  [
    "a decoy behind `]]` and `>` in CDATA",
    around("<![CDATA[ ]] > ]> ]] <vsock><cid address='6'/></vsock>]]>"),
    { id: 12, cid: undefined },
  ],
  [
    "a decoy behind `--` and `->` in a comment",
    around("<!-- > - -> <vsock><cid address='6'/></vsock>-->"),
    { id: 12, cid: undefined },
  ],
  [
    "a decoy in a processing instruction",
    around("<?x <vsock><cid address='6'/></vsock> ?>"),
    { id: 12, cid: undefined },
  ],
  [
    "a decoy in a value",
    around("<x y=\"<vsock><cid address='6'/></vsock>\"/>".replaceAll("<", "&lt;").replace("&lt;x", "<x")),
    { id: 12, cid: undefined },
  ],
  ["a decoy one level deeper", around("<x><vsock><cid address='6'/></vsock></x>"), { id: 12, cid: undefined }],
  [
    "a decoy in devices inside devices",
    around("<devices><vsock><cid address='6'/></vsock></devices>"),
    { id: 12, cid: undefined },
  ],
  [
    "a decoy in a vsock inside the vsock",
    around("<vsock><vsock><cid address='6'/></vsock></vsock>"),
    { id: 12, cid: undefined },
  ],
  [
    "a decoy in an element inside the vsock",
    around("<vsock><x><cid address='6'/></x></vsock>"),
    { id: 12, cid: undefined },
  ],
  ["a decoy below the CID", around("<vsock><cid><cid address='6'/></cid></vsock>"), { id: 12, cid: undefined }],
  [
    "a decoy beside the devices",
    "<domain id='1'><vsock><cid address='6'/></vsock><devices/></domain>",
    { id: 1, cid: undefined },
  ],
  [
    "a decoy behind the root",
    "<domain id='1'></domain><devices><vsock><cid address='6'/></vsock></devices>",
    { id: 1, cid: undefined },
  ],
  [
    "names in a namespace",
    around("<x:vsock><cid address='6'/></x:vsock><vsock><x:cid address='6'/></vsock>"),
    { id: 12, cid: undefined },
  ],
  [
    "names that begin alike",
    around("<vsocks><cid address='6'/></vsocks><vsock><cid2 address='6'/><ci address='6'/></vsock>"),
    { id: 12, cid: undefined },
  ],
  ["names in capitals", around("<VSOCK><cid address='6'/></VSOCK>"), { id: 12, cid: undefined }],
])("readDomainXml() of %s", (_, xml, answer) => {
  expect(read(xml)).toEqual(answer);
});

test.each([
  ["nothing", ""],
  ["text", "web"],
  ["another root", "<network id='1'><devices/></network>"],
  ["a root that begins alike", "<domainsnapshot id='1'/>"],
  ["an end tag first", "</domain>"],
  ["a document type", "<!DOCTYPE domain><domain id='1'/>"],
  [
    "a document type with entities",
    "<!DOCTYPE domain [<!ENTITY a '7'>]><domain id='1'><devices><vsock><cid address='&a;'/></vsock></devices></domain>",
  ],
  ["an entity that nobody has declared", around("<vsock><cid address='&seven;'/></vsock>")],
  ["an ID that is no number", "<domain id='x'/>"],
  ["an ID below 0", "<domain id='-1'/>"],
  ["an ID that is too large", "<domain id='2147483648'/>"],
  ["an empty CID", around("<vsock><cid address=''/></vsock>")],
  ["a CID that is no number", around("<vsock><cid address='0x7'/></vsock>")],
  ["a CID with white space", around("<vsock><cid address=' 7'/></vsock>")],
  ["the host's CID", around("<vsock><cid address='2'/></vsock>")],
  ["the CID of the loopback", around("<vsock><cid address='1'/></vsock>")],
  ["VMADDR_CID_ANY", around("<vsock><cid address='4294967295'/></vsock>")],
  ["a CID of more digits than there are", around("<vsock><cid address='00000000007'/></vsock>")],
  ["a comment without an end", around("<!-- ").replaceAll("-->", "")],
  ["no end", "<domain id='1'><devices>"],
  ["more vsock devices than are looked at", around("<vsock/>".repeat(65_536))],
  ["more of CIDs than is looked at", around(`<vsock>${`<cid${" ".repeat(9_000)}/>`.repeat(30)}</vsock>`)],
])("readDomainXml() refuses %s", (_, xml) => {
  expect(() => read(xml)).toThrow(XmlError);
});

/** What the scanner says of a document: the ID and the CID, or that it is refused. */
function outcome(xml: Uint8Array): DomainXml | "refused" {
  try {
    return readDomainXml(xml, FINDER);
  } catch (error) {
    if (error instanceof XmlError) return "refused";
    throw error;
  }
}

test.each([
  ["as libvirt writes it", RUNNING],
  ["with `>` inside values", around(`<vsock a='>'><cid b='/>' c=">'>" address='8'/></vsock>`)],
  ["with an address inside a value", around(`<vsock><cid x="address='6'>" address='8'/></vsock>`)],
  ["with CDATA and a comment", around("<![CDATA[<vsock>]]><!-- <cid/> --><vsock><cid address='8'/></vsock>")],
  ["with a long CID", around("<vsock><cid address='4294967294'/></vsock>")],
])("readDomainXml() of a document %s that is cut at any byte gives the same answer, or none", (_, xml) => {
  const whole = Buffer.from(xml);
  const answer = readDomainXml(whole, FINDER);
  for (let length = 0; length < whole.length; length += 1) {
    const cut = outcome(whole.subarray(0, length));
    if (cut !== "refused") expect([length, cut]).toEqual([length, answer]);
  }
});

test("readDomainXml() agrees with saxes", () => {
  fc.assert(
    fc.property(anyDocument, (xml) => {
      expect(outcome(Buffer.from(xml))).toEqual(readWithSaxes(xml));
    }),
    runs(1500),
  );
});

test.each<[string, string, boolean]>([
  ["one that runs", RUNNING, true],
  ["one whose CID is still to be chosen", around("<vsock><cid auto='yes'/></vsock>"), true],
  ["an empty one", around("<vsock/>"), true],
  ["none", around("<vsock2/><console><vsock/></console>"), false],
  ["none but in the metadata", "<domain><metadata><devices><vsock/></devices></metadata><devices/></domain>", false],
  ["none where there is nothing", "<domain/>", false],
])("hasVsockDevice() sees %s", (_, xml, found) => {
  expect(hasVsockDevice(Buffer.from(xml), FINDER)).toBe(found);
});

test("hasVsockDevice() agrees with saxes", () => {
  fc.assert(
    fc.property(anyDocument, (xml) => {
      expect(hasVsockDevice(Buffer.from(xml), FINDER)).toBe(findDeviceWithSaxes(xml));
    }),
    runs(500),
  );
});

test.each(["<domains/>", "</domain>", "<domain><devices><vsoc", ""])("hasVsockDevice() refuses %j", (xml) => {
  expect(() => hasVsockDevice(Buffer.from(xml), FINDER)).toThrow(XmlError);
});

test("readDomainXml() of a document with other bytes in it gives an answer, or refuses it", () => {
  const edit = fc.record({
    at: fc.nat(),
    remove: fc.nat({ max: 4 }),
    insert: fc.constantFrom("<", ">", "'", '"', "/", "!", "?", "&", "-->", "]]>", "<![CDATA[", "\0", "é"),
  });
  fc.assert(
    fc.property(
      fc.oneof(anyDocument, fc.constant(RUNNING)),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      (xml, edits) => {
        const edited = edits.reduce((text, { at, remove, insert }) => {
          const position = at % (text.length + 1);
          return text.slice(0, position) + insert + text.slice(position + remove);
        }, xml);
        outcome(Buffer.from(edited));
      },
    ),
    runs(1500),
  );
});

test("readDomainXml() of any bytes gives an answer, or refuses them", () => {
  const soup = fc.array(
    fc.constantFrom(
      "<",
      ">",
      "/",
      "'",
      '"',
      "=",
      " ",
      "&",
      ";",
      "<!--",
      "-->",
      "<?",
      "?>",
      "<![CDATA[",
      "]]>",
      "<domain",
      "devices",
      "vsock",
      "cid",
      "address",
      "id",
      "7",
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        soup.map((parts) => Buffer.from(parts.join(""))),
      ),
      (bytes) => {
        outcome(bytes);
      },
    ),
    runs(2000),
  );
});

/** REMOTE_STRING_MAX: libvirt sends no more. */
const MOST = 4_194_304;

function fill(before: string, part: string, after = ""): Uint8Array {
  const count = Math.floor((MOST - before.length - after.length) / Buffer.byteLength(part));
  return Buffer.from(before + part.repeat(count) + after);
}

const TAIL = "<devices><vsock><cid address='7'/></vsock></devices></domain>";

// Each of them as long as XML may be. An engine without a compiler takes some fifty times as long as this one.
test.each([
  ["a long name of an attribute", fill("<domain ", "a", ` id='1'>${TAIL}`)],
  ["white space in a tag", fill("<domain", " ", `id='1'>${TAIL}`)],
  ["many attributes", fill("<domain ", "a='b' ", ` id='1'>${TAIL}`)],
  ["equals signs", fill("<domain ", "=", ` id='1'>${TAIL}`)],
  ["a quote in a tag", fill("<domain id='1' ", 'a=" ', `>${TAIL}`)],
  [
    "references in the address",
    fill("<domain><devices><vsock><cid address='", "&#", "7'/></vsock></devices></domain>"),
  ],
  ["deep nesting", fill("<domain id='1'>", "<a>", TAIL)],
  ["many elements", fill("<domain id='1'>", "<a b='>'/>", TAIL)],
  ["`>` in CDATA", fill("<domain id='1'><metadata><![CDATA[", ">", `]]></metadata>${TAIL}`)],
  ["`]]` in CDATA", fill("<domain id='1'><metadata><![CDATA[", "]]", `]]></metadata>${TAIL}`)],
  ["`->` in a comment", fill("<domain id='1'><!--", "->", `--></domain>`)],
  ["a comment without an end", fill("<domain id='1'>", "<!--")],
  ["many comments", fill("<domain id='1'>", "<!---->", TAIL)],
  ["tags without an end", fill("<domain id='1'>", "<a ")],
  ["`>` as text", fill("<domain id='1'>", ">", TAIL)],
])(
  "readDomainXml() is through with 4 MB of %s in no time",
  (_, xml) => {
    const startedMs = performance.now();
    outcome(xml);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  },
  40_000,
);
