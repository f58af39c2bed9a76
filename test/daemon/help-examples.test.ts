// Every command's --help has an example, and every example works: what a reader sees, and would copy, is run beside a real libvirtd,
// with the real ssh, a guest with a real agent, and the stand-in for AF_VSOCK.
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { listCommands, makeTree } from "../../packaging/man/describe-commands.ts";
import { renderDomain, startDomain, waitForGuest } from "../lab/domains.ts";
import { type Fact, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";
import { GRANTS, GUEST_TEXTS, onEmulator, renderGuest } from "./guests-with-cid.ts";

const tree = makeTree("1.2.3");

/** The commands that are run, with their examples. */
function readExamples(command: Command): { name: string; examples: string[] }[] {
  const inner = listCommands(command);
  if (inner.length > 0) return inner.flatMap(readExamples);
  const shown = /^Examples?:\n((?: {2}.*(?:\n|$))+)/m.exec(tree.readLongHelp(command))?.[1] ?? "";
  const examples = shown
    .replace(/ \\\n +/g, " ")
    .split("\n")
    .map((line) => line.trim());
  return [{ name: command.name(), examples: examples.filter((line) => line !== "") }];
}

const COMMANDS = readExamples(tree.program);
const EXAMPLES = COMMANDS.flatMap(({ examples }) => examples);

/** How an example is run: what is done before it, what says that it has worked, and what is typed into it. */
interface Row {
  readonly before?: string;
  readonly after?: string;
  readonly input?: string;
  readonly stdout?: string | RegExp;
}

const LOGIN: Row = { input: "echo in", stdout: "in\n" };
const KEY = /^256 SHA256:\S+ lab \(ED25519\)$/.source.slice(1, -1);

const ROWS: Readonly<Record<string, Row>> = {
  'ssh -o ProxyUseFdpass=no -o "ProxyCommand=virtssh proxy %h %p" root@qemu/web': LOGIN,
  "virtssh resolve --json qemu/web": { stdout: /^\{"uri":"qemu:\/\/\/system","name":"web",.*"cid":3,"port":22\}\n$/ },
  "virtssh list --all": { stdout: /^DOMAIN .*\ndb .* shut off .*\nweb .* running .* 3 .* answers .*\n$/ },
  "virtssh list --json --no-probe": { stdout: /^\[\{"uri":"qemu:\/\/\/system","name":"web",.*\]\n$/ },
  "virtssh wait --start qemu/web && ssh root@qemu/web": LOGIN,
  "virtssh enable --dry-run qemu/db": { stdout: /^would add to the configuration of domain "db": <vsock .*\n$/ },
  "virtssh enable qemu/db": {
    after: "$VIRSH dumpxml --inactive db | grep -c '<vsock'",
    stdout: /^the configuration .*\n.*\n1\n$/,
  },
  "virtssh keys add qemu/web --user root ~/.ssh/id_ed25519.pub": { stdout: new RegExp(`^.*${KEY}.*\n$`) },
  "virtssh keys list qemu/web --user root": { stdout: new RegExp(`^(?:.*\n)*.*${KEY}.*\n(?:.*\n)*$`) },
  "virtssh keys remove qemu/web --user root ~/.ssh/id_ed25519.pub": { stdout: new RegExp(`^.*${KEY}.*\n$`) },
  "ssh-add -L | virtssh keys add qemu/web --user alice": {
    before: "eval $(ssh-agent) > /dev/null; ssh-add -q ~/.ssh/id_ed25519",
    after: "ssh-agent -k > /dev/null; virtssh keys list qemu/web --user alice | wc -l",
    stdout: new RegExp(`^.*${KEY}.*\n[1-9]\n$`),
  },
  "virtssh keys credential qemu/web": { stdout: /web/ },
  "virtssh keys credential --apply qemu/web ~/.ssh/id_ed25519.pub": {
    after: "$VIRSH dumpxml --inactive web | grep -c 'ssh.authorized_keys.root='",
    stdout: /^(?:.*\n)+1\n$/,
  },
  "virtssh keys cloud-init ~/.ssh/id_ed25519.pub > meta-data": {
    after: "grep -c 'ssh-ed25519 .* lab' meta-data; rm meta-data",
    stdout: "1\n",
  },
  "virtssh keys cloud-init --iso seed.iso ~/.ssh/id_ed25519.pub": {
    after: "isoinfo -f -J -i seed.iso; rm seed.iso",
    stdout: /^(?:.*\n)*\/meta-data\n(?:.*\n)*\/user-data\n/,
  },
  "virtssh doctor qemu/web": { stdout: /^(?:(?:ok {4}|- {5}).*\n)+$/ },
  "virtssh setup --print": { stdout: /^.*\nMatch /m },
  "virtssh trust list": { stdout: /^DOMAIN .*\nweb .*\n$/ },
  "virtssh trust show qemu/web": { stdout: /^256 SHA256:\S+ web \(ED25519\)\n/ },
  "virtssh trust forget qemu/web": { stdout: /^forgot 256 SHA256:/ },
  "virtssh inventory --list": { stdout: /^\{"virtssh":.*"web\.system\.qemu".*\}\n$/ },
  'ssh -o "KnownHostsCommand=/usr/bin/virtssh known-hosts -- %I %t %K %n" root@qemu/web': LOGIN,
  "source <(virtssh completion bash)": { after: "complete -p virtssh", stdout: /^complete .* virtssh\n$/ },
};

const PRELUDE = `export VIRTSSH_TEST_VSOCK=/tmp/vsock LC_ALL=C.UTF-8
VIRSH='virsh -q -c qemu:///system'
cd ~
`;

const SETUP: readonly Fact[] = [
  ...GRANTS,
  {
    name: "a guest listens at CID 3, of which this host is the stand-in",
    run: `mkdir -p -m 777 /tmp/vsock; ssh-keygen -q -t ed25519 -N '' -C '' -f /tmp/host; usermod -p '*' bob
echo HostKey /tmp/host >> /etc/lab/sshd_config
setsid socat UNIX-LISTEN:/tmp/vsock/3-22,mode=666,backlog=128,fork EXEC:"/usr/sbin/sshd -i -f /etc/lab/sshd_config" 2> /dev/null &
until [ -S /tmp/vsock/3-22 ]; do sleep 0.05; done`,
  },
  {
    name: "web runs with its agent, and db is defined",
    run: `virsh -q define /etc/lab/db.xml; ${startDomain("/etc/lab/web.xml", "web")}
${waitForGuest("web", 50)}
until virsh -q qemu-agent-command --timeout 5 web '{"execute":"guest-ping"}' > /dev/null 2>&1; do sleep 0.1; done`,
    timeoutSeconds: 60,
  },
];

const TEXTS = {
  ...GUEST_TEXTS,
  "/etc/lab/sshd_config": `UsePAM no
AuthorizedKeysFile /lab/id.pub
StrictModes no
PidFile none
PerSourcePenalties no
`,
  "/etc/lab/web.xml": onEmulator(renderDomain({ name: "web", vsock: 3, hasAgent: true })),
  "/etc/lab/db.xml": renderGuest({ name: "db", vsock: "none" }),
  ...Object.fromEntries(EXAMPLES.map((text, index) => [`/etc/lab/help/${index + 1}`, `${text}\n`])),
};

const FILES = {
  "/usr/bin/virtssh": "build/test/virtssh",
  "/etc/ssh/ssh_config.d/25-virtssh.conf": "ssh_config.d/25-virtssh.conf",
};

function makeFact(text: string): Fact {
  const { before = "", after = "", input, stdout = "" }: Row = ROWS[text] ?? {};
  const typed = input === undefined ? "" : ` <<< '${input}'`;
  const run = `. /etc/lab/help/${EXAMPLES.indexOf(text) + 1}${typed}`;
  return {
    name: text,
    run: [PRELUDE, before, `${run} || exit`, after].filter((step) => step !== "").join("\n"),
    user: "bob",
    timeoutSeconds: 60,
    stdout,
    // What ssh says of a login without a terminal.
    stderr: /^(?:Pseudo-terminal will not be allocated because stdin is not a terminal\.\r?\n)*$/,
  };
}

describe("examples in --help", () => {
  test("every command has one", () => {
    expect(COMMANDS.filter(({ examples }) => examples.length === 0)).toEqual([]);
    expect(COMMANDS.length).toBeGreaterThan(15);
  });

  test("each is run, and no other", () => {
    expect([...new Set(EXAMPLES)].sort()).toEqual(Object.keys(ROWS).sort());
  });

  // In the order of the table: a key is added before it is listed.
  testFacts([...SETUP, ...Object.keys(ROWS).map(makeFact)], (steps) =>
    runNative({ steps, files: FILES, texts: TEXTS }),
  );
});
