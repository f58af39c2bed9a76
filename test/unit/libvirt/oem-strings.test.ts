// What is found in a domain's XML, and which bytes of it are other ones afterwards. ../../daemon/credential.test.ts shows that
// libvirt takes it so, and has nothing to change about it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { XmlError } from "../../../helper/libvirt/domain-xml.ts";
import { isSameXml, readSmbios, renderOemString, replaceOemStrings } from "../../../helper/libvirt/oem-strings.ts";
import { findChild } from "../../fakes/find-child.ts";
import { runs } from "../fuzz.ts";

const FINDER = { findChild };

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (xml: Uint8Array) => new TextDecoder().decode(xml);
const isOurs = (value: string) => value.startsWith("ours=");

function replace(xml: string, value: string | undefined): string {
  return text(replaceOemStrings(bytes(xml), { isReplaced: isOurs, value }, FINDER));
}

const TYPE = "<type arch='x86_64' machine='q35'>hvm</type>";
const MODE = "<smbios mode='sysinfo'/>";

/** In libvirt's own form. */
const render = (sysinfo: readonly string[], os: readonly string[]) =>
  [
    "<domain type='kvm'>",
    "  <name>ü</name>",
    ...sysinfo.map((line) => `  ${line}`),
    "  <os>",
    ...[TYPE, ...os].map((line) => `    ${line}`),
    "  </os>",
    "</domain>",
    "",
  ].join("\n");

const BIOS = ["  <bios>", "    <entry name='vendor'>a</entry>", "  </bios>"];
const list = (...entries: readonly string[]) => [
  "  <oemStrings>",
  ...entries.map((entry) => `    ${renderOemString(entry)}`),
  "  </oemStrings>",
];
const info = (...lines: readonly string[]) => ["<sysinfo type='smbios'>", ...lines, "</sysinfo>"];
const FWCFG = ["<sysinfo type='fwcfg'>", "  <entry name='opt/a'>ours=1</entry>", "</sysinfo>"];

/** Before, and with `ours=2`; and what is left of that when it is taken out, where that is not what was before. */
const CHANGES: readonly (readonly [name: string, versions: readonly [before: string, after: string, left?: string]])[] =
  [
    ["nothing", [render([], []), render(info(...list("ours=2")), [MODE])]],
    ["a fwcfg", [render(FWCFG, []), render([...FWCFG, ...info(...list("ours=2"))], [MODE])]],
    ["other values", [render(info(...BIOS), [MODE]), render(info(...BIOS, ...list("ours=2")), [MODE])]],
    ["other strings", [render(info(...list("a", "b")), [MODE]), render(info(...list("a", "b", "ours=2")), [MODE])]],
    [
      "one of ours, between others",
      [
        render(info(...list("a", "ours=1", "b")), [MODE]),
        render(info(...list("a", "ours=2", "b")), [MODE]),
        render(info(...list("a", "b")), [MODE]),
      ],
    ],
    [
      "several of ours",
      [
        render(info(...list("ours=1", "a", "ours=3")), [MODE]),
        render(info(...list("ours=2", "a")), [MODE]),
        render(info(...list("a")), [MODE]),
      ],
    ],
    [
      "one of ours that no guest is shown",
      [
        render(info(...list("ours=1")), ["<smbios mode='emulate'/>"]),
        render(info(...list("ours=2")), [MODE]),
        render([], []),
      ],
    ],
    [
      "values that no guest is shown",
      [render(info(...BIOS), []), render(info(...BIOS, ...list("ours=2")), [MODE]), render(info(...BIOS), [MODE])],
    ],
    [
      "an empty sysinfo",
      [render(["<sysinfo type='smbios'/>"], [MODE]), render(info(...list("ours=2")), [MODE]), render([], [])],
    ],
    [
      "an empty list",
      [
        render(info(...BIOS, "  <oemStrings/>"), [MODE]),
        render(info(...BIOS, ...list("ours=2")), [MODE]),
        render(info(...BIOS), [MODE]),
      ],
    ],
  ];

describe("a string is put in and taken out again", () => {
  test.each(CHANGES)("beside %s", (_, [before, after, left = before]) => {
    expect(replace(before, "ours=2")).toBe(after);
    expect(replace(after, "ours=2")).toBe(after);
    expect(replace(after, undefined)).toBe(left);
    expect(readSmbios(bytes(after), FINDER)).toMatchObject({ arch: "x86_64", mode: "sysinfo" });
    expect(readSmbios(bytes(after), FINDER).strings.filter(isOurs)).toEqual(["ours=2"]);
    expect(readSmbios(bytes(left), FINDER).strings.filter(isOurs)).toEqual([]);
  });
});

const DECOY = `<sysinfo type='smbios'><oemStrings>${renderOemString("ours=9")}</oemStrings></sysinfo>`;

test.each([
  ["metadata", `<domain><metadata>${DECOY}</metadata><os>${TYPE}</os></domain>`],
  ["a comment", `<domain><!-- ${DECOY} --><os>${TYPE}</os></domain>`],
  ["CDATA", `<domain><description><![CDATA[</os>${DECOY}]]></description><os>${TYPE}</os></domain>`],
  ["an attribute", `<domain><a b="${DECOY.replaceAll("<", "&lt;")}" c='>'/><os>${TYPE}</os></domain>`],
  ["a namespace", `<domain><q:sysinfo type='smbios'>${DECOY}</q:sysinfo><os>${TYPE}</os></domain>`],
  ["another type", `<domain>${DECOY.replace("smbios", "fwcfg")}<os>${TYPE}</os></domain>`],
  ["a second list", `<domain><sysinfo type='smbios'><oemStrings/>${DECOY}</sysinfo><os>${TYPE}</os></domain>`],
  ["a second sysinfo", `<domain><sysinfo type='smbios'><bios/></sysinfo>${DECOY}<os>${TYPE}</os></domain>`],
])("what looks like it in %s is left alone", (_, xml) => {
  expect(readSmbios(bytes(xml), FINDER).strings).toEqual([]);
  const after = replace(xml, "ours=2");
  expect(readSmbios(bytes(after), FINDER).strings).toEqual(["ours=2"]);
  expect(after).toContain(xml.includes("&lt;") ? DECOY.replaceAll("<", "&lt;") : "ours=9");
});

test("strings are read as XML has them", () => {
  const entries = ["&lt;a&gt; &amp; &#x41;&apos;", "<![CDATA[<b>&amp;]]>c", "d<!-- e -->f<?g?>", ""];
  const content = [...entries.map((entry) => `<entry>${entry}</entry>`), "<entry/>", "<other>x</other>"].join("");
  const xml = `<domain><os/><sysinfo type='smbios'><oemStrings>${content}</oemStrings></sysinfo></domain>`;
  expect(readSmbios(bytes(xml), FINDER).strings).toEqual(["<a> & A'", "<b>&amp;c", "df", "", ""]);
});

const comments = (count: number) => {
  const entry = `<entry>${"<a b='<!--'/>".repeat(count)}c</entry>`;
  return bytes(`<domain><os/><sysinfo type='smbios'><oemStrings>${entry}</oemStrings></sysinfo></domain>`);
};

test("what looks like the beginning of a comment, again and again, is read in no time", () => {
  expect(readSmbios(comments(20_000), FINDER).strings).toHaveLength(1);
});

test("OEM strings that are longer than they can be are refused", () => {
  expect(() => readSmbios(comments(21_000), FINDER)).toThrow(new XmlError("the OEM strings are too long"));
});

test.each([
  ["<domain>", `<domain>${"<a/>".repeat(65_536)}<os/></domain>`],
  ["<os>", `<domain><os>${"<a/>".repeat(65_536)}</os></domain>`],
  ["<sysinfo>", `<domain><os/><sysinfo type='smbios'>${"<a/>".repeat(65_536)}</sysinfo></domain>`],
])("more elements in %s than are looked at are refused", (_, xml) => {
  expect(() => readSmbios(bytes(xml), FINDER)).toThrow(new XmlError("there are too many elements"));
});

test("a string is written as libvirt writes it", () => {
  // virBufferEscapeString() in its virbuffer.c.
  expect(renderOemString(`a"b'c&<d>`)).toBe("<entry>a&quot;b&apos;c&amp;&lt;d&gt;</entry>");
});

test("what is written is read as it was", () => {
  // What XML can hold, and libvirt takes.
  const value = fc.string({ unit: "grapheme" }).filter((one) => !/[\p{Cc}\ufffe\uffff]/u.test(one));
  fc.assert(
    fc.property(fc.constantFrom(...CHANGES), value, ([, [before]], one) => {
      const after = replaceOemStrings(bytes(before), { isReplaced: isOurs, value: `ours=${one}` }, FINDER);
      expect(readSmbios(after, FINDER).strings.filter(isOurs)).toEqual([`ours=${one}`]);
    }),
    runs(100),
  );
});

test.each(["<network/>", "<domain><os>", "<domain><os/></domain>", "<domain></domain>"])(
  "%s is no domain of libvirt's",
  (xml) => {
    expect(() => replace(xml, "ours=2")).toThrow(XmlError);
  },
);

test("two documents that differ in blanks between tags are the same", () => {
  expect(isSameXml(bytes("<a>\n <b>c d</b>\n</a>"), bytes("<a><b>c d</b> </a>"))).toBe(true);
  expect(isSameXml(bytes("<a><b>c d</b></a>"), bytes("<a><b>c  d</b></a>"))).toBe(false);
});
