// The whole way, with the real ssh: a hypervisor in a box, real vhost-vsock devices, and guests with a real sshd.
import { describe } from "vitest";
import { type Domain, renderDomain, startDomain, waitForGuest } from "./domains.ts";
import { type Fact, failure, testFacts } from "./facts.ts";
import { INSTALLED } from "./installed.ts";
import { runInBox } from "./lab.ts";
import { toStderr } from "./progress.ts";

const UUID = "22222222-3333-4444-8555-aabbccddeeff";

/** Two guests whose names differ in one letter's case. libvirt gives the first the lowest CID, 3, and the second 4. */
const DECOY = `<x:decoy xmlns:x="urn:x"><devices><vsock><cid address="4"/></vsock></devices></x:decoy>`;
const GUESTS: readonly Domain[] = [
  { name: "guest1", uuid: UUID, vsock: "auto", hostname: "small", metadata: DECOY, hasAgent: true },
  { name: "Guest1", vsock: "auto", hostname: "capital", hostKey: 2 },
];

/** Shut off, with the CID of a guest that runs. */
const STALE: Domain = { name: "stale", vsock: 3 };
/** Runs, but there is nobody in it to answer. */
const EMPTY: Domain = { name: "empty", vsock: "auto", boots: "nothing" };
const BARE: Domain = { name: "bare", vsock: "none", hasFreeSlot: true, boots: "nothing" };

const path = ({ name }: Domain) => `/etc/lab/${name}.xml`;
const TEXTS = {
  ...Object.fromEntries([...GUESTS, STALE, EMPTY, BARE].map((domain) => [path(domain), renderDomain(domain)])),
  "/root/.ssh/config": `Host dev
  HostName qemu:system/Guest1
Host folded
  HostName qemu/Guest1
Host qemu/guest1.alias
  HostName qemu:system/Guest1
`,
};

const MINUTES = 60;
const WAIT_SECONDS = 4 * MINUTES;

const SETUP: readonly Fact[] = [
  ...GUESTS.map((guest) => ({ name: `${guest.name} is started`, run: startDomain(path(guest), guest.name) })),
  { name: "stale is defined", run: `virsh -q define ${path(STALE)}` },
  ...GUESTS.map(({ name }) => ({
    name: `${name} is up`,
    run: waitForGuest(name, WAIT_SECONDS),
    timeoutSeconds: WAIT_SECONDS + 10,
  })),
];

const login = (target: string, hostname: string): Fact => ({
  name: `ssh root@${target} reaches ${hostname}`,
  run: `ssh -o BatchMode=yes root@${target} hostname`,
  stdout: `${hostname}\n`,
});

const LOGINS: readonly Fact[] = [
  login("qemu/guest1", "small"),
  login("qemu/Guest1", "capital"),
  login(`qemu/${UUID}`, "small"),
  login("qemu/2", "capital"),
  login("qemu:system/guest1", "small"),
  login("Guest1.qemu", "capital"),
  login("dev", "capital"),
  login("qemu/guest1.alias", "capital"),
  { ...login("qemu/guest1", "small"), name: "alice reaches small, through polkit", user: "alice" },
  {
    name: "ssh without ProxyUseFdpass goes through the relay",
    run: `ssh -o BatchMode=yes -o ProxyUseFdpass=no -o 'ProxyCommand=virtssh proxy %n %p' root@qemu/Guest1 hostname`,
    stdout: "capital\n",
  },
];

const asAlice = "ssh -o BatchMode=yes alice@qemu/guest1 id -un";
const denied = /^alice@qemu\/guest1: Permission denied \(publickey\)\.\r\n$/;

const KEYS: readonly Fact[] = [
  { name: "an account without a key lets nobody in", run: asAlice, exit: 255, stderr: denied },
  {
    name: "a key that is added lets its owner in",
    run: `virtssh keys add qemu/guest1 --user alice ~/.ssh/id_ed25519.pub && ${asAlice}`,
    stdout: /^added: 256 SHA256:\S+ lab \(ED25519\)\nalice\n$/,
  },
  {
    name: "and not any more once it is removed",
    run: `virtssh keys remove qemu/guest1 --user alice ~/.ssh/id_ed25519.pub > /dev/null; ${asAlice}`,
    exit: 255,
    stderr: denied,
  },
];

const SSH_ADDS = "mm_receive_fd: recvmsg: expected received 1 got 0\r\nproxy dialer did not pass back a connection\r\n";
const ssh = (words: string) => `ssh -o BatchMode=yes ${words} true`;

const REFUSALS: readonly Fact[] = [
  {
    name: "a domain that is shut off is refused, though its CID is a guest's that runs",
    run: ssh("root@qemu/stale"),
    exit: 255,
    stderr: failure('domain "stale" is shut off', "start it with: virsh -c qemu:///system start stale") + SSH_ADDS,
  },
  {
    name: "an alias whose capital ssh has folded is ambiguous",
    run: ssh("root@folded"),
    exit: 255,
    stderr:
      failure(
        'domain "guest1" is ambiguous in qemu:///system: "Guest1" and "guest1" differ only in case',
        "use qemu:system/Guest1 or qemu:system/guest1",
      ) + SSH_ADDS,
  },
  {
    name: "a port on which nothing listens",
    run: ssh("-p 23 root@qemu/guest1"),
    exit: 255,
    stderr:
      failure(
        'cannot connect to domain "guest1": nothing listens on vsock port 23 (cid 3)',
        "check in the guest what listens: ss -l --vsock",
      ) + SSH_ADDS,
  },
  { name: "empty is started", run: startDomain(path(EMPTY), EMPTY.name) },
  {
    name: "a guest whose VSOCK driver is not up",
    run: ssh("root@qemu/empty"),
    exit: 255,
    stderr:
      failure(
        'cannot connect to domain "empty": no answer on vsock port 22 (cid 5) within 2 s',
        "if it is still booting, wait with: virtssh wait qemu:system/empty",
      ) + SSH_ADDS,
  },
  {
    name: "a deadline shorter than that",
    run: "virtssh proxy --timeout 1 qemu/empty",
    exit: 1,
    stderr:
      /^virtssh: error: cannot connect to domain "empty": no answer on vsock port 22 \(cid 5\) within (1|0\.\d) s\n/,
  },
  {
    name: "a CID that no guest holds",
    run: "virtssh proxy vsock/4000",
    exit: 1,
    stderr: failure(
      "cannot connect to cid 4000: no guest holds it now",
      "see which guests run with: virsh -c qemu:///system list",
    ),
  },
];

const RELAY: readonly Fact[] = [
  {
    name: "the relay passes the end of stdin on, and what the guest says after it",
    run: "virtssh proxy qemu/guest1 < /dev/null",
    stdout: /^SSH-2\.0-OpenSSH_/,
  },
  {
    name: "the relay ends when its reader has",
    run: `exec 4< <(exec sleep 1000); sleeper=$!; timeout 60 virtssh proxy qemu/guest1 <&4 | head -c 4; echo " \${PIPESTATUS[0]}"; kill $sleeper`,
    stdout: "SSH- 0\n",
  },
];

const RESOLVED: readonly Fact[] = [
  {
    name: "resolve --json",
    run: `virtssh resolve --json ${UUID}.qemu`,
    stdout: `{"uri":"qemu:///system","name":"guest1","uuid":"${UUID}","id":1,"state":"running","cid":3,"port":22}\n`,
  },
  {
    name: "resolve",
    run: "virtssh resolve qemu/2",
    stdout:
      /^uri: {3}qemu:\/\/\/system\nname: {2}Guest1\nuuid: {2}[0-9a-f-]{36}\nid: {4}2\nstate: running\ncid: {3}4\nport: {2}22\n$/,
  },
  { name: "bare is started", run: startDomain(path(BARE), BARE.name) },
  {
    name: "the hint for a domain without a vsock device adds one",
    run: `hint=$(virtssh resolve qemu/bare 2>&1 | sed -n 's/^virtssh: hint: add one with: //p'); bash -c "$hint" | grep cid; virtssh resolve qemu/bare | grep cid`,
    stdout: 'domain "bare" has a vsock device now (cid 6)\ncid:   6\n',
  },
];

const LISTED: readonly Fact[] = [
  {
    name: "list tells which guests answer, and which have nobody in them",
    // Emulated, an sshd may be slower to say its first words than is waited for: it is asked again, once it has had its time.
    run: `export LC_ALL=C
for try in {1..15}; do
  virtssh list | sed -E 's/ +/ /g; s/ [0-9-]{10} [0-9:]{5} UTC//' > /tmp/list-$try
  if (($(sort -u /tmp/list-* | grep -c answers) == 2)); then break; fi
  sleep 2
done
sort -u /tmp/list-* | grep -v ' mute pinned$'`,
    timeoutSeconds: 90,
    stdout: `DOMAIN SCOPE STATE CID SSH SINCE HOST KEY
Guest1 system running 4 answers pinned
bare system running 6 silent -
empty system running 5 silent -
guest1 system running 3 answers pinned
`,
  },
  {
    name: "alice is told the same, and has pinned one of them",
    user: "alice",
    run: "virtssh list --all --no-probe | tr -s ' ' | cut -d' ' -f 1-4,9-",
    stdout: `DOMAIN SCOPE STATE CID
bare system running 6 -
empty system running 5 -
Guest1 system running 4 -
guest1 system running 3 pinned
stale system shut off
`,
  },
];

const IN_NAMESPACE = "unshare --user --map-current-user";

/** The fingerprint of the second guest's key, as ssh-keygen has it. */
const SEEN = "seen=$(ssh-keygen -lf /lab/guest-host-key-2.pub | cut -d' ' -f2)";

const DOCTOR: readonly Fact[] = [
  {
    name: "doctor finds nothing wrong with a guest that answers",
    run: `virtssh doctor qemu/Guest1 | grep -v ^ok; ${SEEN}; virtssh doctor qemu/Guest1 | tail -n 5 | sed "s|$seen|SHA256:SEEN|; s/since .* UTC/since TIME/; s|hosts/[0-9a-f-]*|hosts/UUID|"`,
    stdout: `ok    vsock device: cid 4
ok    connect: cid 4 takes it on vsock port 22
ok    banner: "SSH-2.0-OpenSSH_10.0p2 Debian-7+deb13u4"
ok    recheck: cid 4 is still this domain's
ok    host key: ED25519 SHA256:SEEN pinned since TIME, in "/root/.local/state/virtssh/hosts/UUID"
`,
  },
  {
    name: "doctor in a user namespace, where ssh trusts no file of root's",
    user: "alice",
    run: `${IN_NAMESPACE} virtssh doctor qemu/Guest1 | grep -A1 ^FAIL`,
    stdout: `FAIL  ssh configuration: cannot use ssh at all: it refuses the owner or the mode of "/etc/ssh/ssh_config.d/20-systemd-ssh-proxy.conf"
      hint: this user namespace does not know its owner; do without it: virtssh setup && ssh -F ~/.ssh/config qemu/Guest1
`,
  },
  {
    name: "and what it hints at leads to the guest",
    user: "alice",
    run: `${IN_NAMESPACE} bash -c 'virtssh setup > /dev/null && ssh -F ~/.ssh/config -o BatchMode=yes root@qemu/Guest1 hostname'; virtssh setup --remove > /dev/null`,
    stdout: "capital\n",
  },
];

const GONE: readonly Fact[] = [
  {
    name: "a guest that was destroyed is shut off, and its CID is not used",
    run: `virsh -q destroy guest1; ${ssh("root@qemu/guest1")}`,
    exit: 255,
    stderr: failure('domain "guest1" is shut off', "start it with: virsh -c qemu:///system start guest1") + SSH_ADDS,
  },
];

describe("virtssh in a box", () => {
  const facts = [...SETUP, ...LOGINS, ...KEYS, ...REFUSALS, ...RELAY, ...RESOLVED, ...LISTED, ...DOCTOR, ...GONE];
  testFacts(facts, (steps) => runInBox({ steps, files: INSTALLED, texts: TEXTS }, toStderr));
});
