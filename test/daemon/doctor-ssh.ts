// What can be wrong with ssh and its configuration, as facts about `virtssh doctor`; each is made so, and most are seen to harm ssh.
import type { Fact } from "../lab/facts.ts";
import { config, DROP_IN, FAILURES, FDPASS_AT, failed, NO_GUEST, SSHD, skipped } from "./doctor-lab.ts";

/** ssh itself, and its configuration. */
export const SSH: readonly Fact[] = [
  {
    name: "no ssh",
    run: `mkdir /tmp/bin; PATH=/nowhere /usr/bin/virtssh doctor ${FAILURES}`,
    stdout: failed(
      "ssh",
      "cannot find ssh in PATH",
      "install OpenSSH's client: openssh-client on Debian, openssh-clients on Fedora",
    ),
  },
  ...[
    {
      words: "Dropbear v2024.86",
      error: 'cannot tell which ssh this is: "ssh -V" says "Dropbear v2024.86"',
      hint: "put OpenSSH's ssh first in PATH",
    },
    {
      words: "OpenSSH_7.9p1 Debian-10+deb10u4, OpenSSL 1.1.1n",
      error: "ssh is OpenSSH 7.9p1: the drop-in needs 8.5",
      hint: "update OpenSSH to 8.5 or later",
    },
  ].map(({ words, error, hint }) => ({
    name: `an ssh that calls itself ${words}`,
    run: `printf '#!/bin/sh\necho "${words}" >&2\n' > /tmp/bin/ssh; chmod 755 /tmp/bin/ssh; PATH=/tmp/bin:$PATH virtssh doctor ${FAILURES}`,
    stdout: failed("ssh", error, hint),
  })),
  {
    name: "a host name that ssh refuses",
    run: `virtssh doctor 'qemu/a;b' ${FAILURES}; virtssh doctor -- -oProxyCommand=x ${FAILURES}`,
    stdout:
      failed(
        "ssh configuration",
        'ssh refuses "qemu/a;b": "hostname contains invalid characters"',
        "see all that it says with: ssh -G -v -- 'qemu/a;b'",
      ) +
      "--\n" +
      failed("domain", 'cannot find domain "a;b" in qemu:///system', "list the domains with: virtssh list --all") +
      failed(
        "ssh configuration",
        'ssh refuses "-oProxyCommand=x": "hostname contains invalid characters"',
        "see all that it says with: ssh -G -v -- '-oProxyCommand=x'",
      ) +
      "--\n" +
      failed(
        "target",
        'cannot parse target "-oProxyCommand=x": it does not say where to look',
        "write qemu/-oProxyCommand=x",
      ),
  },
  {
    name: "a drop-in that is not root's, which ends every ssh, until the hint is followed",
    run: `chown alice ${DROP_IN}; virtssh doctor | grep -v ^ok; hint=$(virtssh doctor | sed -n 's/^ *hint: .* with: //p'); sudo() { "$@"; }; eval "$hint"; virtssh doctor ${FAILURES}`,
    exit: 1,
    stdout:
      failed(
        "ssh configuration",
        `cannot use ssh at all: it refuses the owner or the mode of "${DROP_IN}"`,
        `give it to root with: sudo chown root: ${DROP_IN} && sudo chmod go-w ${DROP_IN}`,
      ) + skipped("drop-in", "host key check", "control path", "helper"),
  },
  {
    name: "a configuration of one's own that others may write, until the hint is followed",
    user: "alice",
    run: `${config("")}; chmod 666 ~/.ssh/config; virtssh doctor ${FAILURES}; eval "$(virtssh doctor | sed -n 's/^ *hint: let nobody else write it: //p')"; virtssh doctor ${FAILURES}`,
    exit: 1,
    stdout: failed(
      "ssh configuration",
      'cannot use ssh at all: it refuses the owner or the mode of "/home/alice/.ssh/config"',
      "let nobody else write it: chmod go-w /home/alice/.ssh/config",
    ),
  },
  {
    name: "a word that ssh does not know",
    run: `${config("Host *\\n  Foo bar\\n")}; virtssh doctor ${FAILURES}`,
    stdout: failed(
      "ssh configuration",
      'ssh refuses "qemu/NAME": "/root/.ssh/config: line 2: Bad configuration option: foo"',
      "see all that it says with: ssh -G -v -- qemu/NAME",
    ),
  },
  {
    name: "a Match that does not end: nothing more is tried",
    run: `${config('Match exec "sleep 20"\\n')}; virtssh doctor --timeout 1 | grep -v ^ok; rm ~/.ssh/config`,
    stdout:
      failed(
        "ssh configuration",
        "cannot read ssh's configuration: ssh has not told it within 1 s",
        "see what it waits for with: ssh -G -v -- qemu/NAME",
      ) + skipped("drop-in", "host key check", "control path", "shell", "helper", "kernel", "libvirt"),
  },
];

const SETS_UP = "set it up for yourself with: virtssh setup";
const KEEPS_OUT =
  'keep guests out of that block: begin it with Match host "*,!qemu/*,!qemu:*,!qemu%*,!qemu-*%*,!*.qemu"';
const OTHER = "ProxyCommand sleep 20";
/** Whether ssh is still at it after two seconds. */
const HANGS = "timeout 2 ssh -o BatchMode=yes qemu/web < /dev/null > /dev/null 2>&1; echo $?";

/** Who serves the name. */
export const DROP_IN_FACTS: readonly Fact[] = [
  {
    name: "no drop-in: libvirt's own helper comes to its turn",
    run: `mv ${DROP_IN} /tmp/; virtssh doctor ${FAILURES}; mv /tmp/25-virtssh.conf ${DROP_IN}`,
    stdout: failed(
      "drop-in",
      'ssh has another ProxyCommand, "/usr/lib/libvirt/libvirt-ssh-proxy %h %p" ("/etc/ssh/ssh_config.d/30-libvirt-ssh-proxy.conf" line 4) for "qemu/NAME"',
      SETS_UP,
    ),
  },
  {
    name: "no drop-in, until the hint is followed",
    run: `mv ${DROP_IN} /tmp/; eval "$(virtssh doctor | sed -n 's/^ *hint: set it up for yourself with: //p')" > /dev/null; virtssh doctor | grep drop-in; virtssh setup --remove > /dev/null; mv /tmp/25-virtssh.conf ${DROP_IN}`,
    stdout: /^ok {4}drop-in: runs "\/usr\/bin\/virtssh proxy .*" \("\/root\/.ssh\/virtssh.conf" line \d+\)\n$/,
  },
  {
    name: "a drop-in that no file includes",
    run: `sed -i.bak /^Include/d /etc/ssh/ssh_config; virtssh doctor ${FAILURES}; mv /etc/ssh/ssh_config.bak /etc/ssh/ssh_config`,
    stdout: failed("drop-in", 'ssh has no ProxyCommand for "qemu/NAME"', SETS_UP),
  },
  {
    name: "a name that the drop-in is not for",
    run: `virtssh doctor www ${FAILURES}`,
    stdout:
      failed(
        "drop-in",
        'ssh has no ProxyCommand for "www"',
        "write qemu/NAME, qemu:system/NAME, qemu:session/NAME or NAME.qemu",
      ) +
      "--\n" +
      failed("target", 'cannot parse target "www": it does not say where to look', "write qemu/www"),
  },
  ...["Host *", "Match all"].map((block) => ({
    name: `a ProxyCommand for ${block}, for which ssh waits`,
    run: `${config(`${block}\\n  ${OTHER}\\n`)}; virtssh doctor qemu/bare | grep -A1 drop-in; ${HANGS}`,
    stdout: `${failed(
      "drop-in",
      `ssh has another ProxyCommand, "sleep 20" ("/root/.ssh/config" line 2) for "qemu/bare", and waits for a descriptor from it, by ProxyUseFdpass ${FDPASS_AT}`,
      `${KEEPS_OUT}; or use it, with: ssh -o ProxyUseFdpass=no qemu/bare`,
    )}124\n`,
  })),
  {
    name: "what the hint says keeps every form of a target out of that block, and nothing else",
    run: `line=$(virtssh doctor qemu/web | sed -n 's/.*begin it with \\(.*"\\); or .*/\\1/p'); printf '%s\\n  ${OTHER}\\n' "$line" > ~/.ssh/config
for host in www qemu.example.com qemu/web qemu:system/web qemu:session/web qemu%web qemu-system%web web.qemu; do echo "$host $(ssh -GT $host | sed -n 's/^proxycommand .*\\(virtssh\\|sleep\\) .*/\\1/p')"; done`,
    stdout: `www sleep
qemu.example.com sleep
qemu/web virtssh
qemu:system/web virtssh
qemu:session/web virtssh
qemu%web virtssh
qemu-system%web virtssh
web.qemu virtssh
`,
  },
  {
    name: "a ProxyCommand with a ProxyUseFdpass of its own means it",
    run: `${config(`Host *\\n  ${OTHER}\\n  ProxyUseFdpass yes\\n`)}; virtssh doctor ${FAILURES}`,
    stdout: failed(
      "drop-in",
      'ssh has another ProxyCommand, "sleep 20" ("/root/.ssh/config" line 2) for "qemu/NAME"',
      KEEPS_OUT,
    ),
  },
  {
    name: "ProxyCommand none",
    run: `${config("Host *\\n  ProxyCommand none\\n")}; virtssh doctor ${FAILURES}`,
    stdout: failed("drop-in", 'ssh has ProxyCommand none ("/root/.ssh/config" line 2) for "qemu/NAME"', KEEPS_OUT),
  },
  {
    name: "a ProxyJump, which the hint turns off",
    run: `${config("Host *\\n  ProxyJump bastion\\n")}; virtssh doctor ${FAILURES}; ssh -GT -o ProxyJump=none qemu/NAME | grep -c 'virtssh proxy'`,
    stdout: `${failed(
      "drop-in",
      'ssh goes to "qemu/NAME" by way of "bastion" ("/root/.ssh/config" line 2), and not through virtssh',
      "go there without it: ssh -o ProxyJump=none qemu/NAME",
    )}1\n`,
  },
  {
    name: "a ProxyUseFdpass no in front of the drop-in's does no harm: virtssh relays",
    run: `${config("Host *\\n  ProxyUseFdpass no\\n")}; virtssh doctor | grep -o '^.. *drop-in:'`,
    stdout: "ok    drop-in:\n",
  },
  {
    name: "virtssh without --fdpass, before the drop-in",
    run: `${config("Host *\\n  ProxyCommand /usr/bin/virtssh proxy %%h %%p\\n")}; virtssh doctor ${FAILURES}; rm ~/.ssh/config`,
    stdout: failed(
      "drop-in",
      `cannot hand over a connection: ProxyUseFdpass is yes ${FDPASS_AT}, and the ProxyCommand has no --fdpass`,
      "write ProxyUseFdpass no there",
    ),
  },
  {
    name: "an alias, and the port that it sets",
    run: `${NO_GUEST}; ${config("Host dev\\n  HostName qemu/web\\n  Port 2222\\n")}; virtssh doctor dev | grep -E '^(ok {4}(ssh c|target)|FAIL)'; rm ~/.ssh/config`,
    stdout: `ok    ssh configuration: "dev" means host "qemu/web", port 2222
ok    target: domain "web", in any case, vsock port 2222
FAIL  connect: cannot connect to domain "web": no guest holds its cid (7) now
`,
  },
];

export const CONTROL: readonly Fact[] = [
  {
    name: "a ControlPath with the name's slash, at which ssh fails after the login",
    run: `${SSHD}; ${config("Host *\\n  ControlMaster auto\\n  ControlPath ~/.ssh/%%r@%%h\\n")}; virtssh doctor qemu/web ${FAILURES}; ssh qemu/web true 2>&1 | grep -c unix_listener; virtssh doctor web.qemu | grep -c FAIL`,
    exit: 1,
    stdout: `${failed(
      "control path",
      'cannot share a connection: the ControlPath ("/root/.ssh/config" line 3) is "/root/.ssh/root@qemu/web", and there is no directory "/root/.ssh/root@qemu"',
      "write %C in it, in place of %h or %n, which hold a slash here",
    )}1\n0\n`,
  },
  {
    name: "a ControlPath in a directory that is not there, until the hint is followed",
    run: `${config("ControlMaster auto\\nControlPath ~/.ssh/cm/all\\n")}; virtssh doctor ${FAILURES}; eval "$(virtssh doctor | sed -n 's/^ *hint: make it with: //p')"; virtssh doctor | grep 'control path'; rm ~/.ssh/config`,
    stdout: `${failed(
      "control path",
      'cannot share a connection: the ControlPath ("/root/.ssh/config" line 2) is "/root/.ssh/cm/all", and there is no directory "/root/.ssh/cm"',
      "make it with: mkdir -p -m 700 /root/.ssh/cm",
    )}ok    control path: "/root/.ssh/cm/all"\n`,
  },
];
