// What the host does to a program that is in the middle of its work: signals without end, too little memory, too few descriptors,
// streams that are closed or full, a daemon that another takes the place of, and guests that are destroyed.
import { describe } from "vitest";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";
import { GRANTS, GUEST_TEXTS, renderGuest } from "./guests-with-cid.ts";

const FILES = {
  "/usr/bin/virtssh": "build/test/virtssh",
  /** Sanitizers take terabytes of addresses, so limits on memory are for the program as it ships. */
  "/usr/local/bin/shipped": "build/virtssh",
  "/etc/lab/guest.py": "test/fakes/guest.py",
  "/etc/lab/peer.py": "test/fakes/peer.py",
};

/**
 * Runs a program, and stops and continues it and its children every millisecond. It is the one pair of signals that interrupts a
 * program which has no handlers: signal(7), "Interruption of system calls and library functions by stop signals". What has not ended
 * after 20 s does not under such signals. Says in /tmp/stormy that there were 40 of them, for which a busy machine may take seconds.
 */
const STORM = `import os, signal, subprocess, sys, time
child = subprocess.Popen(sys.argv[1:], process_group=0)
stops = 0
until = time.monotonic() + 20
while True:
    if time.monotonic() > until:
        os.killpg(child.pid, signal.SIGKILL)
        sys.exit("it goes on and on")
    os.killpg(child.pid, signal.SIGSTOP)
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        break
    stops += 1
    if stops == 40:
        open("/tmp/stormy", "w").close()
    os.killpg(child.pid, signal.SIGCONT)
    time.sleep(0.001)
try:
    os.killpg(child.pid, signal.SIGCONT)  # a child of its own, which is still to end
except ProcessLookupError:
    pass
sys.exit(os.waitstatus_to_exitcode(status))
`;

/** Listens where a session daemon would, and takes nobody in: who comes waits in connect(2) for room in its queue. */
const FULL = `import os, socket, time
path = "/run/user/1000/libvirt/virtqemud-sock"
os.makedirs(os.path.dirname(path), exist_ok=True)
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(0)
os.chmod(path, 0o666)
first = socket.socket(socket.AF_UNIX)
first.connect(path)
print("full", flush=True)
time.sleep(60)
`;

const TEXTS = {
  ...GUEST_TEXTS,
  "/etc/lab/storm.py": STORM,
  "/etc/lab/full.py": FULL,
  "/etc/lab/web.xml": renderGuest({ name: "web", vsock: 7 }),
  "/etc/lab/modular.conf": 'unix_sock_dir = "/run/modular"\n',
  "/etc/lab/sshd_config": `HostKey /lab/id
UsePAM no
AuthorizedKeysFile /lab/id.pub
StrictModes no
`,
};

/** The leak check of the sanitizer traces the program itself, and cannot under strace or while it is stopped. */
const ENV =
  "export VIRTSSH_TEST_VSOCK=/tmp/vsock ASAN_OPTIONS=detect_leaks=0; mkdir -p -m 777 /tmp/vsock; rm -f /tmp/vsock/* /tmp/stormy; cd /tmp";
const STORMY = "python3 /etc/lab/storm.py";
/** Starts a guest at CID 7, port 22, and waits until it listens. */
const guest = (how: string) =>
  `${ENV}; exec 5< <(exec python3 /etc/lab/guest.py /tmp/vsock/7-22 '${how}'); guest=$!; read -r -u 5; trap 'kill -KILL $guest 2> /dev/null' EXIT`;
/** The same at port 80, where the client may speak first. */
const peer = (how: string) =>
  `${ENV}; exec 5< <(exec python3 /etc/lab/peer.py /tmp/vsock/7-80 '${how}' 2> /dev/null); peer=$!; read -r -u 5; trap 'kill -KILL $peer 2> /dev/null' EXIT`;

const SSHD = `${ENV}; socat UNIX-LISTEN:/tmp/vsock/7-22,fork EXEC:'/usr/sbin/sshd -i -f /etc/lab/sshd_config' 2> /dev/null & sshd=$!; trap 'kill $sshd' EXIT; until [ -S /tmp/vsock/7-22 ]; do sleep 0.1; done`;
const SSH = "ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR";

const SETUP: readonly Fact[] = [
  ...GRANTS.slice(0, 1),
  { name: "web runs", run: "virsh -q define /etc/lab/web.xml; virsh -q start web" },
  {
    name: "what is said where nothing is in the way",
    run: "virtssh resolve qemu/web > /tmp/calm && virtssh list --no-probe > /tmp/calm-list",
  },
];

const SOCKET = "/run/libvirt/libvirt-sock-ro";
const DAEMON_PID = "$(pidof libvirtd)";

const WAS_STORMY = "[ -e /tmp/stormy ]";
const UNTIL_STORMY = `for n in {1..200}; do ${WAS_STORMY} && break; sleep 0.1; done`;

/** A pin of web's, and the lock on it, which somebody has until there was a storm. */
const LOCKED = `state=/root/.local/state/virtssh; (umask 077; mkdir -p $state/hosts); echo '* ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJyZ8sHafEp8++mWTrP3bDZfWINSnyQw0jPfNRJ1ACTV' > $state/hosts/$(virsh domuuid web | head -n 1); exec 8> $state/lock; flock 8; (${UNTIL_STORMY}; flock -u 8) &`;

const STORMS: readonly Fact[] = [
  {
    name: "a signal every millisecond, while libvirt is asked, which takes its time",
    run: `${ENV}; daemon=${DAEMON_PID}; kill -STOP $daemon; (${UNTIL_STORMY}; kill -CONT $daemon) & ${STORMY} virtssh resolve qemu/web | cmp - calm && ${WAS_STORMY}`,
  },
  {
    name: "a signal every millisecond does not put off the deadline where the daemon takes nobody in",
    run: `${ENV}; exec 5< <(exec python3 /etc/lab/full.py); full=$!; read -r -u 5; trap 'kill $full; rm -r /run/user/1000/libvirt' EXIT
SECONDS=0; ${STORMY} setpriv --reuid alice --regid alice --init-groups env XDG_RUNTIME_DIR=/run/user/1000 virtssh proxy --timeout 2 qemu:session/web; status=$?; ((SECONDS < 10)) || echo "after $SECONDS s"; ${WAS_STORMY} && exit $status`,
    exit: 1,
    stderr: /^virtssh: error: cannot ask libvirt: no answer on "\/run\/user\/1000\/libvirt\/virtqemud-sock" within 2 s/,
  },
  {
    name: "a signal every millisecond, until a guest speaks",
    run: `${guest("speaks late")}; ${STORMY} virtssh proxy qemu/web < /dev/null | head -c 8; echo; ${WAS_STORMY}`,
    stdout: "SSH-2.0-\n",
  },
  {
    name: "a signal every millisecond, and ssh logs in over the descriptor that it is handed",
    run: `${SSHD}; daemon=${DAEMON_PID}; kill -STOP $daemon; (${UNTIL_STORMY}; kill -CONT $daemon) & ${SSH} -o ProxyUseFdpass=yes -o 'ProxyCommand=${STORMY} virtssh proxy --fdpass qemu/web %p' root@guest 'echo in'`,
    stdout: "in\n",
  },
  {
    name: "a signal every millisecond, and 20 MB through the relay, there and back",
    run: `${peer("echoes")}; head -c 20M /dev/urandom > in; { head -c 10M in; ${UNTIL_STORMY}; tail -c 10M in; } | ${STORMY} virtssh proxy qemu/web 80 | cmp - in && ${WAS_STORMY}`,
  },
  {
    name: "a signal every millisecond, while somebody holds the lock on the pins",
    run: `${ENV}; ${LOCKED} ${STORMY} virtssh trust forget qemu/web 8>&- && ${WAS_STORMY} && ls $state/hosts`,
    stdout: /^forgot 256 SHA256:\S+ - \(ED25519\), any port, uuid \S+\n$/,
  },
  {
    name: "a signal every millisecond, while a guest is waited for",
    run: `${ENV}; python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind("/tmp/vsock/7-22")'
(sleep 1; exec timeout 10 python3 /etc/lab/guest.py /tmp/vsock/7-22 greets > /dev/null) & later=$!; ${STORMY} virtssh wait --timeout 15 qemu/web; status=$?; kill $later; ${WAS_STORMY} && exit $status`,
  },
];

/** Runs a command, and prints its status, and what it said first, or that it said the same as where nothing is in the way. */
const OUTCOME = `outcome() { # CALM COMMAND...
  local calm=$1; shift
  "$@" > /tmp/out 2> /tmp/err
  echo "$? $(head -n 1 /tmp/err | sed -E 's/"[^"]*"/NAME/g')$([ -s /tmp/out ] && { cmp -s /tmp/out $calm && echo right || echo WRONG; })"
}`;

/** With less than 2.1 MB the kernel cannot start it at all. */
const LIMITS: readonly Fact[] = [
  ...(
    [
      ["resolve", "resolve qemu/web", "/tmp/calm"],
      ["list", "list --no-probe", "/tmp/calm-list"],
    ] as const
  ).map(([name, words, calm]) => ({
    name: `${name} with less and less memory is right, or says that there is too little`,
    run: `${OUTCOME}; for ((kb = 6000; kb > 2300; kb -= 50)); do outcome ${calm} prlimit --as=$((kb * 1000)) shipped ${words}; done | sort | uniq`,
    stdout: "0 right\n1 virtssh: error: cannot go on: no memory is left\n",
  })),
  {
    name: "with fewer and fewer descriptors it is right, or says that there are too few",
    run: `${OUTCOME}; for n in 12 11 10 9 8 7 6 5 4 3; do outcome /tmp/calm prlimit --nofile=$n shipped resolve qemu/web; done | sort | uniq`,
    stdout: "0 right\n1 virtssh: error: cannot use libvirt socket NAME: too many open files in this process (EMFILE)\n",
  },
];

const STREAMS: readonly Fact[] = [
  {
    name: "a stdin that is closed is an empty one",
    run: `${peer("answers at the end of what it reads")}; virtssh proxy qemu/web 80 <&-; echo; sha256sum < /dev/null | cut -d' ' -f1`,
    stdout: /^([0-9a-f]{64})\n\1\n$/,
  },
  {
    name: "a stdout that is closed ends nothing else",
    run: `${peer("ends its half first")}; echo to the guest | virtssh proxy qemu/web 80 >&-; echo $?; cat <&5; echo to the guest | sha256sum | cut -d' ' -f1`,
    stdout: /^0\n([0-9a-f]{64})\n\1\n$/,
  },
  {
    name: "a stdout that is full",
    run: "virtssh resolve qemu/web > /dev/full",
    exit: 1,
    stderr: /^virtssh: error: .*: no space left \(ENOSPC\)\n/,
  },
  {
    name: "a stdout that is full, to a relay",
    run: `${peer("sends and closes")}; virtssh proxy qemu/web 80 < /dev/null > /dev/full`,
    exit: 1,
    stderr: /^virtssh: error: .*: no space left \(ENOSPC\)\n/,
  },
  {
    name: "a stderr that is full, or closed, does not change the status",
    run: "virtssh resolve qemu/nope 2> /dev/full; echo $?; virtssh resolve qemu/nope 2>&-; echo $?",
    stdout: "1\n1\n",
  },
];

/**
 * The third connect(2) is the guest's: the first two are those to the modular daemon's socket and to libvirtd's. strace writes it down,
 * and only then has it wait.
 */
const whileConnecting = (change: string) =>
  `rm -f /tmp/trace; (until grep -qs /tmp/vsock/7-22 /tmp/trace; do sleep 0.05; done; ${change}) & strace -qq -o /tmp/trace -e trace=connect -e inject=connect:delay_enter=3000000:when=3 virtssh proxy qemu/web < /dev/null; status=$?; wait %1; exit $status`;
const AGAIN =
  "for n in {1..20}; do python3 /etc/lab/grant-cid.py libvirtd -d 2> /tmp/granted && exit; sleep 0.1; done; cat /tmp/granted >&2; exit 1";

const GUESTS: readonly Fact[] = [
  {
    name: "a guest that is destroyed during the connect",
    run: `${guest("greets")}; ${whileConnecting("virsh -q destroy web; rm /tmp/vsock/7-22")}`,
    exit: 1,
    stderr: failure(
      'cannot connect to domain "web": no guest holds its cid (7) now',
      "see whether it still runs with: virsh -c qemu:///system domstate web",
    ),
  },
  {
    name: "a guest that is destroyed during the relay: what it had said arrives, and the relay ends",
    run: `virsh -q start web; ${peer("echoes")}; rm -f echoed; (until [ "$(stat -c %s echoed 2> /dev/null)" = 1048576 ]; do sleep 0.1; done; virsh -q destroy web; kill -KILL $peer) &
exec 4< <(head -c 1M /dev/zero; exec sleep 50); sleeper=$!; timeout 20 virtssh proxy qemu/web 80 <&4 | cat > echoed; status=\${PIPESTATUS[0]}; stat -c %s echoed; echo $status; kill $sleeper
for i in {1..50}; do pgrep -x virtssh > /dev/null || break; sleep 0.1; done; ps -C virtssh --no-headers -o pid,ppid,stat,etime,wchan:20,args`,
    exit: 1,
    stdout: "1048576\n0\n",
  },
  {
    name: "a libvirtd that is killed between the connect and the hand-over",
    run: `virsh -q start web; ${guest("greets")}; ${whileConnecting(`kill -KILL ${DAEMON_PID}`)}`,
    exit: 1,
    stderr: failure(
      `cannot ask libvirt: the daemon closed the connection to "${SOCKET}"`,
      "see whether virsh can: virsh -c qemu:///system list",
    ),
  },
  {
    name: "a libvirtd that has been started again knows the guest, and so does virtssh",
    run: `(${AGAIN}) && virtssh resolve --json qemu/web | grep -o '"cid":7'`,
    stdout: '"cid":7\n',
  },
];

/** As where a distribution goes over to modular daemons: virtqemud listens at a path of its own. Both are libvirtd here. */
const MODULAR: readonly Fact[] = [
  {
    name: "a socket that is removed under a daemon that goes on",
    run: `mv ${SOCKET} ${SOCKET}-aside; virtssh resolve qemu/web; status=$?; mv ${SOCKET}-aside ${SOCKET}; virtssh resolve qemu/web | cmp - /tmp/calm; exit $status`,
    exit: 1,
    stderr: failure(
      `cannot find a libvirt daemon for qemu:///system: "/run/libvirt/virtqemud-sock-ro" is missing, "${SOCKET}" is missing`,
      "start it with: sudo systemctl start libvirtd",
    ),
  },
  {
    name: "a modular daemon in libvirtd's place between two calls",
    run: `mv ${SOCKET} /run/libvirt/virtqemud-sock-ro; virtssh resolve qemu/web | cmp - /tmp/calm; mv /run/libvirt/virtqemud-sock-ro ${SOCKET}; virtssh resolve qemu/web | cmp - /tmp/calm`,
  },
  {
    name: "a modular daemon in libvirtd's place while a guest is waited for",
    run: `${ENV}; python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind("/tmp/vsock/7-22")'; mkdir -p /run/modular
(sleep 2; kill -KILL ${DAEMON_PID}; while pidof -q libvirtd; do sleep 0.05; done; rm /run/libvirt/libvirt-sock*
for n in {1..20}; do python3 /etc/lab/grant-cid.py libvirtd -d -f /etc/lab/modular.conf 2> /tmp/granted && break; sleep 0.1; done
for end in '' -ro; do ln -s /run/modular/libvirt-sock$end /run/libvirt/virtqemud-sock$end; done
exec timeout 10 python3 /etc/lab/guest.py /tmp/vsock/7-22 greets > /dev/null) & later=$!; virtssh wait --timeout 15 qemu/web; status=$?; kill $later; exit $status`,
  },
];

describe("virtssh in the middle of its work", () => {
  const facts = [...SETUP, ...STORMS, ...LIMITS, ...STREAMS, ...MODULAR.slice(0, 2), ...GUESTS, ...MODULAR.slice(2)];
  const limited = facts.map((fact) => ({ ...fact, timeoutSeconds: 40 }));
  testFacts(limited, (steps) => runNative({ steps, files: FILES, texts: TEXTS }));
});
