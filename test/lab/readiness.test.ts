// A real guest that is not ready: its kernel, its VSOCK driver and its sshd come up one after the other while it is waited for.
import { describe } from "vitest";
import { type Domain, renderDomain, startDomain, waitForGuest } from "./domains.ts";
import { type Fact, failure, testFacts } from "./facts.ts";
import { INSTALLED } from "./installed.ts";
import { runInBox } from "./lab.ts";
import { toStderr } from "./progress.ts";

const SLOW: Domain = { name: "slow", vsock: "auto" };
const OTHER: Domain = { name: "other", vsock: "auto" };
const path = ({ name }: Domain) => `/etc/lab/${name}.xml`;

const TEXTS = {
  ...Object.fromEntries([SLOW, OTHER].map((domain) => [path(domain), renderDomain(domain)])),
  "/etc/ssh/ssh_config.d/90-lab.conf": "BatchMode yes\n",
};

const LIMIT_SECONDS = 240;

/** socat's own words, in the guest. */
const ACCEPTED = "accepting connection from";

/** Prints when the guest's console says that, in microseconds. */
const timeOf = (said: string) => `(
${waitForGuest(SLOW.name, LIMIT_SECONDS, said)}
echo "\${EPOCHREALTIME/./}")`;

/**
 * Fails unless `virtssh wait` has returned within 2 s of the guest's first banner. The banner is the answer to the first connection
 * that the guest takes, so what counts is how late that is after its sshd listens, and how late the answer is told.
 */
const MEASURE = `
${timeOf("guest up")} > /tmp/up & ${timeOf(ACCEPTED)} > /tmp/accepted &
virtssh wait --timeout ${LIMIT_SECONDS} qemu/slow || exit 1
ready=\${EPOCHREALTIME/./}
wait
up=$(< /tmp/up) accepted=$(< /tmp/accepted)
late=$((accepted - up))
echo "connected $((late / 1000)) ms after it listens, ready $(((ready - accepted) / 1000)) ms later" >&2
((late < 2000000)) && virtssh proxy qemu/slow < /dev/null | head -c 4`;

/** In the guest: has a program serve a port, and waits until it does. */
const LISTEN = (port: number, program: string) =>
  `(setsid socat -d -d VSOCK-LISTEN:${port},reuseaddr,fork EXEC:"${program}" > /dev/null 2> /tmp/${port} < /dev/null &); until grep -qs "listening on" /tmp/${port}; do sleep 0.1; done`;

const SSH_ADDS = "mm_receive_fd: recvmsg: expected received 1 got 0\r\nproxy dialer did not pass back a connection\r\n";

const FACTS: readonly Fact[] = [
  { name: "slow is started", run: startDomain(path(SLOW), SLOW.name) },
  {
    name: "wait, right after the start, returns within 2 s of the guest's first banner",
    run: MEASURE,
    timeoutSeconds: LIMIT_SECONDS + 20,
    stdout: "SSH-",
    stderr: /^connected -?\d+ ms after it listens, ready \d+ ms later\n$/,
  },
  { name: "wait has nothing to wait for then", run: "virtssh wait --timeout 10 qemu/slow" },
  { name: "alice may wait, too", user: "alice", run: "virtssh wait --timeout 10 slow.qemu" },
  {
    name: "ssh --wait logs in to a guest that is started at that moment",
    run: `virsh -q define ${path(OTHER)}; (sleep 1; virsh -q start other) & ssh -o ProxyUseFdpass=yes -o 'ProxyCommand=virtssh proxy --fdpass --wait ${LIMIT_SECONDS} %h %p' root@qemu/other hostname`,
    timeoutSeconds: LIMIT_SECONDS + 20,
    stdout: "other\n",
  },
  {
    name: "wait --start starts a domain that is shut off",
    run: `virsh -q destroy other; virtssh wait --start --timeout ${LIMIT_SECONDS} qemu/other && ssh root@qemu/other hostname`,
    timeoutSeconds: LIMIT_SECONDS + 20,
    stdout: "other\n",
  },
  {
    name: "the guest gets ports that do not do as sshd does",
    run: `ssh root@qemu/slow '${LISTEN(24, "/bin/false")}; ${LISTEN(25, "/bin/sleep 60")}'`,
  },
  {
    name: "ssh is told of a port that closes before a word",
    run: "ssh -p 24 root@qemu/slow true",
    exit: 255,
    stderr:
      failure(
        'cannot log in to domain "slow": vsock port 24 (cid 3) takes the connection and closes it before a word',
        "see why in the guest: journalctl -b -g ssh",
      ) + SSH_ADDS,
  },
  {
    name: "wait is told of a port that says nothing",
    run: "virtssh wait --port 25 --timeout 2 qemu/slow",
    exit: 1,
    stderr: failure(
      'not ready after 2 s: cannot log in to domain "slow": vsock port 25 (cid 3) takes the connection and says nothing',
      "check in the guest what listens: ss -lp --vsock",
    ),
  },
  {
    name: "wait is told of a port on which nobody listens",
    run: "virtssh wait --port 26 --timeout 1 qemu/slow",
    exit: 1,
    stderr: failure(
      'not ready after 1 s: cannot connect to domain "slow": nothing listens on vsock port 26 (cid 3)',
      "check in the guest what listens: ss -l --vsock",
    ),
  },
];

describe("virtssh and a guest that boots", () => {
  testFacts(FACTS, (steps) => runInBox({ steps, files: INSTALLED, texts: TEXTS }, toStderr));
});
