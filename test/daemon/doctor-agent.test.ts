// `virtssh doctor` asks a guest's agent why ssh does not get through: a real agent in a real guest, in which each thing that can be
// wrong is made so. Its busybox has neither systemd nor ss: what these would say is put there. VSOCK is a stand-in, on the host alone.
import { describe } from "vitest";
import { GUEST_SHELL, renderDomain, runInGuest, waitForGuest } from "../lab/domains.ts";
import { type Fact, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";
import { failed, guest, NO_GUEST } from "./doctor-lab.ts";
import { GRANTS, GUEST_TEXTS, onEmulator, renderGuest } from "./guests-with-cid.ts";
import { agentUp } from "./keys-lab.ts";

const FILES = {
  "/usr/bin/virtssh": "build/test/virtssh",
  "/etc/ssh/ssh_config.d/25-virtssh.conf": "ssh_config.d/25-virtssh.conf",
  ...GUEST_SHELL,
};

const TEXTS = {
  ...GUEST_TEXTS,
  "/etc/lab/web.xml": onEmulator(renderDomain({ name: "web", vsock: 7, hasAgent: true })),
  "/etc/lab/bare.xml": renderGuest({ name: "bare", vsock: 9 }),
  // Without serial lines, whose places are root's.
  "/etc/lab/mine.xml": onEmulator(renderDomain({ name: "mine", vsock: 8, hasAgent: true })).replace(
    /<serial .*?<\/serial>/gs,
    "",
  ),
};

const inGuest = (command: string) => runInGuest("web", command);

/** As if the guest's kernel were up, and nobody listened. */
const DEAF = `${NO_GUEST}; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/tmp/vsock/7-22")'`;
const MUTE = guest("sleep 60");
const CLOSES = guest("true");

/** What doctor says of it, and nothing else: its report's end is not needed where the agent knows. */
const ASK = "virtssh doctor --timeout 20 qemu/web | grep -A1 'guest agent\\|What a guest needs'";

const found = (error: string, hint: string) => new RegExp(`^${literal(failed("guest agent", error, hint))}$`);
const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
/** A step that is no failure. */
const notes = (mark: "ok" | "-", words: string) => new RegExp(`^${mark.padEnd(6)}guest agent: ${literal(words)}\n`);

/** Puts a program into the guest, which prints that. */
const putProgram = (path: string, output: string) =>
  inGuest(
    `printf '%s\\n' '#!/bin/sh' 'cat <<"END"' '${output.replaceAll("\n", "' '")}' END > ${path}; chmod +x ${path}`,
  );
const listener = (name: string) =>
  putProgram("/usr/bin/ss", `v_str LISTEN 0 0 *:22 *:* users:(("${name}",pid=1,fd=47))`);
const NO_LISTENER = inGuest("rm -f /usr/bin/ss");

/** `states` are LoadState, ActiveState and UnitFileState. */
const unit = (id: string, ...states: readonly string[]) =>
  `Id=${id}\nLoadState=${states[0]}\nActiveState=${states[1]}\nUnitFileState=${states[2] ?? ""}`;
const SOCKET = "sshd-vsock.socket";
const FORWARDER = "virtssh-vsock-forward.service";
const units = (...all: readonly string[]) => putProgram("/usr/bin/systemctl", all.join("\n\n"));
const NO_FORWARDER = unit(FORWARDER, "not-found", "inactive");
const NO_SYSTEMD = inGuest("rm -f /usr/bin/systemctl");

const SETUP: readonly Fact[] = [
  ...GRANTS,
  {
    name: "mine boots in bob's session",
    user: "bob",
    run: "virsh -q -c qemu:///session define /etc/lab/mine.xml && virsh -q -c qemu:///session start mine",
  },
  {
    name: "web and bare run, and the agent of web answers",
    run: `mkdir -m 777 /tmp/vsock; for name in web bare; do virsh -q define /etc/lab/$name.xml && virsh -q start $name; done
${waitForGuest("web", 50)}
${agentUp("web")}`,
  },
];

const LISTENS: readonly Fact[] = [
  {
    name: "a guest that answers is not asked",
    run: `${guest("/usr/sbin/sshd -i")}; virtssh doctor qemu/web | grep 'guest agent'`,
    exit: 1,
  },
  {
    name: "a guest in which nobody listens",
    run: `${DEAF}; ${ASK}`,
    stdout: found(
      "nothing in the guest listens on vsock port 22",
      "have its sshd listen with: socat VSOCK-LISTEN:22,reuseaddr,fork 'EXEC:/usr/sbin/sshd -i,nofork'",
    ),
  },
  {
    name: "a guest in which somebody listens by now",
    run: `${listener("socat")}; ${DEAF}; ${ASK}; ${NO_LISTENER}`,
    stdout: notes("ok", '"socat" listens on vsock port 22 in the guest'),
  },
  {
    name: "a guest whose driver has no device",
    run: `${NO_GUEST}; ${ASK}`,
    stdout: found(
      "the guest's VSOCK driver has found no device",
      "let it look anew with: virsh -c qemu:///system reboot web",
    ),
  },
  {
    name: "a guest without a VSOCK driver",
    run: `${inGuest("rmmod vmw_vsock_virtio_transport")}; ${NO_GUEST}; ${ASK}`,
    stdout: found("the guest has no VSOCK driver", "load it in the guest with: modprobe vmw_vsock_virtio_transport"),
  },
  {
    name: "a guest without an sshd",
    run: `${inGuest("mv /usr/sbin/sshd /tmp/")}; ${DEAF}; ${ASK}; ${inGuest("mv /tmp/sshd /usr/sbin/")}`,
    stdout: found("the guest has no sshd", "install its package in the guest: openssh-server, or openssh"),
  },
];

const GENERATORS = "/usr/lib/systemd/system-generators";

const UNITS: readonly Fact[] = [
  {
    name: "a systemd that knows no such unit",
    run: `${units(unit(SOCKET, "not-found", "inactive"), NO_FORWARDER)}; ${DEAF}; ${ASK}`,
    stdout: found(`the guest's systemd has no unit "${SOCKET}"`, "install the package virtssh-guest in the guest"),
  },
  {
    name: "a unit that systemd would make by now",
    run: `${inGuest(`mkdir -p ${GENERATORS}; touch ${GENERATORS}/systemd-ssh-generator`)}; ${DEAF}; ${ASK}`,
    stdout: found(
      `the guest's systemd has no unit "${SOCKET}"`,
      `have it made in the guest with: systemctl daemon-reload && systemctl start ${SOCKET}`,
    ),
  },
  {
    name: "a unit that is masked",
    run: `${units(unit(SOCKET, "masked", "inactive", "masked"), NO_FORWARDER)}; ${DEAF}; ${ASK}`,
    stdout: found(
      `the guest's unit "${SOCKET}" is masked`,
      `start it in the guest with: systemctl unmask ${SOCKET} && systemctl start ${SOCKET}`,
    ),
  },
  {
    name: "a unit that has failed",
    run: `${units(unit(SOCKET, "loaded", "failed", "enabled"), NO_FORWARDER)}; ${DEAF}; ${ASK}`,
    stdout: found(
      `the guest's unit "${SOCKET}" is "failed"`,
      `start it in the guest with: systemctl restart ${SOCKET}`,
    ),
  },
  {
    name: "the forwarder, where that was chosen",
    run: `${units(unit(SOCKET, "loaded", "inactive"), unit(FORWARDER, "loaded", "inactive", "enabled"))}; ${DEAF}; ${ASK}`,
    stdout: found(
      `the guest's unit "${FORWARDER}" is "inactive"`,
      `start it in the guest with: systemctl restart ${FORWARDER}`,
    ),
  },
  {
    name: "a state that could colour the terminal",
    run: `${units(unit(SOCKET, "loaded", "\u001b[31m"), NO_FORWARDER)}; ${DEAF}; ${ASK}; ${NO_SYSTEMD}`,
    stdout: found(
      `the guest's unit "${SOCKET}" is "\\x1b[31m"`,
      `start it in the guest with: systemctl restart ${SOCKET}`,
    ),
  },
];

const SSHD: readonly Fact[] = [
  {
    name: "a port that another program has",
    run: `${listener("nc")}; ${MUTE}; ${ASK.replace("20", "6")}`,
    stdout: found(
      'vsock port 22 in the guest is taken by "nc", which is no sshd',
      "end it in the guest, so that sshd can have the port",
    ),
  },
  {
    name: "an sshd without host keys",
    run: `${listener("systemd")}; ${CLOSES}; ${ASK}`,
    stdout: found("the guest's sshd has no host keys", "make them in the guest with: ssh-keygen -A"),
  },
  {
    name: "an sshd that is well, as far as it can tell",
    run: `${inGuest("cp /etc/ssh/host_key_1 /etc/ssh/ssh_host_ed25519_key")}; ${CLOSES}; ${ASK}`,
    stdout: notes(
      "ok",
      '"systemd" listens on vsock port 22 in the guest, and its sshd finds nothing wrong with itself',
    ),
  },
  {
    name: "an sshd whose configuration is broken",
    // That it has no keys either is not what it has stopped at.
    run: `${inGuest("rm /etc/ssh/ssh_host_ed25519_key; echo Nonsense yes >> /etc/ssh/sshd_config")}; ${CLOSES}; ${ASK}`,
    stdout:
      /^FAIL {2}guest agent: the guest's sshd cannot run: "\/etc\/ssh\/sshd_config: line \d+: Bad configuration option: Nonsense"\n {6}hint: once that is mended, see whether it can with: \/usr\/sbin\/sshd -t\n$/,
  },
];

const RIGHTS: readonly Fact[] = [
  {
    name: "bob may ask that of a guest of his own",
    user: "bob",
    run: `export VIRTSSH_TEST_VSOCK=/tmp/vsock; ${agentUp("mine", "qemu:///session")}; virtssh doctor qemu/mine | grep -A1 'guest agent'
virsh -q -c qemu:///session destroy mine`,
    stdout: found(
      "the guest's VSOCK driver has found no device",
      "let it look anew with: virsh -c qemu:///session reboot mine",
    ),
  },
  {
    name: "alice may not ask it",
    user: "alice",
    run: `export VIRTSSH_TEST_VSOCK=/tmp/vsock; virtssh doctor --json qemu/bare > /dev/null; virtssh doctor qemu/web | grep -A1 'guest agent'`,
    stdout: notes(
      "-",
      'not tried: it takes more rights than looking: the group "libvirt", or org.libvirt.unix.manage of polkit',
    ),
  },
  {
    name: "a domain without a channel for one",
    run: `${NO_GUEST}; virtssh doctor qemu/bare | grep 'guest agent'`,
    stdout: "-     guest agent: not tried: the domain has no channel to one\n",
  },
  {
    name: "a program in the guest that does not end costs no more than 8 s",
    run: `${inGuest("printf '#!/bin/sh\\nexec sleep 60\\n' > /usr/bin/systemctl; chmod +x /usr/bin/systemctl")}; ${NO_LISTENER}; ${DEAF}
begin=$EPOCHSECONDS; ${ASK}; ((EPOCHSECONDS - begin < 10)) && echo in time; ${NO_SYSTEMD}`,
    stdout: /^FAIL {2}guest agent: nothing in the guest listens .*\n.*\nin time\n$/,
  },
  {
    name: "an agent that may run no programs",
    run: `${inGuest("killall -KILL qemu-ga; sleep 0.2; qemu-ga -b guest-exec --method virtio-serial --path /dev/vport0p1 --statedir /run > /dev/null 2>&1 < /dev/null &")}
${agentUp("web")}; ${DEAF}; ${ASK}`,
    stdout: notes("-", "not tried: it runs no programs: guest-exec is blocked in its configuration"),
  },
  {
    name: "an agent that hangs costs no more than libvirt's own limit",
    run: `${inGuest("killall -STOP qemu-ga")}; ${DEAF}; begin=$EPOCHSECONDS; ${ASK}; ((EPOCHSECONDS - begin < 6)) && echo in time`,
    stdout: /^- {5}guest agent: not tried: it does not answer\n(?:.*\n)*in time\n$/,
  },
  {
    name: "no agent at all",
    run: `${inGuest("killall -KILL qemu-ga")}; until virsh -r dumpxml web | grep -q "guest_agent.0' state='disconnected'"; do sleep 0.1; done; ${DEAF}; ${ASK}`,
    stdout: notes("-", "not tried: none is connected: no qemu-guest-agent runs in the guest"),
  },
];

describe("virtssh doctor asks a guest's agent", () => {
  testFacts([...SETUP, ...LISTENS, ...UNITS, ...SSHD, ...RIGHTS], (steps) => {
    return runNative({ steps, files: FILES, texts: TEXTS });
  });
});
