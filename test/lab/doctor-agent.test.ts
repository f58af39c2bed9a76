// `virtssh doctor` asks an agent about a real systemd, ss and sshd, over a real vsock device. The guest has none of the former: what
// its agent's channel leads to is the agent of the box itself, which stands in for a guest with systemd 257.
import { describe } from "vitest";
import { GUEST_SHELL, renderDomain, runInGuest, startDomain, waitForGuest } from "./domains.ts";
import { type Fact, testFacts } from "./facts.ts";
import { PACKAGE, UNITS } from "./guest-lab.ts";
import { INSTALLED } from "./installed.ts";
import { runInBox } from "./lab.ts";
import { toStderr } from "./progress.ts";

const WAIT_SECONDS = 240;
const SOCKET = "sshd-vsock.socket";
/** The package's units, until they are put into place. */
const KEPT = "/etc/lab/units";

const inGuest = (command: string) => runInGuest("web", command);
/**
 * From the guest's channel to the box's agent, over VSOCK: again where the channel is not free yet, or the box not ready. The channel
 * stays open between two attempts: libvirt connects to it once the guest has opened it, and until then it reads as closed.
 */
const ATTEMPTS = "while :; do socat FD:3 VSOCK-CONNECT:2:1234; sleep 1; done";
const PASS_ON = `(while :; do (exec 3<> /dev/vport0p1; ${ATTEMPTS}); sleep 1; done) > /tmp/passed 2>&1 < /dev/null &`;
const ASK = "virtssh doctor qemu/web | grep -A1 'guest agent'";
const found = (error: string, hint: string) => `FAIL  guest agent: ${error}\n      hint: ${hint}\n`;

const SETUP: readonly Fact[] = [
  {
    name: "a guest with an agent is up",
    run: `${startDomain("/etc/lab/web.xml", "web")}; ${waitForGuest("web", WAIT_SECONDS)}`,
    timeoutSeconds: WAIT_SECONDS + 10,
  },
  { name: "doctor finds nothing wrong, and asks no agent", run: "virtssh doctor qemu/web | grep -v ^ok", exit: 1 },
  {
    name: "an agent of the box's takes the place of the guest's, whose sshd listens no more",
    run: `qemu-ga -d -f /run/agent.pid -m vsock-listen -p 2:1234 -t /run
${inGuest(`killall -KILL socat qemu-ga; sleep 2; ${PASS_ON}`)}
until virsh -q qemu-agent-command --timeout 5 web '{"execute":"guest-get-host-name"}' 2> /tmp/words; do
  ((SECONDS < 100)) || { cat /tmp/words; ${inGuest("ps; cat /tmp/passed")}; exit 1; } >&2
  sleep 0.2
done`,
    timeoutSeconds: 150,
    stdout: '{"return":{"host-name":"hypervisor"}}\n',
  },
];

/** What Debian's generator has given up to make: test/lab/guest-units.test.ts. */
const LISTENING: readonly Fact[] = [
  {
    name: "a unit that systemd could make",
    run: ASK,
    stdout: found(
      `the guest's systemd has no unit "${SOCKET}"`,
      `have it made in the guest with: systemctl daemon-reload && systemctl start ${SOCKET}`,
    ),
  },
  {
    name: "a unit that is not started",
    run: `cp ${KEPT}/* ${UNITS}/; systemctl daemon-reload; ${ASK}`,
    stdout: found(
      `the guest's unit "${SOCKET}" is "inactive"`,
      `start it in the guest with: systemctl restart ${SOCKET}`,
    ),
  },
  {
    name: "a unit that is masked",
    run: `systemctl -q mask ${SOCKET}; ${ASK}`,
    stdout: found(
      `the guest's unit "${SOCKET}" is masked`,
      `start it in the guest with: systemctl unmask ${SOCKET} && systemctl start ${SOCKET}`,
    ),
  },
  {
    name: "which listens, once the hint is followed",
    run: `systemctl -q unmask ${SOCKET} && systemctl start ${SOCKET}; ${ASK} | head -n 1`,
    stdout: 'ok    guest agent: "systemd" listens on vsock port 22 in the guest\n',
  },
];

/** A guest that closes the connection before a word. */
const CLOSES = inGuest("socat VSOCK-LISTEN:22,reuseaddr,fork EXEC:true > /dev/null 2>&1 < /dev/null &");

const BROKEN: readonly Fact[] = [
  {
    name: "an sshd that is well",
    run: `${CLOSES}; ${ASK} | head -n 1`,
    stdout:
      'ok    guest agent: "systemd" listens on vsock port 22 in the guest, and its sshd finds nothing wrong with itself\n',
  },
  {
    name: "an sshd without host keys",
    run: `mkdir /tmp/keys; mv /etc/ssh/ssh_host_* /tmp/keys; ${ASK}`,
    stdout: found("the guest's sshd has no host keys", "make them in the guest with: ssh-keygen -A"),
  },
  { name: "which are made as the hint has it", run: `ssh-keygen -A > /dev/null; ${ASK} | head -n 1`, stdout: /^ok / },
];

const FILES = {
  ...INSTALLED,
  ...GUEST_SHELL,
  ...Object.fromEntries(
    Object.entries(PACKAGE)
      .filter(([path]) => path.startsWith(UNITS))
      .map(([path, file]) => [path.replace(UNITS, KEPT), file]),
  ),
};

const TEXTS = { "/etc/lab/web.xml": renderDomain({ name: "web", vsock: "auto", hasAgent: true }) };

describe("virtssh doctor asks the agent of a guest with systemd", () => {
  testFacts([...SETUP, ...LISTENING, ...BROKEN], (steps) => {
    return runInBox({ steps, files: FILES, texts: TEXTS }, toStderr);
  });
});
