// The domains of the contests, and their XML.
import { readFileSync } from "node:fs";
import { renderGuest } from "../daemon/guests-with-cid.ts";
import { renderDomain } from "../lab/domains.ts";

/** REMOTE_STRING_MAX of libvirt's remote_protocol.x: no XML may be longer. */
const STRING_MAX_BYTES = 4_194_304;

/** Metadata of many small elements, so that what scans it has something to do. */
function makeMetadata(bytes: number): string {
  const items: string[] = [];
  for (let length = 0; length < bytes; length += items[items.length - 1]?.length ?? 0) {
    items.push(`<b:item n="${items.length}">some text</b:item>\n`);
  }
  return `<b:items xmlns:b="urn:bench">${items.join("")}</b:items>`;
}

/** Running ones, by their names, and how much metadata, which libvirt indents, has their XML grow to 3 kB, 30 kB, 1 MB and nearly 4.2 MB. */
const RUNNING = { up: 600, up30k: 23_500, up1m: 857_000, up4m: 3_550_000 } as const;

/** A domain that is defined, and never started. */
const idle = (number: number) => renderDomain({ name: `idle${number}`, vsock: "none", boots: "nothing" });

const FOLDER = "/etc/bench";

/** Shell text that defines the domains from one number up to another, in one connection. */
export function defineIdle(first: number, last: number): string {
  return `for n in {${first}..${last}}; do
  sed "s/idle0/idle$n/" ${FOLDER}/idle.xml > /tmp/idle$n.xml; echo define /tmp/idle$n.xml
done | virsh -q > /dev/null && virsh -q list --all --name | grep -c idle`;
}

/** Shell text that ends one and forgets it: its XML is not to be in what comes next. */
export const removeRunning = (name: string) => `virsh -q destroy ${name} && virsh -q undefine ${name}`;

export const startRunning = (name: string) => `virsh -q define ${FOLDER}/${name}.xml && virsh -q start ${name}`;

/** What libvirtd 11.3 told of a running domain, in the lab; the stand-in daemon fills in what differs. */
function makeTemplate(): string {
  return readFileSync("test/fixtures/domain.xml", "utf8")
    .replace("id='1'", "id='ID-HERE'")
    .replace(">web<", ">NAME-HERE<")
    .replace("address='7'", "address='CID-HERE'");
}

/** So many devices that the XML has nearly `bytes`; its vsock device comes behind them. */
function makeLarge(bytes: number): string {
  const template = makeTemplate();
  const devices: string[] = [];
  for (let length = template.length; length < bytes - 300; length += devices[devices.length - 1]?.length ?? 0) {
    const number = devices.length;
    devices.push(`    <channel type='unix'>
      <target type='virtio' name='org.example.channel.${number}' state='disconnected'/>
      <alias name='channel${number}'/>
      <address type='virtio-serial' controller='0' bus='0' port='${number}'/>
    </channel>
`);
  }
  return template.replace("<devices>\n", `<devices>\n${devices.join("")}`);
}

/** Of the stand-in daemon. */
export const TEMPLATES = {
  usual: `${FOLDER}/usual.xml`,
  "1 MB": `${FOLDER}/1m.xml`,
  "4 MB": `${FOLDER}/4m.xml`,
} as const;

/** Path in the lab, content. */
export const DOMAIN_TEXTS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(RUNNING).map(([name, bytes], index) => {
      return [`${FOLDER}/${name}.xml`, renderGuest({ name, vsock: 7 + index, metadata: makeMetadata(bytes) })];
    }),
  ),
  [`${FOLDER}/idle.xml`]: idle(0),
  [TEMPLATES.usual]: makeLarge(3_300),
  [TEMPLATES["1 MB"]]: makeLarge(1_000_000),
  [TEMPLATES["4 MB"]]: makeLarge(STRING_MAX_BYTES),
};
