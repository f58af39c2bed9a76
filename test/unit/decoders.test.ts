// Every decoder of what others have written, on bytes that are nearly right, made of the right parts, or any at all: it gives an answer,
// or refuses in the one way that its callers know of. 100,000 cases of each:
//     VIRTSSH_FUZZ=100 npx vitest run --project unit --testTimeout=0 decoders
import fc from "fast-check";
import { expect, test } from "vitest";
import { readCredentialString } from "../../helper/authorized-keys/credential.ts";
import { readKeyFile } from "../../helper/authorized-keys/key-file.ts";
import { findProblem, isBare, parseKeyLine } from "../../helper/authorized-keys/key-line.ts";
import { fillTokens, isVirtssh, splitCommand } from "../../helper/doctor/command-words.ts";
import { findListener, parsePaths, parseUnits } from "../../helper/doctor/guest-sshd.ts";
import { findInBlock, findInFile } from "../../helper/doctor/ssh-config-file.ts";
import { parseBadOwner, parseComplaint, parseConfiguration, parseVersion } from "../../helper/doctor/ssh-output.ts";
import { HelperError } from "../../helper/failure.ts";
import { parseHostKey, readCertificate } from "../../helper/hostkeys/host-key.ts";
import { PinFileError, parsePins } from "../../helper/hostkeys/pin-file.ts";
import { findRecord } from "../../helper/hostkeys/record.ts";
import { domainAuthorizedSshKeysGet } from "../../helper/libvirt/agent-calls.ts";
import { findAgentChannel } from "../../helper/libvirt/agent-channel.ts";
import { domainAgentCommand } from "../../helper/libvirt/agent-command.ts";
import * as calls from "../../helper/libvirt/calls.ts";
import { connectGetAllDomainStats } from "../../helper/libvirt/domain-stats.ts";
import { hasVsockDevice, readDomainXml, XmlError } from "../../helper/libvirt/domain-xml.ts";
import { isSameXml, readSmbios, replaceOemStrings } from "../../helper/libvirt/oem-strings.ts";
import { decodeHeader, decodeRemoteFailure } from "../../helper/libvirt/packet.ts";
import { parseUuid } from "../../helper/libvirt/uuid.ts";
import { XdrError } from "../../helper/libvirt/xdr.ts";
import { chooseTarget, parseTarget } from "../../helper/target.ts";
import { decodeUtf8 } from "../../helper/utf8.ts";
import { findChild } from "../fakes/find-child.ts";
import { KEYS } from "../fixtures/host-keys.ts";
import { runs } from "./fuzz.ts";
import { hex } from "./hex.ts";
import { directory, file, LEFT, makeSystem, RECORD, RECORDS, recordOf } from "./hostkeys/surroundings.ts";

const DOMAIN = { name: "web", uuid: new Uint8Array(16), id: 7 };

const word = (value: number) => hex(value.toString(16).padStart(8, "0"));
const text = (value: string) => {
  const bytes = Buffer.from(value);
  return Buffer.concat([word(bytes.length), bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
};
const WEB = Buffer.concat([text("web"), DOMAIN.uuid, word(7)]);
const STATE = Buffer.concat([text("state.state"), word(1), word(1)]);

const XML = [
  "<?xml version='1.0'?><!-- a > b --><domain type='kvm' id='7'><name>web</name><metadata><a:b xmlns:a='x'/></metadata><os>",
  "<type arch='x86_64'>hvm</type><smbios mode='sysinfo'/></os><sysinfo type='smbios'><bios/><oemStrings><entry>a&amp;b</entry>",
  "<entry><![CDATA[<c>]]><!-- d --></entry></oemStrings></sysinfo><devices><channel type='unix'><target type='virtio' name='org.",
  "qemu.guest_agent.0' state='connected'/></channel><vsock model=\"virtio\"><cid auto='no' address='7'/></vsock></devices></domain>",
].join("");

const KEY_LINES = KEYS.flatMap(({ key, certificate }) => [key, certificate]).map(
  (key) => `${key.type} ${key.text} a b`,
);
const [KEY_LINE = ""] = KEY_LINES;
const PINS = `# domain "web", port 22, first seen 2026-11-22T05:48:36Z, last seen 2026-11-22T05:48:36Z\n* ${KEY_LINE}\n@revoked x ${KEY_LINE}\n`;

/** Of `ssh -G -vvv`, and files of ssh's configuration. */
const SSH_SAYS = [
  "OpenSSH_10.0p2 Debian\r\ndebug1: Reading configuration data /etc/ssh/ssh_config\r\ndebug2: checking match for 'all'\r\n",
  "debug3: /a line 5: matched 'host \"web\"' \r\ndebug2: match found\r\ndebug1: /a line 7: Applying options for *\r\nhost web\n",
  "Bad owner or permissions on /a b\n",
].join("");
const CONFIG = `Include ~/.ssh/x\nHost dev "a b"\n  ProxyCommand = '/usr/bin/virtssh' proxy --typed "%n" -- \\"%h %p\r\nMatch all\n`;

/** Of programs in a guest. */
const PROGRAMS = `/\n/usr/sbin/sshd\nv_str LISTEN 0 0 *:22 *:* users:(("systemd",pid=1,fd=47))\n\nId=sshd-vsock.socket\nLoadState=loaded\n`;
const RETURNED = JSON.stringify({
  return: { pid: 1, exited: true, "out-data": "QQ==", list: [null, -1.5e3, "\ud800"] },
});

const ended = (output: string) => ({ status: 0, output, complaint: "" });

interface Decoder {
  readonly name: string;
  readonly seeds: readonly (string | Uint8Array)[];
  readonly decode: (bytes: Uint8Array) => unknown;
  /** What it throws for what it cannot read; nothing, unless told. */
  readonly refuses?: new (
    ...args: never[]
  ) => Error;
}

const ofText = (read: (text: string) => unknown) => (bytes: Uint8Array) => read(decodeUtf8(bytes));

function ofCall(name: string, call: calls.Call<unknown>, ...seeds: readonly Uint8Array[]): Decoder {
  return { name: `the answer to ${name}`, seeds, decode: (bytes) => call.decode(bytes), refuses: XdrError };
}

const DECODERS: readonly Decoder[] = [
  {
    name: "a header",
    seeds: [Buffer.concat([36, 0x2000_8086, 1, 66, 1, 3, 0].map(word))],
    decode: decodeHeader,
    refuses: XdrError,
  },
  {
    name: "a refusal",
    seeds: [Buffer.concat([word(42), word(10), word(1), text("no such"), word(2), word(0)])],
    decode: decodeRemoteFailure,
    refuses: XdrError,
  },
  ofCall("AUTH_LIST", calls.authList(), Buffer.concat([word(2), word(0), word(2)])),
  ofCall("DOMAIN_LOOKUP_BY_NAME", calls.domainLookupByName("web"), WEB),
  ofCall("DOMAIN_GET_STATE", calls.domainGetState(DOMAIN), Buffer.concat([word(1), word(1)])),
  ofCall("DOMAIN_GET_XML_DESC", calls.domainGetXmlDesc(DOMAIN), text(XML)),
  ofCall("CONNECT_LIST_ALL_DOMAINS", calls.connectListAllDomains(), Buffer.concat([word(2), WEB, WEB, word(2)])),
  ofCall("CONNECT_GET_ALL_DOMAIN_STATS", connectGetAllDomainStats(true), Buffer.concat([word(1), WEB, word(1), STATE])),
  ofCall(
    "DOMAIN_AUTHORIZED_SSH_KEYS_GET",
    domainAuthorizedSshKeysGet(DOMAIN, "root"),
    Buffer.concat([word(2), ...KEY_LINES.slice(0, 2).map(text)]),
  ),
  ofCall(
    "QEMU_PROC_DOMAIN_AGENT_COMMAND",
    domainAgentCommand(DOMAIN, { execute: "x" }, 1),
    Buffer.concat([word(1), text(RETURNED)]),
  ),
  {
    name: "what an agent returns",
    seeds: [RETURNED, "[".repeat(60_000), `{"return":${'{"a":'.repeat(9_000)}`],
    decode: (bytes) => {
      const padding = new Uint8Array((4 - (bytes.length % 4)) % 4);
      const reply = Buffer.concat([word(1), word(bytes.length), bytes, padding]);
      return domainAgentCommand(DOMAIN, { execute: "x" }, 1).decode(reply);
    },
  },
  {
    name: "what programs in a guest say",
    seeds: [PROGRAMS],
    decode: ofText((said) => [parsePaths(ended(said)), findListener(ended(said), 22), parseUnits(ended(said))]),
  },
  { name: "a domain's CID", seeds: [XML], decode: (xml) => readDomainXml(xml, { findChild }), refuses: XmlError },
  {
    name: "whether it has a vsock device",
    seeds: [XML],
    decode: (xml) => hasVsockDevice(xml, { findChild }),
    refuses: XmlError,
  },
  {
    name: "a channel to the agent",
    seeds: [XML],
    decode: (xml) => findAgentChannel(xml, { findChild }),
    refuses: XmlError,
  },
  { name: "OEM strings", seeds: [XML], decode: (xml) => readSmbios(xml, { findChild }), refuses: XmlError },
  {
    name: "OEM strings, replaced",
    seeds: [XML],
    decode: (xml) => {
      const isReplaced = (value: string) => value.startsWith("ours=");
      const once = replaceOemStrings(xml, { isReplaced, value: "ours=1" }, { findChild });
      expect(readSmbios(once, { findChild }).strings.filter(isReplaced)).toEqual(["ours=1"]);
      const twice = replaceOemStrings(once, { isReplaced, value: "ours=1" }, { findChild });
      expect(isSameXml(twice, once)).toBe(true);
    },
    refuses: XmlError,
  },
  {
    name: "a credential",
    seeds: [
      `io.systemd.credential:ssh.authorized_keys.root=${KEY_LINE}`,
      "io.systemd.credential.binary:ssh.authorized_keys.root=QQ==",
    ],
    decode: ofText(readCredentialString),
  },
  { name: "a UUID", seeds: ["4dea22b3-1d52-d8f3-2516-782e98ab3fa0"], decode: ofText(parseUuid) },
  {
    name: "a key's line",
    seeds: [...KEY_LINES, `command="a \\" b",no-pty ${KEY_LINE}`],
    decode: ofText((line) => [findProblem(line), parseKeyLine(line), isBare(line)]),
  },
  {
    name: "a file of keys",
    seeds: [`\ufeff# a\r\n${KEY_LINE}\n`, KEY_LINES.join("\n")],
    decode: (bytes) => {
      const sys = makeSystem({ files: { "/k.pub": { text: Buffer.from(bytes).toString("utf8") } } });
      return readKeyFile("/k.pub", sys.nowMs(), sys);
    },
    refuses: HelperError,
  },
  {
    name: "a certificate",
    seeds: KEY_LINES,
    decode: ofText((line) => {
      const [type = "", blob = ""] = line.split(" ");
      const key = parseHostKey(type, blob);
      return key === undefined ? undefined : readCertificate(key);
    }),
  },
  { name: "a file of pins", seeds: [PINS], decode: ofText(parsePins), refuses: PinFileError },
  {
    name: "a record",
    seeds: [recordOf()],
    decode: (bytes) =>
      findRecord(makeSystem({ files: { ...LEFT, [RECORDS]: directory(), [RECORD]: file(decodeUtf8(bytes)) } })),
  },
  {
    name: "a target",
    seeds: ["qemu:system/my%20vm", "web.session.qemu", "qemu-system%4dea22b3", "vsock/7"],
    decode: ofText(parseTarget),
    refuses: HelperError,
  },
  {
    name: "what ssh hands over",
    seeds: ["qemu/web qemu/Web", "web.qemu dev"],
    decode: ofText((both) => chooseTarget(both.split(" ")[0] ?? "", both.split(" ")[1])),
    refuses: HelperError,
  },
  {
    name: "what ssh -G and -V say",
    seeds: [SSH_SAYS],
    decode: ofText((said) => [parseVersion(said), parseConfiguration(said), parseBadOwner(parseComplaint(said))]),
  },
  {
    name: "ssh's configuration",
    seeds: [CONFIG],
    decode: ofText((config) => [findInFile(config, "proxycommand"), findInBlock(config, 2, "proxycommand")]),
  },
  {
    name: "a command in it",
    seeds: [CONFIG, "'/usr/bin/virtssh' known-hosts -- %I \"%t\" %K %n"],
    decode: ofText((command) => [isVirtssh(command), fillTokens(splitCommand(command), "web")]),
  },
];

/** What breaks formats: ends and beginnings, quotes, controls, what is no UTF-8. */
const MARKS = [
  "<",
  ">",
  "'",
  '"',
  "/",
  "\\",
  "\n",
  "\r",
  "\0",
  " ",
  "%",
  "=",
  "-->",
  "]]>",
  "<![CDATA[",
  "<!--",
  "&#x41;",
  "\u001b[31m",
  "é",
  "\u202e",
];
const BYTES = [
  [0xff],
  [0xff, 0xff, 0xff, 0xff],
  [0, 0, 0, 0],
  [0xed, 0xa0, 0x80],
  [0xc0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
];
const BROKEN = [...MARKS.map((mark) => Buffer.from(mark)), ...BYTES.map((bytes) => Buffer.from(bytes))];

function splice(bytes: Uint8Array, at: number, { remove, insert }: { remove: number; insert: Uint8Array }): Uint8Array {
  const position = at % (bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, position), insert, bytes.subarray(position + remove)]);
}

function anyInput(seeds: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const insert = fc.oneof(fc.constantFrom(...BROKEN), fc.uint8Array({ maxLength: 4 }));
  const edit = fc.record({ at: fc.nat(), remove: fc.nat({ max: 8 }), insert });
  const edited = fc
    .tuple(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 5 }))
    .map(([seed, edits]) => edits.reduce<Uint8Array>((bytes, one) => splice(bytes, one.at, one), seed));
  const parts = seeds.flatMap((seed) =>
    seed.length > 5_000
      ? []
      : (Buffer.from(seed)
          .toString("latin1")
          .match(/\w+|\W+/g) ?? []),
  );
  const soup = fc
    .array(fc.oneof(fc.constantFrom(...parts), fc.constantFrom(...MARKS)), { maxLength: 40 })
    .map((some) => Buffer.from(some.join(""), "latin1"));
  return fc.oneof(edited, soup, fc.uint8Array({ maxLength: 200 }));
}

test.each(DECODERS)("$name", ({ seeds, decode, refuses }) => {
  const bytes = seeds.map((seed) => Buffer.from(seed));
  const outcome = (input: Uint8Array) => {
    try {
      decode(input);
    } catch (error) {
      if (refuses === undefined || !(error instanceof refuses)) throw error;
    }
  };
  for (const seed of bytes) outcome(seed);
  let tried = 0;
  const wanted = runs(1_000);
  fc.assert(
    fc.property(anyInput(bytes), (input) => {
      tried += 1;
      outcome(input);
    }),
    wanted,
  );
  expect(tried).toBe(wanted.numRuns);
});
