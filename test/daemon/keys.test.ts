// `virtssh keys list`, `add` and `remove` beside a real libvirtd, with a real qemu-guest-agent in a guest: what becomes of its files, and
// what an agent, or none, can meet us with. What is in the files is seen through the guest's serial line, not through the agent.
import { describe } from "vitest";
import { GUEST_SHELL, renderDomain, startDomain, waitForGuest } from "../lab/domains.ts";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";
import { HUNG } from "./keys-faults.ts";
import { agentUp, inWeb, known, MINE, refusedByAgent } from "./keys-lab.ts";

const FILES = { "/usr/bin/virtssh": "build/test/virtssh", ...GUEST_SHELL };

const TEAM = known(1, "team");
const BOUND = known(2, "bound");
const INDENTED = known(3, "indented, and more");
const FROM_WINDOWS = known(4, "windows");

const OPTIONS = 'no-pty,command="echo \\"hi\\""';

/** What somebody else has put into an authorized_keys, some of it in Latin-1, and with no final newline. */
const LINES = {
  comment: "# caf\xe9\n",
  team: `${TEAM.line}\n`,
  junk: '\n  junk line "here\nssh-ed25519 AAAA\n',
  bound: `${OPTIONS} ${BOUND.line}\n`,
  windows: `${FROM_WINDOWS.line}\r\n`,
  indented: `\t${INDENTED.line}`,
};
const BEFORE = Object.values(LINES).join("");

const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64");

/** An idle domain with a firmware alone, for which no agent ever answers. */
const idle = (name: string, hasAgent: boolean) => renderDomain({ name, vsock: "none", boots: "nothing", hasAgent });

const TEXTS = {
  "/etc/lab/web.xml": renderDomain({ name: "web", vsock: "none", hasAgent: true }),
  // Without a file of root's for its console.
  "/etc/lab/mine.xml": renderDomain({ name: "mine", vsock: "none", hasAgent: true }).replace(
    /<serial type='file'>.*<\/serial>/,
    "",
  ),
  "/etc/lab/bare.xml": idle("bare", false),
  "/etc/lab/deaf.xml": idle("deaf", true),
  "/home/bob/mine.pub": `${MINE.line}\n`,
  "/root/mine.pub": `# mine\n${MINE.line}\n`,
  "/root/indented.pub": `${INDENTED.line}\n`,
  "/root/both.pub": `${MINE.line}\n${BOUND.line}\n`,
  "/root/gone.pub": `${TEAM.line}\n${BOUND.line}\n${FROM_WINDOWS.line}\n`,
  "/root/options.pub": `no-pty ${MINE.line}\n`,
};

const SETUP: readonly Fact[] = [
  {
    name: "bob's own guest and web boot",
    run: `setpriv --reuid bob --regid bob --init-groups env HOME=/home/bob XDG_RUNTIME_DIR=/run/user/1001 bash -c 'virsh -q -c qemu:///session define /etc/lab/mine.xml && virsh -q -c qemu:///session start mine'
${startDomain("/etc/lab/web.xml", "web")} && ${waitForGuest("web", 50)} && ${agentUp("web")}`,
  },
  {
    name: "bare has no channel, and deaf an empty one",
    run: "for name in bare deaf; do virsh -q create /etc/lab/$name.xml; done",
  },
];

const FIRST: readonly Fact[] = [
  {
    name: "list prints root's key, which the guest was made with",
    run: "virtssh keys list qemu/web --user root",
    stdout: /^256 SHA256:\S+ lab \(ED25519\)\n$/,
  },
  { name: "list prints nothing of a user without a file", run: "virtssh keys list qemu/web --user alice" },
  { name: "and has made none", run: inWeb("ls -A /home/alice") },
  {
    name: "a user that the guest does not know",
    run: "virtssh keys list qemu/web --user mallory",
    exit: 1,
    stderr: refusedByAgent("guest-ssh-get-authorized-keys': failed to lookup user 'mallory'.*"),
  },
  {
    name: "add of a user that the guest does not know",
    run: "virtssh keys add qemu/web --user mallory /root/mine.pub",
    exit: 1,
    stderr: refusedByAgent("guest-ssh-get-authorized-keys': failed to lookup user 'mallory'.*"),
  },
  {
    name: "the first key makes the file, which is the user's own",
    run: `virtssh keys add qemu:system/web --user alice < /root/mine.pub
${inWeb("cd /home/alice; stat -c '%U %G %a %n' .ssh .ssh/authorized_keys; cat .ssh/authorized_keys")}`,
    stdout: `added: ${MINE.listed}\nalice alice 700 .ssh\nalice alice 600 .ssh/authorized_keys\n${MINE.line}`,
  },
  {
    name: "the same key a second time changes nothing",
    run: `before=$(${inWeb("stat -c %y,%i /home/alice/.ssh/authorized_keys")})
virtssh keys add qemu/web --user alice /root/mine.pub; [[ $before == "$(${inWeb("stat -c %y,%i /home/alice/.ssh/authorized_keys")})" ]]`,
    stdout: `there already: ${MINE.listed}\n`,
  },
  {
    name: "the same key with other options is not added, and said",
    run: "virtssh keys add qemu/web --user alice /root/options.pub",
    exit: 1,
    stdout: `there already, with other options: ${MINE.listed}\n`,
    stderr: failure(
      `user "alice" in domain "web" has key ${MINE.listed.split(" ")[1]} with other options: ""`,
      "take it out first, with: virtssh keys remove qemu:system/web --user alice /root/options.pub",
    ),
  },
  {
    name: "and what it hints at makes it right",
    run: `hint=$(virtssh keys add qemu/web --user alice /root/options.pub 2>&1 | sed -n 's/^virtssh: hint: take it out first, with: //p')
bash -c "$hint" && virtssh keys add qemu/web --user alice /root/options.pub`,
    stdout: `removed: ${MINE.listed}\nadded: ${MINE.listed} options: no-pty\n`,
  },
  {
    name: "a private key is not sent",
    run: `virtssh keys add qemu/web --user alice /root/.ssh/id_ed25519 2> /tmp/said; status=$?; head -c 38 /tmp/said; exit $status`,
    exit: 1,
    stdout: "virtssh: error: there is a PRIVATE KEY",
  },
];

/** Of root, and of an ordinary user: others' lines stay as they are, byte for byte. */
const amongOthers = (user: string, file: string): readonly Fact[] => {
  const write = inWeb(`mkdir -p ${file.replace(/\/[^/]*$/, "")}; echo ${base64(BEFORE)} | base64 -d > ${file}`);
  const read = inWeb(`base64 -w 0 ${file}; stat -c ' %U %a' ${file}`);
  const holds = (text: string) => `${base64(text)} ${user} 600\n`;
  const { comment, junk, indented } = LINES;
  return [
    {
      name: `list prints all that ${user} has, in its order`,
      run: `${write}; virtssh keys list qemu/web --user ${user}`,
      stdout: `${TEAM.listed}\nnot a key: "junk line \\"here"\nnot a key: "ssh-ed25519 AAAA"\n${BOUND.listed} options: ${OPTIONS}\n${FROM_WINDOWS.listed}\n${INDENTED.listed}\n`,
    },
    {
      name: `add puts a key behind what ${user} has, to the byte`,
      run: `virtssh keys add qemu/web --user ${user} /root/mine.pub; ${read}`,
      stdout: `added: ${MINE.listed}\n${holds(`${BEFORE}\n${MINE.line}`)}`,
    },
    {
      name: `add puts no key twice into ${user}'s file, whose options are others`,
      run: `virtssh keys add qemu/web --user ${user} /root/both.pub 2> /dev/null; ${read}`,
      stdout: `there already: ${MINE.listed}\nthere already, with other options: ${BOUND.listed} options: ${OPTIONS}\n${holds(`${BEFORE}\n${MINE.line}`)}`,
    },
    {
      name: `remove takes ${user}'s keys out by their lines, with options and from Windows`,
      run: `virtssh keys remove qemu/web --user ${user} /root/gone.pub; ${read}`,
      stdout: `removed: ${TEAM.listed}\nremoved: ${BOUND.listed} options: ${OPTIONS}\nremoved: ${FROM_WINDOWS.listed}\n${holds(`${comment}${junk}${indented}\n${MINE.line}`)}`,
    },
    {
      name: `remove of what ${user} does not have changes nothing`,
      run: `virtssh keys remove qemu/web --user ${user} /root/gone.pub; ${read}`,
      stdout: `not there: ${TEAM.listed}\nnot there: ${BOUND.listed}\nnot there: ${FROM_WINDOWS.listed}\n${holds(`${comment}${junk}${indented}\n${MINE.line}`)}`,
    },
    {
      name: `a line of ${user}'s that the agent cannot remove is not said to be removed`,
      run: `virtssh keys remove qemu/web --user ${user} /root/indented.pub`,
      exit: 1,
      stderr: failure(
        `the guest agent of domain "web" says that it has removed keys of user "${user}", and has not: 1 still there`,
        `take them out in the guest, with an editor: "~${user}/.ssh/authorized_keys"`,
      ),
    },
  ];
};

const DISK: readonly Fact[] = [
  {
    name: "a guest whose disk is full keeps the file that it had",
    run: `${inWeb("mount -t tmpfs -o size=8k tmpfs /home/alice; mkdir /home/alice/.ssh; echo '# old' > /home/alice/.ssh/authorized_keys; cat /dev/zero > /home/alice/fill 2> /dev/null")}
virtssh keys add qemu/web --user alice /root/mine.pub; status=$?; ${inWeb("cd /home/alice/.ssh; grep . *")}; exit $status`,
    exit: 1,
    stdout: "# old\n",
    stderr: refusedByAgent("guest-ssh-add-authorized-keys': failed to write to .*No space left on device"),
  },
  {
    name: "a home that is read-only",
    run: `${inWeb("rm /home/alice/fill; mount -o remount,ro /home/alice")}; virtssh keys add qemu/web --user alice /root/mine.pub`,
    exit: 1,
    stderr: refusedByAgent("guest-ssh-add-authorized-keys': failed to write to .*Read-only file system"),
  },
  { name: "alice has her home back", run: inWeb("umount /home/alice; rm -r /home/alice/.ssh") },
];

const NO_AGENT =
  "authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'";
const nextBoot = (name: string) =>
  `give the guest keys at its next boot with: virtssh keys credential --apply qemu:system/${name} FILE`;

const OTHERS: readonly Fact[] = [
  {
    name: "a domain without a channel to an agent",
    run: "virtssh keys list qemu/bare --user root",
    exit: 1,
    stderr: failure('domain "bare" has no channel to a guest agent', nextBoot("bare")),
  },
  {
    name: "a domain with a channel, and no agent at the other end",
    run: "virtssh keys add qemu/deaf --user root /root/mine.pub",
    exit: 1,
    stderr: failure(
      'no guest agent runs in domain "deaf"',
      `install qemu-guest-agent in the guest, and start it; else ${nextBoot("deaf")}`,
    ),
  },
  {
    name: "a domain that is paused is not asked",
    run: "virsh -q suspend bare; virtssh keys list qemu/bare --user root",
    exit: 1,
    stderr: failure('domain "bare" is paused', "resume it with: virsh -c qemu:///system resume bare"),
  },
  {
    name: "alice may not ask an agent",
    user: "alice",
    run: "virtssh keys list qemu/web --user alice",
    exit: 1,
    stderr: failure(
      `cannot ask the guest agent of domain "web" in qemu:///system: libvirt refused: "${NO_AGENT}"`,
      'have polkit grant you org.libvirt.unix.manage, or join group "libvirt": sudo usermod -aG libvirt "$(id -un)"',
    ),
  },
  {
    name: "bob may, who is in the group libvirt",
    user: "bob",
    run: "virtssh keys add qemu/web --user alice /home/bob/mine.pub; virtssh keys remove qemu/web --user alice /home/bob/mine.pub",
    stdout: `added: ${MINE.listed}\nremoved: ${MINE.listed}\n`,
  },
  {
    name: "bob's own guest in his session",
    user: "bob",
    run: `${agentUp("mine", "qemu:///session")}
virtssh keys add qemu:session/mine --user root /home/bob/mine.pub; virtssh keys list qemu/mine --user root; virtssh keys remove qemu/mine --user root /home/bob/mine.pub; virsh -q -c qemu:///session destroy mine`,
    stdout: /^added: (\S+ \S+ mine .*)\n\S+ \S+ lab .*\n\1\nremoved: \1\n$/,
  },
  {
    name: "a CID has no agent",
    run: "virtssh keys list vsock/7 --user root",
    exit: 2,
    stderr: failure(
      "keys are those of a domain, whose agent libvirt knows, not of a CID",
      "see how it is used with: virtssh keys list --help",
    ),
  },
];

describe("virtssh keys", () => {
  const facts = [
    ...SETUP,
    ...FIRST,
    ...amongOthers("root", "/root/.ssh/authorized_keys"),
    ...amongOthers("alice", "/home/alice/.ssh/authorized_keys"),
    ...DISK,
    ...OTHERS,
    ...HUNG,
  ];
  testFacts(
    facts.map((fact) => ({ timeoutSeconds: 40, ...fact })),
    (steps) => runNative({ steps, files: FILES, texts: TEXTS }),
  );
});
