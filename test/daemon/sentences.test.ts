// Sentences that no other test's story comes by, each from a real cause: what is typed, users and their daemons, libvirtd's own
// settings, the kernel's limits, and files.
import { describe } from "vitest";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";
import { GRANTS, GUEST_TEXTS, renderGuest } from "./guests-with-cid.ts";
import { DAEMON, RULES } from "./sentences-daemon.ts";
import { TYPED } from "./sentences-typed.ts";
import { aliceAfterRoot, BLOCK, partsOf, SSH } from "./setup-steps.ts";

const FILES = {
  "/usr/bin/virtssh": "build/test/virtssh",
  "/etc/ssh/ssh_config.d/25-virtssh.conf": "ssh_config.d/25-virtssh.conf",
  "/etc/lab/guest.py": "test/fakes/guest.py",
};

const ENV = "export VIRTSSH_TEST_VSOCK=/tmp/vsock; mkdir -p -m 777 /tmp/vsock; rm -f /tmp/vsock/*; cd /tmp";
const BOBS_SOCKET = "/run/user/1001/libvirt/libvirt-sock";

const SESSION_TEXTS = {
  ...GUEST_TEXTS,
  "/etc/lab/web.xml": renderGuest({ name: "web", vsock: 7 }),
  "/etc/lab/plain.xml": renderGuest({ name: "plain", vsock: "none" }),
  "/etc/lab/space.xml": renderGuest({ name: "my vm", vsock: "none" }),
  "/etc/lab/capital.xml": renderGuest({ name: "CASE", vsock: "none" }),
  "/etc/lab/bobs-web.xml": renderGuest({ name: "web", vsock: 9 }),
  "/etc/lab/bobs-plain.xml": renderGuest({ name: "plain", vsock: 10 }),
  "/etc/lab/bobs-space.xml": renderGuest({ name: "my vx", vsock: "none" }),
  "/etc/lab/bobs-capital.xml": renderGuest({ name: "Case", vsock: "none" }),
};

const RUNS = (name: string) => `qemu:///session has one that runs: use qemu:session/${name}`;

/** Domains of bob's own beside the system's. */
const SESSION: readonly Fact[] = [
  ...GRANTS,
  {
    name: "the system's domains are defined, and plain runs",
    run: "for name in web plain space capital; do virsh -q define /etc/lab/$name.xml; done; virsh -q start plain",
  },
  {
    name: "bob's are defined, and two of them run",
    user: "bob",
    run: "for name in web plain space capital; do virsh -q define /etc/lab/bobs-$name.xml; done; virsh -q start web; virsh -q start plain",
  },
  {
    name: "a domain that is shut off, where a session domain of that name runs",
    user: "bob",
    run: "virtssh resolve qemu/web",
    exit: 1,
    stderr: failure('domain "web" is shut off', RUNS("web")),
  },
  {
    name: "a domain without a vsock device, where a session domain of that name has one",
    user: "bob",
    run: "virtssh resolve qemu/plain",
    exit: 1,
    stderr: failure('domain "plain" has no vsock device', RUNS("plain")),
  },
  {
    name: "a name like one in each of two daemons",
    user: "bob",
    run: "virtssh resolve 'qemu/my v'",
    exit: 1,
    stderr: failure(
      'cannot find domain "my v" in qemu:///system or qemu:///session',
      "did you mean qemu:system/my%20vm or qemu:session/my%20vx?",
    ),
  },
  {
    name: "an alias to one of two domains, in two daemons, that differ in case",
    user: "bob",
    run: "ssh -o BatchMode=yes -o HostName=qemu/case -o ProxyUseFdpass=no -o 'ProxyCommand=virtssh proxy --typed %n -- %h %p' dev true 2>&1 | head -2",
    stdout: failure(
      'domain "case" is ambiguous in qemu:///system and qemu:///session: "CASE" and "Case" differ only in case',
      "use qemu:system/CASE or qemu:session/Case",
    ),
  },
  {
    name: "a session daemon that has as many clients as it takes",
    user: "bob",
    run: `mkdir -p ~/.config/libvirt; printf 'max_clients = 20\\nmax_anonymous_clients = 20\\n' > ~/.config/libvirt/libvirtd.conf
kill -KILL $(pgrep -u bob libvirtd); while pgrep -u bob libvirtd; do sleep 0.1; done > /dev/null
exec 5< <(libvirtd -d; exec python3 -c '
import socket, time
idle = [socket.socket(socket.AF_UNIX) for _ in range(25)]
for s in idle: s.connect("${BOBS_SOCKET}")
print("connected", flush=True)
time.sleep(60)')
idle=$!
read -r -u 5
virtssh resolve --timeout 2 qemu:session/web; status=$?; kill $idle; rm ~/.config/libvirt/libvirtd.conf; exit $status`,
    exit: 1,
    stderr: failure(
      `cannot ask libvirt: no answer on "${BOBS_SOCKET}" within 2 s: the daemon has 20 clients and lets 6 wait`,
      "see whose they are with: virt-admin -c libvirtd:///session client-list libvirtd",
    ),
  },
  {
    name: "a session daemon that does not start, because of its own configuration",
    user: "alice",
    run: "mkdir -p ~/.config/libvirt; echo nonsense > ~/.config/libvirt/libvirtd.conf; virtssh resolve qemu:session/web; status=$?; rm ~/.config/libvirt/libvirtd.conf; exit $status",
    exit: 1,
    stderr: failure(
      'cannot start the session daemon "/usr/sbin/libvirtd": it ended with status 1',
      "see what it says with: virsh -c qemu:///session list",
    ),
  },
  {
    name: "something else that listens where a session daemon would",
    user: "alice",
    run: "mkdir -p $XDG_RUNTIME_DIR/libvirt; cd $XDG_RUNTIME_DIR/libvirt; socat UNIX-LISTEN:libvirt-sock SYSTEM:'echo SSH-2.0-OpenSSH_10.0p2 Debian-7+deb13u4; sleep 5' 2> /dev/null & until [ -S libvirt-sock ]; do sleep 0.1; done; virtssh resolve qemu:session/web; status=$?; kill %1; exit $status",
    exit: 1,
    stderr: failure(
      'cannot understand the libvirt daemon at "/run/user/1000/libvirt/libvirt-sock": "message is 1397966893 bytes, limits are 28 and 33554436"',
      "see whether virsh can: virsh -c qemu:///session list",
    ),
  },
];

/** What a bare CID's port does. */
const guest = (how: string) =>
  `${ENV}; exec 5< <(exec python3 /etc/lab/guest.py /tmp/vsock/7-22 '${how}'); guest=$!; read -r -u 5; trap 'kill $guest' EXIT`;

const PORTS: readonly Fact[] = [
  {
    name: "a domain whose CID nobody holds",
    run: `${ENV}; virsh -q start web; virtssh proxy qemu/web; status=$?; virsh -q destroy web; exit $status`,
    exit: 1,
    stderr: failure(
      'cannot connect to domain "web": no guest holds its cid (7) now',
      "see whether it still runs with: virsh -c qemu:///system domstate web",
    ),
  },
  {
    name: "a bare CID that nobody listens at",
    run: `${ENV}; python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind("/tmp/vsock/7-22")'; virtssh proxy vsock/7`,
    exit: 1,
    stderr: failure(
      "cannot connect to cid 7: nothing listens on vsock port 22",
      "check in the guest what listens: ss -l --vsock",
    ),
  },
  {
    name: "a bare CID that closes before a word",
    run: `${guest("closes")}; virtssh proxy vsock/7`,
    exit: 1,
    stderr: failure(
      "cannot log in to cid 7: vsock port 22 takes the connection and closes it before a word",
      "see why in the guest: journalctl -b -g ssh",
    ),
  },
  {
    name: "a bare CID that says nothing, to doctor",
    run: `${guest("says nothing")}; virtssh doctor --timeout 2 vsock/7 | grep -A1 'FAIL  banner'`,
    stdout:
      "FAIL  banner: cannot log in to cid 7: vsock port 22 takes the connection and says nothing\n      hint: check in the guest what listens: ss -lp --vsock\n",
  },
  {
    name: "a bare CID that is waited for and says nothing",
    run: `${guest("says nothing")}; virtssh wait --timeout 1 vsock/7`,
    exit: 1,
    stderr: failure(
      "not ready after 1 s: cannot log in to cid 7: vsock port 22 takes the connection and says nothing",
      "check in the guest what listens: ss -lp --vsock",
    ),
  },
];

/** What ssh can be told or meet, beyond doctor's own tests. */
const CONFIGURATIONS: readonly Fact[] = [
  {
    name: "an ssh that is killed while it reads its configuration",
    run: `mkdir -p ~/.ssh; echo 'Match exec "kill -SEGV $PPID; sleep 1"' > ~/.ssh/config; virtssh doctor qemu/web | grep -A1 'FAIL  ssh'; rm ~/.ssh/config`,
    stdout: `FAIL  ssh configuration: ssh refuses "qemu/web": status 139\n      hint: see all that it says with: ssh -G -v -- qemu/web\n`,
  },
  {
    name: "a ProxyJump beyond the first MiB of a configuration",
    run: `(yes '# a line' | head -n 120000; echo ProxyJump bastion) > ~/.ssh/config; virtssh doctor qemu/web | grep -A1 'FAIL  drop-in'; rm ~/.ssh/config`,
    stdout:
      'FAIL  drop-in: ssh goes to "qemu/web" by way of "bastion", and not through virtssh\n      hint: go there without it: ssh -o ProxyJump=none qemu/web\n',
  },
  aliceAfterRoot(
    "a file system without room for one more file",
    {
      root: "mount -t tmpfs -o nr_inodes=1,uid=1000,gid=1000 tmpfs /home/alice",
      run: "cd; virtssh setup",
      undo: "cd /; umount /home/alice",
    },
    {
      exit: 1,
      stderr: failure(`cannot make "${SSH}": no space left (ENOSPC)`, "see what is left with: df -h /home/alice"),
    },
  ),
  aliceAfterRoot(
    "a ~/.ssh that files can be added to, and not removed from",
    {
      // FS_IOC_SETFLAGS and FS_APPEND_FL of linux/fs.h: chattr +a.
      root: `as_user alice virtssh setup > /dev/null; cp .ssh/virtssh.conf block; mount -t tmpfs -o uid=1000,gid=1000,mode=700 tmpfs .ssh; cp block .ssh/virtssh.conf; chown alice: .ssh/virtssh.conf; python3 -c 'import fcntl, os, struct; fcntl.ioctl(os.open(".ssh", os.O_RDONLY), 0x40086602, struct.pack("q", 0x20))'`,
      run: "virtssh setup --remove",
      undo: "umount .ssh; rm block",
    },
    { exit: 1, stderr: failure(`cannot remove "${BLOCK}": it is not permitted (EPERM)`, partsOf(BLOCK)) },
  ),
];

describe("virtssh says what is wrong", () => {
  const facts = [...TYPED, ...SESSION, ...PORTS, ...CONFIGURATIONS, ...DAEMON];
  const limited = facts.map((fact) => ({ ...fact, timeoutSeconds: 25 }));
  testFacts(limited, (steps) =>
    runNative({ steps, files: FILES, texts: { ...SESSION_TEXTS, "/etc/lab/access.rules": RULES } }),
  );
});
