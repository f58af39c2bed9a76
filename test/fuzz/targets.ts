// What is fuzzed: commands of the program, each with exchanges or files to begin with.
import { FakeAuthorizedKeys } from "../fakes/fake-authorized-keys.ts";
import { makeGuestPrograms } from "../fakes/fake-guest-programs.ts";
import { type FakeLibvirtdOptions, PROC } from "../fakes/fake-libvirtd.ts";
import { KEYS } from "../fixtures/host-keys.ts";

export interface FuzzTarget {
  readonly name: string;
  readonly words: readonly string[];
  /** Daemons whose exchanges with the program are what it begins with. */
  readonly daemons?: readonly FakeLibvirtdOptions[];
  /** The file, in the home directory, that is made up; in place of a daemon. */
  readonly file?: string;
  /** What else is in the home directory. */
  readonly others?: Readonly<Record<string, string>>;
  /** Whether it is not the program, but native-calls.ts. */
  readonly isModule?: true;
  /** What it begins with, where that is no exchange. */
  readonly texts?: readonly string[];
}

/** In words: the home directory. */
export const HOME = "HOME";

/** A key that is there, in the home directory, whatever is made up. */
export const KEY_FILE = "id.pub";
export const KEY_LINE = KEYS.map(({ key }) => `${key.type} ${key.text} someone`)[0] ?? "";

const UUID = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0";
const WEB = { name: "web", uuid: UUID, cid: 7 };
const WHERE = "qemu:session/web";

const OEM = `<domain type='kvm' id='1'><name>web</name><uuid>${UUID}</uuid><sysinfo type='smbios'><bios><entry name='a'>b</entry></bios>
<oemStrings><entry>io.systemd.credential:x=&lt;y&gt;</entry><entry><![CDATA[a]]><!-- b --></entry></oemStrings></sysinfo>
<os><type arch='x86_64'>hvm</type><smbios mode='sysinfo'/></os><devices><channel type='unix'><target type='virtio'
name='org.qemu.guest_agent.0' state='connected'/></channel><vsock model='virtio'><cid auto='no' address='7'/></vsock></devices></domain>`;

const DAEMONS: readonly FakeLibvirtdOptions[] = [
  { domains: [WEB] },
  { domains: [{ name: "web", state: "shut off" }] },
  { domains: [{ name: "Web", cid: 9 }] },
  { domains: [{ ...WEB, xml: OEM }], late: PROC.getState },
  { domains: [WEB], errors: { [PROC.open]: { code: 45, message: "\u001b[31mno\n" } } },
  { domains: [{ name: "wüb\u202e🙂\u001b", uuid: UUID, cid: 7 }], auth: [2] },
];

const SEVERAL: FakeLibvirtdOptions = {
  domains: [WEB, { name: "db", state: "shut off" }, { name: "ü\u009b", cid: 8 }, { name: "paused", state: "paused" }],
};

const AGENT: FakeLibvirtdOptions = {
  domains: [{ ...WEB, xml: OEM }],
  authorizedKeys: new FakeAuthorizedKeys({ root: `# a comment\n${KEY_LINE}\ncommand="a \\" b",no-pty ${KEY_LINE}` }),
  agentCommands: makeGuestPrograms({ programs: { sshd: { output: "OpenSSH_10.0\n" } } }),
};

const PIN = `# domain "web", port 22, first seen 2026-11-22T05:48:36Z, last seen 2026-11-22T05:48:36Z\n* ${KEY_LINE}\n`;

const PIN_FILE = `.local/state/virtssh/hosts/${UUID}`;

/** What `proxy` has left for its parent, which harness.c makes up. */
const RECORD_FILE = "run/virtssh/1-100";
const RECORD = `{"uri":"qemu:///session","name":"web","uuid":"${UUID}","id":7,"cid":7,"port":22,"program":"ssh","stack":"0"}`;
const KNOWN_HOSTS = ["known-hosts", "--", "HOSTNAME", ...KEY_LINE.split(" ").slice(0, 2), "qemu%web"];

const PINS = [
  PIN,
  `${PIN}@cert-authority * ${KEY_LINE}\n@revoked * ${KEY_LINE}\n`,
  `${KEYS.map(({ key }) => `* ${key.type} ${key.text}`).join("\n")}\n`,
];

export const TARGETS: readonly FuzzTarget[] = [
  {
    name: "native",
    words: ["proxy", "calls.qemu"],
    isModule: true,
    texts: [
      "\u000d\u0000\u0000\u0000\u0000\u0007", // poll() until NaN
      "\u0009\u0000\u0006\u0005\u0000", // connectVsock() to a CID and a port that are no 32-bit numbers
      "\u0013\u0012\u0000aaaa",
      "\u0008\u0009\u0000aaaaaa\u0010aaa",
      Array.from({ length: 120 }, (_, at) => String.fromCharCode(at)).join(""),
    ],
  },
  {
    name: "find-child",
    words: ["proxy", "xml.qemu"],
    isModule: true,
    texts: [OEM, `<!-- > -->${OEM}<a b='>"' c=">'"/>`],
  },
  { name: "proxy", words: ["proxy", "--fdpass", "--timeout", "5", WHERE], daemons: DAEMONS },
  { name: "resolve", words: ["resolve", "--json", WHERE], daemons: DAEMONS },
  { name: "wait", words: ["wait", "--timeout", "5", WHERE], daemons: DAEMONS },
  { name: "list", words: ["list", "--all"], daemons: [...DAEMONS, SEVERAL] },
  { name: "inventory", words: ["inventory", "--list"], daemons: [SEVERAL] },
  { name: "enable", words: ["enable", "--dry-run", WHERE], daemons: DAEMONS },
  { name: "keys", words: ["keys", "list", WHERE, "--user", "root"], daemons: [AGENT, SEVERAL] },
  { name: "credential", words: ["keys", "credential", WHERE, `${HOME}/${KEY_FILE}`], daemons: [AGENT, SEVERAL] },
  { name: "doctor", words: ["doctor", WHERE], daemons: [AGENT, ...DAEMONS] },
  {
    name: "key-file",
    words: ["keys", "cloud-init", `${HOME}/made-up.pub`],
    file: "made-up.pub",
    texts: [
      ...KEYS.map(({ key, certificate }) => `${key.type} ${key.text} a\n${certificate.type} ${certificate.text}\n`),
      `# x\n\nno-pty,command="a \\" b" ${KEY_LINE}\r\n`,
    ],
  },
  { name: "pins", words: ["trust", "list"], file: PIN_FILE, texts: PINS },
  { name: "known-hosts", words: KNOWN_HOSTS, file: PIN_FILE, others: { [RECORD_FILE]: RECORD }, texts: PINS },
  {
    name: "config",
    words: ["setup"],
    file: ".ssh/config",
    texts: [
      `Include ~/.ssh/virtssh.conf\nHost dev\n  HostName qemu/web\n`,
      `# a\r\nMatch host "a b" exec 'x'\n\tProxyCommand=nc %h\n`,
    ],
  },
];
