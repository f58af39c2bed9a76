// The C that goes through XML, in the program as it is built for tests, under sanitizers: held against a real parser on what is well-formed,
// and on what is not against the program's own tags. A daemon tells of as many domains as there are documents.
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DomainXml, readDomainXml, XmlError } from "../../helper/libvirt/domain-xml.ts";
import type { FakeDomain } from "../fakes/fake-domain.ts";
import { findChild } from "../fakes/find-child.ts";
import { runs } from "../unit/fuzz.ts";
import { anyDocument, readWithSaxes } from "../unit/libvirt/xml-reference.ts";
import { HostileLab } from "./hostile-lab.ts";

let lab: HostileLab;

beforeAll(async () => {
  lab = await HostileLab.make("build/test/virtssh");
});

afterAll(() => lab.remove());

const LIST = ["list", "--all", "--no-probe", "--json"];

interface Row {
  readonly name: string;
  readonly id: number | null;
  readonly cid: number | null;
}

/** What `virtssh list` says of a domain with that XML, which it takes for one that is shut off where the XML has no ID. */
function expectRow({ id, cid }: DomainXml): Omit<Row, "name"> {
  return id === undefined ? { id: null, cid: null } : { id, cid: cid ?? null };
}

/** As many as a list is through with well within its deadline. */
const AT_ONCE = 500;

test("a list of domains has the CIDs that saxes finds", async () => {
  const found = fc.sample(anyDocument, runs(1_000).numRuns).map((xml) => ({ xml, facts: readWithSaxes(xml) }));
  const documents = found.flatMap(({ xml, facts }) => (facts === "refused" ? [] : [{ xml, facts }]));
  for (let at = 0; at < documents.length; at += AT_ONCE) {
    const some = documents.slice(at, at + AT_ONCE);
    const domains = some.map(({ xml }, index): FakeDomain => ({ name: `${index}`, xml }));
    const { stdout, stderr } = await lab.runAgainst({ domains }, LIST);
    expect(stderr).toBe("");
    const rows: Row[] = JSON.parse(stdout);
    const byName = new Map(rows.map(({ name, id, cid }) => [name, { id, cid }]));
    for (const [index, { xml, facts }] of some.entries()) {
      expect([xml, byName.get(`${index}`)]).toEqual([xml, expectRow(facts)]);
    }
  }
}, 120_000);

/** Parts of XML in an order that they do not have. */
const soup = fc
  .array(
    fc.constantFrom(
      ...["<", ">", "/", "'", '"', "=", " ", "\0", "<!--", "-->", "--", "<?", "?>", "<!", "<![CDATA[", "]]>", "x"],
      ...["<vsock>", "<vsock", "</vsock>", "<cid address='7'/>", "<a b='>'>", "</a>", "<a/>", "</domain>", "<devices>"],
    ),
    { maxLength: 12 },
  )
  .map((parts) => `<domain id='1'><devices>${parts.join("")}<vsock><cid address='8'/></vsock></devices></domain>`);

/** Where it refuses, why. */
function readHere(xml: string): Omit<Row, "name"> | string {
  try {
    return expectRow(readDomainXml(Buffer.from(xml), { findChild }));
  } catch (error) {
    if (error instanceof XmlError) return error.message;
    throw error;
  }
}

test("XML that is not well-formed is refused, or read as the program's own tags read it", async () => {
  const documents = fc.sample(soup, runs(150).numRuns);
  for (const xml of documents) {
    const { stdout, stderr } = await lab.runAgainst({ domains: [{ name: "web", xml }] }, LIST);
    const expected = readHere(xml);
    const [row]: Row[] = stdout === "" ? [] : JSON.parse(stdout);
    if (typeof expected === "string")
      expect([xml, stderr]).toEqual([xml, expect.stringContaining(`domain XML: ${expected}"`)]);
    else expect([xml, row]).toEqual([xml, expect.objectContaining(expected)]);
  }
}, 120_000);
