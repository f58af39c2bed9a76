// `virtssh doctor` with the real ssh and the real libvirtd, each thing that can be wrong made so.
import { describe } from "vitest";
import { type Fact, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";
import { KEY_CHECK, PINS } from "./doctor-host-keys.ts";
import {
  config,
  ENV,
  FAILURES,
  FILES,
  failed,
  guest,
  HOST_STEPS,
  KILL_DAEMON,
  NEEDS,
  NO_GUEST,
  SETUP,
  SSHD,
  SYSTEM,
  skipped,
  TEXTS,
} from "./doctor-lab.ts";
import { CONTROL, DROP_IN_FACTS, SSH } from "./doctor-ssh.ts";
import { UUID } from "./domains.ts";

const HEALTHY: readonly Fact[] = [
  {
    name: "a healthy guest: every step holds",
    run: `${SSHD}; virtssh doctor qemu/web; echo $?`,
    stdout: `${HOST_STEPS("qemu/web")}ok    target: domain "web", vsock port 22
${SYSTEM}ok    domain: "web" in qemu:///system, found by its name; uuid ${UUID}
ok    state: running
ok    vsock device: cid 7
ok    connect: cid 7 takes it on vsock port 22
ok    banner: "SSH-2.0-OpenSSH_10.0p2 Debian-7+deb13u4"
ok    recheck: cid 7 is still this domain's
ok    host key: none is pinned yet: the next login pins the one that the guest shows
0
`,
  },
  {
    name: "and ssh logs in there",
    run: `${SSHD}; ls ~/.local 2> /dev/null; ssh -o BatchMode=yes root@qemu/web 'echo in'`,
    stdout: "in\n",
  },
  {
    name: "without a target, what this host has",
    run: "virtssh doctor",
    stdout: `${HOST_STEPS("qemu/NAME", "qemu/name")}${SYSTEM}`,
  },
  {
    name: "--json is one object, for a program to read",
    run: `${SSHD}; virtssh doctor --json qemu/web | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["target"], r["ok"], len(r["steps"]), {s["ok"] for s in r["steps"]}, [s["step"] for s in r["steps"] if "key" in s["step"]])'`,
    stdout: "qemu/web True 17 {True} ['host key check', 'host key']\n",
  },
  {
    name: "an ordinary user needs no session daemon",
    user: "alice",
    run: `${ENV}; virtssh doctor | tail -n 1; ls $XDG_RUNTIME_DIR`,
    stdout: /^- {5}qemu:\/\/\/session: not needed: cannot find a libvirt daemon for qemu:\/\/\/session: .*\n$/,
  },
  {
    name: "under ControlPersist, where the helper's words are lost",
    run: `${NO_GUEST}; ssh -o BatchMode=yes -o ControlMaster=auto -o ControlPersist=5 -o ControlPath=/tmp/%C qemu/web 2>&1 | grep -c virtssh:; virtssh doctor qemu/web | grep -c ^FAIL`,
    stdout: "0\n1\n",
  },
];

const SHELL_HINT = "have ssh use another: export SHELL=/bin/sh";
const HOST: readonly Fact[] = [
  ...[
    ["/usr/sbin/nologin", "it ended with status 1"],
    ["/bin/true", "it ended with status 0"],
    ["/nowhere", "no such file or directory (ENOENT)"],
    ["", "no such file or directory (ENOENT)"],
    ["bash", "no such file or directory (ENOENT)"], // ssh does not look in PATH
  ].map(([shell, why]) => ({
    name: `SHELL=${shell}, under which ssh fails too`,
    run: `${SSHD}; export SHELL=${shell}; virtssh doctor | grep -A1 -E 'shell|helper'; ssh -o BatchMode=yes qemu/web 2> /dev/null; echo $?`,
    stdout: `${failed("shell", `ssh cannot start virtssh: the shell "${shell}" runs no command: ${why}`, SHELL_HINT)}-     helper: not tried\nok    kernel: "/dev/vhost-vsock" is there\n255\n`,
  })),
  {
    name: "a shell that does not end",
    run: `printf '#!/bin/sh\nexec sleep 20\n' > /tmp/bin/slow; chmod 755 /tmp/bin/slow; SHELL=/tmp/bin/slow virtssh doctor --timeout 1 ${FAILURES}`,
    stdout: failed(
      "shell",
      'ssh cannot start virtssh: the shell "/tmp/bin/slow" runs no command: it has not ended in time',
      SHELL_HINT,
    ),
  },
  {
    name: "no virtssh where the ProxyCommand says",
    run: `${config('Match host qemu/*\\n  ProxyCommand "/opt/a b/virtssh" proxy --fdpass -- %%h %%p\\n')}; virtssh doctor ${FAILURES}; rm ~/.ssh/config`,
    stdout: failed(
      "helper",
      'ssh cannot start virtssh: "/opt/a b/virtssh" --version says "/bin/bash: line 1: /opt/a b/virtssh: No such file or directory", with status 127',
      "install virtssh where the ProxyCommand says that it is",
    ),
  },
  {
    name: "no vhost_vsock",
    run: `rm /dev/vhost-vsock; virtssh doctor ${FAILURES}; touch /dev/vhost-vsock`,
    stdout: failed(
      "kernel",
      'cannot give guests a vsock device: there is neither "/dev/vhost-vsock" nor "/sys/module/vhost_vsock"',
      "load it with: sudo modprobe vhost_vsock",
    ),
  },
];

const LAST_STEPS = ["state", "vsock device", "connect", "banner", "recheck"];
/** What is pinned for a domain is told whatever becomes of the connection to it. */
const from = (step: string) =>
  skipped(...LAST_STEPS.slice(LAST_STEPS.indexOf(step)), ...(step === "state" ? ["host key"] : []));
const NO_AGENT = "-     guest agent: not tried: the domain has no channel to one\n";
const SOCKET = "/run/libvirt/libvirt-sock-ro";
const ALICE = "setpriv --reuid alice --regid alice --init-groups env -u XDG_RUNTIME_DIR HOME=/nowhere SHELL=/bin/sh";

const GUEST: readonly Fact[] = [
  {
    name: "no such domain",
    run: "virtssh doctor qemu/wbe | grep -v ^ok",
    stdout: `${failed("domain", 'cannot find domain "wbe" in qemu:///system', "did you mean qemu:system/web?")}${from("state")}`,
  },
  {
    name: "a domain that is shut off, whatever CID its XML has",
    run: "virtssh doctor qemu/off | grep -v ^ok",
    stdout: `${failed("state", 'domain "off" is shut off', "start it with: virsh -c qemu:///system start off")}${from("vsock device")}`,
  },
  {
    name: "a domain without a vsock device",
    run: "virtssh doctor qemu/bare | grep -v ^ok",
    stdout: `${failed(
      "vsock device",
      'domain "bare" has no vsock device',
      "add one with: virtssh enable qemu:system/bare",
    )}${from("connect")}${NEEDS}`,
  },
  {
    name: "a guest that does not listen",
    run: `${NO_GUEST}; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/tmp/vsock/7-22")'; virtssh doctor qemu/web | grep -v ^ok`,
    stdout: `${failed(
      "connect",
      'cannot connect to domain "web": nothing listens on vsock port 22 (cid 7)',
      "check in the guest what listens: ss -l --vsock",
    )}${from("banner")}${NO_AGENT}${NEEDS}`,
  },
  {
    name: "a guest that closes before a word",
    run: `${guest("true")}; virtssh doctor qemu/web | grep -v ^ok`,
    stdout: `${failed(
      "banner",
      'cannot log in to domain "web": vsock port 22 (cid 7) takes the connection and closes it before a word',
      "see why in the guest: journalctl -b -g ssh",
    )}${from("recheck")}${NO_AGENT}${NEEDS}`,
  },
  {
    name: "a guest that says nothing",
    run: `${guest("sleep 20")}; virtssh doctor --timeout 2 qemu/web | grep -v ^ok`,
    stdout: `${failed(
      "banner",
      'cannot log in to domain "web": vsock port 22 (cid 7) takes the connection and says nothing',
      "check in the guest what listens: ss -lp --vsock",
    )}${from("recheck")}${NO_AGENT}${NEEDS}`,
  },
  {
    name: "a guest that would colour the terminal",
    run: `${guest("sh /etc/lab/colours.sh")}; virtssh doctor qemu/web | grep banner`,
    stdout: 'ok    banner: "\\x1b[31mSSH-2.0-x"\n',
  },
];

/** Last: these end with no daemon. */
const LIBVIRT: readonly Fact[] = [
  {
    name: "a socket that only a group may open, for one who is not in it",
    run: `chmod 0770 ${SOCKET}; chgrp libvirt ${SOCKET}; virtssh doctor | tail -n 1; ${ALICE} virtssh doctor qemu/web | grep -v ^ok; chmod 0777 ${SOCKET}`,
    stdout: `ok    qemu:///system: "${SOCKET}" answers, for group "libvirt"
${failed(
  "qemu:///system",
  `cannot open libvirt socket "${SOCKET}": permission denied`,
  'only group "libvirt" may open it; join that group, then log in again',
)}${failed(
  "qemu:///session",
  'cannot find a libvirt daemon for qemu:///session: "/nowhere/.cache/libvirt/virtqemud-sock" is missing, "/nowhere/.cache/libvirt/libvirt-sock" is missing',
  "start it with: virsh -c qemu:///session list",
)}${skipped("domain")}${from("state")}`,
  },
  {
    name: "polkit refuses an ordinary user",
    run: `cp /etc/lab/deny.rules /etc/polkit-1/rules.d/10-lab.rules
until ${ALICE} virtssh doctor | grep -q refused; do sleep 0.1; done # polkitd has seen the file
${ALICE} virtssh doctor qemu:system/web | grep -v ^ok; rm /etc/polkit-1/rules.d/10-lab.rules`,
    stdout: `${failed(
      "qemu:///system",
      'cannot connect to qemu:///system: libvirt refused: "authentication failed: access denied by policy"',
      "have the administrator grant you, by polkit: org.libvirt.unix.monitor",
    )}${skipped("domain")}${from("state")}`,
  },
  {
    name: "a session target of a user who has no session",
    run: "setpriv --reuid alice --regid alice --init-groups env -u XDG_RUNTIME_DIR -u HOME SHELL=/bin/sh virtssh doctor qemu:session/x | grep -A1 '^FAIL'",
    stdout: failed(
      "libvirt",
      "cannot find the session daemon's socket: neither XDG_RUNTIME_DIR nor HOME is set",
      "log in as that user, or set it: export XDG_RUNTIME_DIR=/run/user/$(id -u)",
    ),
  },
  {
    name: "a session target starts its daemon, as ssh would",
    user: "alice",
    run: "virtssh doctor qemu:session/x | sed -n '/target/,/domain/p'",
    stdout: `ok    target: domain "x", vsock port 22
ok    qemu:///session: "/run/user/1000/libvirt/libvirt-sock" answers
FAIL  domain: cannot find domain "x" in qemu:///session
`,
  },
  {
    name: "no daemon",
    run: `${KILL_DAEMON}; virtssh doctor qemu/web | grep -v ^ok`,
    stdout: `${failed(
      "qemu:///system",
      `cannot find a libvirt daemon for qemu:///system: "/run/libvirt/virtqemud-sock-ro" is missing, nobody listens on "${SOCKET}"`,
      "start it with: sudo systemctl start libvirtd",
    )}${skipped("domain")}${from("state")}`,
  },
];

describe("virtssh doctor says which step on the way to a guest does not hold", () => {
  const facts = [
    ...SETUP,
    ...HEALTHY,
    ...PINS,
    ...SSH,
    ...DROP_IN_FACTS,
    ...KEY_CHECK,
    ...CONTROL,
    ...HOST,
    ...GUEST,
    ...LIBVIRT,
  ];
  testFacts(facts, (steps) => runNative({ steps, files: FILES, texts: TEXTS }));
});
