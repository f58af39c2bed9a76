// The last step, natively: the checked build, whose AF_VSOCK is led to AF_UNIX sockets and which runs under the address and
// undefined-behaviour sanitizers, hands its connection to the real ssh, or relays for clients that cannot take it.
import { describe } from "vitest";
import { renderDomain } from "../lab/domains.ts";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";

const FILES = { "/usr/bin/virtssh": "build/test/virtssh", "/etc/lab/peer.py": "test/fakes/peer.py" };

/** Runs a program whose stdout, a pipe, does not block and is read slowly. */
const NONBLOCKING = `import os, subprocess, sys, time
reader, writer = os.pipe()
os.set_blocking(writer, False)
child = subprocess.Popen(sys.argv[1:], stdout=writer)
os.close(writer)
while chunk := os.read(reader, 300_000):
    time.sleep(0.001)
    sys.stdout.buffer.write(chunk)
sys.exit(child.wait())
`;

const TEXTS = {
  "/etc/lab/web.xml": renderDomain({ name: "web", vsock: "none", boots: "nothing" }),
  "/etc/lab/nonblocking.py": NONBLOCKING,
  "/etc/lab/sshd_config": `HostKey /lab/id
UsePAM no
AuthorizedKeysFile /lab/id.pub
StrictModes no
`,
  "/root/.ssh/config": `Host *
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
  BatchMode yes
`,
};

/** Where the stand-in for AF_VSOCK looks, and where CID 7, port 22 is. */
const ENV = "export VIRTSSH_TEST_VSOCK=/tmp/vsock; mkdir -p /tmp/vsock; rm -f /tmp/vsock/7-22";

const SSHD = `${ENV}; socat UNIX-LISTEN:/tmp/vsock/7-22,fork EXEC:'/usr/sbin/sshd -i -f /etc/lab/sshd_config' 2> /dev/null & until [ -S /tmp/vsock/7-22 ]; do sleep 0.1; done`;
const STOP = "kill %1";

const HAND_OVER: readonly Fact[] = [
  { name: "web runs, under the checked build", run: "virsh -q define /etc/lab/web.xml && virsh -q start web" },
  {
    name: "ssh logs in over the descriptor that it is handed",
    run: `${SSHD}; ssh -o ProxyUseFdpass=yes -o 'ProxyCommand=virtssh proxy --fdpass vsock/7 %p' root@guest 'echo in'; ${STOP}`,
    stdout: "in\n",
  },
  {
    name: "the helper has ended before the login begins",
    run: `${SSHD}; ssh -o ProxyUseFdpass=yes -o 'ProxyCommand=virtssh proxy --fdpass vsock/7 %p' root@guest 'pgrep -x virtssh'; ${STOP}`,
    stdout: "",
  },
  {
    name: "ssh that takes no descriptor logs in all the same",
    run: `${SSHD}; ssh -o ProxyUseFdpass=no -o 'ProxyCommand=virtssh proxy --fdpass vsock/7 %p' root@guest 'echo in'; ${STOP}`,
    stdout: "in\n",
  },
  {
    name: "ssh logs in through the relay",
    run: `${SSHD}; ssh -o 'ProxyCommand=virtssh proxy vsock/7' root@guest 'echo in'; ${STOP}`,
    stdout: "in\n",
  },
  {
    name: "20 MB through ssh and the relay, both ways at once",
    run: `${SSHD}; head -c 20M /dev/urandom > /tmp/big; ssh -o 'ProxyCommand=virtssh proxy vsock/7' root@guest cat < /tmp/big | cmp - /tmp/big && echo same; ${STOP}`,
    stdout: "same\n",
  },
  {
    name: "no relay is left when ssh has ended",
    run: `${SSHD}; ssh -o 'ProxyCommand=virtssh proxy vsock/7' root@guest true; for i in {1..50}; do pgrep -x virtssh > /dev/null || break; sleep 0.1; done; pgrep -x virtssh; ${STOP}`,
  },
  {
    name: "a CID that nobody holds",
    run: `${ENV}; virtssh proxy vsock/7`,
    exit: 1,
    stderr: failure(
      "cannot connect to cid 7: no guest holds it now",
      "see which guests run with: virsh -c qemu:///system list",
    ),
  },
  {
    name: "a real look-up, under the sanitizers",
    run: "virtssh resolve qemu/web; virtssh resolve qemu/nope; virtssh --version",
    stdout: /^virtssh [0-9.]+\n$/,
    stderr: /^(virtssh: (error|hint): .*\n){4}$/,
  },
];

const BIG_SHA256 =
  "$(python3 -c 'import hashlib; print(hashlib.sha256(hashlib.shake_128(b\"virtssh\").digest(20_000_000)).hexdigest())')";
/** Starts the peer, on a port where the client may speak first, and waits until it listens. */
const peer = (how: string) =>
  `${ENV}; rm -f /tmp/vsock/7-80; exec 5< <(exec python3 /etc/lab/peer.py /tmp/vsock/7-80 '${how}'); read -r -u 5; cd /tmp`;

const RELAY: readonly Fact[] = [
  {
    name: "nothing is lost when the guest closes after 20 MB, into a pipe",
    run: `${peer("sends and closes")}; virtssh proxy vsock/7 80 < /dev/null | sha256sum | cut -d' ' -f1 | grep -c ${BIG_SHA256}`,
    stdout: "1\n",
  },
  {
    name: "nothing is lost when the guest closes after 20 MB, into a file",
    run: `${peer("sends and closes")}; virtssh proxy vsock/7 80 < /dev/null > out; sha256sum < out | cut -d' ' -f1 | grep -c ${BIG_SHA256}`,
    stdout: "1\n",
  },
  {
    name: "a file that is opened for appending, which cannot be spliced to",
    run: `${peer("sends and closes")}; echo first > out; virtssh proxy vsock/7 80 < /dev/null >> out; head -1 out; tail -n +2 out | sha256sum | cut -d' ' -f1 | grep -c ${BIG_SHA256}`,
    stdout: "first\n1\n",
  },
  {
    name: "the end of stdin reaches the guest, and its answer comes back",
    run: `${peer("answers at the end of what it reads")}; head -c 5M /dev/zero | tee sent | virtssh proxy vsock/7 80; echo; sha256sum < sent | cut -d' ' -f1`,
    stdout: /^([0-9a-f]{64})\n\1\n$/,
  },
  {
    name: "the guest's end of one half leaves the other open",
    run: `${peer("ends its half first")}; (sleep 1; head -c 5M /dev/zero) | virtssh proxy vsock/7 80; cat <&5; head -c 5M /dev/zero | sha256sum | cut -d' ' -f1`,
    stdout: /^bye\n([0-9a-f]{64})\n\1\n$/,
  },
  {
    name: "the guest's end reaches a reader, though stdin stays open",
    run: `${peer("ends its half first")}; exec 4< <(exec sleep 100); sleeper=$!; virtssh proxy vsock/7 80 <&4 | { timeout 10 cat; echo $?; kill $sleeper; }`,
    stdout: "bye\n0\n",
  },
  {
    name: "a guest that closes the other half later ends the relay, though stdin stays open",
    run: `${peer("ends one half, then the other")}; exec 4< <(exec sleep 100); sleeper=$!; timeout 15 virtssh proxy vsock/7 80 <&4; echo $?; kill $sleeper`,
    stdout: "bye\n0\n",
  },
  {
    name: "a stdout that does not block is waited for",
    run: `${peer("sends and closes")}; timeout 15 python3 /etc/lab/nonblocking.py virtssh proxy vsock/7 80 < /dev/null | sha256sum | cut -d' ' -f1 | grep -c ${BIG_SHA256}`,
    stdout: "1\n",
  },
  {
    name: "20 MB there and back, with both directions full",
    run: `${peer("echoes")}; head -c 20M /dev/urandom > in; virtssh proxy vsock/7 80 < in | cmp - in && echo same`,
    stdout: "same\n",
  },
  {
    name: "a guest that closes at once ends the relay, though stdin stays open",
    run: `${peer("closes at once")}; exec 4< <(exec sleep 100); sleeper=$!; timeout 15 virtssh proxy vsock/7 80 <&4; echo $?; kill $sleeper`,
    stdout: "0\n",
  },
  {
    name: "a reader that has gone ends the relay, though stdin stays open",
    run: `${peer("sends and closes")}; exec 4< <(exec sleep 100); sleeper=$!; timeout 15 virtssh proxy vsock/7 80 <&4 | head -c 10 | wc -c; echo \${PIPESTATUS[0]}; kill $sleeper`,
    stdout: "10\n0\n",
  },
];

describe("virtssh hands its connection over", () => {
  const facts = [...HAND_OVER, ...RELAY].map((fact) => ({ ...fact, timeoutSeconds: 20 }));
  testFacts(facts, (steps) => runNative({ steps, files: FILES, texts: TEXTS }));
});
