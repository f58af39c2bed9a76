// `virtssh enable` with a real device and a real guest, which was booted without: into it while it runs, through managedsave and
// another CID, and out again.
import { describe } from "vitest";
import { type Domain, renderDomain, startDomain, waitForGuest } from "./domains.ts";
import { type Fact, failure, testFacts } from "./facts.ts";
import { INSTALLED } from "./installed.ts";
import { runInBox } from "./lab.ts";
import { toStderr } from "./progress.ts";

const GUEST: Domain = { name: "plug", vsock: "none", hasFreeSlot: true };
/** Takes the CID of a guest that is away. */
const RIVAL: Domain = { name: "rival", vsock: "auto", boots: "nothing" };
/** Has no slot for one more device. */
const FULL: Domain = { name: "full", vsock: "none", boots: "nothing" };

const path = ({ name }: Domain) => `/etc/lab/${name}.xml`;

const TEXTS = {
  ...Object.fromEntries([GUEST, RIVAL, FULL].map((domain) => [path(domain), renderDomain(domain)])),
  "/etc/lab/device.xml": "<vsock model='virtio'/>",
  "/etc/ssh/ssh_config.d/90-lab.conf": "BatchMode yes\n",
};

const LIMIT_SECONDS = 240;
const SSH_ADDS = "mm_receive_fd: recvmsg: expected received 1 got 0\r\nproxy dialer did not pass back a connection\r\n";
const NO_DEVICE = failure('domain "plug" has no vsock device', "add one with: virtssh enable qemu:system/plug");

const LOOK =
  "if its sshd does not answer, run in the guest: systemctl daemon-reload && systemctl start sshd-vsock.socket\n";
const added = (cid: number) =>
  `domain "plug" has a vsock device now (cid ${cid})\nthe configuration of domain "plug" has a vsock device now\n${LOOK}`;

/** Waits for the guest, which takes a while to find its device. */
const login = (name: string, cid: number): Fact => ({
  name,
  run: `virtssh wait --timeout 60 qemu/plug && ssh root@qemu/plug hostname; virtssh resolve qemu/plug | grep cid`,
  timeoutSeconds: 120,
  stdout: `plug\ncid:   ${cid}\n`,
});

const FACTS: readonly Fact[] = [
  { name: "plug is started, without a vsock device", run: startDomain(path(GUEST), GUEST.name) },
  { name: "plug is up", run: waitForGuest(GUEST.name, LIMIT_SECONDS), timeoutSeconds: LIMIT_SECONDS + 10 },
  { name: "ssh says what to do", run: "ssh root@qemu/plug true", exit: 255, stderr: NO_DEVICE + SSH_ADDS },
  {
    name: "what it says adds a device, while the guest runs",
    run: `$(virtssh resolve qemu/plug 2>&1 | sed -n 's/^virtssh: hint: add one with: //p')`,
    stdout: added(3),
  },
  login("ssh reaches a guest that was booted without it", 3),
  {
    name: "a second device is refused",
    run: "virtssh enable qemu/plug",
    exit: 1,
    stderr: failure(
      'domain "plug" has a vsock device already: it can have only one',
      "if no ssh gets through to it, see why with: virtssh doctor qemu:system/plug",
    ),
  },
  {
    name: "a guest that is saved gives its CID to another",
    run: `virsh -q managedsave plug && ${startDomain(path(RIVAL), RIVAL.name)} && virtssh resolve qemu/rival | grep cid`,
    timeoutSeconds: 60,
    stdout: "cid:   3\n",
  },
  { name: "it is restored", run: "virsh -q start plug", timeoutSeconds: 60 },
  login("ssh reaches it by its new CID", 4),
  {
    name: "the device is taken out of both",
    run: `virsh -q detach-device --live --config plug /etc/lab/device.xml
until ! virsh dumpxml plug | grep -q '<vsock'; do ((SECONDS < 60)) || exit 1; read -rt 0.2 < <(:); done; virsh dumpxml --inactive plug | grep '<vsock'`,
    timeoutSeconds: 90,
    exit: 1,
  },
  { name: "ssh says so", run: "ssh root@qemu/plug true", exit: 255, stderr: NO_DEVICE + SSH_ADDS },
  { name: "it can be added again", run: "virtssh enable qemu/plug", stdout: added(4) },
  login("ssh reaches the guest again", 4),
  { name: "full runs, and has no slot left", run: startDomain(path(FULL), FULL.name) },
  {
    name: "the next start has a device that is added to the configuration",
    run: "virtssh enable qemu/full 2> /dev/null || virtssh enable --config qemu/full && virsh -q destroy full && virsh -q start full && virtssh resolve qemu/full | grep cid",
    stdout: `the configuration of domain "full" has a vsock device now
the running domain has none until it is shut down and started again
cid:   5
`,
  },
];

describe("virtssh enable in a box", () => {
  testFacts(FACTS, (steps) => runInBox({ steps, files: INSTALLED, texts: TEXTS }, toStderr));
});
