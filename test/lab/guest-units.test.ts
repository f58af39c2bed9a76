// The package virtssh-guest under real systemd: 257 in Debian 13, with OpenSSH 10.0, and 252 in Debian 12, with 9.2.
import { type Fact, testFactsAtOnce } from "./facts.ts";
import { GUEST_FACTS, VERIFY } from "./guest-facts.ts";
import {
  addToUnit,
  connectAtOnce,
  ENABLED,
  ensureStandIns,
  forgetDropIns,
  HOST_KEYS,
  PACKAGE,
  TEXTS,
  TOOLS,
  UNITS,
} from "./guest-lab.ts";
import { type BoxOptions, runInBox, type Step } from "./lab.ts";
import { toStderr } from "./progress.ts";

const STAND_INS = "/etc/lab/guest-stand-ins.so";

async function runGuest(steps: readonly Step[], options: BoxOptions) {
  const files = { ...TOOLS, [STAND_INS]: await ensureStandIns() };
  const boot = { bootFiles: PACKAGE, bootLinks: ENABLED, bootWithout: HOST_KEYS };
  return await runInBox({ steps, files, texts: TEXTS, ...boot }, toStderr, options);
}

/** Has sshd's PAM write to an audit log, as in a guest whose kernel has one, and ask a name server that does not answer. */
const ASK = `python3 /etc/lab/name-server.py 127.0.0.9 /tmp/asked & server=$!
  cp /etc/resolv.conf /tmp/; echo nameserver 127.0.0.9 > /etc/resolv.conf
  ${addToUnit("sshd-vsock@.service", "[Service]", `Environment=LD_PRELOAD=${STAND_INS}`)}
  until [ -e /tmp/asked ]; do sleep 0.05; done
  timeout 25 ssh root@guest echo in; sort -u /tmp/asked
  kill $server; cp /tmp/resolv.conf /etc/; ${forgetDropIns("sshd-vsock@.service")}`;

/** What `systemd-ssh-generator` said at boot. */
const NO_CID = "Failed to query local AF_VSOCK CID: Cannot assign requested address";

const NEW: readonly Fact[] = [
  {
    name: "the generator has given up",
    run: `journalctl -b -o cat | grep -m 1 -x '${NO_CID}'; systemctl show --value -p FragmentPath sshd-vsock.socket`,
    stdout: `${NO_CID}\n${UNITS}/sshd-vsock.socket\n`,
  },
  { name: "systemd-analyze finds nothing wrong", run: VERIFY },
  {
    name: "who comes after too many at once waits",
    run: `${addToUnit("sshd-vsock.socket", "[Socket]", "PollLimitBurst=2")}
      begin=$EPOCHSECONDS; ${connectAtOnce(5)}; ((EPOCHSECONDS - begin >= 3)) && echo waited
      systemctl is-active sshd-vsock.socket; ${forgetDropIns("sshd-vsock.socket")}`,
    stdout: "5 greeted\nwaited\nactive\n",
  },
  { name: "sshd has PAM look nobody up", run: ASK, stdout: "in\n" },
];

const OLD: readonly Fact[] = [
  {
    name: "there is no generator",
    run: "ls /usr/lib/systemd/system-generators | grep -i ssh; systemctl --version | head -n 1 | cut -d' ' -f2",
    stdout: "252\n",
  },
  {
    name: "systemd-analyze complains of two keys that systemd 255 brought",
    run: `${VERIFY} 2>&1 | cut -d: -f3`,
    stdout: ` Unknown key 'PollLimitIntervalSec' in section [Socket], ignoring.
 Unknown key 'PollLimitBurst' in section [Socket], ignoring.
`,
  },
  {
    name: "300 connections at once do not make the socket deaf for good",
    run: `${connectAtOnce(300)}; systemctl is-active sshd-vsock.socket`,
    stdout: "64 greeted, 236 hung up on\nactive\n",
  },
  {
    name: "as a limit on them would",
    run: `${addToUnit("sshd-vsock.socket", "[Socket]", "TriggerLimitIntervalSec=2s", "TriggerLimitBurst=20")}
      ${connectAtOnce(30)} > /tmp/ends; systemctl show --value -p Result sshd-vsock.socket
      ${forgetDropIns("sshd-vsock.socket")}; systemctl start sshd-vsock.socket`,
    stdout: "trigger-limit-hit\n",
  },
  {
    name: "sshd has PAM look UNKNOWN up, and does not wait for long",
    run: ASK,
    stdout: "in\nUNKNOWN\n",
  },
];

const guest = (name: string, own: readonly Fact[], options: BoxOptions) => ({
  name,
  facts: [...GUEST_FACTS.slice(0, -2), ...own, ...GUEST_FACTS.slice(-2)],
  runLab: (steps: readonly Step[]) => runGuest(steps, options),
});

testFactsAtOnce([guest("a guest with systemd 257", NEW, {}), guest("a guest with systemd 252", OLD, { isOld: true })]);
