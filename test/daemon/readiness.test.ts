// Guests that are not ready, beside a real libvirtd: its events, its refusals, and what a guest's port does. The guests' sshd is
// a stand-in, behind the checked build's stand-in for AF_VSOCK, so that each of its ways to fail can be had.
import { describe } from "vitest";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";
import { JOIN, NO_AGENT } from "./domains.ts";
import { GRANTS, GUEST_TEXTS, renderGuest } from "./guests-with-cid.ts";

const FILES = { "/usr/bin/virtssh": "build/test/virtssh", "/etc/lab/guest.py": "test/fakes/guest.py" };

/** Runs a program on a terminal of its own, 80 columns wide, and prints what came of it, with its status. */
const ON_TERMINAL = `import os, pty, sys
status = pty.spawn(sys.argv[1:], lambda fd: os.read(fd, 1024))
print("status", os.waitstatus_to_exitcode(status))
`;

const TEXTS = {
  ...GUEST_TEXTS,
  "/etc/lab/on-terminal.py": ON_TERMINAL,
  "/etc/lab/web.xml": renderGuest({ name: "web", vsock: 7 }),
  "/etc/lab/moved.xml": renderGuest({ name: "moved", vsock: 8 }),
};

const ENV = "export VIRTSSH_TEST_VSOCK=/tmp/vsock; mkdir -p -m 777 /tmp/vsock; rm -f /tmp/vsock/*; cd /tmp";
/** Starts a guest at CID 7, port 22, and waits until it listens. */
const guest = (how: string, first = "true") =>
  `${ENV}; exec 5< <(exec python3 /etc/lab/guest.py /tmp/vsock/7-22 '${how}' '${first}'); guest=$!; read -r -u 5; trap 'kill $guest' EXIT`;
/** As if the guest's kernel were up, and nobody listened. */
const DEAF = `${ENV}; python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind("/tmp/vsock/7-22")'; chmod 666 /tmp/vsock/*`;

const SETUP: readonly Fact[] = [
  ...GRANTS,
  { name: "web and moved are defined", run: "for name in web moved; do virsh -q define /etc/lab/$name.xml; done" },
];

const START = "virsh -q start web";
const STOP = "virsh -q destroy web";
const STARTED = "start it with: virsh -c qemu:///system start web";
const IS_OFF = (seconds: number) => failure(`not ready after ${seconds} s: domain "web" is shut off`, STARTED);

const WAITING: readonly Fact[] = [
  {
    name: "a domain that stays shut off",
    run: `${ENV}; virtssh wait --timeout 1 qemu/web`,
    exit: 1,
    stderr: IS_OFF(1),
  },
  {
    name: "the same on the way to ssh",
    run: `${ENV}; virtssh proxy --wait 1 qemu/web`,
    exit: 1,
    stderr: IS_OFF(1),
  },
  {
    name: "a domain that somebody starts meanwhile, which libvirt tells",
    run: `${guest("greets")}; (sleep 1; ${START}) & virtssh wait --timeout 20 qemu/web && virsh domstate web | head -1`,
    stdout: "running\n",
  },
  { name: "a guest that is ready", run: `${guest("greets")}; virtssh wait qemu/web` },
  { name: "a bare CID that is ready", run: `${guest("greets")}; virtssh wait vsock/7` },
  {
    name: "a domain that is paused, until it is resumed",
    run: `${guest("greets")}; virsh -q suspend web; (sleep 1; virsh -q resume web) & virtssh wait --timeout 20 qemu/web`,
  },
  {
    name: "a guest whose sshd comes up meanwhile",
    run: `${DEAF}; (sleep 1; exec 5>&-; exec timeout 10 python3 /etc/lab/guest.py /tmp/vsock/7-22 greets > /dev/null) & later=$!; virtssh wait --timeout 9 qemu/web; status=$?; kill $later; exit $status`,
  },
  {
    name: "a guest on whose port nobody listens to the end",
    run: `${DEAF}; virtssh wait --timeout 1 qemu/web`,
    exit: 1,
    stderr: failure(
      'not ready after 1 s: cannot connect to domain "web": nothing listens on vsock port 22 (cid 7)',
      "check in the guest what listens: ss -l --vsock",
    ),
  },
  {
    name: "a guest that closes before a word",
    run: `${guest("closes")}; virtssh wait --timeout 1 qemu/web`,
    exit: 1,
    stderr: failure(
      'not ready after 1 s: cannot log in to domain "web": vsock port 22 (cid 7) takes the connection and closes it before a word',
      "see why in the guest: journalctl -b -g ssh",
    ),
  },
  {
    name: "a guest that says nothing",
    run: `${guest("says nothing")}; virtssh wait --timeout 1 qemu/web`,
    exit: 1,
    stderr: failure(
      'not ready after 1 s: cannot log in to domain "web": vsock port 22 (cid 7) takes the connection and says nothing',
      "check in the guest what listens: ss -lp --vsock",
    ),
  },
  {
    name: "a bare CID that nobody holds",
    run: `${ENV}; virtssh wait --timeout 1 vsock/9`,
    exit: 1,
    stderr: failure(
      "not ready after 1 s: cannot connect to cid 9: no guest holds it now",
      "see which guests run with: virsh -c qemu:///system list",
    ),
  },
  {
    name: "a domain that is not there is not waited for",
    run: `${ENV}; time virtssh wait qemu/wbe 2> /tmp/err; cat /tmp/err >&2; exit 1`,
    exit: 1,
    stderr:
      /real\t0m0\.[\s\S]*cannot find domain "wbe" in qemu:\/\/\/system\nvirtssh: hint: did you mean qemu:system\/web\?\n$/,
  },
];

const CHANGES: readonly Fact[] = [
  {
    name: "a domain that is started anew after the connect is connected to again",
    run: `${guest("greets", `${STOP}; ${START}`)}; before=$(virsh domid web); virtssh wait --timeout 20 qemu/web; [ "$(virsh domid web)" -gt $before ] && echo anew`,
    stdout: "anew\n",
  },
  {
    name: "a domain that is removed while it is waited for",
    run: `${DEAF}; (sleep 0.7; virsh -q destroy web; virsh -q undefine web) & virtssh wait --timeout 20 qemu/web`,
    exit: 1,
    stderr: failure('cannot find domain "web" in qemu:///system', "list the domains with: virtssh list --all"),
  },
  { name: "web is defined again", run: "virsh -q define /etc/lab/web.xml" },
  {
    name: "a libvirtd that is started anew while it is waited for",
    run: `${DEAF}; ${START}; (sleep 0.7; kill -KILL $(pidof libvirtd); while pidof -q libvirtd; do sleep 0.05; done; python3 /etc/lab/grant-cid.py libvirtd -d; exec timeout 10 python3 /etc/lab/guest.py /tmp/vsock/7-22 greets > /dev/null) & later=$!; virtssh wait --timeout 15 qemu/web; status=$?; kill $later; ${STOP}; exit $status`,
  },
];

const STARTING: readonly Fact[] = [
  {
    name: "--start starts a domain that is shut off",
    run: `${guest("greets")}; virtssh wait --start --timeout 20 qemu/web && virsh domstate web | head -1`,
    stdout: "running\n",
  },
  {
    name: "--start leaves a domain alone that runs",
    run: `${guest("greets")}; virtssh wait --start qemu/web; ${STOP}`,
  },
  {
    name: "bob may start it",
    user: "bob",
    run: `${guest("greets")}; virtssh wait --start --timeout 20 qemu/web`,
  },
  {
    name: "alice may wait for it",
    user: "alice",
    run: `${guest("greets")}; virtssh wait --timeout 20 qemu/web`,
  },
  {
    name: "alice may not start it",
    user: "alice",
    run: `${ENV}; virtssh wait --start qemu/moved`,
    exit: 1,
    stderr: failure(`cannot start domain "moved" in qemu:///system: libvirt refused: "${NO_AGENT}"`, JOIN),
  },
  {
    name: "a domain that cannot start",
    run: `${ENV}; chmod -x /usr/local/bin/qemu-without-vsock; virtssh wait --start qemu/moved; status=$?; chmod +x /usr/local/bin/qemu-without-vsock; exit $status`,
    exit: 1,
    stderr:
      /^virtssh: error: cannot start domain "moved" in qemu:\/\/\/system: libvirt refused: ".*qemu-without-vsock.*"\nvirtssh: hint: /,
  },
  {
    name: "a CID cannot be started",
    run: "virtssh wait --start vsock/7",
    exit: 2,
    stderr: failure("--start needs a domain, not a CID", "see how it is used with: virtssh wait --help"),
  },
];

const terminal = (command: string) => `timeout 20 python3 /etc/lab/on-terminal.py ${command} | tr '\\r\\033' '\\n^'`;

const PROGRESS: readonly Fact[] = [
  {
    name: "a terminal shows what is being waited for, and what came of it",
    run: `${guest("greets")}; ${STOP}; (sleep 2.5; ${START}) & ${terminal("virtssh wait --timeout 20 qemu/web")}`,
    stdout:
      /^\n\^\[Kvirtssh: waiting, 1 s: domain "web" is shut off\n\^\[Kvirtssh: waiting, 2 s: domain "web" is shut off[\s\S]*\n\^\[Kvirtssh: domain "web" is ready after [2-5]\.\d s: SSH-2\.0-OpenSSH_10\.0 guest\\x1b\[31m\n\nstatus 0\n$/,
  },
  {
    name: "a terminal shows nothing but the end of a short wait",
    run: `${guest("greets")}; ${terminal("virtssh wait qemu/web")}`,
    stdout: /^virtssh: domain "web" is ready after 0\.\d s: [^\n]*\n\nstatus 0\n$/,
  },
  {
    name: "a terminal has the failure alone on its line",
    run: `${DEAF}; ${terminal("virtssh wait --timeout 2 qemu/web")}`,
    stdout: /\n\^\[Kvirtssh: error: not ready after 2 s: [^\n]*\n\nvirtssh: hint: [^\n]*\n\nstatus 1\n$/,
  },
];

const SSH = "ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ProxyUseFdpass=yes";

const PROXY: readonly Fact[] = [
  {
    name: "the proxy explains a guest that closes before a word, to ssh",
    run: `${guest("closes")}; ${SSH} -o 'ProxyCommand=virtssh proxy --fdpass %h %p' root@qemu/web true 2>&1 | head -2`,
    stdout: failure(
      'cannot log in to domain "web": vsock port 22 (cid 7) takes the connection and closes it before a word',
      "see why in the guest: journalctl -b -g ssh",
    ),
  },
  {
    name: "the relay does, too",
    run: `${guest("closes")}; virtssh proxy qemu/web < /dev/null`,
    exit: 1,
    stderr: /^virtssh: error: cannot log in to domain "web": /,
  },
  {
    name: "a guest that speaks late is waited for, and nothing of its banner is lost",
    run: `${guest("speaks late")}; virtssh proxy qemu/web < /dev/null | head -c 8; echo`,
    stdout: "SSH-2.0-\n",
  },
  {
    name: "ssh goes on with a guest that is ready after a wait",
    run: `${DEAF}; (sleep 1; exec timeout 10 socat UNIX-LISTEN:/tmp/vsock/7-22,unlink-early,fork EXEC:'/usr/sbin/sshd -i -o HostKey=/lab/id -o UsePAM=no -o AuthorizedKeysFile=/lab/id.pub -o StrictModes=no' 2> /dev/null) & later=$!; ${SSH} -o LogLevel=ERROR -o 'ProxyCommand=virtssh proxy --fdpass --wait 15 %h %p' root@qemu/web echo in; status=$?; kill $later; exit $status`,
    stdout: "in\n",
  },
];

describe("virtssh and guests that are not ready", () => {
  const facts = [...SETUP, ...WAITING, ...CHANGES, ...STARTING, ...PROGRESS, ...PROXY];
  const limited = facts.map((fact) => ({ ...fact, timeoutSeconds: 25 }));
  testFacts(limited, (steps) => runNative({ steps, files: FILES, texts: TEXTS }));
});
