// Agents that hang, die, or may not, and a libvirtd that dies, in the middle of `virtssh keys`: what is said, and that the file is whole.
import { type Fact, failure } from "../lab/facts.ts";
import { agentUp, inWeb, MINE, refusedByAgent } from "./keys-lab.ts";

const STOP = inWeb("killall -STOP qemu-ga");
const GO_ON = inWeb("killall -CONT qemu-ga");
const startAgent = (options = "") =>
  `${inWeb(`qemu-ga --method virtio-serial --path /dev/vport0p1 --statedir /run ${options} > /dev/console 2>&1 &`)}; ${agentUp("web")}`;

const restartAgent = (options: string) =>
  `${inWeb("killall -KILL qemu-ga")}; until virsh dumpxml web | grep -q "state='disconnected'"; do read -rt 0.1 <> <(:); done; ${startAgent(options)}`;

/** REMOTE_PROC_DOMAIN_AUTHORIZED_SSH_KEYS_GET and …_SET, as strace shows them in the header of a message. */
const [GET, SET] = [String.raw`\\0\\0\\1\\250`, String.raw`\\0\\0\\1\\251`];
const untilTraced = (what: string) => `until grep -q '${what}' /tmp/trace; do read -rt 0.1 <> <(:); done`;

/**
 * The ninth thing that virtssh writes is the change (test/unit/libvirt/agent.test.ts has the order): it pauses in front of that, and
 * meanwhile the agent stops. `meanwhile` is to happen once the change was sent.
 */
const whileChanging = (meanwhile: string, timeout = 30) =>
  `: > /tmp/trace
ASAN_OPTIONS=detect_leaks=0 strace -qq -o /tmp/trace -e trace=read,write -e inject=write:delay_enter=3000000:when=9 virtssh keys add --timeout ${timeout} qemu/web --user alice /root/mine.pub &
${untilTraced(`^read(.*${GET}`)}
${STOP}
${untilTraced(`^write(.*${SET}.*= [0-9]`)}
${meanwhile}
wait %1`;

const unknown = (why: string, hint = "see what they are with:") =>
  failure(
    `cannot tell whether the keys of user "alice" in domain "web" have changed: ${why}`,
    `${hint} virtssh keys list qemu:system/web --user alice`,
  );

const isThere = (words: string) => `${words}: ${MINE.listed}\n`;
const again = `virtssh keys add qemu/web --user alice /root/mine.pub; ${inWeb("cat /home/alice/.ssh/authorized_keys")}; virtssh keys remove qemu/web --user alice /root/mine.pub`;
/** Whether it was added meanwhile or not: the file is whole, and has the key once. */
const completed = (words: string) => `${isThere(words)}${MINE.line}${isThere("removed")}`;

export const HUNG: readonly Fact[] = [
  {
    name: "an agent that is stopped",
    run: `${STOP}; virtssh keys list --timeout 2 qemu/web --user alice`,
    exit: 1,
    stderr: failure(
      'the guest agent of domain "web" does not answer: nothing within 2 s',
      "restart it in the guest: systemctl restart qemu-guest-agent",
    ),
  },
  { name: "answers as before once it goes on", run: `${GO_ON}; virtssh keys list qemu/web --user alice` },
  {
    name: "an agent that stops over a change",
    run: whileChanging("true", 5),
    exit: 1,
    stderr: unknown(
      "no answer from its guest agent within 5 s",
      "it may still change them; see later what they are with:",
    ),
  },
  {
    name: "what it was told it does, once it goes on, and the command again finds it done",
    run: `${GO_ON}; ${agentUp("web")}; ${again}`,
    stdout: completed("there already"),
  },
  {
    name: "an agent that is killed over a change",
    run: whileChanging(inWeb("killall -KILL qemu-ga")),
    exit: 1,
    stderr: unknown('libvirt says: "guest agent command timed out: Guest agent disappeared while executing command"'),
  },
  {
    name: "no agent is left",
    run: "virtssh keys list qemu/web --user alice",
    exit: 1,
    stderr: /^virtssh: error: no guest agent runs in domain "web"\n/,
  },
  {
    name: "the command again does it once there is an agent",
    run: `${startAgent()}; ${again}`,
    stdout: completed("added"),
  },
  {
    name: "a libvirtd that is killed over a change",
    run: whileChanging("sleep 1; kill -KILL $(< /run/libvirtd.pid)"), // it has told the agent by then
    exit: 1,
    stderr: unknown("libvirt's daemon has gone meanwhile"),
  },
  {
    name: "an agent that is stopped, asked by a libvirtd that has just started",
    run: "libvirtd -d; virtssh keys list qemu/web --user alice",
    exit: 1,
    stderr: failure(
      `the guest agent of domain "web" does not answer: libvirt says: "Guest agent is not responding: guest agent didn't respond to synchronization within '5' seconds"`,
      "restart it in the guest: systemctl restart qemu-guest-agent",
    ),
  },
  {
    name: "the command again finds it done by the agent, which has gone on",
    run: `${GO_ON}; ${agentUp("web")}; ${again}`,
    stdout: completed("there already"),
  },
  {
    name: "an agent that may not add keys",
    run: `${restartAgent("--block-rpcs=guest-ssh-add-authorized-keys")}; virtssh keys add qemu/web --user alice /root/mine.pub`,
    exit: 1,
    stderr: refusedByAgent("guest-ssh-add-authorized-keys': .* has been disabled: .*"),
  },
  {
    name: "an agent that may not tell of keys does not make it look as if there were none",
    run: `${restartAgent("--block-rpcs=guest-ssh-get-authorized-keys")}; virtssh keys list qemu/web --user root`,
    exit: 1,
    stderr: refusedByAgent("guest-ssh-get-authorized-keys': .* has been disabled: .*"),
  },
];
