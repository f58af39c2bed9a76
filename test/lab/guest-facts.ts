// What holds in a guest with the package virtssh-guest, whatever its systemd.
import type { Fact } from "./facts.ts";
import {
  ALONE,
  AUTHORIZE,
  addToUnit,
  connectAtOnce,
  endSession,
  forgetDropIns,
  LISTENERS,
  startSession,
  UNITS,
} from "./guest-lab.ts";

const SSH_ADDS = "mm_receive_fd: recvmsg: expected received 1 got 0\r\nproxy dialer did not pass back a connection\r\n";
const HUNG_UP = `virtssh: error: cannot log in to cid 1: vsock port 22 takes the connection and closes it before a word
virtssh: hint: see why in the guest: journalctl -b -g ssh
${SSH_ADDS}`;

/** The hint's own command. */
const SAYS = (words: string) => `journalctl -b -g ssh -o cat | grep -m 1 -o '${words}'`;

const FIRST_BOOT: readonly Fact[] = [
  AUTHORIZE,
  {
    name: "the socket listens, though systemd's generator had no CID to make one for",
    run: `systemctl is-active sshd-vsock.socket; ${LISTENERS}`,
    stdout: "active\n:22 \n",
  },
  {
    name: "10 connections at the first boot wait for the host keys",
    run: connectAtOnce(10),
    stdout: "10 greeted\n",
  },
  {
    name: "which are made once, by one service, before the distribution's own sshd",
    run: `ls /etc/ssh/ssh_host_*_key | wc -l
      journalctl -b -o cat -u sshd-vsock-keygen.service | grep -c 'generating new host keys: RSA ECDSA ED25519'
      systemctl is-active ssh.service`,
    stdout: "3\n1\nactive\n",
  },
  {
    name: "a login, whose peer sshd does not know",
    run: "ssh root@guest 'echo $SSH_CONNECTION'",
    stdout: "UNKNOWN 65535 UNKNOWN 65535\n",
  },
  {
    name: "which TCP wrappers do not keep out",
    run: "echo ALL: ALL > /etc/hosts.deny; ssh root@guest echo in; rm /etc/hosts.deny",
    stdout: "in\n",
  },
];

/** Each distribution's file, and the variable that its sshd takes options from. */
const OPTIONS: readonly (readonly [file: string, variable: string])[] = [
  ["/etc/default/ssh", "SSHD_OPTS"],
  ["/etc/sysconfig/ssh", "SSHD_OPTS"],
  ["/etc/sysconfig/sshd", "OPTIONS"],
  ["/etc/crypto-policies/back-ends/opensshserver.config", "CRYPTO_POLICY"],
];

const SESSIONS: readonly Fact[] = [
  ...OPTIONS.map(([file, variable]) => ({
    name: `sshd has the options in ${file}`,
    run: `mkdir -p "$(dirname ${file})"; touch ${file}; cp -p ${file} /tmp/kept
      echo '${variable}="-oPrintMotd=no -oSetEnv=FROM=${variable}"' > ${file}
      ssh root@guest 'echo $FROM'; cp -p /tmp/kept ${file}`,
    stdout: `${variable}\n`,
  })),
  {
    name: "RHEL 9's crypto policy, which is for sshd_config, does no harm",
    run: `echo 'Ciphers aes256-gcm@openssh.com' > ${OPTIONS[3]?.[0]}; ssh root@guest echo in; rm -r /etc/crypto-policies /etc/sysconfig`,
    stdout: "in\n",
  },
  {
    name: "the session has none of the unit's environment",
    run: "ssh root@guest env | grep -E 'RES_OPTIONS|OPTS|OPTIONS|CRYPTO'",
    exit: 1,
  },
  {
    name: "a session survives a restart and a stop of the socket",
    run: `${startSession("restart")}
      systemctl restart sshd-vsock.socket && ssh root@guest echo another
      systemctl stop sshd-vsock.socket; ${LISTENERS}
      ${endSession("restart")}; systemctl start sshd-vsock.socket`,
    stdout: "another\nin\nstill here\n",
  },
  {
    name: "what a user leaves running goes on after the session",
    run: `${addToUnit("sshd-vsock@.service", "[Service]", "Environment=SSHD_OPTS=-oUsePAM=no")}
      ssh root@guest 'setsid sleep 1077 < /dev/null > /dev/null 2>&1 &'
      ${ALONE}
      pkill -c -f '^sleep 1077'; ${forgetDropIns("sshd-vsock@.service")}`,
    stdout: "1\n",
  },
];

const BURST: readonly Fact[] = [
  {
    name: "of 100 connections at once, 64 are greeted and the rest is hung up on; ssh says so, and the guest's journal says why",
    run: `${connectAtOnce(100, "/tmp/hold")} & clients=$!
      until [ -e /tmp/hold ]; do sleep 0.05; done
      ssh root@guest true; ${SAYS("Too many incoming connections (64), dropping connection")}
      rm /tmp/hold; wait $clients; systemctl is-active sshd-vsock.socket`,
    stdout: "64 greeted, 36 hung up on\nToo many incoming connections (64), dropping connection\nactive\n",
    stderr: HUNG_UP,
  },
  {
    name: "and is well again once they are gone",
    run: `until [ "$(systemctl show --value -p NConnections sshd-vsock.socket)" -lt 64 ]; do sleep 0.05; done; ssh root@guest echo in`,
    stdout: "in\n",
  },
];

const FORWARD = "virtssh-vsock-forward.service";

const FORWARDER: readonly Fact[] = [
  {
    name: "the forwarder takes the socket's place, and its logins are from 127.0.0.1",
    run: `systemctl start ${FORWARD}; systemctl is-active ${FORWARD} sshd-vsock.socket
      until ${LISTENERS} > /dev/null; do sleep 0.05; done; ${LISTENERS}
      ssh root@guest 'set -- $SSH_CONNECTION; echo $1 $3 $4'`,
    stdout: "active\ninactive\n:22 \n127.0.0.1 127.0.0.1 22\n",
  },
  {
    name: "the forwarder is a user of its own, with one capability",
    run: `ps -o user= -p "$(systemctl show --value -p MainPID ${FORWARD})"; grep CapEff "/proc/$(systemctl show --value -p MainPID ${FORWARD})/status"`,
    stdout: /^(virtssh\S*|6[1-5]\d{3})\nCapEff:\t0000000000000400\n$/,
  },
  {
    name: "systemd-analyze security finds little that it could do without",
    run: `systemd-analyze security --no-pager ${FORWARD} | grep -o 'level for .*: 1.7 OK'`,
    stdout: `level for ${FORWARD}: 1.7 OK\n`,
  },
  {
    name: "100 connections at once leave it running, and a session of before goes on when the socket comes back",
    run: `${startSession("forwarded")}
      ${connectAtOnce(100)} | grep -o without; systemctl show --value -p ActiveState -p NRestarts ${FORWARD} | sort
      systemctl start sshd-vsock.socket; systemctl is-active ${FORWARD} sshd-vsock.socket
      ${endSession("forwarded")}; ssh root@guest echo over the socket`,
    stdout: "0\nactive\ninactive\nactive\nin\nstill here\nover the socket\n",
  },
];

const END: readonly Fact[] = [
  {
    name: "the preset enables the socket and the keys, and not the forwarder",
    run: `units="sshd-vsock.socket sshd-vsock-keygen.service ${FORWARD}"
      systemctl -q disable $units && systemctl -q preset $units && systemctl is-enabled $units`,
    stdout: "enabled\nenabled\ndisabled\n",
  },
  { name: "no unit has failed", run: "systemctl --failed --quiet --no-legend | grep -E 'ssh|vsock'", exit: 1 },
];

/** A guest that boots for the first time. */
export const GUEST_FACTS: readonly Fact[] = [...FIRST_BOOT, ...SESSIONS, ...BURST, ...FORWARDER, ...END];

/** A step's text that has systemd read the units and say what it does not like. */
export const VERIFY = `systemd-analyze verify --man=no ${["sshd-vsock.socket", "sshd-vsock@.service", "sshd-vsock-keygen.service", FORWARD].map((unit) => `${UNITS}/${unit}`).join(" ")}`;
