// Every example of virtssh(1) works: what a reader sees in the page, and would copy, is run beside a real libvirtd, with the real ssh,
// and guests behind the stand-in for AF_VSOCK.
import { describe, expect, test } from "vitest";
import { GRANTS, GUEST_TEXTS, renderGuest } from "../daemon/guests-with-cid.ts";
import { agentUp } from "../daemon/keys-lab.ts";
import { renderDomain, startDomain, waitForGuest } from "../lab/domains.ts";
import { type Fact, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";
import { type Example, readExamples } from "./man-page.ts";

const WEB = "5f2d0fb2-7c1e-4b7a-9d7c-5a2e8f1c9a10"; // as in the page

const { commands, files } = readExamples("virtssh.1");

/** How an example is run, by the first line of its command. */
interface Row {
  /** What the reader is: an ordinary user, who may start domains, unless told. */
  readonly user?: "root";
  /** What is done before it, and what says that it has worked. */
  readonly before?: string;
  readonly after?: string;
  /** What is typed into it. */
  readonly input?: string;
  /** What is printed, where the page does not say. */
  readonly stdout?: string | RegExp;
}

const LOGIN = { input: "echo in", stdout: "in\n" };

const ROWS: Readonly<Record<string, Row>> = {
  "ssh root@qemu/web": LOGIN,
  "ssh root@qemu/web hostname": { before: "hostname", stdout: /^(.+)\n\1\n$/ },
  "ssh root@qemu/my%20vm": LOGIN,
  "scp notes.txt root@web.qemu:/tmp/": {
    before: "rm -f /tmp/notes.txt; echo noted > notes.txt",
    after: "cat /tmp/notes.txt",
    stdout: "noted\n",
  },
  "rsync -a root@web.qemu:/etc/ssh/ from-web/": {
    before: "rm -rf from-web",
    after: "cmp /etc/ssh/ssh_config from-web/ssh_config",
  },
  "virtssh resolve qemu/web": {},
  "ssh -J root@web.qemu root@192.0.2.5": { input: "echo $SSH_CONNECTION | cut -d' ' -f3", stdout: "192.0.2.5\n" },
  "ssh dev": { ...LOGIN, before: "cp /etc/lab/page/file-1 ~/.ssh/config", after: "rm ~/.ssh/config" },
  "virtssh wait --start qemu/web && ssh root@qemu/web": { ...LOGIN, before: "$VIRSH destroy web" },
  'ssh -o "ProxyCommand=virtssh proxy --fdpass --wait 60 \\': {
    ...LOGIN,
    before: "$VIRSH suspend web; (sleep 1; $VIRSH resume web) &",
  },
  "virtssh list --all": { stdout: /^DOMAIN .*\ndb .* shut off .*\n(?:.*\n)*web .* running .* 3 .* answers .*\n$/ },
  "virtssh keys add qemu/mail --user root ~/.ssh/id_ed25519.pub": {
    before: "virtssh keys remove qemu/mail --user root ~/.ssh/id_ed25519.pub > removed", // the lab's own
    after: "rm removed; virtssh keys list qemu/mail --user root",
    stdout: /^added: (256 SHA256:\S+ lab \(ED25519\)\n)\1$/,
  },
  "virtssh keys cloud-init --iso seed.iso ~/.ssh/id_ed25519.pub": {
    after: "isoinfo -f -J -i seed.iso; rm seed.iso",
    stdout: /^(?:.*\n)*\/meta-data\n(?:.*\n)*\/user-data\n/,
  },
  "virtssh keys credential --apply qemu/web ~/.ssh/id_ed25519.pub": {
    after: "$VIRSH dumpxml --inactive web | grep -c 'ssh.authorized_keys.root='",
    stdout: /^(?:.*\n)+1\n$/,
  },
  "virtssh doctor qemu/web": { stdout: /^(?:(?:ok {4}|- {5}).*\n)+$/ },
  "virtssh enable qemu/db": {
    after: "$VIRSH dumpxml --inactive db | grep -A1 '<vsock'",
    stdout: /^the configuration .*\n.*\n +<vsock model='virtio'>\n +<cid auto='yes'\/>\n$/,
  },
  "virtssh trust show qemu/web": { stdout: /^256 SHA256:\S+ web \(ED25519\)\n/ },
  "virtssh trust forget qemu/web": { stdout: /^forgot 256 SHA256:/ },
  "mkdir -p /etc/virtssh/hosts": { user: "root" },
  'echo "@cert-authority * $(cat ca.pub)" \\': {
    user: "root",
    before: "cd /tmp/keys",
    // Without the certificate the plain key is refused: the authority alone counts.
    after: `login() { ssh -o BatchMode=yes root@qemu/web echo $1 2> /dev/null || echo refused; }
login plain; cp /tmp/guests/3 /tmp/guests/plain; echo HostCertificate /tmp/keys/one-cert.pub >> /tmp/guests/3; login certified
mv /tmp/guests/plain /tmp/guests/3; rm -r /etc/virtssh`,
    stdout: "refused\ncertified\n",
  },
  [String.raw`printf '#!/bin/sh\nexec virtssh inventory "$@"\n' > guests`]: {},
  "chmod +x guests": {},
  "ansible -i guests virtssh_running -u root -m ping": { stdout: /^web\.system\.qemu \| SUCCESS => \{/m },
  'ssh -o "ProxyCommand=ssh hypervisor virtssh proxy qemu/web" \\': LOGIN,
  "virtssh setup": {
    after: "ssh -F ~/.ssh/config root@qemu/web echo in; virtssh setup --remove > removed; ls ~/.ssh",
    stdout: /^wrote .*\nwrote .*\nin\nid_ed25519\nid_ed25519\.pub\n$/,
  },
  "source <(virtssh completion bash)": { after: "complete -p virtssh", stdout: /^complete .* virtssh\n$/ },
};

const PRELUDE = `export VIRTSSH_TEST_VSOCK=/tmp/vsock LC_ALL=C.UTF-8 ANSIBLE_PYTHON_INTERPRETER=auto_silent
VIRSH='virsh -q -c qemu:///system'
cd ~
`;

const SETUP: readonly Fact[] = [
  ...GRANTS,
  {
    name: "there are keys, and a certificate",
    run: `mkdir -p /tmp/keys /tmp/guests; mkdir -p -m 777 /tmp/vsock; cd /tmp/keys
for name in one host ca; do ssh-keygen -q -t ed25519 -N '' -C '' -f $name; done
ssh-keygen -q -s ca -I web -h -n qemu/web one.pub`,
  },
  {
    name: "guests listen at CIDs 3 and 4, and a machine behind them on TCP, which is the hypervisor, too",
    run: `cd /tmp
for cid in 3 4; do
  { cat /etc/lab/sshd_config; echo HostKey /tmp/keys/one; } > guests/$cid
  setsid socat UNIX-LISTEN:/tmp/vsock/$cid-22,mode=666,backlog=128,fork EXEC:"/usr/sbin/sshd -i -f /tmp/guests/$cid" 2> /dev/null &
  until [ -S vsock/$cid-22 ]; do read -rt 0.05 <> <(:); done
done
ip addr add 192.0.2.5/32 dev lo
usermod -p '*' bob # without PAM, sshd lets nobody in who is locked
{ cat /etc/lab/sshd_config; echo HostKey /tmp/keys/host; echo SetEnv VIRTSSH_TEST_VSOCK=/tmp/vsock; } > sshd_config
/usr/sbin/sshd -f /tmp/sshd_config
key() { cut -d' ' -f1,2 keys/$1.pub; }
printf '%s\\n' "192.0.2.5,hypervisor $(key host)" "web $(key one)" > /etc/ssh/ssh_known_hosts`,
  },
  {
    name: "web and my vm run, and db has no vsock device",
    run: `for name in web spaced db; do virsh -q define /etc/lab/$name.xml; done; virsh -q start web; virsh -q start 'my vm'`,
  },
  {
    name: "mail runs",
    run: `${startDomain("/etc/lab/mail.xml", "mail")}; ${waitForGuest("mail", 50)}; ${agentUp("mail")}`,
  },
];

/** The text goes through no quoting of ours: the shell reads it as it stands in the page. */
const TEXTS = {
  ...GUEST_TEXTS,
  "/etc/lab/sshd_config": `UsePAM no
AuthorizedKeysFile /lab/id.pub
StrictModes no
PidFile none
PerSourcePenalties no
Subsystem sftp internal-sftp
`,
  "/etc/lab/web.xml": renderGuest({ name: "web", uuid: WEB, vsock: 3 }),
  "/etc/lab/spaced.xml": renderGuest({ name: "my vm", vsock: 4 }),
  "/etc/lab/mail.xml": renderDomain({ name: "mail", vsock: "none", hasAgent: true }),
  "/etc/lab/db.xml": renderGuest({ name: "db", vsock: "none" }),
  ...Object.fromEntries(commands.map(({ text }, index) => [`/etc/lab/page/command-${index + 1}`, `${text}\n`])),
  ...Object.fromEntries(files.map((text, index) => [`/etc/lab/page/file-${index + 1}`, text])),
};

const FILES = {
  "/usr/bin/virtssh": "build/test/virtssh",
  "/etc/ssh/ssh_config.d/25-virtssh.conf": "ssh_config.d/25-virtssh.conf",
};

function makeFact(example: Example, index: number): Fact {
  const { user, before = "", after = "", input, stdout = example.output }: Row = ROWS[nameExample(example)] ?? {};
  const run = `. /etc/lab/page/command-${index + 1}${input === undefined ? "" : ` <<< '${input.replaceAll("'", "'\\''")}'`}`;
  const steps = [PRELUDE, before, `${run} || exit`, after];
  return {
    name: `${example.prompt} ${example.text}`,
    run: steps.filter((step) => step !== "").join("\n"),
    user: user ?? "bob",
    timeoutSeconds: 60,
    stdout,
    // What ssh says of a login without a terminal.
    stderr: /^(?:Pseudo-terminal will not be allocated because stdin is not a terminal\.\r?\n)*$/,
  };
}

function nameExample({ text }: Example): string {
  return text.split("\n")[0] ?? "";
}

describe("virtssh(1), EXAMPLES", () => {
  test("each is run, and no other", () => {
    expect(commands.map(nameExample).sort()).toEqual(Object.keys(ROWS).sort());
    expect(
      commands.every(
        ({ prompt, text }) => (prompt === "#") === (ROWS[nameExample({ prompt, text, output: "" })]?.user === "root"),
      ),
    ).toBe(true);
  });

  testFacts([...SETUP, ...commands.map(makeFact)], (steps) => runNative({ steps, files: FILES, texts: TEXTS }));
});
