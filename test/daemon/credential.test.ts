// `virtssh keys credential` beside a real libvirtd: what is written into configurations, what is left as it was, and that a guest's
// systemd takes it.
import { describe } from "vitest";
import { renderDomain } from "../lab/domains.ts";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";
import { bootSystemdGuest, PACK_SYSTEMD, renderSystemdGuest } from "./systemd-guest.ts";

const FILES = { "/usr/bin/virtssh": "build/test/virtssh" };

const idle = (name: string) => renderDomain({ name, vsock: "none", boots: "nothing" });

/** With this in <os>, and that before it. */
function withStrings(name: string, inOs: string, before = ""): string {
  return idle(name).replace("</os>", `${inOs}</os>`).replace("<os>", `${before}<os>`);
}

const SYSINFO = "<smbios mode='sysinfo'/>";
const NAME = "ssh.authorized_keys.root";
const DECOY = `<x:a xmlns:x="urn:x"><sysinfo type="smbios"><oemStrings><entry>io.systemd.credential:${NAME}=x</entry></oemStrings></sysinfo></x:a>`;

/** All that could be lost, or taken for something else. */
const RICH = renderDomain({ name: "rich", vsock: "none", boots: "nothing", metadata: DECOY })
  .replace("<domain ", "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' ")
  .replace("<memory ", "<description>&lt;/os&gt; &amp; ü &lt;sysinfo type='smbios'></description><memory ")
  .replace(
    "<os>",
    `<sysinfo type='fwcfg'><entry name='opt/io.systemd.credentials/${NAME}'>not ours</entry></sysinfo>
<sysinfo type='smbios'>
  <bios><entry name='vendor'>A, &amp; B</entry></bios>
  <system><entry name='serial'>4711</entry></system>
  <oemStrings>
    <entry>first, &lt;with&gt; &amp; &quot;signs&quot;</entry>
    <!-- a comment --><entry><![CDATA[io.systemd.credential:${NAME}=]]>ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILs7kCfk7ujV+8PM918VArg8HjhER5O1Zx1HAoHaSUsC old</entry>
    <entry>io.systemd.credential.binary:${NAME}=AAAA</entry>
    <entry>io.systemd.credential:${NAME}.other=x</entry>
  </oemStrings>
</sysinfo><os>`,
  )
  .replace("</os>", `${SYSINFO}<bios useserial='yes'/></os>`)
  .replace("<memballoon", "<graphics type='vnc' port='5999' passwd='secret'/><memballoon")
  .replace(
    "</domain>",
    "<qemu:commandline><qemu:arg value='-name'/><qemu:arg value='rich,debug-threads=on'/></qemu:commandline></domain>",
  );

const TEXTS = {
  "/etc/lab/plain.xml": idle("plain"),
  "/etc/lab/rich.xml": RICH,
  "/etc/lab/host.xml": withStrings("host", "<smbios mode='host'/>"),
  "/etc/lab/quiet.xml": withStrings(
    "quiet",
    "<smbios mode='emulate'/>",
    "<sysinfo type='smbios'><system><entry name='serial'>1</entry></system></sysinfo>",
  ),
  "/etc/lab/passing.xml": idle("passing"),
  "/etc/lab/saved.xml": idle("saved"),
  "/etc/lab/mine.xml": idle("mine").replace(/<serial .*<\/serial>/, ""), // a file of root's
  "/etc/lab/modern.xml": renderSystemdGuest("modern", "q35"),
  "/etc/lab/older.xml": renderSystemdGuest("older", "pc-q35-8.0"),
};

/** Keys of each kind, in /tmp/keys: as many as a test asks for. */
const KEYS = `cd /tmp
ssh-keygen -q -t ed25519 -N '' -C 'alice@work' -f alice
ssh-keygen -q -t ecdsa -N '' -C 'bob, "the builder" & <co>' -f bob
echo "no-pty,command=\\"echo \\\\\\"hi, there\\\\\\"\\" $(cat bob.pub)" > bob-only.pub
cat alice.pub bob-only.pub > both.pub
chmod 644 *.pub`;

const ENTRY = String.raw`<entry>io\.systemd\.credential\.binary:ssh\.authorized_keys\.root=[A-Za-z0-9+/]+=*</entry>`;
const has = (name: string, rest = "now") => `the configuration of domain "${name}" has the credential ${NAME} ${rest}`;
const hasNone = (name: string, rest = "") => `the configuration of domain "${name}" has no credential ${NAME}${rest}`;
const ALICE = String.raw`256 SHA256:\S{43} alice@work \(ED25519\)`;
const BOB = String.raw`256 SHA256:\S{43} bob, "the builder" & <co> \(ECDSA\) options: no-pty,command="echo \\"hi, there\\""`;
const TAKES = "the guest takes them at its boot, if root has no authorized_keys file yet";
const start = (name: string, scope = "system") => `start it with: virtssh wait --start qemu:${scope}/${name}`;
const stays = (name: string) =>
  `keys that the guest has taken stay in it; take them out with: virtssh keys remove qemu:system/${name} --user root FILE`;

/** Lines, some of them patterns. */
const lines = (...all: readonly (string | RegExp)[]) =>
  new RegExp(
    `^${all.map((line) => `${typeof line === "string" ? line.replace(/[.*+?^${"$"}{}()|[\]\\]/g, "\\$&") : line.source}\n`).join("")}$`,
  );

const DUMP = (name: string) => `virsh dumpxml --inactive --security-info ${name}`;
/** What a command changes in a configuration, as diff has it. */
const changes = (name: string, command: string) =>
  `${DUMP(name)} > /tmp/before; ${command} > /dev/null && ${DUMP(name)} | diff /tmp/before - | grep '^[<>]'`;

const PLAIN: readonly Fact[] = [
  { name: "keys of several kinds", run: KEYS },
  {
    name: "plain is defined",
    run: `virsh -q define /etc/lab/plain.xml; virsh -q autostart plain; ${DUMP("plain")} > /tmp/plain`,
  },
  {
    name: "a user who may only look sees that there is none",
    user: "alice",
    run: "virtssh keys credential qemu/plain",
    stdout: `${hasNone("plain")}\n`,
  },
  {
    name: "a user who may only look sees what would be written",
    user: "alice",
    run: "virtssh keys credential qemu/plain /tmp/both.pub",
    stdout: lines(
      new RegExp(`would write to the configuration of domain "plain": ${ENTRY}`),
      `would write to the configuration of domain "plain": ${SYSINFO}`,
      new RegExp(`\\+ ${ALICE}`),
      new RegExp(`\\+ ${BOB}`),
      "write it with: virtssh keys credential --apply qemu:system/plain /tmp/both.pub",
    ),
  },
  {
    name: "alice may not write it",
    user: "alice",
    run: "virtssh keys credential --apply qemu/plain /tmp/both.pub",
    exit: 1,
    stderr:
      /^virtssh: error: cannot change the configuration of domain "plain" in qemu:\/\/\/system: libvirt refused: ".*"\nvirtssh: hint: .*\n$/,
  },
  {
    name: "a private key is refused, and nothing written",
    run: `virtssh keys credential --apply qemu/plain /tmp/alice; status=$?; ${DUMP("plain")} | diff /tmp/plain -; exit $status`,
    exit: 1,
    stderr: /PRIVATE KEY/,
  },
  {
    name: "bob writes it",
    user: "bob",
    run: "virtssh keys credential --apply qemu/plain /tmp/both.pub",
    stdout: lines(has("plain"), new RegExp(`\\+ ${ALICE}`), new RegExp(`\\+ ${BOB}`), start("plain"), TAKES),
  },
  {
    name: "and nothing else is different",
    run: `${DUMP("plain")} | diff /tmp/plain - | grep '^[<>]'; virsh dominfo plain | grep Autostart:`,
    stdout: lines(
      ">   <sysinfo type='smbios'>",
      ">     <oemStrings>",
      new RegExp(`>       ${ENTRY}`),
      ">     </oemStrings>",
      ">   </sysinfo>",
      `>     ${SYSINFO}`,
      "Autostart:      enable",
    ),
  },
  {
    name: "a second time it is there already",
    run: "virtssh keys credential --apply qemu/plain - < /tmp/both.pub; virtssh keys credential qemu/plain /tmp/both.pub",
    stdout: lines(...[1, 2].flatMap(() => [has("plain", "already"), new RegExp(`  ${ALICE}`), new RegExp(`  ${BOB}`)])),
  },
  {
    name: "it is shown, options and all, for programs",
    user: "alice",
    run: `virtssh keys credential --json qemu/plain | python3 -c '
import base64, json, sys
facts = json.load(sys.stdin)
print(*facts, facts["changed"], len(facts["uuid"]))
print(*facts["keys"][1])
print(base64.b64decode(facts["element"].split("=", 1)[1].split("<")[0]).decode() == open("/tmp/both.pub").read())
print("".join(key["line"] + "\\n" for key in facts["keys"]) == open("/tmp/both.pub").read())'`,
    stdout: "uri name uuid changed element keys False 36\noptions type bits fingerprint key comment line\nTrue\nTrue\n",
  },
  {
    name: "other keys take their place",
    run: "virtssh keys credential --apply qemu/plain /tmp/alice.pub | head -n 3",
    stdout: lines(has("plain"), new RegExp(`  ${ALICE}`), new RegExp(`- ${BOB}`)),
  },
  {
    name: "it is taken out, and the configuration is as it was",
    run: `virtssh keys credential --remove qemu/plain; ${DUMP("plain")} | diff /tmp/plain -; virtssh keys credential --remove qemu/plain`,
    stdout: lines(
      hasNone("plain", " any more"),
      new RegExp(`- ${ALICE}`),
      start("plain"),
      stays("plain"),
      hasNone("plain"),
    ),
  },
];

const OTHERS: readonly Fact[] = [
  {
    name: "passwords, other strings, comments and what looks like it stay; several are one",
    run: `virsh -q define /etc/lab/rich.xml; virtssh keys credential qemu/rich | tail -n 1; ${changes("rich", "virtssh keys credential --apply qemu/rich /tmp/alice.pub")}; ${DUMP("rich")} | grep -c "passwd='secret'"`,
    stdout: lines(
      / {2}256 SHA256:\S{43} old \(ED25519\)/,
      /< {7}<entry>io\.systemd\.credential:ssh\.authorized_keys\.root=ssh-ed25519 AAAA\S+ old<\/entry>/,
      `<       <entry>io.systemd.credential.binary:${NAME}=AAAA</entry>`,
      new RegExp(`>       ${ENTRY}`),
      "1",
    ),
  },
  {
    name: "and stay when it is taken out",
    run: changes("rich", "virtssh keys credential --remove qemu/rich"),
    stdout: new RegExp(`^<       ${ENTRY}\n$`),
  },
  {
    name: "a domain with strings that were not shown yet",
    run: `virsh -q define /etc/lab/quiet.xml; virtssh keys credential --apply qemu/quiet /tmp/alice.pub | tail -n 1; ${changes("quiet", "virtssh keys credential --remove qemu/quiet")} | grep -v entry; ${DUMP("quiet")} | grep smbios`,
    stdout: `the guest sees the other strings of its <sysinfo> from then on, too\n<     <oemStrings>\n<     </oemStrings>\n  <sysinfo type='smbios'>\n    ${SYSINFO}\n`,
  },
  {
    name: "a guest that is shown the host's strings",
    run: "virsh -q define /etc/lab/host.xml; virtssh keys credential --apply qemu/host /tmp/alice.pub",
    exit: 1,
    stderr: failure(
      `cannot give domain "host" a credential: its guest is shown the host's SMBIOS strings`,
      "write <smbios mode='sysinfo'/> in place of <smbios mode='host'/>, with: virsh -c qemu:///system edit host",
    ),
  },
  {
    name: "a credential for a transient domain",
    run: "virsh -q create /etc/lab/passing.xml; virtssh keys credential --apply qemu/passing /tmp/alice.pub",
    exit: 1,
    stderr: failure(
      'domain "passing" is transient: it has no configuration to keep a credential in',
      "let keys in while it runs with: virtssh keys add qemu:system/passing --user root FILE",
    ),
  },
  {
    name: "a domain that runs does not see it yet",
    run: `virsh -q start plain; virtssh keys credential --apply qemu/plain /tmp/alice.pub | tail -n 2; virsh dumpxml plain | grep -c smbios; virtssh keys credential --remove qemu/plain > /dev/null; virsh -q destroy plain`,
    stdout: `the running domain is as it was until it is shut down and started again\n${TAKES}\n0\n`,
  },
  {
    name: "a domain that managedsave has saved does not see it at its next start",
    run: `virsh -q define /etc/lab/saved.xml; virsh -q start saved; virsh -q managedsave saved; virtssh keys credential --apply qemu/saved /tmp/alice.pub | tail -n 2; virsh -q start saved; virsh dumpxml saved | grep -c smbios; virsh -q destroy saved; ${DUMP("saved")} | grep -c smbios`,
    stdout: `the next start restores what managedsave has saved; the start after that sees the change\n${TAKES}\n0\n2\n`,
  },
  {
    name: "a credential in bob's own domain",
    user: "bob",
    run: "virsh -q define /etc/lab/mine.xml; virtssh keys credential --apply qemu:session/mine /tmp/alice.pub",
    stdout: lines(has("mine"), new RegExp(`\\+ ${ALICE}`), start("mine", "session"), TAKES),
  },
  {
    name: "a configuration that cannot be written",
    run: `mount --bind -o ro /etc/libvirt/qemu /etc/libvirt/qemu; virtssh keys credential --apply qemu/plain /tmp/alice.pub; status=$?; umount /etc/libvirt/qemu; ${DUMP("plain")} | diff /tmp/plain -; exit $status`,
    exit: 1,
    stderr:
      /^virtssh: error: cannot change the configuration of domain "plain" .*Read-only file system"\nvirtssh: hint: /,
  },
  {
    name: "a credential for a CID",
    run: "virtssh keys credential vsock/7",
    exit: 2,
    stderr: failure(
      "a credential is given to a domain, not to a CID",
      "see how it is used with: virtssh keys credential --help",
    ),
  },
  {
    name: "--apply without keys, and --remove with some",
    run: "virtssh keys credential --apply qemu/plain; virtssh keys credential --remove qemu/plain /tmp/alice.pub",
    exit: 2,
    stderr: ["--apply takes a FILE of public keys", "--remove takes no FILE: it takes out all keys"]
      .map((problem) => failure(problem, "see how it is used with: virtssh keys credential --help"))
      .join(""),
  },
];

/** As many RSA keys of 4096 bits, with numbers that are none of anybody's, as make a file of so many bytes; its last comment fills it up. */
const MANY = `python3 - <<'PYTHON'
import base64, random, struct
random.seed(1)
field = lambda data: struct.pack(">I", len(data)) + data
def line(comment):
    blob = field(b"ssh-rsa") + field(b"\\1\\0\\1") + field(b"\\0\\x80" + random.randbytes(510) + b"\\1")
    return "ssh-rsa " + base64.b64encode(blob).decode() + " " + comment + "\\n"
# 16384 bytes, without the NUL and what stands before the base64.
size = (16384 - 1 - len("io.systemd.credential.binary:${NAME}=")) // 4 * 3
text = ""
while len(text) + 2 * len(line("key")) < size: text += line("key")
text += line("x" * (size - len(text) - len(line(""))))
open("/tmp/most.pub", "w").write(text)
open("/tmp/more.pub", "w").write(text[:-1] + "yyy\\n")
PYTHON`;

const BOOTED: readonly Fact[] = [
  { name: "a guest with systemd", run: PACK_SYSTEMD },
  {
    name: "a guest's systemd writes the keys to root's authorized_keys",
    run: `virsh -q define /etc/lab/modern.xml; virtssh keys credential --apply qemu/modern /tmp/both.pub > /dev/null; ${bootSystemdGuest("modern")} | diff - <(sha256sum < /tmp/both.pub)`,
  },
  {
    name: "as many keys as fit",
    run: `${MANY}
wc -l < /tmp/most.pub`,
    stdout: "16\n",
  },
  {
    name: "more keys than fit are refused, and nothing written",
    run: "virsh -q define /etc/lab/older.xml; virtssh keys credential --apply qemu/older /tmp/more.pub; status=$?; virtssh keys credential qemu/older; exit $status",
    exit: 1,
    stdout: `${hasNone("older")}\n`,
    stderr: failure(
      'cannot give domain "older" so many keys: its SMBIOS OEM strings would have 16387 bytes, and may have 16384',
      "give it fewer keys, or shorter ones: ssh-keygen -t ed25519",
    ),
  },
  {
    name: "as many as fit reach a guest, on an older machine too, which still has ACPI and ends",
    run: `virtssh keys credential --apply qemu/older /tmp/most.pub > /dev/null; ${bootSystemdGuest("older")} | diff - <(sha256sum < /tmp/most.pub)`,
  },
];

describe("virtssh keys credential", () => {
  const facts = [...PLAIN, ...OTHERS, ...BOOTED].map((fact) => ({ timeoutSeconds: 50, ...fact }));
  testFacts(facts, (steps) => runNative({ steps, files: FILES, texts: TEXTS }));
});
