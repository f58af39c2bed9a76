// `virtssh enable` beside a real libvirtd: what is added to what runs and to configurations, and what is refused. The running
// domains are given their CIDs as guests-with-cid.ts says, all of them the same; test/lab/enable.test.ts has real devices.
import { describe } from "vitest";
import { shellQuote } from "../../helper/quote.ts";
import { renderDomain } from "../lab/domains.ts";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";
import { JOIN, NO_AGENT, ODD } from "./domains.ts";
import { GRANTS, GUEST_TEXTS, renderPluggable } from "./guests-with-cid.ts";

const FILES = { "/usr/bin/virtssh": "build/test/virtssh" };

const idle = (name: string, hasFreeSlot = false) =>
  renderDomain({ name, vsock: "none", boots: "nothing", hasFreeSlot });

/** i440fx, whose one PCI bus takes devices while it runs. */
function onOldMachine(xml: string): string {
  return xml.replace("machine='q35'", "machine='pc'").replace(/<controller type='pci'[^>]*>/g, "");
}

const TEXTS = {
  ...GUEST_TEXTS,
  "/etc/lab/full.xml": idle("full"),
  "/etc/lab/free.xml": idle("free", true),
  "/etc/lab/off.xml": idle("off"),
  "/etc/lab/odd.xml": idle(ODD),
  "/etc/lab/passing.xml": idle("passing"),
  "/etc/lab/saved.xml": idle("saved"),
  "/etc/lab/mine.xml": idle("mine").replace(/<serial .*<\/serial>/, ""), // a file of root's
  "/etc/lab/web.xml": renderPluggable({ name: "web", vsock: "none" }),
  "/etc/lab/db.xml": renderPluggable({ name: "db", vsock: "none" }),
  "/etc/lab/spare.xml": renderPluggable({ name: "spare", vsock: "none" }),
  "/etc/lab/brief.xml": renderPluggable({ name: "brief", vsock: "none" }),
  "/etc/lab/nap.xml": renderPluggable({ name: "nap", vsock: "none" }),
  "/etc/lab/stuck.xml": renderPluggable({ name: "stuck", vsock: "none" }),
  "/etc/lab/old.xml": onOldMachine(renderPluggable({ name: "old", vsock: "none" })),
  "/etc/lab/last.xml": renderPluggable({ name: "last", vsock: "none" }),
  "/etc/lab/own.xml": renderPluggable({ name: "own", vsock: "none" }),
};

const XML = "<vsock model='virtio'><cid auto='yes'/></vsock>";
const LOOK =
  "if its sshd does not answer, run in the guest: systemctl daemon-reload && systemctl start sshd-vsock.socket\n";

/** The vsock devices in the configuration, as libvirt has them. */
const CONFIGURED = (name: string) =>
  `virsh -r -c qemu:///system dumpxml --inactive ${name} | grep -A1 '<vsock' | tr -d '\\n '; echo`;
const DEVICE = "<vsockmodel='virtio'><cidauto='yes'/>\n";

const has = (what: string, hint: string) => failure(`${what} has a vsock device already: it can have only one`, hint);
const doctor = (name: string) => `if no ssh gets through to it, see why with: virtssh doctor qemu:system/${name}`;

const OFF: readonly Fact[] = [
  { name: "off is defined", run: "virsh -q define /etc/lab/off.xml" },
  {
    name: "--dry-run, by a user who may only look",
    user: "alice",
    run: `virtssh enable --dry-run qemu/off; ${CONFIGURED("off")}`,
    stdout: `would add to the configuration of domain "off": ${XML}\n\n`,
  },
  {
    name: "what runs, of a domain that is shut off",
    run: "virtssh enable --live qemu/off",
    exit: 1,
    stderr: failure(
      'domain "off" is not running: it can be given a vsock device in its configuration alone',
      "add one there with: virtssh enable --config qemu:system/off",
    ),
  },
  {
    name: "alice may not change its configuration",
    user: "alice",
    run: "virtssh enable qemu/off",
    exit: 1,
    stderr: failure(
      `cannot add a vsock device to the configuration of domain "off" in qemu:///system: libvirt refused: "${NO_AGENT}"`,
      JOIN,
    ),
  },
  {
    name: "once alice is in the group, as the hint has it, she may change something, without a new login",
    run: `usermod -aG libvirt alice; setpriv --reuid alice --regid alice --groups 1000 virsh -c qemu:///system version > /dev/null; status=$?
gpasswd -d alice libvirt > /dev/null; exit $status`,
  },
  {
    name: "bob may add one to a domain that is shut off",
    user: "bob",
    run: `virtssh enable qemu/off; ${CONFIGURED("off")}`,
    stdout: `the configuration of domain "off" has a vsock device now\nstart it with: virtssh wait --start qemu:system/off\n${DEVICE}`,
  },
  {
    name: "a second one in a configuration",
    run: "virtssh enable qemu/off",
    exit: 1,
    stderr: has('the configuration of domain "off"', "start it with: virsh -c qemu:///system start off"),
  },
  {
    name: "the hint of a domain without one adds one, whatever its name",
    run: `virsh -q define /etc/lab/odd.xml; virsh -q start -- ${shellQuote(ODD)}
hint=$(virtssh resolve ${shellQuote(`qemu/${ODD}`)} 2>&1 | sed -n 's/^virtssh: hint: add one with: //p'); bash -c "$hint --config"; virsh dumpxml --inactive -- ${shellQuote(ODD)} | grep -c '<vsock'; virsh -q destroy -- ${shellQuote(ODD)}`,
    stdout: `the configuration of domain "${ODD}" has a vsock device now\nthe running domain has none until it is shut down and started again\n1\n`,
  },
  {
    name: "bob's own domain",
    user: "bob",
    run: "virsh -q define /etc/lab/mine.xml; virtssh enable qemu:session/mine",
    stdout:
      'the configuration of domain "mine" has a vsock device now\nstart it with: virtssh wait --start qemu:session/mine\n',
  },
  {
    name: "a domain that managedsave has saved is restored without",
    run: `virsh -q define /etc/lab/saved.xml; virsh -q start saved; virsh -q managedsave saved; virtssh enable qemu/saved; virsh -q start saved; virsh dumpxml saved | grep -c '<vsock'; virsh -q destroy saved; ${CONFIGURED("saved")}`,
    stdout: `the configuration of domain "saved" has a vsock device now\nthe next start restores what managedsave has saved; the start after that has the device\n0\n${DEVICE}`,
  },
  {
    name: "a CID",
    run: "virtssh enable vsock/7",
    exit: 2,
    stderr: failure("a device is added to a domain, not to a CID", "see how it is used with: virtssh enable --help"),
  },
];

const SLOTS = "internal error: No more available PCI slots";
const refusedLive = (name: string, hint: string) =>
  failure(`cannot add a vsock device to domain "${name}" while it runs: libvirt refused: "${SLOTS}"`, hint);

const REFUSED: readonly Fact[] = [
  { name: "full runs, and has no PCI slot left", run: "virsh -q define /etc/lab/full.xml; virsh -q start full" },
  {
    name: "alice may not add one to what runs",
    user: "alice",
    run: "virtssh enable qemu/full",
    exit: 1,
    stderr: failure(
      `cannot add a vsock device to domain "full" in qemu:///system: libvirt refused: "${NO_AGENT}"`,
      JOIN,
    ),
  },
  {
    name: "no PCI slot left: nothing is changed",
    run: `virtssh enable qemu/full; status=$?; ${CONFIGURED("full")}; exit $status`,
    exit: 1,
    stdout: "\n",
    stderr: refusedLive("full", "add one for the next start with: virtssh enable --config qemu:system/full"),
  },
  {
    name: "and what it hints at adds one to the configuration",
    run: `$(virtssh enable qemu/full 2>&1 | sed -n 's/^virtssh: hint: add one for the next start with: //p'); ${CONFIGURED("full")}`,
    stdout: `the configuration of domain "full" has a vsock device now\nthe running domain has none until it is shut down and started again\n${DEVICE}`,
  },
  {
    name: "a second one in the configuration of a domain that runs without",
    run: "virtssh enable --config qemu/full",
    exit: 1,
    stderr: has(
      'the configuration of domain "full"',
      "add one to the running domain, too, with: virtssh enable --live qemu:system/full",
    ),
  },
  {
    name: "no PCI slot left, where the configuration has one",
    run: "virtssh enable qemu/full",
    exit: 1,
    stderr: refusedLive(
      "full",
      "its configuration has one, for the next start; shut it down with: virsh -c qemu:///system shutdown full",
    ),
  },
  {
    name: "a host without vhost_vsock",
    run: "virsh -q define /etc/lab/free.xml; virsh -q start free; virtssh enable qemu/free",
    exit: 1,
    stderr: failure(
      'cannot give guests a vsock device: there is neither "/dev/vhost-vsock" nor "/sys/module/vhost_vsock"',
      "load it with: sudo modprobe vhost_vsock",
    ),
  },
  {
    name: "the configuration of a transient domain",
    run: "virsh -q create /etc/lab/passing.xml; virtssh enable --config qemu/passing",
    exit: 1,
    stderr: failure(
      'domain "passing" is transient: it has no configuration that a vsock device can be added to',
      "add one to the running domain with: virtssh enable --live qemu:system/passing",
    ),
  },
  {
    name: "a transient domain without a PCI slot",
    run: "virtssh enable qemu/passing",
    exit: 1,
    stderr: refusedLive(
      "passing",
      "it is transient: make it anew from XML that has among its devices: <vsock><cid auto='yes'/></vsock>",
    ),
  },
];

const LIVE: readonly Fact[] = [
  ...GRANTS,
  {
    name: "web and db run",
    run: "for name in web db; do virsh -q define /etc/lab/$name.xml; virsh -q start $name; done",
  },
  {
    name: "--dry-run of both",
    run: "virtssh enable --dry-run --live --config qemu/web; virtssh enable --dry-run qemu/web",
    stdout: `would add to domain "web": ${XML}\nwould add to the configuration of domain "web": ${XML}\n`.repeat(2),
  },
  {
    name: "a domain that runs gets it at once, and in its configuration",
    run: `virtssh enable qemu/web; ${CONFIGURED("web")}; virtssh resolve qemu/web | grep cid`,
    stdout: `domain "web" has a vsock device now (cid 3)\nthe configuration of domain "web" has a vsock device now\n${LOOK}${DEVICE}cid:   3\n`,
  },
  {
    name: "a second one",
    run: "virtssh enable qemu/web",
    exit: 1,
    stderr: has('domain "web"', doctor("web")),
  },
  {
    name: "--live alone is gone with what runs, and says so",
    run: `virtssh enable --live qemu/db; ${CONFIGURED("db")}`,
    stdout: `domain "db" has a vsock device now (cid 3)\nits configuration has none: the device is gone once the domain is shut off\n${LOOK}\n`,
  },
  {
    name: "a second one in a domain whose configuration has none",
    run: "virtssh enable --live qemu/db",
    exit: 1,
    stderr: has('domain "db"', "add one to its configuration, too, with: virtssh enable --config qemu:system/db"),
  },
  {
    name: "--live --config does what is left to do",
    run: `virtssh enable --live --config qemu/db; ${CONFIGURED("db")}`,
    stdout: `domain "db" has a vsock device already (cid 3)\nthe configuration of domain "db" has a vsock device now\n${DEVICE}`,
  },
  {
    name: "a configuration that cannot be written, of a domain that has it by then",
    run: `virsh -q define /etc/lab/spare.xml; virsh -q start spare; mount --bind -o ro /etc/libvirt/qemu /etc/libvirt/qemu
virtssh enable qemu/spare; status=$?; umount /etc/libvirt/qemu; virtssh resolve qemu/spare | grep cid; exit $status`,
    exit: 1,
    stdout: "cid:   3\n",
    stderr:
      /^virtssh: error: cannot add a vsock device to the configuration of domain "spare" in qemu:\/\/\/system: libvirt refused: ".*Read-only file system"\nvirtssh: hint: /,
  },
  {
    name: "a transient domain gets it while it runs",
    run: "virsh -q create /etc/lab/brief.xml; virtssh enable qemu/brief",
    stdout: `domain "brief" has a vsock device now (cid 3)\n${LOOK}`,
  },
  {
    name: "a domain that is paused gets it, and has it when it goes on",
    run: `virsh -q define /etc/lab/nap.xml; virsh -q start nap; virsh -q suspend nap; virtssh enable qemu/nap; virsh -q resume nap; virtssh resolve qemu/nap | grep cid; ${CONFIGURED("nap")}`,
    stdout: `domain "nap" has a vsock device now (cid 3)\nthe configuration of domain "nap" has a vsock device now\n${LOOK}cid:   3\n${DEVICE}`,
  },
  {
    name: "a QEMU that hangs",
    run: `virsh -q define /etc/lab/stuck.xml; virsh -q start stuck; qemu=$(cat /run/libvirt/qemu/stuck.pid); kill -STOP $qemu
virtssh enable --timeout 1 qemu/stuck; status=$?; kill -CONT $qemu; exit $status`,
    exit: 1,
    stderr: failure(
      'cannot tell whether domain "stuck" is given a vsock device: no answer from libvirt within 1 s',
      "see later whether it has one with: virtssh enable --dry-run qemu:system/stuck",
    ),
  },
  {
    name: "what it was told is done all the same once QEMU goes on",
    run: "until virtssh resolve qemu/stuck > /dev/null 2>&1; do read -rt 0.1 <> <(:); done; virtssh enable --dry-run qemu/stuck",
    exit: 1,
    stderr: has('domain "stuck"', doctor("stuck")),
  },
  {
    name: "a machine of the type pc needs no port for it",
    run: `virsh -q define /etc/lab/old.xml; virsh -q start old; virtssh enable qemu/old`,
    stdout: `domain "old" has a vsock device now (cid 3)\nthe configuration of domain "old" has a vsock device now\n${LOOK}`,
  },
];

const cannotOpen = (hint: string) =>
  failure('cannot give guests a vsock device: this user may not open "/dev/vhost-vsock"', hint);

const OWN: readonly Fact[] = [
  { name: "bob's own domain runs", user: "bob", run: "virsh -q define /etc/lab/own.xml; virsh -q start own" },
  { name: "root alone may open the device", run: "chmod 600 /dev/vhost-vsock" },
  {
    name: "a device that root alone may open",
    user: "bob",
    run: "virtssh enable qemu:session/own",
    exit: 1,
    stderr: cannotOpen("see who may open it with: ls -l /dev/vhost-vsock"),
  },
  { name: "the device is as udev makes it on Debian", run: "chgrp kvm /dev/vhost-vsock; chmod 660 /dev/vhost-vsock" },
  {
    name: "a device that bob may not open, who is not in its group",
    user: "bob",
    run: `virtssh enable qemu:session/own`,
    exit: 1,
    stderr: cannotOpen('only group "kvm" may open it; join that group, then log in again'),
  },
  {
    name: "the system's daemon may",
    run: `virsh -q define /etc/lab/last.xml; virsh -q start last; virtssh enable --live qemu/last | head -n 1`,
    stdout: 'domain "last" has a vsock device now (cid 3)\n',
  },
  { name: "everybody may open the device", run: "chmod 666 /dev/vhost-vsock" },
  {
    name: "bob's own domain gets one while it runs",
    user: "bob",
    run: "virtssh enable qemu:session/own",
    stdout: `domain "own" has a vsock device now (cid 3)\nthe configuration of domain "own" has a vsock device now\n${LOOK}`,
  },
];

describe("virtssh enable", () => {
  const facts = [...OFF, ...REFUSED, ...LIVE, ...OWN].map((fact) => ({ timeoutSeconds: 25, ...fact }));
  testFacts(facts, (steps) => runNative({ steps, files: FILES, texts: TEXTS }));
});
