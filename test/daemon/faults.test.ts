// Other users, many at once, and everything that can be wrong with a host: the binary beside a real libvirtd.
import { describe } from "vitest";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { INSTALLED } from "../lab/installed.ts";
import { runNative } from "../lab/lab.ts";
import { notFound, noVsock, SETUP, TEXTS } from "./domains.ts";

const OTHER_USERS: readonly Fact[] = [
  {
    name: "an ordinary user is let in by polkit",
    user: "alice",
    run: "virtssh resolve qemu/web",
    exit: 1,
    stderr: noVsock("web"),
  },
  {
    name: "qemu/NAME starts no session daemon",
    user: "alice",
    run: "virtssh resolve qemu/nope; ls $XDG_RUNTIME_DIR",
    stderr: notFound("nope"),
  },
  {
    name: "LIBVIRT_AUTOSTART=0 keeps qemu:session/NAME from starting one",
    user: "alice",
    run: "LIBVIRT_AUTOSTART=0 virtssh resolve qemu:session/x",
    exit: 1,
    stderr: failure(
      'cannot find a libvirt daemon for qemu:///session: "/run/user/1000/libvirt/virtqemud-sock" is missing, ' +
        '"/run/user/1000/libvirt/libvirt-sock" is missing',
      "start it with: virsh -c qemu:///session list",
    ),
  },
  {
    name: "qemu:session/NAME starts one",
    user: "alice",
    run: "virtssh resolve qemu:session/x",
    exit: 1,
    stderr: notFound("x", "qemu:///session"),
  },
  {
    name: "qemu/NAME asks a session daemon that runs, after the system's",
    user: "alice",
    run: "virtssh resolve qemu/nope",
    exit: 1,
    stderr: failure(
      'cannot find domain "nope" in qemu:///system or qemu:///session',
      "list the domains with: virtssh list --all",
    ),
  },
  {
    name: "qemu/NAME reaches a session domain that the system daemon does not have",
    user: "alice",
    run: `sed 's/<name>Web/<name>mine/; s/<serial.*serial>//' /etc/lab/Web.xml > /tmp/mine.xml && virsh -q -c qemu:///session define /tmp/mine.xml && virtssh resolve qemu/mine`,
    exit: 1,
    stderr: failure('domain "mine" is shut off', "start it with: virsh -c qemu:///session start mine"),
  },
  {
    name: "20 of us at once start one session daemon, and all are served",
    user: "bob",
    run: "for i in {1..20}; do virtssh resolve qemu:session/x 2>&1 & done | grep -c 'cannot find domain \"x\" in qemu:///session'",
    stdout: "20\n",
  },
  { name: "there is one session daemon of that user's", user: "bob", run: "pgrep -cu bob libvirtd", stdout: "1\n" },
];

const MANY: readonly Fact[] = [
  {
    name: "200 at once, all answered, none wrong",
    run: `for i in {1..100}; do virtssh resolve qemu:system/web 2>&1 & virtssh resolve qemu:system/Solo 2>&1 & done | sed -n 's/^virtssh: error: //p' | sort | uniq -c`,
    stdout: '    100 domain "Solo" has no vsock device\n    100 domain "web" has no vsock device\n',
  },
  {
    name: "200 at once of an ordinary user's, all answered",
    user: "alice",
    run: `for i in {1..200}; do virtssh resolve qemu:system/web 2>&1 & done | grep -c 'domain "web" has no vsock device'`,
    stdout: "200\n",
  },
  {
    name: "the daemon has logged no error of ours",
    run: "grep -c -e 'End of file' -e 'Broken pipe' /var/log/libvirt/libvirtd.log",
    exit: 1,
    stdout: "0\n",
  },
];

const KERNEL: readonly Fact[] = [
  {
    name: "no AF_VSOCK in the kernel",
    run: "virtssh proxy vsock/5",
    exit: 1,
    stderr: failure("cannot use VSOCK: this kernel has no AF_VSOCK", "load it with: sudo modprobe vhost_vsock"),
  },
  ...["EPERM", "EACCES"].map((errno) => ({
    name: `AF_VSOCK forbidden by a seccomp filter (${errno})`,
    run: `no-vsock ${errno} virtssh proxy vsock/5`,
    exit: 1,
    stderr: failure(
      `cannot use VSOCK: the kernel forbids it to this process (${errno})`,
      "run ssh outside the container or sandbox: its seccomp filter blocks AF_VSOCK",
    ),
  })),
  {
    name: "no socket takes the place of a stdin, stdout or stderr that is closed",
    run: "strace -o /tmp/trace -e trace=socket virtssh proxy qemu/web <&- >&- 2>&-; echo $?; grep -c 'socket(AF_UNIX.* = [3-9]$' /tmp/trace; grep -c 'socket(AF_UNIX.* = [012]$' /tmp/trace",
    exit: 1,
    stdout: "1\n2\n0\n",
  },
  {
    name: "descriptors exhausted",
    run: "ulimit -n 3; virtssh proxy qemu/web",
    exit: 1,
    stderr:
      /^virtssh: error: cannot use libvirt socket ".*": too many open files in this process \(EMFILE\)\nvirtssh: hint: /,
  },
];

const SOCKET = "/run/libvirt/libvirt-sock-ro";

/** Last: these end with no daemon. */
const DAEMON: readonly Fact[] = [
  {
    name: "polkit refuses an ordinary user",
    run: `cp /etc/lab/deny.rules /etc/polkit-1/rules.d/10-lab.rules
as_alice() { setpriv --reuid alice --regid alice --init-groups "$@"; }
until as_alice virtssh resolve qemu:system/web 2>&1 | grep -q refused; do sleep 0.1; done # polkitd has seen the file
as_alice virtssh resolve qemu:system/web; echo $?; rm /etc/polkit-1/rules.d/10-lab.rules`,
    stdout: "1\n",
    stderr: failure(
      'cannot connect to qemu:///system: libvirt refused: "authentication failed: access denied by policy"',
      "have the administrator grant you, by polkit: org.libvirt.unix.monitor",
    ),
  },
  {
    name: "an idle user's 25 connections make the daemon full",
    run: `exec 5< <(exec setpriv --reuid bob --regid bob --clear-groups python3 -c '
import socket, time
idle = [socket.socket(socket.AF_UNIX) for _ in range(25)]
for s in idle: s.connect("${SOCKET}")
print("connected", flush=True)
time.sleep(60)')
read -r -u 5
virtssh proxy --timeout 2 qemu:system/web
echo "exit $?; what the hint names shows $(virt-admin -c libvirtd:///system client-list libvirtd | grep -c unix) clients"
kill $!`,
    stdout: "exit 1; what the hint names shows 20 clients\n",
    stderr: failure(
      `cannot ask libvirt: no answer on "${SOCKET}" within 2 s: the daemon has 20 clients and lets 6 wait`,
      "see whose they are with: sudo virt-admin -c libvirtd:///system client-list libvirtd",
    ),
  },
  {
    name: "a daemon that is stopped does not answer",
    run: "kill -STOP $(cat /run/libvirtd.pid); virtssh proxy --timeout 1 qemu/web; echo $?; kill -CONT $(cat /run/libvirtd.pid)",
    stdout: "1\n",
    stderr: failure(
      `cannot ask libvirt: no answer on "${SOCKET}" within 1 s`,
      "see whether virsh can: virsh -c qemu:///system list",
    ),
  },
  {
    name: "a socket that only a group may open",
    run: `chmod 0770 ${SOCKET}; chgrp libvirt ${SOCKET}; setpriv --reuid alice --regid alice --init-groups virtssh resolve qemu:system/web; echo $?; chmod 0777 ${SOCKET}`,
    stdout: "1\n",
    stderr: failure(
      `cannot open libvirt socket "${SOCKET}": permission denied`,
      'only group "libvirt" may open it; join that group, then log in again',
    ),
  },
  {
    name: "a daemon that was killed leaves its socket behind",
    run: "kill -KILL $(cat /run/libvirtd.pid); tail --pid=$(cat /run/libvirtd.pid) -f /dev/null; virtssh resolve qemu/web",
    exit: 1,
    stderr: failure(
      `cannot find a libvirt daemon for qemu:///system: "/run/libvirt/virtqemud-sock-ro" is missing, nobody listens on "${SOCKET}"`,
      "start it with: sudo systemctl start libvirtd",
    ),
  },
  {
    name: "no socket at all",
    run: `rm ${SOCKET}; virtssh resolve qemu/web`,
    exit: 1,
    stderr: failure(
      `cannot find a libvirt daemon for qemu:///system: "/run/libvirt/virtqemud-sock-ro" is missing, "${SOCKET}" is missing`,
      "start it with: sudo systemctl start libvirtd",
    ),
  },
];

describe("virtssh explains what is wrong with a host", () => {
  const facts = [...SETUP, ...OTHER_USERS, ...MANY, ...KERNEL, ...DAEMON];
  testFacts(facts, (steps) => runNative({ steps, files: INSTALLED, texts: TEXTS }));
});
